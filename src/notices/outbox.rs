//! Posting notices in the transaction of the fact they tell.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::model::{ChannelId, ChannelState, NewNotice, NoticeId, NoticeState, Priority, SubjectKind};
use crate::organisation::model::Office;
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{channels, departments, notices};

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

/// An active channel and whose it is; no department: the county's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub channel: ChannelId,
    pub department: Option<DepartmentId>,
    /// A room of the business office, which stands in for departments without one.
    pub office: bool,
}

/// The channels that hear a department's matters: its own room, else the business office's, and the county's channels.
pub async fn routes(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    departments_asked: &[DepartmentId],
) -> QueryResult<Vec<Route>> {
    let is_office = departments::office.is_not_distinct_from(Office::BusinessOffice.as_str());
    let rows: Vec<(ChannelId, Option<DepartmentId>, Option<String>)> = channels::table
        .left_join(departments::table)
        .filter(channels::county_id.eq(county))
        .filter(channels::state.eq(ChannelState::Active))
        .filter(
            channels::department_id
                .is_null()
                .or(channels::department_id.eq_any(departments_asked.iter().map(|id| Some(*id))))
                .or(is_office),
        )
        .select((channels::id, channels::department_id, departments::office.nullable()))
        .load(conn)
        .await?;
    let route = |(channel, department, office): (_, _, Option<String>)| {
        let office = office.as_deref() == Some(Office::BusinessOffice.as_str());
        Route { channel, department, office }
    };
    Ok(rows.into_iter().map(route).collect())
}

/// The rows for one draft: one per room of its department (or of the fallback's) and one per channel of the county.
#[must_use]
pub fn address(draft: &Draft, county: CountyId, routes: &[Route], now: DateTime<Utc>) -> Vec<NewNotice> {
    let own = |route: &&Route| route.department.is_some() && route.department == draft.department;
    let has_own = routes.iter().any(|route| own(&route));
    routes
        .iter()
        .filter(|route| match (route.department, draft.department) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(room), Some(asked)) => room == asked || (route.office && !has_own),
        })
        .map(|route| NewNotice {
            id: NoticeId::fresh(),
            county_id: county,
            subject_kind: draft.subject_kind,
            subject_id: draft.subject_id,
            event: draft.event.to_owned(),
            channel_id: route.channel,
            officer_id: draft.officer.filter(|_| route.department.is_some()),
            priority: if route.department.is_some() { draft.priority } else { Priority::Normal },
            params: draft.params.clone(),
            state: NoticeState::Queued,
            attempt: 0,
            due_at: Some(now),
            answered: false,
            created_at: now,
            reason: String::new(),
        })
        .collect()
}

/// Writes notices; they leave when the transaction has committed.
pub async fn post(conn: &mut AsyncPgConnection, rows: &[NewNotice]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    diesel::insert_into(notices::table).values(rows).execute(conn).await.map(drop)
}

/// What was awaited has happened: alarms that left were acted on, alarms that did not leave stay behind. One that is on the wire at
/// this moment ends acted or superseded when its sender settles.
pub async fn settle_alarms(conn: &mut AsyncPgConnection, subject: Uuid) -> QueryResult<()> {
    SettleAlarms { subject }.execute(conn).await.map(drop)
}

struct SettleAlarms {
    subject: Uuid,
}

impl QueryFragment<Pg> for SettleAlarms {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "update notices set answered = true, state = case state when 'sent' then 'acted' when 'sending' then 'sending' \
             else 'superseded' end, due_at = case state when 'sending' then due_at end, \
             reason = case when state in ('sent', 'sending') then reason else 'superseded' end where subject_id = ",
        );
        out.push_bind_param::<sql_types::Uuid, _>(&self.subject)?;
        out.push_sql(
            " and officer_id is not null and state in ('queued', 'held', 'retry', 'sending', 'sent')",
        );
        Ok(())
    }
}

impl QueryId for SettleAlarms {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_hears_its_own_and_the_office_stands_in() {
        let [own, other, office] = [(); 3].map(|()| DepartmentId::fresh());
        let [own_room, other_room, office_room, hook] = [(); 4].map(|()| ChannelId::fresh());
        let route = |channel, department, is_office| Route { channel, department, office: is_office };
        let routes = [
            route(own_room, Some(own), false),
            route(other_room, Some(other), false),
            route(office_room, Some(office), true),
            route(hook, None, false),
        ];
        let heard = |department: Option<DepartmentId>, routes: &[Route]| {
            let draft = Draft {
                subject_kind: SubjectKind::Call,
                subject_id: Uuid::nil(),
                event: "call.dispatched",
                department,
                officer: Some(OfficerId::fresh()),
                priority: Priority::FirstAlarm,
                params: Value::Null,
            };
            let rows = address(&draft, CountyId::fresh(), routes, DateTime::UNIX_EPOCH);
            rows.iter()
                .map(|row| (row.channel_id, row.priority, row.officer_id.is_some()))
                .collect::<Vec<_>>()
        };
        let to_hook = (hook, Priority::Normal, false);
        assert_eq!(heard(Some(own), &routes), [(own_room, Priority::FirstAlarm, true), to_hook]);
        let roomless = DepartmentId::fresh();
        assert_eq!(heard(Some(roomless), &routes), [(office_room, Priority::FirstAlarm, true), to_hook]);
        assert_eq!(heard(None, &routes), [to_hook]);
        assert_eq!(heard(Some(roomless), &[]), []);
    }
}
