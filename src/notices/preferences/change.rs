//! An order is read, and another put in its place, with an event in the ledger: of the officer's account, or of the county for a department.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::view::{OrderOf, OrderView, view};
use super::{chosen, version};
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, Fact, SubjectKind};
use crate::notices::admin::Administrator;
use crate::notices::inbox::Reader;
use crate::notices::model::ChannelId;
use crate::notices::store::preferences::{self as store, Way};
use crate::notices::store::{register, texts};
use crate::organisation::{DepartmentId, OfficerId};
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::{CommonCode, FieldError, Problem};
use crate::platform::http::version;

/// An order to be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelOrder {
    /// Ids of the list that `GET` of the same path gives, the first to be tried first. What is left out follows in the order that holds otherwise; with none, nothing is
    /// chosen any more.
    pub channels: Vec<ChannelId>,
}

/// By what an officer is reached, in order.
pub async fn own(db: &Db, reader: Reader) -> Result<OrderView, Problem> {
    let mut tx = db.begin(Scope::County(reader.county.0)).await?;
    let ways = ways(&mut tx, reader.officer).await;
    Ok(view(tx.finish(ways).await?, OrderOf::Own))
}

/// Puts an officer's own order in the place of that before. The same again changes nothing.
///
/// # Errors
/// 409 when it was changed meanwhile, 422 with every channel that does not reach him or stands twice.
pub async fn put_own(
    db: &Db,
    (reader, name): (Reader, &str),
    order: &ChannelOrder,
    expected: Option<i32>,
    now: DateTime<Utc>,
) -> Result<OrderView, Problem> {
    let mut tx = db.begin(Scope::County(reader.county.0)).await?;
    let put = async {
        store::lock_account(&mut tx, reader.account).await?;
        let before = ways(&mut tx, reader.officer).await?;
        version::check(expected, version(&before))?;
        judge(&before, order)?;
        let Some(officer) = reader.officer.filter(|_| !says_so(&before, order)) else {
            return Ok(before);
        };
        store::put_own(&mut tx, officer, &order.channels, now).await?;
        let fact = json!({ "channels": codes(&before, &order.channels), "before": codes(&before, &chosen(&before)) });
        let subject = Subject { county_id: reader.county.0, kind: SubjectKind::Account, id: reader.account };
        let at = ledger::store::last_at(&mut tx, reader.account).await?.map_or(now, |last| last.max(now));
        let (actor, fact) =
            (Actor::account(reader.account, name), Fact::new("account.channels_ordered", fact));
        ledger::store::append(&mut tx, subject, &actor, at, vec![fact]).await?;
        ways(&mut tx, reader.officer).await
    };
    let put: Result<_, Problem> = put.await;
    Ok(view(tx.finish(put).await?, OrderOf::Own))
}

/// In which order a department's officers are tried who chose none themselves.
///
/// # Errors
/// 404 when the county has no such department.
pub async fn of_department(db: &Db, administrator: &Administrator, code: &str) -> Result<OrderView, Problem> {
    let mut tx = db.begin(administrator.scope()).await?;
    let ways = async {
        let department = department(&mut tx, administrator, code).await?;
        Ok(store::of_department(&mut tx, administrator.county, department).await?)
    };
    let ways: Result<_, Problem> = ways.await;
    Ok(view(tx.finish(ways).await?, OrderOf::Department))
}

/// Puts a department's order in the place of that before. The same again changes nothing; an empty one leaves it to the county's files
/// again.
///
/// # Errors
/// As [`of_department`], and 409 and 422 as [`put_own`].
pub async fn put_for_department(
    db: &Db,
    (administrator, code): (&Administrator, &str),
    order: &ChannelOrder,
    expected: Option<i32>,
    now: DateTime<Utc>,
) -> Result<OrderView, Problem> {
    let county = administrator.county;
    let mut tx = db.begin(administrator.scope()).await?;
    let put = async {
        texts::lock_county(&mut tx, county).await?;
        let department = department(&mut tx, administrator, code).await?;
        let before = store::of_department(&mut tx, county, department).await?;
        version::check(expected, version(&before))?;
        judge(&before, order)?;
        if says_so(&before, order) {
            return Ok(before);
        }
        store::put_for_department(&mut tx, county, department, &order.channels, now).await?;
        let fact = json!({
            "department": code, "channels": codes(&before, &order.channels), "before": codes(&before, &chosen(&before)),
        });
        let subject = Subject { county_id: county.0, kind: SubjectKind::County, id: county.0 };
        let at = ledger::store::last_at(&mut tx, county.0).await?.map_or(now, |last| last.max(now));
        let actor = Actor::account(administrator.account, administrator.name.clone());
        let fact = Fact::new("county.channels_ordered", fact);
        ledger::store::append(&mut tx, subject, &actor, at, vec![fact]).await?;
        Ok(store::of_department(&mut tx, county, department).await?)
    };
    let put: Result<_, Problem> = put.await;
    Ok(view(tx.finish(put).await?, OrderOf::Department))
}

async fn ways(conn: &mut AsyncPgConnection, officer: Option<OfficerId>) -> Result<Vec<Way>, Problem> {
    match officer {
        Some(officer) => Ok(store::of_officer(conn, officer).await?),
        None => Ok(Vec::new()),
    }
}

async fn department(
    conn: &mut AsyncPgConnection,
    administrator: &Administrator,
    code: &str,
) -> Result<DepartmentId, Problem> {
    let found = register::department(conn, administrator.county, code).await?;
    found.ok_or_else(|| CommonCode::NotFound.problem())
}

/// Whether this order was put here before: what only the county's files say is not yet chosen.
fn says_so(before: &[Way], order: &ChannelOrder) -> bool {
    let is_said = order.channels.is_empty() || before.iter().any(|way| way.is_said);
    is_said && chosen(before) == order.channels
}

/// What of an order is not there to be put in order.
fn judge(ways: &[Way], order: &ChannelOrder) -> Result<(), Problem> {
    let mut faults = Vec::new();
    for (index, channel) in order.channels.iter().enumerate() {
        let field = || format!("channels[{index}]");
        if !ways.iter().any(|way| way.channel == *channel) {
            let (zh, en) = (
                "可排序的通道里没有这一个，请填同一地址 GET 列出的 id",
                "not one of the channels to be put in order; give ids of the list that GET gives here",
            );
            faults.push(FieldError::new(field(), "unknown_channel", zh, en));
        } else if order.channels.iter().take(index).any(|before| before == channel) {
            faults.push(FieldError::new(field(), "duplicate", "重复填写", "given twice"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

fn codes<'w>(ways: &'w [Way], channels: &[ChannelId]) -> Vec<&'w str> {
    let code = |channel: &ChannelId| ways.iter().find(|way| way.channel == *channel);
    channels.iter().filter_map(code).map(|way| way.code.as_str()).collect()
}
