//! The inbox in the application itself: whatever was posted to somebody stands there, whichever channel carried it, or none.

use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{NoticeId, SubjectKind};
use super::store::inbox::{self, Posting};
use super::store::texts as store;
use super::texts::own::Own;
use super::texts::{self, Telling, Texts};
use crate::organisation::{CountyId, OfficerId};
use crate::platform::db::{Db, Scope};
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::{CommonCode, Problem};
use crate::platform::time::china;

/// Whose inbox.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    pub county: CountyId,
    pub account: Uuid,
    pub officer: Option<OfficerId>,
}

/// One notice.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InboxItem {
    pub id: NoticeId,
    /// What it is about.
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    /// `call.dispatched` and the like.
    pub event: String,
    pub at: DateTime<FixedOffset>,
    pub title: String,
    pub facts: Vec<InboxFact>,
    /// The enterprise's own words; may be empty.
    pub text: String,
    /// Where to act.
    pub link: Option<InboxLink>,
    /// Whether the reader's action is still awaited.
    pub awaits_action: bool,
    pub read_at: Option<DateTime<FixedOffset>>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InboxFact {
    pub label: String,
    pub value: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InboxLink {
    pub text: String,
    pub url: String,
}

/// A page of the inbox, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InboxPage {
    #[serde(flatten)]
    pub page: Page<InboxItem>,
    /// Unread notices in the whole inbox; no more than 100 are counted.
    pub unread: i64,
}

/// What is left unread.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Unread {
    /// No more than 100 are counted.
    pub unread: i64,
}

/// A page of somebody's inbox, in the language of the request.
///
/// # Errors
/// 400 for a cursor of another list.
pub async fn list(
    db: &Db,
    texts: &Texts,
    reader: Reader,
    paging: Paging,
    now: DateTime<Utc>,
) -> Result<InboxPage, Problem> {
    let before = paging.after::<NoticeId>("inbox")?;
    let mut tx = db.begin(Scope::County(reader.county.0)).await?;
    let found = async {
        let rows = inbox::page(&mut tx, &reader, before, paging.fetch()).await?;
        let events: Vec<&str> = rows.iter().map(|row| row.event.as_str()).collect();
        let own = store::of_events(&mut tx, reader.county, &events).await?;
        Ok::<_, Problem>((rows, own, inbox::unread(&mut tx, &reader).await?))
    };
    let found = found.await;
    let (rows, own, unread) = tx.finish(found).await?;
    let own = |event: &str| {
        let (version, words) = own.get(event)?;
        Some(Own { county: reader.county, version: *version, words })
    };
    let told_as = reader.officer.map_or(texts::Reader::Member, |_| texts::Reader::Officer);
    let shown = |row: Posting| {
        let own = own(&row.event);
        item(texts, row, (told_as, own), now)
    };
    let page = paging.page("inbox", rows, |row| row.id, shown);
    Ok(InboxPage { page, unread })
}

/// Marks one notice as read.
///
/// # Errors
/// 404 when it is not in the reader's inbox.
pub async fn read(db: &Db, reader: Reader, id: NoticeId, now: DateTime<Utc>) -> Result<Unread, Problem> {
    let mut tx = db.begin(Scope::County(reader.county.0)).await?;
    let outcome = async {
        if !inbox::mark_read(&mut tx, &reader, id, now).await? {
            return Err(CommonCode::NotFound.into());
        }
        Ok::<_, Problem>(Unread { unread: inbox::unread(&mut tx, &reader).await? })
    };
    let outcome = outcome.await;
    tx.finish(outcome).await
}

/// A notice that cannot be told is shown all the same, by the name of its event.
fn item(
    texts: &Texts,
    row: Posting,
    (reader, own): (texts::Reader<'_>, Option<Own<'_>>),
    now: DateTime<Utc>,
) -> InboxItem {
    let telling = Telling {
        id: row.id,
        event: &row.event,
        at: row.created_at,
        alarms: false,
        reader,
        kind: None,
        own,
        params: &row.params,
    };
    let message = texts.message(telling, Lang::current(), now).ok();
    let (title, facts, text, link) = message.map_or_else(
        || (row.event.clone(), Vec::new(), String::new(), None),
        |message| (message.title, message.lines, message.body, message.link),
    );
    InboxItem {
        id: row.id,
        subject_kind: row.subject_kind,
        subject_id: row.subject_id,
        at: china(row.created_at),
        title,
        facts: facts.into_iter().map(|line| InboxFact { label: line.label, value: line.value }).collect(),
        text,
        link: link.map(|link| InboxLink { text: link.text, url: link.url.into() }),
        awaits_action: row.asks && !row.answered,
        read_at: row.read_at.map(china),
        event: row.event,
    }
}
