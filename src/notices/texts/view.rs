//! Texts as the system administrator sees them.

use std::collections::HashMap;

use serde::{Deserialize as _, Serialize};
use utoipa::ToSchema;

use super::wording::EventText;
use super::{NAMES, Texts};
use crate::notices::admin::error::NoticeCode;
use crate::notices::store::texts::{self as store, Kept};
use crate::organisation::CountyId;
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::{CommonCode, Problem};

/// All events that a county may word.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TextsView {
    pub items: Vec<TextView>,
    /// The names that templates may use.
    pub names: Vec<&'static str>,
}

/// The words of one event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TextView {
    #[schema(example = "call.dispatched")]
    pub event: String,
    /// Counts every change; for `If-Match`. 0: never changed.
    pub version: i32,
    pub shipped: EventText,
    /// The county's own; what they leave out is said as shipped. None: all as shipped.
    #[schema(required)]
    pub own: Option<EventText>,
}

/// The words of all events.
///
/// # Errors
/// When Postgres is away.
pub async fn list(db: &Db, texts: &Texts, county: CountyId) -> Result<TextsView, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let kept = store::all(&mut tx, county).await.map_err(Problem::from);
    let mut kept: HashMap<String, Kept> = tx.finish(kept).await?.into_iter().collect();
    let one = |event: &str| view(texts, event, kept.remove(event));
    let items = texts.events().into_iter().map(one).collect::<Result<_, _>>()?;
    Ok(TextsView { items, names: NAMES.to_vec() })
}

/// The words of one event.
///
/// # Errors
/// 404 for an event that is not the county's to word.
pub async fn read(db: &Db, texts: &Texts, county: CountyId, event: &str) -> Result<TextView, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let kept = store::of_event(&mut tx, county, event).await.map_err(Problem::from);
    view(texts, event, tx.finish(kept).await?)
}

fn view(texts: &Texts, event: &str, kept: Option<Kept>) -> Result<TextView, Problem> {
    let shipped = texts.shipped(event).ok_or_else(|| NoticeCode::EventNotFound.problem())?;
    let (version, words) = kept.map_or((0, None), |kept| (kept.version, kept.words));
    let own = words.map(EventText::deserialize).transpose().map_err(|error| unreadable(&error))?;
    Ok(TextView { event: event.to_owned(), version, shipped, own })
}

/// What stands in Postgres was checked; only a hand there or an older binary gets here.
fn unreadable(error: &impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the county's own words cannot be read");
    CommonCode::Internal.into()
}
