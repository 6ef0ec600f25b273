//! What every verb of supervision needs from the outside.

use std::sync::Arc;

use diesel_async::AsyncPgConnection;
use serde_json::Value;

use crate::deadlines::limits::Rules;
use crate::deadlines::{Calendars, CountyCalendars};
use crate::notices::wake::Wake;
use crate::organisation::CountyId;
use crate::platform::db::{Db, DbError};
use crate::platform::http::problem::Problem;

use super::store::faces;

/// Postgres, the calendars, and the bell of the notice workers.
#[derive(Clone, Debug)]
pub struct SupervisionDesk {
    pub db: Db,
    pub calendars: Calendars,
    pub wake: Wake,
}

impl SupervisionDesk {
    /// The same desk over another pool.
    #[must_use]
    pub fn with_db(&self, db: Db) -> Self {
        Self { db, ..self.clone() }
    }

    /// The rules and the calendars of a county, as this transaction sees them.
    pub async fn county(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
    ) -> Result<(Arc<Rules>, Arc<CountyCalendars>), Problem> {
        let (settings, revision) = faces::settings(conn, county).await?;
        Ok((self.rules(&settings)?, self.calendars.at(conn, county, revision).await?))
    }

    /// The rules of a county with these settings.
    fn rules(&self, settings: &Value) -> Result<Arc<Rules>, Problem> {
        Rules::of_county(settings).map_err(|error| {
            tracing::error!(%error, "the county's settings cannot be read");
            DbError::Query(diesel::result::Error::DeserializationError("county settings".into())).into()
        })
    }
}
