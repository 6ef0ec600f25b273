//! Changing a county's rules: the whole of it is checked before anything changes, then it is written with an event in the county's
//! ledger.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::error::LadderCode;
use super::keep::needed;
use super::own::OwnRules;
use super::succession::{keeps_too_many, succeed};
use super::{check, store};
use crate::deadlines::limits::{Rules, split};
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, Fact};
use crate::organisation::CountyId;
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::{CommonCode, FieldError, Problem};
use crate::platform::http::version;

/// Puts a county's own rules in the place of those before. The same ones again change nothing.
///
/// # Errors
/// 409 when somebody else was faster, or when clocks still climb by too many earlier ladders; 422 with the path of every fault.
pub async fn put(
    db: &Db,
    county: CountyId,
    author: &Actor,
    own: OwnRules,
    expected: Option<i32>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let done = put_in(&mut tx, county, author, own, expected, now).await;
    tx.finish(done).await
}

async fn put_in(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    author: &Actor,
    own: OwnRules,
    expected: Option<i32>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let (kept, revision) = store::lock_settings(conn, county).await?;
    version::check(expected, revision)?;
    let (chosen, _) = judge(conn, county, &own, "").await?;
    let before = split(&kept).0;
    if before == chosen {
        return Ok(());
    }
    let settings = needed(conn, county, succeed(&kept, chosen, now)).await?;
    if keeps_too_many(&kept, &settings) {
        return Err(LadderCode::TooManyKept.into());
    }
    store::put_settings(conn, county, &settings, revision + 1).await?;
    let before = OwnRules::of_settings(before).unwrap_or_default();
    let told = json!({"version": revision + 1, "rules": own, "before": before});
    let subject = Subject { county_id: county.0, kind: ledger::SubjectKind::County, id: county.0 };
    let at = ledger::store::last_at(conn, county.0).await?.map_or(now, |last| last.max(now));
    ledger::store::append(conn, subject, author, at, vec![Fact::new("county.ladders_changed", told)]).await?;
    Ok(())
}

/// What a county may choose: as settings keep it, and the rules it makes. `root` is where it stands in the body, `rules.` or nothing.
///
/// # Errors
/// 422 with the path of every fault.
pub async fn judge(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    own: &OwnRules,
    root: &str,
) -> Result<(Value, Rules), Problem> {
    let named: Vec<&str> = own.ladder.items.keys().map(String::as_str).collect();
    let known = if named.is_empty() { Vec::new() } else { store::known_items(conn, county, &named).await? };
    let unknown = named.into_iter().filter(|code| known.iter().all(|known| known != code)).map(|code| {
        let field = format!("ladder.items.{code}");
        FieldError::new(field, "unknown_item", "没有这个事项", "there is no such item")
    });
    let mut faults: Vec<FieldError> = unknown.collect();
    let judged = check::check(own);
    if let Err(found) = &judged {
        faults.extend(found.iter().cloned());
    }
    let at_root = |fault: FieldError| FieldError { field: format!("{root}{}", fault.field), ..fault };
    match judged {
        Ok(rules) if faults.is_empty() => Ok(rules),
        _ => Err(Problem::invalid(faults.into_iter().map(at_root).collect())),
    }
}

/// What stands in Postgres was checked; only a hand there or an older binary gets here.
pub(super) fn unreadable(error: &impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the county's rules cannot be read");
    CommonCode::Internal.into()
}
