//! Changing a county's own words: checked before anything changes, then written with an event in the county's ledger.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::Texts;
use super::check::check;
use super::wording::EventText;
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, Fact};
use crate::notices::admin::error::NoticeCode;
use crate::notices::store::texts as store;
use crate::organisation::CountyId;
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::{CommonCode, Problem};
use crate::platform::http::version;

/// Whose words for which event, and on which version the change was made.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub county: CountyId,
    pub author: &'a Actor,
    pub event: &'a str,
    pub expected: Option<i32>,
    pub now: DateTime<Utc>,
}

/// Puts own words in the place of those before; those shipped when there are none. The same ones again change nothing.
///
/// # Errors
/// 404 for an event that is not the county's to word, 409 when somebody else was faster, 422 with the path of every fault.
pub async fn put(db: &Db, texts: &Texts, change: Change<'_>, own: Option<&EventText>) -> Result<(), Problem> {
    texts.shipped(change.event).ok_or_else(|| NoticeCode::EventNotFound.problem())?;
    if let Some(own) = own {
        check(texts, change.event, own, change.now).map_err(Problem::invalid)?;
    }
    let words = own.map(serde_json::to_value).transpose().map_err(|error| {
        tracing::error!(%error, "a text cannot be written down");
        CommonCode::Internal.problem()
    })?;
    let mut tx = db.begin(Scope::County(change.county.0)).await?;
    let done = put_in(&mut tx, change, words).await;
    tx.finish(done).await
}

async fn put_in(
    conn: &mut AsyncPgConnection,
    change: Change<'_>,
    words: Option<Value>,
) -> Result<(), Problem> {
    let Change { county, author, event, expected, now } = change;
    store::lock_county(conn, county).await?;
    let kept = store::of_event(conn, county, event).await?;
    let (present, before) = kept.map_or((0, None), |kept| (kept.version, kept.words));
    version::check(expected, present)?;
    if before == words {
        return Ok(());
    }
    store::put(conn, county, event, present + 1, words.as_ref()).await?;
    let told = json!({ "event": event, "version": present + 1, "words": words, "before": before });
    let subject = Subject { county_id: county.0, kind: ledger::SubjectKind::County, id: county.0 };
    let at = ledger::store::last_at(conn, county.0).await?.map_or(now, |last| last.max(now));
    ledger::store::append(conn, subject, author, at, vec![Fact::new("county.text_changed", told)]).await?;
    Ok(())
}
