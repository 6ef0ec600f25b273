//! The SQL of identity. Every statement names its county besides what row-level security adds, so that the indexes serve it.

pub(super) mod accounts;
pub(super) mod profile;
pub(super) mod sessions;
pub(super) mod signing_keys;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::organisation::CountyId;
use crate::platform::db::Scope;
use crate::schema::counties;

/// For what belongs to no county (signing keys, looking a county up by its code): a scope in which no row of any county is visible.
pub(super) const NO_COUNTY: Scope = Scope::County(Uuid::nil());

/// The county of a code.
pub(super) async fn county_of_code(
    conn: &mut AsyncPgConnection,
    code: &str,
) -> QueryResult<Option<CountyId>> {
    counties::table.filter(counties::code.eq(code)).select(counties::id).first(conn).await.optional()
}
