//! Issuing cards, in the transaction of the firing that gives them.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::model::{Card, CardId, NewCard};
use crate::supervision::store;

/// Issues cards in one statement. The same deadline, rung and colour a second time does nothing.
pub async fn issue(conn: &mut AsyncPgConnection, cards: &[NewCard]) -> QueryResult<()> {
    let rows: Vec<Card> = cards
        .iter()
        .map(|card| Card {
            id: CardId::fresh(),
            county_id: card.county,
            call_id: card.call,
            deadline_id: card.deadline,
            clock: card.clock,
            rung: card.rung,
            colour: card.colour,
            officer_id: card.officer,
            department_id: card.department,
            due_at: card.due_at,
            issued_at: card.issued_at,
            late_minutes: card.late_minutes,
            struck: false,
        })
        .collect();
    store::cards::insert(conn, &rows).await
}
