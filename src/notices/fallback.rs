//! An alarm whose channel failed for good is at once addressed anew: to the next room that has not had it. Where there is none, and
//! nobody else has it, that is said aloud. The failed row ends `fallback` and keeps its reason; the new one belongs to the same posting.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::address::{NOBODY, Route};
use super::model::{ChannelId, NewNotice, NoticeId, NoticeState};
use super::outbox;
use super::store::stranded::{self, Sibling, Stranded};
use crate::organisation::CountyId;

/// What follows for one stranded alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It goes there.
    To(ChannelId),
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
    if ids.is_empty() {
        return Ok(0);
    }
    let stranded = stranded::stranded(conn, &ids).await?;
    let mut siblings = stranded::siblings(conn, &stranded).await?;
    let departments: Vec<_> =
        stranded.iter().flat_map(|one| [Some(one.department), one.room_of]).flatten().collect();
    let routes = outbox::routes(conn, county, &departments).await?;
    let mut fresh = Vec::new();
    for one in &stranded {
        let next = next(one, &ids, &siblings, &routes);
        let reason = reason(one, next);
        let state = if next == Next::Nobody { NoticeState::Dead } else { NoticeState::Fallback };
        // Whoever answered while we decided has the last word.
        if !stranded::end(conn, one.notice, state, &reason).await? {
            continue;
        }
        match next {
            Next::To(channel) => {
                let row = anew(one, channel, now);
                siblings.push(Sibling {
                    posting: one.posting,
                    notice: row.id,
                    channel: Some(channel),
                    state: row.state,
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

/// The officer's own rooms, then the business office's; an active one before one that only holds.
fn next(one: &Stranded, failed: &[NoticeId], siblings: &[Sibling], routes: &[Route]) -> Next {
    let posted = || siblings.iter().filter(|sibling| sibling.posting == one.posting);
    let lives = |sibling: &Sibling| match sibling.state {
        NoticeState::Queued
        | NoticeState::Sending
        | NoticeState::Retry
        | NoticeState::Sent
        | NoticeState::Acted => !failed.contains(&sibling.notice),
        NoticeState::Held
        | NoticeState::Superseded
        | NoticeState::Expired
        | NoticeState::Dead
        | NoticeState::Fallback => false,
    };
    if posted().any(lives) {
        return Next::Carried;
    }
    let unused = |route: &&Route| posted().all(|sibling| sibling.channel != Some(route.channel));
    let own = |route: &Route| route.department == Some(one.department) || route.department == one.room_of;
    let rank = |route: &&Route| (route.paused, !own(route));
    let rooms = routes.iter().filter(|route| route.department.is_some() && (route.office || own(route)));
    rooms.filter(unused).min_by_key(rank).map_or(Next::Nobody, |route| Next::To(route.channel))
}

fn reason(one: &Stranded, next: Next) -> String {
    let why = if one.reason.is_empty() { "channel_dead" } else { one.reason.as_str() };
    match next {
        Next::To(_) | Next::Carried => why.to_owned(),
        Next::Nobody => format!("{NOBODY}: {why}"),
    }
}

fn anew(one: &Stranded, channel: ChannelId, now: DateTime<Utc>) -> NewNotice {
    NewNotice {
        id: NoticeId::fresh(),
        county_id: one.county,
        subject_kind: one.subject_kind,
        subject_id: one.subject,
        event: one.event.clone(),
        posting_id: one.posting,
        channel_id: Some(channel),
        officer_id: Some(one.officer),
        priority: one.priority,
        params: one.params.clone(),
        state: NoticeState::Queued,
        attempt: 0,
        due_at: Some(now),
        answered: false,
        created_at: now,
        reason: String::new(),
    }
}
