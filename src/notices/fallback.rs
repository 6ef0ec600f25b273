//! An alarm whose channel failed for good is at once addressed anew: to the next application that reaches its officer, or to the next
//! room that has not had it. Where there is none, and nobody else has it, that is said aloud, and [`super::follow`] lets the ladder
//! climb. The failed row ends `fallback` and keeps its reason; the new one belongs to the same posting. One that a paused channel holds
//! goes elsewhere in the same way; where there is nowhere, it waits on, and that is said aloud beside it.
//!
//! A first alarm that left and that its officer has not acted on goes to his next application, each of them once.
//!
//! Whatever is decided about a posting is decided under the lock of its first row, which the caller has taken together with its own rows
//! ([`stranded::lock`]): of two rows that fail at the same moment the second sees what became of the first. Of one posting it is said
//! once that nobody hears it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::Value;

use super::address::{NOBODY, Reach, Routes};
use super::model::{ChannelId, NewNotice, NoticeId, NoticeState, Reason};
use super::outbox;
use super::store::stranded::{self, Sibling, Stranded};
use crate::organisation::CountyId;

/// What follows for one stranded alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// It goes there, to the person of this name or to all.
    To(ChannelId, String),
    /// Somebody else has it already.
    Carried,
    Nobody,
}

/// What follows for those that go nowhere else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Otherwise {
    /// They end, and that nobody hears them is said aloud.
    End,
    /// They stay where they are, and that nobody hears them now is said aloud.
    Hold,
    /// They stay where they are: they will leave by themselves.
    Wait,
}

/// Addresses alarms anew that failed for good, those of them that still await an answer. Answers how many new rows there are.
pub async fn carry_on(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    failed: &[NoticeId],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    readdress(conn, county, failed, Otherwise::End, now).await
}

/// Addresses alarms anew that a paused channel holds. Those that can be heard nowhere else are held on: they leave when it is resumed.
pub async fn pass_over(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    held: &[NoticeId],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    readdress(conn, county, held, Otherwise::Hold, now).await
}

/// Addresses alarms anew whose channel takes nothing at present, those of them that can be heard elsewhere at once; the others
/// wait on. Answers how many new rows there are.
pub async fn move_on(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    stuck: &[NoticeId],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    readdress(conn, county, stuck, Otherwise::Wait, now).await
}

async fn readdress(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    ids: &[NoticeId],
    otherwise: Otherwise,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let stranded = stranded::stranded(conn, ids).await?;
    let departments = stranded.iter().flat_map(|one| [Some(one.department), one.room_of]);
    let departments: Vec<_> = departments.flatten().collect();
    let officers: Vec<_> = stranded.iter().map(|one| one.officer).collect();
    let mut routes = outbox::routes(conn, county, &departments, &officers).await?;
    // What a paused channel is given nobody hears.
    routes.rooms.retain(|room| !room.paused);
    routes.people.retain(|reach| !reach.paused);
    let mut posted = Posted {
        siblings: stranded::siblings(conn, &stranded).await?,
        failed: ids.iter().copied().collect(),
        routes,
    };
    let mut fresh = Vec::new();
    let mut unmoved = Vec::new();
    for one in &stranded {
        let Next::To(channel, recipient) = posted.next(one) else {
            unmoved.push(one);
            continue;
        };
        // Whoever answered while we decided has the last word.
        if stranded::end(conn, one.notice, NoticeState::Fallback, why(one), None).await? {
            let row = anew(one, channel, recipient, MOVED, now);
            posted.add(&row);
            fresh.push(row);
        }
    }
    let moved = fresh.len();
    for one in unmoved.into_iter().filter(|_| otherwise != Otherwise::Wait) {
        // Where one of its posting went just now, that one carries it.
        let carried = posted.next(one) == Next::Carried;
        let (state, reason) = if carried {
            (NoticeState::Fallback, why(one).to_owned())
        } else {
            (NoticeState::Dead, format!("{NOBODY}: {}", why(one)))
        };
        let said = posted.is_said(one);
        if otherwise == Otherwise::End {
            let follow_at = (!carried && !said).then_some(now);
            if !stranded::end(conn, one.notice, state, &reason, follow_at).await? {
                continue;
            }
            posted.ended(one, state, &reason);
        } else if !carried && !said {
            let row = unheard(one, reason.clone(), now);
            posted.add(&row);
            fresh.push(row);
        }
        if !carried && !said {
            tracing::error!(notice = %one.notice, subject = %one.subject, event = one.event, reason, "an alarm can be addressed to nobody");
            metrics::counter!("notices_unaddressed_total").increment(1);
        }
    }
    outbox::post(conn, &fresh).await?;
    Ok(moved)
}

/// Why a row ended `fallback` that was sent, and why another follows it: its officer has not acted.
const UNACTED: &str = Reason::Unacted.as_str();

/// Why a row follows one that could not leave.
const MOVED: &str = "moved";

/// Addresses an alarm that left, and that nobody acted on, to the next application that reaches its officer; false when there is none,
/// or when a younger row of the posting stands for it: one that is followed up in its own time, or is on its way to the officer himself.
/// A younger one that failed, or still tries to reach a room, leaves him as unheard as before.
pub async fn go_on(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    notice: NoticeId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let Some(one) = stranded::stranded(conn, &[notice]).await?.pop() else { return Ok(false) };
    let siblings = stranded::siblings(conn, std::slice::from_ref(&one)).await?;
    let stands_for =
        |sibling: &Sibling| sibling.is_followed || sibling.is_personal && is_on_its_way(sibling.state);
    if siblings.iter().any(|sibling| sibling.created_at > one.created_at && stands_for(sibling)) {
        return Ok(false);
    }
    let routes = outbox::routes(conn, county, &[], &[one.officer]).await?;
    let posted = Posted { siblings, failed: HashSet::new(), routes };
    let Some(reach) = posted.unused_reach(&one) else { return Ok(false) };
    if !stranded::end(conn, notice, NoticeState::Fallback, UNACTED, None).await? {
        return Ok(false);
    }
    outbox::post(conn, &[anew(&one, reach.channel, reach.user_id.clone(), UNACTED, now)]).await?;
    metrics::counter!("notices_unacted_total").increment(1);
    Ok(true)
}

