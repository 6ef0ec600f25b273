//! Notices as an administrator looks for them, sends them again and cancels them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::notices::channels::ChannelKind;
use crate::notices::model::{
    AttemptOutcome, ChannelId, NoticeId, NoticeState, Priority, Reason, SubjectKind,
};
use crate::organisation::{CountyId, OfficerId};
use crate::schema::{channels, notice_attempts, notices, officers};

/// Which notices.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<NoticeState>,
    pub event: Option<String>,
    pub subject: Option<Uuid>,
    pub channel: Option<ChannelId>,
    pub officer: Option<OfficerId>,
    /// Posted not before.
    pub since: Option<DateTime<Utc>>,
    /// Posted not after.
    pub until: Option<DateTime<Utc>>,
    /// Only those posted before this one.
    pub before: Option<NoticeId>,
}

/// A notice with the names of its channel and officer.
#[derive(Clone, Debug, Queryable)]
pub struct NoticeRow {
    pub id: NoticeId,
    pub posting: NoticeId,
    pub subject_kind: SubjectKind,
    pub subject: Uuid,
    pub event: String,
    pub state: NoticeState,
    pub priority: Priority,
    pub channel: Option<(ChannelId, String, String, ChannelKind)>,
    pub officer: Option<(OfficerId, String)>,
    pub is_personal: bool,
    pub answered: bool,
    pub attempt: i32,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub reason: String,
    /// The alarm whose card it redraws.
    pub redraws: Option<NoticeId>,
}

/// One attempt.
#[derive(Clone, Debug, Queryable)]
pub struct AttemptRow {
    pub attempt: i32,
    pub started_at: DateTime<Utc>,
    pub took_ms: i32,
    pub http_status: Option<i16>,
    pub outcome: AttemptOutcome,
    pub excerpt: String,
    pub next_at: Option<DateTime<Utc>>,
}

/// A notice as it is before it is changed.
#[derive(Clone, Debug, Queryable)]
pub struct Locked {
    pub state: NoticeState,
    pub answered: bool,
    pub channel: Option<ChannelId>,
    pub reason: String,
}

macro_rules! noticed {
    () => {
        notices::table.left_join(channels::table).left_join(officers::table).select((
            notices::id,
            notices::posting_id,
            notices::subject_kind,
            notices::subject_id,
            notices::event,
            notices::state,
            notices::priority,
            (channels::id, channels::code, channels::name, channels::kind).nullable(),
            (officers::id, officers::name).nullable(),
            notices::recipient.ne(""),
            notices::answered,
            notices::attempt,
            notices::created_at,
            notices::sent_at,
            notices::due_at,
            notices::reason,
            notices::redraws,
        ))
    };
}

/// A page, newest first.
pub async fn page(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    filter: &Filter,
    limit: i64,
) -> QueryResult<Vec<NoticeRow>> {
    let mut rows =
        noticed!().filter(notices::county_id.eq(county)).order(notices::id.desc()).limit(limit).into_boxed();
    if let Some(state) = filter.state {
        rows = rows.filter(notices::state.eq(state));
        // So that the planner sees that `notices_due` holds them all.
        if matches!(
            state,
            NoticeState::Queued | NoticeState::Held | NoticeState::Sending | NoticeState::Retry
        ) {
            rows = rows.filter(notices::due_at.is_not_null());
        }
    }
    if let Some(event) = &filter.event {
        rows = rows.filter(notices::event.eq(event.clone()));
    }
    if let Some(subject) = filter.subject {
        rows = rows.filter(notices::subject_id.eq(subject));
    }
    if let Some(channel) = filter.channel {
        rows = rows.filter(notices::channel_id.eq(channel));
    }
    if let Some(officer) = filter.officer {
        rows = rows.filter(notices::officer_id.eq(officer));
    }
    if let Some(since) = filter.since {
        rows = rows.filter(notices::created_at.ge(since));
    }
    if let Some(until) = filter.until {
        rows = rows.filter(notices::created_at.le(until));
    }
    if let Some(before) = filter.before {
        rows = rows.filter(notices::id.lt(before));
    }
    rows.load(conn).await
}

/// One of the county's.
pub async fn find(conn: &mut AsyncPgConnection, id: NoticeId) -> QueryResult<Option<NoticeRow>> {
    noticed!().filter(notices::id.eq(id)).first(conn).await.optional()
}

/// Its attempts, oldest first.
pub async fn attempts(conn: &mut AsyncPgConnection, id: NoticeId) -> QueryResult<Vec<AttemptRow>> {
    notice_attempts::table
        .filter(notice_attempts::notice_id.eq(id))
        .order(notice_attempts::attempt)
        .select((
            notice_attempts::attempt,
            notice_attempts::started_at,
            notice_attempts::took_ms,
            notice_attempts::http_status,
            notice_attempts::outcome,
            notice_attempts::excerpt,
            notice_attempts::next_at,
        ))
        .load(conn)
        .await
}

/// Locks a notice: no sender has it and none takes it meanwhile.
pub async fn lock(conn: &mut AsyncPgConnection, id: NoticeId) -> QueryResult<Option<Locked>> {
    notices::table
        .find(id)
        .select((notices::state, notices::answered, notices::channel_id, notices::reason))
        .for_no_key_update()
        .first(conn)
        .await
        .optional()
}

/// News that waits behind a notice which leaves now, or never, looks again now.
pub async fn let_follow(conn: &mut AsyncPgConnection, id: NoticeId, now: DateTime<Utc>) -> QueryResult<()> {
    let ahead: (Uuid, Option<ChannelId>, String) = notices::table
        .find(id)
        .select((notices::subject_id, notices::channel_id, notices::recipient))
        .first(conn)
        .await?;
    let behind: Vec<NoticeId> = notices::table
        .filter(notices::subject_id.eq(ahead.0))
        .filter(notices::channel_id.is_not_distinct_from(ahead.1))
        .filter(notices::recipient.eq(ahead.2))
        .filter(notices::id.gt(id))
        .filter(notices::state.eq(NoticeState::Held))
        .filter(notices::reason.eq(Reason::InOrder.as_str()))
        .order(notices::id)
        .select(notices::id)
        .for_no_key_update()
        .load(conn)
        .await?;
    let behind = notices::table.filter(notices::id.eq_any(behind));
    diesel::update(behind).set(notices::due_at.eq(Some(now))).execute(conn).await.map(drop)
}

/// It is due now; whatever was to follow from its failure does not, and how often its senders died before is forgotten.
pub async fn send_again(conn: &mut AsyncPgConnection, id: NoticeId, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(notices::table.find(id))
        .set((
            notices::state.eq(NoticeState::Queued),
            notices::due_at.eq(Some(now)),
            notices::follow_at.eq(None::<DateTime<Utc>>),
            notices::reason.eq(""),
            notices::retried_at.eq(Some(now)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// It does not leave any more.
pub async fn cancel(conn: &mut AsyncPgConnection, id: NoticeId, reason: &str) -> QueryResult<()> {
    diesel::update(notices::table.find(id))
        .set((
            notices::state.eq(NoticeState::Superseded),
            notices::due_at.eq(None::<DateTime<Utc>>),
            notices::follow_at.eq(None::<DateTime<Utc>>),
            notices::reason.eq(reason),
        ))
        .execute(conn)
        .await
        .map(drop)
}
