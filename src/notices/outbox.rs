//! Posting notices in the transaction of the fact they tell.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::model::{ChannelId, ChannelState, NewNotice, NoticeId, NoticeState, Priority, SubjectKind};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Route {
    pub channel: ChannelId,
    pub department: Option<DepartmentId>,
}

/// The channels that hear a department's matters: its own room, else the business office's, and the county's channels.
pub async fn routes(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    departments_asked: &[DepartmentId],
) -> QueryResult<Vec<Route>> {
    let is_office = departments::office.is_not_distinct_from("business_office");
    channels::table
        .left_join(departments::table)
        .filter(channels::county_id.eq(county))
        .filter(channels::state.eq(ChannelState::Active))
        .filter(
            channels::department_id
                .is_null()
                .or(channels::department_id.eq_any(departments_asked.iter().map(|id| Some(*id))))
                .or(is_office),
        )
        .select((channels::id, channels::department_id))
        .load(conn)
        .await
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
            (Some(room), Some(asked)) => room == asked || !has_own,
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

/// What was awaited has happened: alarms that left were acted on, alarms that did not leave stay behind.
pub async fn settle_alarms(conn: &mut AsyncPgConnection, subject: Uuid) -> QueryResult<()> {
    let alarms =
        || notices::table.filter(notices::subject_id.eq(subject)).filter(notices::officer_id.is_not_null());
    diesel::update(alarms().filter(notices::state.eq(NoticeState::Sent)))
        .set(notices::state.eq(NoticeState::Acted))
        .execute(conn)
        .await?;
    let waiting = [NoticeState::Queued, NoticeState::Held, NoticeState::Retry];
    diesel::update(alarms().filter(notices::state.eq_any(waiting)))
        .set((
            notices::state.eq(NoticeState::Superseded),
            notices::due_at.eq(None::<DateTime<Utc>>),
            notices::reason.eq("superseded"),
        ))
        .execute(conn)
        .await
        .map(drop)
}
