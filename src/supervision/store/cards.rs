//! The SQL of `cards` and `card_appeals`.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::schema::{card_appeals, cards};
use crate::supervision::cards::list::{Filter, Whose};
use crate::supervision::cards::{Appeal, Card, CardId};

/// Cards of one statement: thirteen values a row, Postgres takes 65 535.
const SLICE: usize = 4_000;

/// Writes new cards; one of the same deadline, rung and colour is left as it is.
pub async fn insert(conn: &mut AsyncPgConnection, rows: &[Card]) -> QueryResult<()> {
    for slice in rows.chunks(SLICE) {
        diesel::insert_into(cards::table).values(slice).on_conflict_do_nothing().execute(conn).await?;
    }
    Ok(())
}

/// Reads a card and locks it until the end of the transaction.
pub async fn lock(conn: &mut AsyncPgConnection, id: CardId) -> QueryResult<Option<Card>> {
    cards::table.find(id).for_update().select(Card::as_select()).first(conn).await.optional()
}

pub async fn appeals(conn: &mut AsyncPgConnection, ids: &[CardId]) -> QueryResult<Vec<Appeal>> {
    card_appeals::table.filter(card_appeals::card_id.eq_any(ids)).select(Appeal::as_select()).load(conn).await
}

/// Writes a new appeal or the decision on it.
pub async fn put_appeal(conn: &mut AsyncPgConnection, appeal: &Appeal) -> QueryResult<()> {
    diesel::insert_into(card_appeals::table)
        .values(appeal)
        .on_conflict(card_appeals::card_id)
        .do_update()
        .set(appeal)
        .execute(conn)
        .await
        .map(drop)
}

/// The card does not count any more.
pub async fn strike(conn: &mut AsyncPgConnection, id: CardId) -> QueryResult<()> {
    diesel::update(cards::table.find(id)).set(cards::struck.eq(true)).execute(conn).await.map(drop)
}

pub async fn of_call(conn: &mut AsyncPgConnection, call: uuid::Uuid) -> QueryResult<Vec<Card>> {
    cards::table.filter(cards::call_id.eq(call)).order(cards::id).select(Card::as_select()).load(conn).await
}

/// Cards with their appeals, newest first; an index leads to the first of them wherever it is.
pub async fn list(
    conn: &mut AsyncPgConnection,
    whose: Whose,
    filter: Filter,
    limit: i64,
) -> QueryResult<Vec<(Card, Option<Appeal>)>> {
    let mut query = cards::table.select(Card::as_select()).order(cards::id.desc()).limit(limit).into_boxed();
    query = match whose {
        Whose::Officer(officer) => query.filter(cards::officer_id.eq(officer)),
        Whose::Department(department) => query.filter(cards::department_id.eq(department)),
        Whose::County(county) => query.filter(cards::county_id.eq(county)),
    };
    if let Some(colour) = filter.colour {
        query = query.filter(cards::colour.eq(colour));
    }
    if let Some(call) = filter.call {
        query = query.filter(cards::call_id.eq(call));
    }
    if let Some(struck) = filter.struck {
        query = query.filter(cards::struck.eq(struck));
    }
    if let Some(before) = filter.before {
        query = query.filter(cards::id.lt(before));
    }
    if let Some(appealed) = filter.appealed {
        let waits = exists(
            card_appeals::table
                .filter(card_appeals::card_id.eq(cards::id))
                .filter(card_appeals::decided_at.is_null()),
        );
        query = if appealed { query.filter(waits) } else { query.filter(not(waits)) };
    }
    let rows = query.load(conn).await?;
    let ids: Vec<CardId> = rows.iter().map(|card| card.id).collect();
    let mut appeals = appeals(conn, &ids).await?;
    let mut with_appeal = |card: Card| {
        let at = appeals.iter().position(|appeal| appeal.card_id == card.id);
        let appeal = at.map(|at| appeals.swap_remove(at));
        (card, appeal)
    };
    Ok(rows.into_iter().map(&mut with_appeal).collect())
}
