//! Merge (合并) into an open call of the same enterprise and item, before acceptance, when the enterprise agrees; the elder's clocks
//! stay.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::error::CallCode;
use super::list::{Reference, reference};
use super::model::{Call, Matter, MatterKind, State};
use super::state::{Beside, Refusal, Verb};
use super::store;
use super::tell::{Scene, Telling};
use crate::deadlines;
use crate::ledger::{self, Fact};
use crate::notices::outbox;
use crate::platform::http::problem::Problem;

/// The enterprise merges by itself (`into`) or answers a proposal (`approve`); officials propose (`into`).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Merge {
    /// Id or number of the elder call.
    pub into: Option<String>,
    pub approve: Option<bool>,
    pub reason: Option<String>,
}

impl Order for Merge {
    const VERB: Verb = Verb::Merge;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.optional("reason", self.reason.as_deref())?;
        match (self.into.as_deref(), self.approve) {
            (Some(into), None) => {
                let named = match reference(into.trim(), "into")? {
                    Reference::Id(id) => store::find(case.conn, id).await?,
                    Reference::Number(number) => {
                        store::find_by_number(case.conn, case.call.county_id, &number).await?
                    }
                };
                let target = target(case, named).await?;
                let matter = Matter {
                    other_call_id: Some(target.id),
                    ..Matter::asked(&case.call, MatterKind::Merge, case.person.account, case.now, reason)
                };
                if case.standing.member {
                    carry_out(case, matter, &target).await
                } else {
                    propose(case, matter, &target.number)
                }
            }
            (None, Some(approve)) => answer(case, approve, reason).await,
            _ => Err(CallCode::NotMergeable.into()),
        }
    }
}

async fn target(case: &mut Case<'_>, named: Option<Call>) -> Result<Call, Problem> {
    // Only an elder call is locked beside one's own, so two calls never wait for each other.
    let elder = named.filter(|other| takes_over(other, &case.call));
    let locked = match elder {
        Some(elder) => store::lock(case.conn, elder.id).await?,
        None => None,
    };
    locked.filter(|other| takes_over(other, &case.call)).ok_or_else(|| CallCode::NotMergeable.problem())
}

fn takes_over(elder: &Call, call: &Call) -> bool {
    elder.enterprise_id == call.enterprise_id
        && elder.item_id.is_some()
        && elder.item_id == call.item_id
        && !elder.state.is_end()
        && elder.state != State::Resolved
        && (elder.raised_at, elder.id) < (call.raised_at, call.id)
}

fn propose(case: &mut Case<'_>, matter: Matter, number: &str) -> Result<(), Problem> {
    if Beside(&case.matters).asked(MatterKind::Merge).is_some() {
        return Err(Refusal::AlreadyAsked.problem(case.call.state));
    }
    case.record(
        "call.merge_proposed",
        json!({"matterId": matter.id, "into": matter.other_call_id, "number": number}),
    );
    case.tell(Telling::quiet("call.merge_proposed").with("to", number));
    case.put(matter);
    Ok(())
}

async fn answer(case: &mut Case<'_>, approve: bool, note: String) -> Result<(), Problem> {
    if !case.standing.member {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    let mut matter = case.to_decide(MatterKind::Merge, None)?;
    if approve {
        let named = match matter.other_call_id {
            Some(into) => store::find(case.conn, into).await?,
            None => None,
        };
        let target = target(case, named).await?;
        return carry_out(case, matter, &target).await;
    }
    matter.decide(false, case.person.who(), case.now, note.clone());
    case.record("call.merge_declined", json!({"matterId": matter.id, "note": note}));
    case.tell(Telling::quiet("call.merge_declined").with("note", note));
    case.put(matter);
    Ok(())
}

async fn carry_out(case: &mut Case<'_>, mut matter: Matter, target: &Call) -> Result<(), Problem> {
    matter.decide(true, case.person.who(), case.now, String::new());
    matter.finish(case.person.who(), case.now);
    case.put(matter.clone());
    case.call.merged_into = Some(target.id);
    case.settle_alarms();
    case.end(State::Merged).await?;
    case.record("call.merged", json!({"matterId": matter.id, "into": target.id, "number": target.number}));
    case.tell(Telling::news("call.merged", case.room()).with("to", target.number.clone()));
    let elder = ledger::chain::Subject {
        county_id: target.county_id.0,
        kind: ledger::SubjectKind::Call,
        id: target.id.0,
    };
    let fact = Fact::new(
        "call.took_over",
        json!({"callId": case.call.id, "number": case.call.number, "text": case.call.text}),
    );
    ledger::store::append(case.conn, elder, &case.person.actor(), case.now, vec![fact]).await?;
    tell_of(case, target).await
}

/// The room of whoever has the elder call in hand learns what was added to it. Nobody need answer, so it is no alarm.
async fn tell_of(case: &mut Case<'_>, elder: &Call) -> Result<(), Problem> {
    let found = store::faces(case.conn, &[elder.id]).await?.into_iter().next();
    let faces = found.ok_or_else(|| CallCode::NotMergeable.problem())?;
    let clocks = deadlines::store::of_subject(case.conn, elder.id.0).await?;
    let scene = Scene {
        desk: case.desk,
        rules: &case.rules.calls,
        call: elder,
        faces: &faces,
        clocks: &clocks,
        actor: &case.person.name,
        now: case.now,
    };
    let telling = Telling::news("call.took_over", elder.department_id).with("note", case.call.text.clone());
    let draft = scene.draft(telling.with("to", case.call.number.clone()));
    let routes = outbox::routes(case.conn, elder.county_id, &[elder.department_id], &[]).await?;
    outbox::post(case.conn, &outbox::address(&draft, elder.county_id, &routes, case.now)).await?;
    Ok(())
}
