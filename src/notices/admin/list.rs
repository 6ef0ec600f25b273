//! Looking for notices, newest first, and at one with its attempts.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::error::NoticeCode;
use super::{Administrator, words};
use crate::notices::channels::ChannelKind;
use crate::notices::model::{AttemptOutcome, ChannelId, NoticeId, NoticeState, Priority, SubjectKind};
use crate::notices::store::admin::{self, AttemptRow, Filter, NoticeRow};
use crate::organisation::OfficerId;
use crate::platform::db::Db;
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoticeQuery {
    pub state: Option<NoticeState>,
    /// `call.dispatched` and the like.
    pub event: Option<String>,
    /// The call, request, order or card it is about.
    pub subject_id: Option<Uuid>,
    pub channel_id: Option<ChannelId>,
    pub officer_id: Option<OfficerId>,
    /// Only what was posted at least so many minutes ago.
    pub older_than_minutes: Option<u32>,
    /// Only what was posted at most so many minutes ago.
    pub newer_than_minutes: Option<u32>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, at most 100; 20 when not given.
    pub limit: Option<u16>,
}

/// A notice as its administrator sees it: where it went and how it stands, not what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoticeView {
    pub id: NoticeId,
    /// What was posted at once carries the id of its first.
    pub posting_id: NoticeId,
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    pub event: String,
    pub state: NoticeState,
    pub priority: Priority,
    /// None: the inbox alone, or nobody could be addressed.
    pub channel: Option<ChannelFace>,
    /// Whose action is awaited.
    pub officer: Option<OfficerFace>,
    /// Whether it goes to one person, not to a room or system.
    pub personal: bool,
    /// Whether what it asks for was done.
    pub answered: bool,
    pub attempt: i32,
    pub created_at: DateTime<FixedOffset>,
    pub sent_at: Option<DateTime<FixedOffset>>,
    /// When it is looked at next; none when it has come to rest.
    pub due_at: Option<DateTime<FixedOffset>>,
    /// Why it stands where it stands, as a code with details; empty when there is nothing to explain.
    pub reason: String,
    /// The same for people.
    pub words: Option<String>,
    /// It sends nothing new: once the matter of that alarm is settled, the card that was sent for it is redrawn.
    pub redraws: Option<NoticeId>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelFace {
    pub id: ChannelId,
    pub code: String,
    pub name: String,
    pub kind: ChannelKind,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OfficerFace {
    pub id: OfficerId,
    pub name: String,
}

/// One attempt to send.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    pub number: i32,
    pub started_at: DateTime<FixedOffset>,
    pub took_ms: i32,
    /// None: there was no answer.
    pub http_status: Option<i16>,
    pub outcome: AttemptOutcome,
    /// What that means.
    pub words: String,
    /// The beginning of the answer, without secrets.
    pub excerpt: String,
    /// When it was to be tried again.
    pub next_at: Option<DateTime<FixedOffset>>,
}

/// A notice with its attempts, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoticeDetail {
    #[serde(flatten)]
    pub notice: NoticeView,
    pub attempts: Vec<AttemptView>,
}

/// A page of notices.
///
/// # Errors
/// 400 for a cursor of another list.
pub async fn list(
    db: &Db,
    administrator: &Administrator,
    query: NoticeQuery,
    now: DateTime<Utc>,
) -> Result<Page<NoticeView>, Problem> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let ago = |minutes: u32| now - TimeDelta::minutes(minutes.into());
    let filter = Filter {
        state: query.state,
        event: query.event,
        subject: query.subject_id,
        channel: query.channel_id,
        officer: query.officer_id,
        until: query.older_than_minutes.map(ago),
        since: query.newer_than_minutes.map(ago),
        before: paging.after("notices")?,
    };
    let mut tx = db.begin(administrator.scope()).await?;
    let rows =
        admin::page(&mut tx, administrator.county, &filter, paging.fetch()).await.map_err(Problem::from);
    let rows = tx.finish(rows).await?;
    Ok(paging.page("notices", rows, |row| row.id, view))
}

/// One notice.
///
/// # Errors
/// 404 when the county has none of this id.
pub async fn read(db: &Db, administrator: &Administrator, id: NoticeId) -> Result<NoticeDetail, Problem> {
    let mut tx = db.begin(administrator.scope()).await?;
    let found = async {
        let row = admin::find(&mut tx, id).await?.ok_or_else(|| NoticeCode::NoticeNotFound.problem())?;
        let attempts = admin::attempts(&mut tx, id).await?;
        Ok::<_, Problem>(detail(row, attempts))
    };
    let found = found.await;
    tx.finish(found).await
}

pub(super) fn detail(row: NoticeRow, attempts: Vec<AttemptRow>) -> NoticeDetail {
    let attempt = |row: AttemptRow| AttemptView {
        number: row.attempt,
        started_at: china(row.started_at),
        took_ms: row.took_ms,
        http_status: row.http_status,
        outcome: row.outcome,
        words: words::outcome(row.outcome, Lang::current()).to_owned(),
        excerpt: row.excerpt,
        next_at: row.next_at.map(china),
    };
    NoticeDetail { notice: view(row), attempts: attempts.into_iter().map(attempt).collect() }
}

fn view(row: NoticeRow) -> NoticeView {
    NoticeView {
        id: row.id,
        posting_id: row.posting,
        subject_kind: row.subject_kind,
        subject_id: row.subject,
        event: row.event,
        state: row.state,
        priority: row.priority,
        channel: row.channel.map(|(id, code, name, kind)| ChannelFace { id, code, name, kind }),
        officer: row.officer.map(|(id, name)| OfficerFace { id, name }),
        personal: row.is_personal,
        answered: row.answered,
        attempt: row.attempt,
        created_at: china(row.created_at),
        sent_at: row.sent_at.map(china),
        due_at: row.due_at.map(china),
        words: words::reason(&row.reason, Lang::current()),
        reason: row.reason,
        redraws: row.redraws,
    }
}
