//! Alarms that went unanswered for so long that something follows.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::notices::model::{ChannelId, NewNotice, NoticeId, NoticeState, SubjectKind};
use crate::organisation::{CountyId, OfficerId};
use crate::schema::{account_roles, accounts, notices, officers};

/// An alarm to be looked at.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Unheard {
    pub notice: NoticeId,
    pub county: CountyId,
    pub posting: NoticeId,
    pub subject_kind: SubjectKind,
    pub subject: Uuid,
    pub event: String,
    pub params: Value,
    pub state: NoticeState,
    pub reason: String,
    pub officer: OfficerId,
    pub officer_name: String,
    pub follow_at: DateTime<Utc>,
}

/// What is due at `now`, the most overdue first, across counties.
pub async fn due(conn: &mut AsyncPgConnection, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Unheard>> {
    notices::table
        .inner_join(officers::table)
        .filter(notices::follow_at.le(now))
        .order((notices::follow_at, notices::id))
        .limit(limit)
        .select((
            notices::id,
            notices::county_id,
            notices::posting_id,
            notices::subject_kind,
            notices::subject_id,
            notices::event,
            notices::params,
            notices::state,
            notices::reason,
            officers::id,
            officers::name,
            notices::follow_at.assume_not_null(),
        ))
        .load(conn)
        .await
}

/// When the next alarm is looked at.
pub async fn next(conn: &mut AsyncPgConnection) -> QueryResult<Option<DateTime<Utc>>> {
    notices::table.select(diesel::dsl::min(notices::follow_at)).get_result(conn).await
}

/// Locks the first row of a posting, which stands for all of it: two replicas do not both send it on. False when somebody has it.
pub async fn lock_posting(conn: &mut AsyncPgConnection, posting: NoticeId) -> QueryResult<bool> {
    let row: Option<NoticeId> = notices::table
        .find(posting)
        .select(notices::id)
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()?;
    Ok(row.is_some())
}

/// Notes that an alarm was looked at; false when it need not be any more: somebody acted, or looked before.
pub async fn looked(
    conn: &mut AsyncPgConnection,
    unheard: &Unheard,
    again_at: Option<DateTime<Utc>>,
) -> QueryResult<bool> {
    let still = notices::table
        .find(unheard.notice)
        .filter(notices::follow_at.eq(unheard.follow_at))
        .filter(notices::state.eq(unheard.state))
        .filter(notices::answered.eq(false));
    let looked = diesel::update(still).set(notices::follow_at.eq(again_at)).execute(conn).await?;
    Ok(looked > 0)
}

/// The system administrators of a county: their accounts, and the officers they are.
pub async fn administrators(
    conn: &mut AsyncPgConnection,
    county: CountyId,
) -> QueryResult<Vec<(Uuid, Option<OfficerId>)>> {
    accounts::table
        .inner_join(account_roles::table)
        .filter(accounts::county_id.eq(county))
        .filter(accounts::status.eq("active"))
        .filter(account_roles::role.eq("system_admin"))
        .order(accounts::id)
        .select((accounts::id, accounts::officer_id))
        .load(conn)
        .await
}

/// By which channels an alarm was tried and did not arrive.
pub async fn failed_channels(conn: &mut AsyncPgConnection, alarm: &Unheard) -> QueryResult<Vec<ChannelId>> {
    let channels: Vec<Option<ChannelId>> = notices::table
        .filter(notices::subject_id.eq(alarm.subject))
        .filter(notices::posting_id.eq(alarm.posting))
        .filter(notices::sent_at.is_null())
        .select(notices::channel_id)
        .load(conn)
        .await?;
    Ok(channels.into_iter().flatten().collect())
}

/// Whether something of this event was posted about a subject since a moment.
pub async fn told_since(
    conn: &mut AsyncPgConnection,
    row: &NewNotice,
    since: DateTime<Utc>,
) -> QueryResult<bool> {
    let same = notices::table
        .filter(notices::subject_id.eq(row.subject_id))
        .filter(notices::event.eq(&row.event))
        .filter(notices::created_at.gt(since));
    diesel::select(diesel::dsl::exists(same)).get_result(conn).await
}
