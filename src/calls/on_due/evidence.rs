//! The evidence of a hand-over: what the call was, who held it how long, every promise and card, the whole ledger with its hashes.
//! Facts only, no judgement; phones of the enterprise stay out.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::store;
use crate::calls::model::Call;
use crate::calls::store::Faces;
use crate::deadlines;
use crate::deadlines::calendar::Calendar;
use crate::deadlines::on_due::FireError;
use crate::ledger;
use crate::platform::time::china;
use crate::supervision::cards;

/// Everything that is known of a call at `now`, to be frozen.
pub async fn pack(
    conn: &mut AsyncPgConnection,
    calendar: &Calendar,
    call: &Call,
    faces: Option<&Faces>,
    now: DateTime<Utc>,
) -> Result<Value, FireError> {
    let holders = store::holders(conn, call.id).await?;
    let clocks = deadlines::store::of_subject(conn, call.id.0).await?;
    let cards = cards::of_call(conn, call.id.0).await?;
    let events = ledger::store::of_subject(conn, call.id.0).await?;
    let holder =
        |(name, department, from, until): &(String, String, DateTime<Utc>, Option<DateTime<Utc>>)| {
            let minutes = calendar.working_between(*from, until.unwrap_or(now)).num_minutes();
            json!({
                "name": name, "department": department, "from": china(*from), "until": until.map(china),
                "workingMinutes": minutes,
            })
        };
    let clock = |row: &deadlines::Deadline| {
        json!({
            "clock": row.clock, "name": row.clock.zh(), "startedAt": china(row.started_at), "dueAt": china(row.due_at),
            "state": row.state, "stoppedAt": row.stopped_at.map(china),
        })
    };
    let card = |card: &cards::Card| {
        json!({
            "id": card.id, "clock": card.clock, "rung": card.rung, "colour": card.colour, "officerId": card.officer_id,
            "issuedAt": china(card.issued_at), "lateMinutes": card.late_minutes, "struck": card.struck,
        })
    };
    let event = |event: &ledger::Event| {
        json!({
            "seq": event.seq, "kind": event.kind, "at": china(event.at), "actor": event.actor_name, "data": event.data,
            "hash": hex::encode(&event.hash),
        })
    };
    Ok(json!({
        "frozenAt": china(now),
        "call": {
            "id": call.id, "number": call.number, "title": call.title, "text": call.text, "urgency": call.urgency,
            "state": call.state, "place": call.place, "raisedAt": china(call.raised_at),
            "dispatchedAt": call.dispatched_at.map(china), "acceptedAt": call.accepted_at.map(china),
            "arrivedAt": call.arrived_at.map(china),
            "enterprise": faces.map(|faces| &faces.enterprise.name),
            "department": faces.map(|faces| &faces.department.name),
            "holder": faces.map(|faces| &faces.holder.name),
            "item": faces.and_then(|faces| faces.item.as_ref()).map(|item| &item.name),
        },
        "holders": holders.iter().map(holder).collect::<Vec<_>>(),
        "clocks": clocks.iter().map(clock).collect::<Vec<_>>(),
        "cards": cards.iter().map(card).collect::<Vec<_>>(),
        "events": events.iter().map(event).collect::<Vec<_>>(),
    }))
}
