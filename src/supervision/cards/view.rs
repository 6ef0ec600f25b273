//! A card as the API shows it.

use chrono::{DateTime, FixedOffset, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Appeal, Card, CardId};
use super::open::appeal_until;
use super::state::{CardStanding, CardVerb, allowed};
use crate::deadlines::ladder::CardColour;
use crate::deadlines::limits::Rules;
use crate::deadlines::{Clock, CountyCalendars};
use crate::identity::Caller;
use crate::organisation::OfficerId;
use crate::organisation::model::Office;
use crate::platform::time::china;
use crate::supervision::store::faces;
use crate::supervision::view::{CallRef, UnitRef, name_of};

/// A card (蓝、黄、红牌).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CardView {
    pub id: CardId,
    pub colour: CardColour,
    pub call: CallRef,
    /// The promise that was missed, or was about to be.
    pub clock: Clock,
    /// Which rung of the ladder gave it; 0: the enterprise's second "not solved".
    pub rung: i16,
    /// Who held the call then.
    pub officer: CardHolder,
    pub department: UnitRef,
    pub due_at: DateTime<FixedOffset>,
    pub issued_at: DateTime<FixedOffset>,
    /// In working minutes (critical calls: minutes); zero when nothing was late yet.
    pub late_minutes: i32,
    /// An appeal was upheld: the card does not count.
    pub struck: bool,
    /// Until when it may be appealed.
    pub appeal_until: DateTime<FixedOffset>,
    pub appeal: Option<AppealView>,
    /// What the caller may do now.
    pub allowed: Vec<CardVerb>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CardHolder {
    pub id: OfficerId,
    pub name: String,
}

/// The appeal of a card.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppealView {
    pub appealed_by: Option<String>,
    pub appealed_at: DateTime<FixedOffset>,
    pub reason: String,
    pub evidence: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<FixedOffset>>,
    pub upheld: Option<bool>,
    pub decision: Option<String>,
}

/// Cards as the caller sees them at `now`, in the order given.
pub async fn views(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    calendars: &CountyCalendars,
    rules: &Rules,
    cards: Vec<(Card, Option<Appeal>)>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<CardView>> {
    let calls: Vec<_> = cards.iter().map(|(card, _)| card.call_id).collect();
    let units: Vec<_> = cards.iter().map(|(card, _)| card.department_id).collect();
    let officers: Vec<_> = cards.iter().map(|(card, _)| card.officer_id).collect();
    let people: Vec<_> = cards
        .iter()
        .filter_map(|(_, appeal)| appeal.as_ref())
        .flat_map(|appeal| [Some(appeal.appealed_by), appeal.decided_by])
        .flatten()
        .collect();
    let office = faces::office(conn, caller.county, Office::BusinessOffice).await?;
    let calls = faces::calls(conn, &calls).await?;
    let units = faces::departments(conn, &units).await?;
    let officers = faces::officers(conn, &officers).await?;
    let names = faces::names(conn, &people).await?;
    let view = |(card, appeal): (Card, Option<Appeal>)| {
        let until = appeal_until(calendars, rules, &card);
        let standing = CardStanding::of(caller, &card, appeal.as_ref(), office);
        CardView {
            id: card.id,
            colour: card.colour,
            call: CallRef::of(card.call_id, &calls),
            clock: card.clock,
            rung: card.rung,
            officer: CardHolder {
                id: card.officer_id,
                name: officers.get(&card.officer_id).cloned().unwrap_or_default(),
            },
            department: UnitRef::of(card.department_id, &units),
            due_at: china(card.due_at),
            issued_at: china(card.issued_at),
            late_minutes: card.late_minutes,
            struck: card.struck,
            appeal_until: china(until),
            allowed: allowed(appeal.as_ref(), standing, until, now),
            appeal: appeal.map(|appeal| AppealView {
                appealed_by: name_of(Some(appeal.appealed_by), &names),
                appealed_at: china(appeal.appealed_at),
                decided_by: name_of(appeal.decided_by, &names),
                decided_at: appeal.decided_at.map(china),
                upheld: appeal.upheld,
                reason: appeal.reason,
                evidence: appeal.evidence,
                decision: appeal.decision,
            }),
        }
    };
    Ok(cards.into_iter().map(view).collect())
}
