//! Telling those who keep the county's channels that nobody could be told: it stands in the inbox of every system administrator and goes
//! to the systems that hear everything. Of what is sealed (a hand-over) he learns whom no channel reaches and why, and the systems nothing.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::address::{NOBODY, Routes, address, blank};
use super::model::{NewNotice, NoticeState, Priority, SubjectKind};
use super::outbox::{self, Draft};
use super::params::for_systems;
use super::store::follow;
use super::unreachable::Unheard;

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
    let mut rows: Vec<NewNotice> = administrators
        .into_iter()
        .map(|(account, officer)| NewNotice {
            // An officer reads what was posted to him as such, anybody else what was posted to his account.
            officer_id: officer,
            account_id: officer.is_none().then_some(account),
            state: NoticeState::Sent,
            due_at: None,
            answered: true,
            sent_at: Some(now),
            ..blank()
        })
        .collect();
    let routes =
        if sealed { Routes::default() } else { outbox::routes(conn, alarm.county, &[], &[]).await? };
    rows.extend(address(&draft, alarm.county, &routes, now));
    outbox::post(conn, &rows).await
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
    fn the_failure_is_named_without_its_details() {
        assert_eq!(why("nobody_to_address"), NOBODY);
        assert_eq!(why("nobody_to_address: dead_target"), "dead_target");
        assert_eq!(why("nobody_to_address: needs_admin: no access token"), "needs_admin");
    }
}
