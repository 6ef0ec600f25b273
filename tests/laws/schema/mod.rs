//! The laws of the schema, asked of a migrated database: what Postgres holds is what the code believes and what DESIGN promises.

mod isolation;
mod keys;
mod migrations;
mod shape;
mod words;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The rows of a query of one column of text, named `line`.
async fn lines(conn: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Line> =
        diesel::sql_query(sql).load(conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.into_iter().map(|row| row.line).collect()
}

/// What Postgres says against a statement; `done` when it says nothing.
async fn refusal(conn: &mut AsyncPgConnection, sql: &str) -> String {
    match conn.batch_execute(sql).await {
        Ok(()) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The tables that are ours, as a condition on `pg_class c`.
const OURS: &str = "c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname <> '__diesel_schema_migrations'";
