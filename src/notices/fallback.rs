//! An alarm whose channel failed for good is at once addressed anew: to the next application that reaches its officer, or to the next
//! room that has not had it. Where there is none, and nobody else has it, that is said aloud, and [`super::follow`] lets the ladder
//! climb. The failed row ends `fallback` and keeps its reason; the new one belongs to the same posting.
//!
//! A first alarm that left and that its officer has not acted on goes to his next application, each of them once.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::Value;

use super::address::{NOBODY, Reach, Routes};
use super::model::{ChannelId, NewNotice, NoticeId, NoticeState};
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

/// Addresses alarms anew: those of `failed` that still await an answer, and those that wait for a channel in `buried`. Answers how
/// many new rows there are.
pub async fn carry_on(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    failed: &[NoticeId],
    buried: &[ChannelId],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let mut ids = failed.to_vec();
    for channel in buried {
        ids.extend(stranded::unsent_alarms_to(conn, *channel).await?);
    }
    readdress(conn, county, &ids, Otherwise::SayIt, now).await
}

/// Addresses first alarms anew whose channel takes nothing at present, those of them that can be heard elsewhere at once; the others
/// wait on. Answers how many new rows there are.
pub async fn move_on(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    stuck: &[NoticeId],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    readdress(conn, county, stuck, Otherwise::Wait, now).await
}

/// What follows for those that go nowhere else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Otherwise {
    /// They end, and that nobody hears them is said aloud.
    SayIt,
    /// They stay where they are.
    Wait,
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
    let mut siblings = stranded::siblings(conn, &stranded).await?;
    let departments = stranded.iter().flat_map(|one| [Some(one.department), one.room_of]);
    let departments: Vec<_> = departments.flatten().collect();
    let officers: Vec<_> = stranded.iter().map(|one| one.officer).collect();
    let mut routes = outbox::routes(conn, county, &departments, &officers).await?;
    if otherwise == Otherwise::Wait {
        routes.rooms.retain(|room| !room.paused);
        routes.people.retain(|reach| !reach.paused);
    }
    let mut fresh = Vec::new();
    for one in &stranded {
        let next = next(one, ids, &siblings, &routes);
        if otherwise == Otherwise::Wait && !matches!(next, Next::To(..)) {
            continue;
        }
        let reason = reason(one, &next);
        let state = if next == Next::Nobody { NoticeState::Dead } else { NoticeState::Fallback };
        // Whoever answered while we decided has the last word.
        let follow_at = (next == Next::Nobody).then_some(now);
        if !stranded::end(conn, one.notice, state, &reason, follow_at).await? {
            continue;
        }
        match next {
            Next::To(channel, recipient) => {
                let row = anew(one, channel, recipient, MOVED, now);
                siblings.push(Sibling {
                    posting: one.posting,
                    notice: row.id,
                    channel: Some(channel),
                    is_personal: !row.recipient.is_empty(),
                    state: row.state,
                    created_at: row.created_at,
                });
                fresh.push(row);
            }
            Next::Carried => {}
            Next::Nobody => {
                tracing::error!(notice = %one.notice, subject = %one.subject, event = one.event, reason, "an alarm can be addressed to nobody");
                metrics::counter!("notices_unaddressed_total").increment(1);
            }
        }
    }
    outbox::post(conn, &fresh).await?;
    Ok(fresh.len())
}

/// Why a row ended `fallback` that was sent, and why another follows it: its officer has not acted.
const UNACTED: &str = "unacted";

/// Why a row follows one that could not leave.
const MOVED: &str = "moved";

/// Addresses an alarm that left, and that nobody acted on, to the next application that reaches its officer; false when there is none,
/// or when another row of the posting was made after it: that one has its own time.
pub async fn go_on(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    notice: NoticeId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let Some(one) = stranded::stranded(conn, &[notice]).await?.pop() else { return Ok(false) };
    let siblings = stranded::siblings(conn, std::slice::from_ref(&one)).await?;
    if siblings.iter().any(|sibling| sibling.created_at > one.created_at) {
        return Ok(false);
    }
    let routes = outbox::routes(conn, county, &[], &[one.officer]).await?;
    let Some(reach) = unused_reach(&one, &siblings, &routes) else { return Ok(false) };
    if !stranded::end(conn, notice, NoticeState::Fallback, UNACTED, None).await? {
        return Ok(false);
    }
    outbox::post(conn, &[anew(&one, reach.channel, reach.user_id.clone(), UNACTED, now)]).await?;
    metrics::counter!("notices_unacted_total").increment(1);
    Ok(true)
}

/// The first application that reaches the officer of a posting and has not had it.
fn unused_reach<'r>(one: &Stranded, siblings: &[Sibling], routes: &'r Routes) -> Option<&'r Reach> {
    let used = |channel: ChannelId| {
        siblings.iter().any(|sibling| sibling.posting == one.posting && sibling.channel == Some(channel))
    };
    routes.people.iter().find(|reach| reach.officer == one.officer && !reach.paused && !used(reach.channel))
}

/// One like the failed one first, so that a person is tried by all his applications before others are bothered; then whoever has it
/// already; then one of the other kind.
fn next(one: &Stranded, failed: &[NoticeId], siblings: &[Sibling], routes: &Routes) -> Next {
    let own: Vec<&Sibling> = siblings.iter().filter(|sibling| sibling.posting == one.posting).collect();
    let lives = |sibling: &&&Sibling| !failed.contains(&sibling.notice) && is_on_its_way(sibling.state);
    let unused = |channel: ChannelId| own.iter().all(|sibling| sibling.channel != Some(channel));
    let in_person = unused_reach(one, siblings, routes);
    let in_person = in_person.map(|reach| Next::To(reach.channel, reach.user_id.clone()));
    let theirs = |department| department == Some(one.department) || department == one.room_of;
    let in_room = routes
        .rooms
        .iter()
        .filter(|room| room.department.is_some() && (room.office || theirs(room.department)))
        .filter(|room| unused(room.channel))
        // An active one before one that only holds, the department's own before the business office's.
        .min_by_key(|room| (room.paused, !theirs(room.department)))
        .map(|room| Next::To(room.channel, String::new()));
    let carried = own.iter().find(lives).map(|_| Next::Carried);
    let order = if one.is_personal {
        [in_person, carried, in_room]
    } else if own.iter().filter(lives).any(|sibling| !sibling.is_personal) {
        [carried, None, None]
    } else if routes
        .rooms
        .iter()
        .any(|room| room.paused && in_room == Some(Next::To(room.channel, String::new())))
    {
        [carried, in_room, in_person]
    } else {
        [in_room, carried, in_person]
    };
    order.into_iter().flatten().next().unwrap_or(Next::Nobody)
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

fn reason(one: &Stranded, next: &Next) -> String {
    let why = if one.reason.is_empty() { "channel_dead" } else { one.reason.as_str() };
    match next {
        Next::To(..) | Next::Carried => why.to_owned(),
        Next::Nobody => format!("{NOBODY}: {why}"),
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
    NewNotice {
        id: NoticeId::fresh(),
        county_id: one.county,
        subject_kind: one.subject_kind,
        subject_id: one.subject,
        event: one.event.clone(),
        posting_id: one.posting,
        channel_id: Some(channel),
        recipient,
        officer_id: Some(one.officer),
        account_id: None,
        priority: one.priority,
        params,
        state: NoticeState::Queued,
        attempt: 0,
        due_at: Some(now),
        answered: false,
        created_at: now,
        sent_at: None,
        follow_at: None,
        reason: String::new(),
    }
}
