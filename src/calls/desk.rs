//! What every verb of a call needs from the outside.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::deadlines::Calendars;
use crate::deadlines::limits::Rules;
use crate::notices::wake::Wake;
use crate::platform::crypto::{Vault, hmac_sha256};
use crate::platform::db::{Db, DbError};
use crate::platform::http::problem::Problem;

use super::model::CallId;

/// An arrival code is fresh for so many seconds, and one such time longer; a phone's clock and the server's need not agree better.
const QUARTER_S: i64 = 900;

/// Postgres, the calendars, the keys, and the bell of the notice workers.
#[derive(Clone)]
pub struct Desk {
    pub db: Db,
    pub calendars: Calendars,
    pub wake: Wake,
    pub number_key: [u8; 32],
    pub link_key: [u8; 32],
    arrival_key: [u8; 32],
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys open links and tell arrival codes.
        f.debug_struct("Desk").field("db", &self.db).finish_non_exhaustive()
    }
}

impl Desk {
    #[must_use]
    pub fn new(db: Db, calendars: Calendars, wake: Wake, vault: &Vault) -> Self {
        Self {
            db,
            calendars,
            wake,
            number_key: vault.derive("call-number"),
            link_key: vault.derive("action-link"),
            arrival_key: vault.derive("arrival-code"),
        }
    }

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

    /// The six digits that the enterprise shows to the officer who has come. Each call has its own in each quarter of an hour.
    #[must_use]
    pub fn arrival_code(&self, call: CallId, now: DateTime<Utc>) -> String {
        self.code_of(call, now.timestamp().div_euclid(QUARTER_S))
    }

    /// When the quarter of an hour began in which `now` lies, and in how many seconds it ends.
    #[must_use]
    pub fn quarter(now: DateTime<Utc>) -> (DateTime<Utc>, u64) {
        let gone = now.timestamp().rem_euclid(QUARTER_S);
        let began = now.timestamp() - gone;
        let left = u64::try_from(QUARTER_S - gone).unwrap_or_default();
        (DateTime::from_timestamp(began, 0).unwrap_or(now), left)
    }

    /// Whether `code` is the present or the last arrival code of the call.
    #[must_use]
    pub fn arrival_code_holds(&self, call: CallId, now: DateTime<Utc>, code: &str) -> bool {
        let quarter = now.timestamp().div_euclid(QUARTER_S);
        [quarter, quarter - 1].iter().any(|quarter| {
            crate::platform::crypto::same(self.code_of(call, *quarter).as_bytes(), code.as_bytes())
        })
    }

    fn code_of(&self, call: CallId, quarter: i64) -> String {
        let mac =
            hmac_sha256(&self.arrival_key, &[call.0.as_bytes().as_slice(), &quarter.to_be_bytes()].concat());
        let digits = mac.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes)) % 1_000_000;
        format!("{digits:06}")
    }
}
