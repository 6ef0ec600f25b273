//! A county's rules as its administrator sees them.

use serde::Serialize;
use utoipa::ToSchema;

use super::change::unreadable;
use super::own::OwnRules;
use super::store;
use crate::deadlines::limits::{Rules, split};
use crate::organisation::CountyId;
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::Problem;

/// The rules that hold now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LaddersView {
    /// Counts every change; for `If-Match`.
    pub version: i32,
    /// What the county chose; to be changed and put back whole.
    pub own: OwnRules,
    /// All rules: the county's own, and those shipped where it chose nothing.
    pub rules: OwnRules,
}

/// The rules of a county.
///
/// # Errors
/// When Postgres is away.
pub async fn county(db: &Db, county: CountyId) -> Result<LaddersView, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let found = store::settings(&mut tx, county).await.map_err(Problem::from);
    let (settings, version) = tx.finish(found).await?;
    let rules = Rules::written(&settings).map_err(|error| unreadable(&error))?;
    Ok(LaddersView {
        version,
        own: OwnRules::of_settings(split(&settings).0).map_err(|error| unreadable(&error))?,
        rules: OwnRules::of_settings(rules).map_err(|error| unreadable(&error))?,
    })
}
