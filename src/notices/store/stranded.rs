//! Alarms that cannot leave by their channel, what else was posted with them, and where they go instead.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::notices::model::{ChannelId, NoticeId, NoticeState, Priority, SubjectKind};
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{channels, notices, officers};

/// An alarm whose channel failed for good while its answer is still awaited.
#[derive(Clone, Debug, Queryable)]
pub struct Stranded {
    pub notice: NoticeId,
    pub county: CountyId,
    pub posting: NoticeId,
    pub subject_kind: SubjectKind,
    pub subject: Uuid,
    pub event: String,
    pub officer: OfficerId,
    /// The officer's own department.
    pub department: DepartmentId,
    /// Whose room it was that failed.
    pub room_of: Option<DepartmentId>,
    /// Whether it was to reach the officer alone.
    pub is_personal: bool,
    pub priority: Priority,
    pub params: Value,
    /// Why it failed.
    pub reason: String,
    pub created_at: DateTime<Utc>,
}

/// One row of a posting.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Sibling {
    pub posting: NoticeId,
    pub notice: NoticeId,
    pub channel: Option<ChannelId>,
    pub is_personal: bool,
    pub state: NoticeState,
    pub reason: String,
    /// Whether somebody will look what follows from it.
    pub is_followed: bool,
    pub created_at: DateTime<Utc>,
}

/// Locks these notices, and the postings of those of them that cannot leave, each posting by its first row, which stands for all of it.
/// Whoever decides what becomes of `stranded` asks for this before he touches any row.
pub async fn lock(conn: &mut AsyncPgConnection, ids: &[NoticeId], stranded: &[NoticeId]) -> QueryResult<()> {
    let rows = notices::table.filter(notices::id.eq_any(stranded));
    let mut all: Vec<NoticeId> = rows.select(notices::posting_id).load(conn).await?;
    all.extend(ids);
    notices::table
        .filter(notices::id.eq_any(all))
        // In one order everywhere, so that nobody waits for somebody who waits for him.
        .order(notices::id)
        .select(notices::id)
        .for_no_key_update()
        .load::<NoticeId>(conn)
        .await
        .map(drop)
}

/// Alarms that wait for their moment by a channel that takes nothing any more are due now, so that each finds another way at its lease;
/// how many there are. Without those that somebody has in his hand, whose own failure tells them.
pub async fn hasten(
    conn: &mut AsyncPgConnection,
    channel: ChannelId,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let waiting: Vec<NoticeId> = notices::table
        .filter(notices::channel_id.eq(channel))
        .filter(notices::state.eq_any([NoticeState::Held, NoticeState::Retry]))
        .filter(notices::due_at.gt(now))
        .filter(notices::officer_id.is_not_null())
        .select(notices::id)
        .for_no_key_update()
        .skip_locked()
        .load(conn)
        .await?;
    let waiting = notices::table.filter(notices::id.eq_any(waiting));
    diesel::update(waiting).set(notices::due_at.eq(Some(now))).execute(conn).await
}

/// Those of `notices` that await an answer.
pub async fn stranded(conn: &mut AsyncPgConnection, ids: &[NoticeId]) -> QueryResult<Vec<Stranded>> {
    let rows = notices::table
        .inner_join(officers::table)
        .left_join(channels::table)
        .filter(notices::id.eq_any(ids))
        .filter(notices::answered.eq(false))
        .order((notices::created_at, notices::id))
        .select((
            notices::id,
            notices::county_id,
            notices::posting_id,
            notices::subject_kind,
            notices::subject_id,
            notices::event,
            officers::id,
            officers::department_id,
            channels::department_id.nullable(),
            notices::recipient.ne(""),
            notices::priority,
            notices::params,
            notices::reason,
            notices::created_at,
        ));
    rows.load(conn).await
}

/// Everything posted together with `stranded`, to whoever is to act.
pub async fn siblings(conn: &mut AsyncPgConnection, stranded: &[Stranded]) -> QueryResult<Vec<Sibling>> {
    let subjects = stranded.iter().map(|one| one.subject);
    let postings = stranded.iter().map(|one| one.posting);
    notices::table
        .filter(notices::subject_id.eq_any(subjects))
        .filter(notices::posting_id.eq_any(postings))
        .filter(notices::officer_id.is_not_null())
        .select((
            notices::posting_id,
            notices::id,
            notices::channel_id,
            notices::recipient.ne(""),
            notices::state,
            notices::reason,
            notices::follow_at.is_not_null(),
            notices::created_at,
        ))
        .load(conn)
        .await
}

/// Ends a stranded alarm, unless it was answered meanwhile; then false. `follow_at` is when somebody looks what follows from it.
pub async fn end(
    conn: &mut AsyncPgConnection,
    notice: NoticeId,
    state: NoticeState,
    reason: &str,
    follow_at: Option<DateTime<Utc>>,
) -> QueryResult<bool> {
    let unanswered = notices::table.find(notice).filter(notices::answered.eq(false));
    let ended = diesel::update(unanswered)
        .set((
            notices::state.eq(state),
            notices::reason.eq(reason),
            notices::due_at.eq(None::<DateTime<Utc>>),
            notices::follow_at.eq(follow_at),
        ))
        .execute(conn)
        .await?;
    Ok(ended > 0)
}
