//! What every verb of supervision needs from the outside.

use std::sync::Arc;

use serde_json::Value;

use crate::deadlines::calendar::Calendar;
use crate::deadlines::limits::Rules;
use crate::notices::wake::Wake;
use crate::platform::db::{Db, DbError};
use crate::platform::http::problem::Problem;

/// Postgres, the calendar, and the bell of the notice workers.
#[derive(Clone, Debug)]
pub struct SupervisionDesk {
    pub db: Db,
    pub calendar: Arc<Calendar>,
    pub wake: Wake,
}

impl SupervisionDesk {
    /// The same desk over another pool.
    #[must_use]
    pub fn with_db(&self, db: Db) -> Self {
        Self { db, ..self.clone() }
    }

    /// The rules of a county with these settings.
    pub fn rules(&self, settings: &Value) -> Result<Arc<Rules>, Problem> {
        Rules::of_county(settings).map_err(|error| {
            tracing::error!(%error, "the county's settings cannot be read");
            DbError::Query(diesel::result::Error::DeserializationError("county settings".into())).into()
        })
    }
}
