//! Posting notices in the transaction of the fact they tell.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::address::Route;
use super::model::{ChannelId, ChannelState, NewNotice, Priority, SubjectKind};
use crate::organisation::model::Office;
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{channels, departments, notices};

pub use super::address::address;

/// A notice before it has a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    /// `subject.verb`, names the template and the webhook's type, e.g. `call.dispatched`.
    pub event: &'static str,
    /// The department whose room hears it; none: only the county's own channels.
    pub department: Option<DepartmentId>,
    /// The officer whose action is awaited.
    pub officer: Option<OfficerId>,
    pub priority: Priority,
    pub params: Value,
}

/// The channels that hear a department's matters: its own rooms, the business office's, and the county's channels. A paused one is
/// among them: what is posted to it waits there, visibly, until it is active again. A dead one is not.
pub async fn routes(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    departments_asked: &[DepartmentId],
) -> QueryResult<Vec<Route>> {
    let is_office = departments::office.is_not_distinct_from(Office::BusinessOffice.as_str());
    let rows: Vec<(ChannelId, ChannelState, Option<DepartmentId>, Option<String>)> = channels::table
        .left_join(departments::table)
        .filter(channels::county_id.eq(county))
        .filter(channels::state.ne(ChannelState::Dead))
        .filter(
            channels::department_id
                .is_null()
                .or(channels::department_id.eq_any(departments_asked.iter().map(|id| Some(*id))))
                .or(is_office),
        )
        .select((channels::id, channels::state, channels::department_id, departments::office.nullable()))
        .load(conn)
        .await?;
    let route = |(channel, state, department, office): (_, _, _, Option<String>)| Route {
        channel,
        department,
        office: office.as_deref() == Some(Office::BusinessOffice.as_str()),
        paused: state == ChannelState::Paused,
    };
    Ok(rows.into_iter().map(route).collect())
}

/// Writes notices; they leave when the transaction has committed.
pub async fn post(conn: &mut AsyncPgConnection, rows: &[NewNotice]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    diesel::insert_into(notices::table).values(rows).execute(conn).await.map(drop)
}

/// What was awaited has happened: alarms that left were acted on, alarms that did not leave stay behind. One that is on the wire at
/// this moment ends acted or superseded when its sender settles. Those that were given up are marked as well, so that whatever takes
/// their place at this moment finds that nothing is awaited any more.
pub async fn settle_alarms(conn: &mut AsyncPgConnection, subject: Uuid) -> QueryResult<()> {
    SettleAlarms { subject }.execute(conn).await.map(drop)
}

struct SettleAlarms {
    subject: Uuid,
}

impl QueryFragment<Pg> for SettleAlarms {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "update notices set answered = true, state = case when state = 'sent' then 'acted' \
             when state in ('queued', 'held', 'retry') then 'superseded' else state end, \
             due_at = case state when 'sending' then due_at end, \
             reason = case when state in ('queued', 'held', 'retry') then 'superseded' else reason end where subject_id = ",
        );
        out.push_bind_param::<sql_types::Uuid, _>(&self.subject)?;
        out.push_sql(" and officer_id is not null and not answered");
        Ok(())
    }
}

impl QueryId for SettleAlarms {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}
