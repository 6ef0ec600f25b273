//! Telling those who keep the county's channels that nobody could be told: it stands in the inbox of every system administrator, reaches
//! those who are officers by the first application that is open to them, and goes to the systems that hear everything. Of what is sealed (a hand-over) he learns whom no channel reaches and why, and the systems nothing.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::address::{NOBODY, Reach, Routes, address, blank};
use super::model::{ChannelId, NewNotice, NoticeState, Priority, SubjectKind};
use super::outbox::{self, Draft};
use super::params::for_systems;
use super::store::follow;
use super::unreachable::Unheard;
use crate::organisation::OfficerId;

/// Its event.
pub const UNREACHABLE: &str = "notice.unreachable";

/// About the same matter an administrator is told once in so long.
const ONCE_IN: TimeDelta = TimeDelta::hours(1);

/// Says that `alarm` reached nobody. Nothing is asked of its reader here; what must be done is done to the channel.
pub async fn tell(conn: &mut AsyncPgConnection, alarm: &Unheard, now: DateTime<Utc>) -> QueryResult<()> {
    let sealed = is_sealed(alarm.subject_kind);
    let mut params = if sealed { json!({}) } else { for_systems(&alarm.params) };
    if let Value::Object(fields) = &mut params {
        fields.insert("to".to_owned(), json!(alarm.officer_name));
        fields.insert("why".to_owned(), json!(why(&alarm.reason)));
    }
    let draft = Draft {
        subject_kind: alarm.subject_kind,
        subject_id: alarm.subject,
        event: UNREACHABLE,
        department: None,
        officer: None,
        priority: Priority::Normal,
        params,
    };
    let blank = || blank(&draft, alarm.county, now);
    if follow::told_since(conn, &blank(), now - ONCE_IN).await? {
        return Ok(());
    }
    let administrators = follow::administrators(conn, alarm.county).await?;
    let officers: Vec<_> = administrators.iter().filter_map(|(_, officer)| *officer).collect();
    let mut routes = outbox::routes(conn, alarm.county, &[], &officers).await?;
    let failed = follow::failed_channels(conn, alarm).await?;
    let mut rows = Vec::new();
    for (account, officer) in administrators {
        let inbox = NewNotice {
            // An officer reads what was posted to him as such, anybody else what was posted to his account.
            officer_id: officer,
            account_id: officer.is_none().then_some(account),
            state: NoticeState::Sent,
            due_at: None,
            answered: true,
            sent_at: Some(now),
            ..blank()
        };
        let message = in_person(officer, &routes, &failed).map(|reach| NewNotice {
            channel_id: Some(reach.channel),
            recipient: reach.user_id.clone(),
            posting_id: inbox.id,
            ..blank()
        });
        rows.extend(std::iter::once(inbox).chain(message));
    }
    if sealed {
        routes = Routes::default();
    }
    rows.extend(address(&draft, alarm.county, &routes, now));
    outbox::post(conn, &rows).await
}

/// The first application that reaches an administrator; one by which the alarm itself failed only when there is no other.
fn in_person<'r>(officer: Option<OfficerId>, routes: &'r Routes, failed: &[ChannelId]) -> Option<&'r Reach> {
    let own = routes.people.iter().filter(|reach| Some(reach.officer) == officer && !reach.paused);
    own.min_by_key(|reach| failed.contains(&reach.channel))
}

/// Whether only those whom it concerns may know what it is about.
const fn is_sealed(kind: SubjectKind) -> bool {
    match kind {
        SubjectKind::HandOver => true,
        SubjectKind::Call
        | SubjectKind::SideMatter
        | SubjectKind::SupervisionOrder
        | SubjectKind::Card
        | SubjectKind::Drill => false,
    }
}

/// The failure behind a reason like `nobody_to_address: dead_target: …`, as the texts name it.
fn why(reason: &str) -> &str {
    let mut words = reason.split(':').map(str::trim);
    words.find(|word| !word.is_empty() && *word != NOBODY).unwrap_or(NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_is_reached_by_an_application_that_did_not_fail_if_he_has_one() {
        let (officer, [dead, paused, open]) = (OfficerId::fresh(), [(); 3].map(|()| ChannelId::fresh()));
        let reach = |channel, paused| Reach { channel, officer, user_id: "u".to_owned(), paused };
        let mut routes = Routes {
            people: vec![reach(paused, true), reach(dead, false), reach(open, false)],
            ..Routes::default()
        };
        let to = |routes: &Routes| in_person(Some(officer), routes, &[dead]).map(|reach| reach.channel);
        assert_eq!(to(&routes), Some(open));
        routes.people.pop();
        assert_eq!(to(&routes), Some(dead), "perhaps it failed for the other alone");
        assert_eq!(in_person(None, &routes, &[]), None);
    }

    #[test]
    fn the_failure_is_named_without_its_details() {
        assert_eq!(why("nobody_to_address"), NOBODY);
        assert_eq!(why("nobody_to_address: dead_target"), "dead_target");
        assert_eq!(why("nobody_to_address: needs_admin: no access token"), "needs_admin");
    }
}