/// What is known of the postings of stranded alarms, and where else these could go.
struct Posted {
    siblings: Vec<Sibling>,
    failed: HashSet<NoticeId>,
    routes: Routes,
}

impl Posted {
    fn of<'s>(&'s self, one: &'s Stranded) -> impl Iterator<Item = &'s Sibling> {
        self.siblings.iter().filter(|sibling| sibling.posting == one.posting)
    }

    fn is_unused(&self, one: &Stranded, channel: ChannelId) -> bool {
        self.of(one).all(|sibling| sibling.channel != Some(channel))
    }

    /// The first application that reaches the officer of a posting and has not had it.
    fn unused_reach(&self, one: &Stranded) -> Option<&Reach> {
        let open = |reach: &&Reach| reach.officer == one.officer && !reach.paused;
        self.routes.people.iter().filter(open).find(|reach| self.is_unused(one, reach.channel))
    }

    /// One like the failed one first, so that a person is tried by all his applications before others are bothered; then whoever has
    /// it already; then one of the other kind.
    fn next(&self, one: &Stranded) -> Next {
        let lives =
            |sibling: &&Sibling| !self.failed.contains(&sibling.notice) && is_on_its_way(sibling.state);
        let in_person = self.unused_reach(one).map(|reach| Next::To(reach.channel, reach.user_id.clone()));
        let theirs = |department| department == Some(one.department) || department == one.room_of;
        let in_room = self
            .routes
            .rooms
            .iter()
            .filter(|room| room.department.is_some() && (room.office || theirs(room.department)))
            .filter(|room| self.is_unused(one, room.channel))
            // The department's own before the business office's.
            .min_by_key(|room| !theirs(room.department))
            .map(|room| Next::To(room.channel, String::new()));
        let carried = self.of(one).find(lives).map(|_| Next::Carried);
        let order = if one.is_personal {
            [in_person, carried, in_room]
        } else if self.of(one).filter(lives).any(|sibling| !sibling.is_personal) {
            [carried, None, None]
        } else {
            [in_room, carried, in_person]
        };
        order.into_iter().flatten().next().unwrap_or(Next::Nobody)
    }

    /// Whether another row of the posting says that nobody hears it.
    fn is_said(&self, one: &Stranded) -> bool {
        self.of(one).any(|sibling| {
            sibling.notice != one.notice
                && sibling.state == NoticeState::Dead
                && sibling.reason.starts_with(NOBODY)
        })
    }

    fn add(&mut self, row: &NewNotice) {
        self.siblings.push(Sibling {
            posting: row.posting_id,
            notice: row.id,
            channel: row.channel_id,
            is_personal: !row.recipient.is_empty(),
            state: row.state,
            reason: row.reason.clone(),
            is_followed: row.follow_at.is_some(),
            created_at: row.created_at,
        });
    }

    fn ended(&mut self, one: &Stranded, state: NoticeState, reason: &str) {
        for sibling in self.siblings.iter_mut().filter(|sibling| sibling.notice == one.notice) {
            sibling.state = state;
            reason.clone_into(&mut sibling.reason);
        }
    }
}

/// Whether somebody hears it, or will at once. What is held is on no way.
fn is_on_its_way(state: NoticeState) -> bool {
    match state {
        NoticeState::Queued
        | NoticeState::Sending
        | NoticeState::Retry
        | NoticeState::Sent
        | NoticeState::Acted => true,
        NoticeState::Held
        | NoticeState::Superseded
        | NoticeState::Expired
        | NoticeState::Dead
        | NoticeState::Fallback => false,
    }
}

/// Why it cannot leave by its channel.
fn why(one: &Stranded) -> &str {
    if one.reason.is_empty() { Reason::ChannelDead.as_str() } else { &one.reason }
}

/// The row that says that a held alarm is heard by nobody.
fn unheard(one: &Stranded, reason: String, now: DateTime<Utc>) -> NewNotice {
    NewNotice {
        params: one.params.clone(),
        state: NoticeState::Dead,
        due_at: None,
        follow_at: Some(now),
        reason,
        ..blank(one, now)
    }
}

/// The same event to somebody else, or elsewhere; it says why it comes again.
fn anew(
    one: &Stranded,
    channel: ChannelId,
    recipient: String,
    again: &'static str,
    now: DateTime<Utc>,
) -> NewNotice {
    let mut params = one.params.clone();
    if let Value::Object(fields) = &mut params {
        fields.insert("again".to_owned(), again.into());
    }
    NewNotice { channel_id: Some(channel), recipient, params, ..blank(one, now) }
}

/// Another row of the same posting.
fn blank(one: &Stranded, now: DateTime<Utc>) -> NewNotice {
    NewNotice {
        id: NoticeId::fresh(),
        county_id: one.county,
        subject_kind: one.subject_kind,
        subject_id: one.subject,
        event: one.event.clone(),
        posting_id: one.posting,
        channel_id: None,
        recipient: String::new(),
        officer_id: Some(one.officer),
        account_id: None,
        priority: one.priority,
        params: Value::Null,
        state: NoticeState::Queued,
        attempt: 0,
        due_at: Some(now),
        answered: false,
        created_at: now,
        sent_at: None,
        follow_at: None,
        reason: String::new(),
        redraws: None,
    }
}
