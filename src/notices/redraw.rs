//! Redrawing: once the matter of an alarm is settled, every card that was sent for it says so, and asks nobody any more.
//!
//! That is work of its own: a row of `notices` that names the alarm whose card it redraws (`redraws`), posted in the transaction of the
//! answer, each once. It is leased, throttled, retried and found again like any other, but it awaits nothing of anybody, stands in no inbox,
//! never falls back, counts in no statistics of delivery, and ends quietly when the platform lets nobody change the card any more. While
//! its card is still on the way it waits for it: what is redrawn by, the platform gives as it takes the card. Only applications' cards can
//! be redrawn ([`super::channels::ChannelKind::redrawn_within`]); a room reads the news instead.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::model::{ChannelId, NewNotice, NoticeId, NoticeState, Priority, SubjectKind};
use crate::organisation::{CountyId, OfficerId};

/// The event of such a row.
pub const REDRAWN: &str = "notice.redrawn";

/// What an alarm says beyond the matter itself; on the redrawn card it would be said of the wrong moment. What an order demands stays.
const OF_THE_ALARM: [&str; 5] = ["note", "result", "to", "again", "until"];

/// What settled a matter, as the cards tell it from then on.
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// What happened: `call.accepted`.
    pub event: &'a str,
    pub at: DateTime<Utc>,
    /// Who did it, and which officer he is: his own cards say "you".
    pub actor: &'a str,
    pub officer: Option<OfficerId>,
    /// What else is so now: who holds it, and what the event itself says.
    pub facts: Map<String, Value>,
}

/// A card that is to be redrawn: it was sent, or is on its way.
#[derive(Clone, Debug, Queryable)]
pub struct Card {
    pub notice: NoticeId,
    pub county: CountyId,
    pub subject_kind: SubjectKind,
    pub subject: Uuid,
    pub channel: ChannelId,
    pub recipient: String,
    pub officer: OfficerId,
    pub params: Value,
}

/// The rows that redraw these cards.
#[must_use]
pub fn rows(cards: Vec<Card>, done: &Done<'_>) -> Vec<NewNotice> {
    cards.into_iter().map(|card| row(card, done)).collect()
}

fn row(card: Card, done: &Done<'_>) -> NewNotice {
    let id = NoticeId::fresh();
    NewNotice {
        id,
        county_id: card.county,
        subject_kind: card.subject_kind,
        subject_id: card.subject,
        event: REDRAWN.to_owned(),
        posting_id: id,
        channel_id: Some(card.channel),
        recipient: card.recipient,
        officer_id: None,
        account_id: None,
        priority: Priority::Normal,
        params: params(card.subject_kind, card.params, done, done.officer == Some(card.officer)),
        state: NoticeState::Queued,
        attempt: 0,
        due_at: Some(done.at),
        answered: false,
        created_at: done.at,
        sent_at: None,
        follow_at: None,
        reason: String::new(),
        redraws: Some(card.notice),
    }
}

/// The matter as the alarm told it, with its link, and what became of it.
fn params(subject: SubjectKind, alarm: Value, done: &Done<'_>, own: bool) -> Value {
    let Value::Object(mut fields) = alarm else { return Value::Object(done.facts.clone()) };
    let demand = |name: &str| subject == SubjectKind::SupervisionOrder && name == "note";
    fields.retain(|name, _| demand(name) || !OF_THE_ALARM.contains(&name.as_str()));
    fields.extend(done.facts.clone());
    fields.insert("done".to_owned(), done.event.into());
    fields.insert("doneAt".to_owned(), done.at.to_rfc3339().into());
    fields.insert("actor".to_owned(), done.actor.into());
    if own {
        fields.insert("own".to_owned(), true.into());
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_redrawn_card_tells_the_matter_and_who_did_what_but_not_what_the_alarm_said_of_itself() {
        let officer = OfficerId::fresh();
        let facts = json!({"holder": "吕庚寅"}).as_object().cloned().unwrap();
        let done = Done {
            event: "call.accepted",
            at: DateTime::UNIX_EPOCH,
            actor: "吕庚寅",
            officer: Some(officer),
            facts,
        };
        let card = |officer| Card {
            notice: NoticeId::fresh(),
            county: CountyId::fresh(),
            subject_kind: SubjectKind::Call,
            subject: Uuid::nil(),
            channel: ChannelId::fresh(),
            recipient: "lyu".to_owned(),
            officer,
            params: json!({"title": "停电", "holder": "成乙丑", "note": "请快", "again": "unacted", "actPath": "/a/t"}),
        };
        let cards = vec![card(officer), card(OfficerId::fresh())];
        let redrawn: Vec<NoticeId> = cards.iter().map(|card| card.notice).collect();
        let rows = rows(cards, &done);
        let told = |own: bool| {
            let mut told = json!({
                "title": "停电", "holder": "吕庚寅", "actPath": "/a/t", "actor": "吕庚寅", "done": "call.accepted",
                "doneAt": "1970-01-01T00:00:00+00:00",
            });
            if own {
                told["own"] = json!(true);
            }
            told
        };
        assert_eq!(rows.iter().map(|row| row.params.clone()).collect::<Vec<_>>(), [told(true), told(false)]);
        assert_eq!(
            rows.iter().map(|row| row.redraws).collect::<Vec<_>>(),
            redrawn.into_iter().map(Some).collect::<Vec<_>>()
        );
        assert!(rows.iter().all(|row| row.officer_id.is_none() && row.posting_id == row.id));
    }

    #[test]
    fn what_an_order_demands_stays_when_one_of_its_steps_is_done() {
        let done = Done {
            event: "order.signed",
            at: DateTime::UNIX_EPOCH,
            actor: "李强",
            officer: None,
            facts: json!({"until": "2026-11-25T10:00:00Z"}).as_object().cloned().unwrap(),
        };
        let issued = json!({"order": "DD-1", "note": "今天派人到现场", "until": "2026-11-24T10:00:00Z"});
        let redrawn = params(SubjectKind::SupervisionOrder, issued.clone(), &done, false);
        assert_eq!((&redrawn["order"], &redrawn["note"]), (&json!("DD-1"), &json!("今天派人到现场")));
        assert_eq!(redrawn["until"], "2026-11-25T10:00:00Z", "of the next step");
        let last = Done { event: "order.closed", facts: Map::new(), ..done };
        assert_eq!(params(SubjectKind::SupervisionOrder, issued, &last, false).get("until"), None);
    }
}
