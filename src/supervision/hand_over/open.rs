//! A hand-over at hand, and the one way to save what a step did.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::Value;
use uuid::Uuid;

use super::model::{HandOver, HandOverChange, HandOverId};
use super::state::{HandOverStanding, HandOverVerb, may};
use super::view::{HandOverView, views};
use crate::deadlines::limits::Rules;
use crate::identity::Caller;
use crate::ledger::{self, Actor, Fact};
use crate::notices::model::SubjectKind;
use crate::notices::outbox;
use crate::notices::params::CallParams;
use crate::organisation::model::Office;
use crate::platform::http::problem::{CommonCode, Problem};
use crate::platform::http::text::TextRule;
use crate::platform::http::version;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;
use crate::supervision::tell::{self, Telling, done};

/// One step with its body. Its file is named after it.
pub trait Step: Sized {
    const VERB: HandOverVerb;

    /// Judges the body and changes the hand-over.
    fn apply(self, open: &mut OpenHandOver<'_>) -> Result<(), Problem>;
}

/// A hand-over at hand.
#[derive(Debug)]
pub struct OpenHandOver<'a> {
    pub caller: &'a Caller,
    pub now: DateTime<Utc>,
    pub row: HandOver,
    rules: Arc<Rules>,
    facts: Vec<Fact>,
    told: Option<(&'static str, Asked)>,
}

/// Who is asked for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Somebody of the business office who will not sign.
    Reviewer,
    /// The head of the business office.
    Signer,
    /// The discipline body, which may read now.
    Discipline,
}

/// Takes one step with one hand-over, whole or not at all.
///
/// # Errors
/// 404 when it does not exist for the caller, 403/409 when the step is not open to him now, what the step itself refuses.
pub async fn perform<S: Step>(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: HandOverId,
    step: S,
    expected_version: Option<i32>,
    now: DateTime<Utc>,
) -> Result<HandOverView, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = perform_in(&mut tx, desk, caller, id, step, expected_version, now).await;
    let view = tx.finish(outcome).await?;
    desk.wake.notices();
    Ok(view)
}

async fn perform_in<S: Step>(
    conn: &mut AsyncPgConnection,
    desk: &SupervisionDesk,
    caller: &Caller,
    id: HandOverId,
    step: S,
    expected_version: Option<i32>,
    now: DateTime<Utc>,
) -> Result<HandOverView, Problem> {
    let row = lock(conn, caller, id).await?;
    let (state, now) = (row.state, moment(conn, &row, now).await?);
    version::check(expected_version, row.version)?;
    may(S::VERB, state, HandOverStanding::of(caller, &row)).map_err(|refusal| refusal.problem(state))?;
    let (rules, _) = desk.county(conn, row.county_id).await?;
    let mut open = OpenHandOver { caller, now, row, rules, facts: Vec::new(), told: None };
    step.apply(&mut open)?;
    open.save(conn).await?;
    let mut views = views(conn, caller, vec![open.row]).await?;
    views.pop().ok_or_else(|| SupervisionCode::HandOverNotFound.problem())
}

/// Reads and locks a hand-over that exists for the caller.
pub async fn lock(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    id: HandOverId,
) -> Result<HandOver, Problem> {
    let row = store::hand_overs::lock(conn, id).await?;
    row.filter(|row| HandOverStanding::of(caller, row).sees(row.state))
        .ok_or_else(|| SupervisionCode::HandOverNotFound.into())
}

/// The present moment, never before what has happened already.
pub async fn moment(
    conn: &mut AsyncPgConnection,
    row: &HandOver,
    now: DateTime<Utc>,
) -> QueryResult<DateTime<Utc>> {
    Ok(ledger::store::last_at(conn, row.id.0).await?.map_or(now, |last| last.max(now)))
}

impl OpenHandOver<'_> {
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

    /// Notes an event for the ledger.
    pub fn record(&mut self, kind: &'static str, data: Value) {
        self.facts.push(Fact::new(kind, data));
    }

    /// Plans a notice to the room of who is asked, and to nobody else.
    pub const fn tell(&mut self, event: &'static str, asked: Asked) {
        self.told = Some((event, asked));
    }

    async fn save(&mut self, conn: &mut AsyncPgConnection) -> Result<(), Problem> {
        let seen = self.row.version;
        self.row.version += 1;
        let row = &self.row;
        let change = HandOverChange {
            state: row.state,
            note: &row.note,
            reviewed_by: row.reviewed_by,
            reviewed_at: row.reviewed_at,
            signed_by: row.signed_by,
            signed_at: row.signed_at,
            handed_by: row.handed_by,
            handed_at: row.handed_at,
            dropped_by: row.dropped_by,
            dropped_at: row.dropped_at,
            dropped_reason: row.dropped_reason.as_deref(),
            version: row.version,
        };
        if !store::hand_overs::save(conn, row.id, seen, &change).await? {
            return Err(CommonCode::StaleVersion.into());
        }
        let actor = Actor::account(self.caller.account.0, &*self.caller.name);
        let facts = std::mem::take(&mut self.facts);
        let done = done(self.caller, facts.first().map(|fact| fact.kind), self.now);
        ledger::store::append(conn, subject(&self.row), &actor, self.now, facts).await?;
        outbox::settle_alarms(conn, self.row.id.0, &done).await?;
        if let Some((event, asked)) = self.told {
            ask(conn, &self.row, event, asked, self.now).await?;
        }
        Ok(())
    }
}

/// The chain of a hand-over.
#[must_use]
pub fn subject(row: &HandOver) -> ledger::chain::Subject {
    ledger::chain::Subject { county_id: row.county_id.0, kind: ledger::SubjectKind::HandOver, id: row.id.0 }
}

/// Tells the room of who is asked, calling him by name. The business office hears the call's number, discipline nothing but that
/// there is something to read; the county's own channels hear nothing.
pub async fn ask(
    conn: &mut AsyncPgConnection,
    row: &HandOver,
    event: &'static str,
    asked: Asked,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let organ = match asked {
        Asked::Reviewer | Asked::Signer => Office::BusinessOffice,
        Asked::Discipline => Office::Discipline,
    };
    let Some(room) = store::faces::office(conn, row.county_id, organ).await? else { return Ok(()) };
    let person = match asked {
        Asked::Reviewer => store::faces::colleague(conn, room, now).await?,
        Asked::Signer | Asked::Discipline => store::faces::leader(conn, room, now).await?,
    };
    let call = match asked {
        Asked::Reviewer | Asked::Signer => store::faces::calls(conn, &[row.call_id]).await?.pop(),
        Asked::Discipline => None,
    };
    let params = CallParams {
        number: call.map(|call| call.number),
        holder: person.as_ref().map(|person| person.name.clone()),
        holder_mobile: person.as_ref().map(|person| person.mobile.clone()),
        ..CallParams::default()
    };
    let officer = person.map(|person| person.id);
    let telling = vec![Telling { officer, ..Telling::sealed(event, room, params) }];
    let about: (SubjectKind, Uuid) = (SubjectKind::HandOver, row.id.0);
    tell::post(conn, row.county_id, about, telling, now).await
}
