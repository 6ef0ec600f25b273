//! A card at hand, and the way to save what was done to it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::Value;

use super::model::{Appeal, Card, CardId};
use super::state::{CardStanding, CardVerb, judge, may};
use super::view::{CardView, views};
use crate::deadlines::CountyCalendars;
use crate::deadlines::limits::Rules;
use crate::identity::Caller;
use crate::ledger::{self, Actor, Fact};
use crate::notices::model::SubjectKind;
use crate::notices::outbox;
use crate::notices::params::CallParams;
use crate::organisation::DepartmentId;
use crate::organisation::model::Office;
use crate::platform::http::problem::Problem;
use crate::platform::http::text::TextRule;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;
use crate::supervision::tell::{self, Telling, done};

/// A card with its appeal, locked.
#[derive(Debug)]
pub struct OpenCard<'a> {
    pub caller: &'a Caller,
    pub now: DateTime<Utc>,
    pub card: Card,
    pub appeal: Option<Appeal>,
    /// The county's business office.
    office: Option<DepartmentId>,
    rules: Arc<Rules>,
    calendars: Arc<CountyCalendars>,
}

/// Until when a card may be appealed.
#[must_use]
pub fn appeal_until(calendars: &CountyCalendars, rules: &Rules, card: &Card) -> DateTime<Utc> {
    calendars
        .of(Some(card.department_id))
        .closing_after(card.issued_at, rules.supervision.appeal_working_days)
}

impl<'a> OpenCard<'a> {
    /// Locks a card for a verb.
    ///
    /// # Errors
    /// 404 when it does not exist for the caller, 403/409 when the verb is not open to him now.
    pub async fn lock(
        conn: &mut AsyncPgConnection,
        desk: &SupervisionDesk,
        caller: &'a Caller,
        id: CardId,
        verb: CardVerb,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let card = store::cards::lock(conn, id).await?;
        let card = card.ok_or_else(|| SupervisionCode::CardNotFound.problem())?;
        let appeal = store::cards::appeals(conn, &[id]).await?.pop();
        let office = store::faces::office(conn, card.county_id, Office::BusinessOffice).await?;
        let standing = CardStanding::of(caller, &card, appeal.as_ref(), office);
        if !standing.sees() {
            return Err(SupervisionCode::CardNotFound.into());
        }
        let now = ledger::store::last_at(conn, id.0).await?.map_or(now, |last| last.max(now));
        let (rules, calendars) = desk.county(conn, card.county_id).await?;
        let until = appeal_until(&calendars, &rules, &card);
        may(verb, appeal.as_ref(), standing, until, now)?;
        Ok(Self { caller, now, card, appeal, office, rules, calendars })
    }

    /// Words that must be given, within the county's length.
    pub fn required(&self, field: &str, text: &str) -> Result<String, Problem> {
        self.words().required(field, text).map_err(|error| Problem::invalid(vec![error]))
    }

    /// Words that may be given; empty when not.
    pub fn optional(&self, field: &str, text: Option<&str>) -> Result<String, Problem> {
        let words = self.words().optional(field, text).map_err(|error| Problem::invalid(vec![error]))?;
        Ok(words.unwrap_or_default())
    }

    fn words(&self) -> TextRule {
        TextRule::block(self.rules.supervision.text_length)
    }

    /// Writes what happened into the ledger.
    pub async fn record(
        &self,
        conn: &mut AsyncPgConnection,
        kind: &'static str,
        data: Value,
    ) -> Result<(), Problem> {
        let subject = ledger::chain::Subject {
            county_id: self.card.county_id.0,
            kind: ledger::SubjectKind::Card,
            id: self.card.id.0,
        };
        let actor = Actor::account(self.caller.account.0, &*self.caller.name);
        ledger::store::append(conn, subject, &actor, self.now, vec![Fact::new(kind, data)]).await?;
        Ok(())
    }

    /// Calls whoever answers for the organ that decides on the appeal, in its room.
    pub async fn call_to_decide(&self, conn: &mut AsyncPgConnection, reason: String) -> Result<(), Problem> {
        let organ = match judge(self.card.department_id, self.office) {
            Office::Inspectorate => {
                store::faces::office(conn, self.card.county_id, Office::Inspectorate).await?
            }
            _ => self.office,
        };
        let Some(room) = organ else {
            tracing::error!(card = %self.card.id, "an appeal finds nobody to decide it: the county has no such organ");
            return Ok(());
        };
        let decider = store::faces::contact(conn, room, self.now).await?;
        let params = self.params(conn, None, reason).await?;
        // The room calls by name who is to decide, not who holds the card.
        let mobile = decider.as_ref().map(|decider| decider.mobile.clone());
        let params = CallParams { holder_mobile: mobile, ..params };
        let officer = decider.map(|decider| decider.id);
        self.post(conn, Telling { officer, ..Telling::new("card.appealed", room, params) }).await
    }

    /// Tells the room of the card's department what was decided.
    pub async fn tell_decided(
        &self,
        conn: &mut AsyncPgConnection,
        upheld: bool,
        decision: String,
    ) -> Result<(), Problem> {
        // Whoever was called to decide need not act any more.
        let done = done(self.caller, Some("card.appeal_decided"), self.now);
        outbox::settle_alarms(conn, self.card.id.0, &done).await?;
        let params = self.params(conn, Some(upheld), decision).await?;
        self.post(conn, Telling::new("card.appeal_decided", self.card.department_id, params)).await
    }

    async fn params(
        &self,
        conn: &mut AsyncPgConnection,
        upheld: Option<bool>,
        note: String,
    ) -> Result<CallParams, Problem> {
        let call = store::faces::calls(conn, &[self.card.call_id]).await?.pop();
        let unit = store::faces::departments(conn, &[self.card.department_id]).await?.pop();
        let officer = store::faces::officers(conn, &[self.card.officer_id]).await?;
        Ok(CallParams {
            number: call.as_ref().map(|call| call.number.clone()),
            call_id: Some(self.card.call_id),
            title: call.as_ref().map(|call| call.title.clone()),
            urgency: call.as_ref().map(|call| call.urgency.clone()),
            enterprise: call.map(|call| call.enterprise),
            department: unit.map(|unit| unit.short_name),
            holder: officer.get(&self.card.officer_id).cloned(),
            actor: Some(self.caller.name.to_string()),
            card: Some(self.card.colour.as_str().to_owned()),
            clock: Some(self.card.clock.as_str().to_owned()),
            clock_due_at: Some(self.card.due_at),
            late_minutes: u32::try_from(self.card.late_minutes).ok().filter(|late| *late > 0),
            approved: upheld,
            note: Some(note),
            ..CallParams::default()
        })
    }

    async fn post(&self, conn: &mut AsyncPgConnection, telling: Telling) -> Result<(), Problem> {
        let subject = (SubjectKind::Card, self.card.id.0);
        tell::post(conn, self.card.county_id, subject, vec![telling], self.now).await?;
        Ok(())
    }

    /// The card as the caller sees it now.
    pub async fn show(self, conn: &mut AsyncPgConnection) -> Result<CardView, Problem> {
        let rows = vec![(self.card, self.appeal)];
        let mut views = views(conn, self.caller, &self.calendars, &self.rules, rows, self.now).await?;
        views.pop().ok_or_else(|| SupervisionCode::CardNotFound.problem())
    }
}
