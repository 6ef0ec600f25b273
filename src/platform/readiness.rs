//! Whether this process can serve: Postgres answers, and holds the schema this binary was compiled for. Redis is looked at, but
//! never required.

use std::time::Duration;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Nullable, Text};
use diesel_async::RunQueryDsl as _;
use serde::Serialize;

use super::db::{Db, DbError, MIGRATIONS, Scope};
use super::redis::Redis;

/// Longest wait for each of the two.
const PATIENCE: Duration = Duration::from_secs(1);

/// How one neighbour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    Ok,
    /// Did not answer within a second.
    Away,
    /// Postgres answers, but its schema is older or newer than this binary.
    OtherSchema,
    /// Postgres has not yet shown that counties are kept apart.
    NotIsolated,
}

/// What stands behind this process at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    pub postgres: Neighbour,
    pub redis: Neighbour,
    /// The migration this binary expects, e.g. `20261123000009`.
    pub schema: String,
}

impl Readiness {
    /// Asks both, at the same time.
    pub async fn look(db: &Db, redis: &Redis) -> Self {
        let schema = compiled_schema();
        let (postgres, redis) = tokio::join!(
            async {
                match tokio::time::timeout(PATIENCE, present_schema(db)).await {
                    Ok(Ok(Some(present))) if present == schema => Neighbour::Ok,
                    Ok(Ok(_) | Err(DbError::Query(_))) => Neighbour::OtherSchema,
                    Ok(Err(DbError::Unavailable(_) | DbError::Address(_))) | Err(_) => Neighbour::Away,
                }
            },
            async {
                match tokio::time::timeout(PATIENCE, redis.answers()).await {
                    Ok(true) => Neighbour::Ok,
                    Ok(false) | Err(_) => Neighbour::Away,
                }
            }
        );
        Self { postgres, redis, schema }
    }

    /// Requests can be served: Redis may be away, Postgres may not.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.postgres == Neighbour::Ok
    }
}

/// The latest migration that is compiled in; empty when there is none.
#[must_use]
pub fn compiled_schema() -> String {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().unwrap_or_default();
    migrations.iter().map(|migration| migration.name().version().to_string()).max().unwrap_or_default()
}

async fn present_schema(db: &Db) -> Result<Option<String>, DbError> {
    let mut tx = db.begin(Scope::AllCounties).await?;
    let latest = diesel::select(diesel::dsl::sql::<Nullable<Text>>(
        "(select max(version) from __diesel_schema_migrations)",
    ))
    .get_result(&mut *tx)
    .await
    .map_err(DbError::from);
    tx.finish(latest).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_schema_is_the_latest_migration() {
        let schema = compiled_schema();
        assert!(schema.as_str() >= "20261123000009", "{schema}");
        assert!(schema.bytes().all(|b| b.is_ascii_digit()));
    }
}
