//! Confirm (确认) with four scores, and reject (未解决): the enterprise's last word. The first rejection is a redo one level up, the
//! second one is a red card for whoever resolved it, and calls a person of the business office to review the case.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order, timing};
use super::model::{Closing, Matter, MatterKind, State};
use super::state::{Beside, Verb};
use super::store::{self, Rating};
use super::tell::Telling;
use crate::deadlines::Clock;
use crate::deadlines::ladder::CardColour;
use crate::deadlines::limits::Urgency;
use crate::organisation::model::{Office, Post};
use crate::platform::http::problem::{FieldError, Problem};
use crate::supervision::cards::{self, NewCard};

/// Solved. Scores 1–5; without scores the call is closed unrated.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Confirm {
    pub speed: Option<i16>,
    pub attitude: Option<i16>,
    pub ability: Option<i16>,
    pub result: Option<i16>,
    pub words: Option<String>,
}

impl Order for Confirm {
    const VERB: Verb = Verb::Confirm;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.standing.member && case.call.closing == Some(Closing::Confirmed)
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let words = case.optional("words", self.words.as_deref())?;
        let scores = self.scores()?;
        if let Some([speed, attitude, ability, result]) = scores {
            let rating = Rating {
                call_id: case.call.id,
                county_id: case.call.county_id,
                rated_by: case.person.account,
                rated_at: case.now,
                speed,
                attitude,
                ability,
                result,
                words: words.clone(),
            };
            store::rate(case.conn, &rating).await?;
        }
        case.clocks.fulfil(Clock::Confirm, case.now);
        case.call.closing = Some(Closing::Confirmed);
        case.end(State::Closed).await?;
        case.record("call.confirmed", json!({"scores": scores, "words": words}));
        case.tell(
            Telling::news("call.confirmed", case.room()).with("scores", json!(scores)).with("note", words),
        );
        Ok(())
    }
}

impl Confirm {
    fn scores(&self) -> Result<Option<[i16; 4]>, Problem> {
        let named = [
            ("speed", self.speed),
            ("attitude", self.attitude),
            ("ability", self.ability),
            ("result", self.result),
        ];
        if named.iter().all(|(_, score)| score.is_none()) {
            return Ok(None);
        }
        let errors: Vec<FieldError> = named
            .iter()
            .filter(|(_, score)| !score.is_some_and(|score| (1..=5).contains(&score)))
            .map(|(field, _)| {
                FieldError::new(*field, "out_of_range", "请打 1 到 5 分", "a score from 1 to 5")
            })
            .collect();
        match (self.speed, self.attitude, self.ability, self.result) {
            (Some(speed), Some(attitude), Some(ability), Some(result)) if errors.is_empty() => {
                Ok(Some([speed, attitude, ability, result]))
            }
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// Nobody answered in time (默认确认): closed, and counted apart, never as satisfied. Only the clock says so.
#[derive(Clone, Copy, Debug)]
pub struct Silence;

impl Order for Silence {
    const VERB: Verb = Verb::Confirm;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        case.call.closing = Some(Closing::Silent);
        case.end(State::Closed).await?;
        case.record("call.closed_silently", json!({}));
        case.tell(Telling::news("call.closed_silently", case.room()));
        Ok(())
    }
}

/// Not solved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    pub reason: String,
}

impl Order for Reject {
    const VERB: Verb = Verb::Reject;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.required("reason", &self.reason)?;
        case.clocks.fulfil(Clock::Confirm, case.now);
        let before = Beside(&case.matters).count(MatterKind::Redo);
        let card = (before > 0).then(|| red_card(case)).flatten();
        redo(case, MatterKind::Redo, "call.rejected", &reason).await?;
        if before > 0 {
            ask_for_review(case, reason).await?;
            cards::issue(case.conn, card.as_slice()).await?;
            let held = card.map(|card| json!({"colour": card.colour, "officerId": card.officer}));
            case.record("call.review_needed", json!({"rejections": before + 1, "card": held}));
        }
        Ok(())
    }
}

/// The card of whoever holds the call now, for the T5 that he said he had kept.
fn red_card(case: &Case<'_>) -> Option<NewCard> {
    let promise = case.clocks.all().filter(|row| row.clock == Clock::Resolve).last()?;
    let resolved = case.call.resolved_at.unwrap_or(case.now);
    let late = if case.call.urgency == Urgency::Critical {
        (resolved - promise.due_at).max(TimeDelta::zero())
    } else {
        case.calendar_as(promise.edition()).working_between(promise.due_at, resolved)
    };
    Some(NewCard {
        county: case.call.county_id,
        call: case.call.id.0,
        deadline: promise.id,
        clock: Clock::Resolve,
        rung: 0,
        colour: CardColour::Red,
        officer: case.call.holder_id,
        department: case.call.department_id,
        due_at: promise.due_at,
        issued_at: case.now,
        late_minutes: i32::try_from(late.num_minutes()).unwrap_or(i32::MAX),
    })
}

/// Calls the business office's contact; when nobody is there, its room is told.
async fn ask_for_review(case: &mut Case<'_>, reason: String) -> Result<(), Problem> {
    let event = "call.review_needed";
    let telling = match case.office_contact().await? {
        Some(contact) => {
            let face = store::officer_face(case.conn, contact.id).await?;
            // The room calls him by name, not the call's holder.
            Telling::alarm(event, contact.department_id, contact.id)
                .with("holderMobile", face.map(|face| face.mobile))
        }
        None => match store::office(case.conn, case.call.county_id, Office::BusinessOffice).await? {
            Some(office) => Telling::news(event, office.id),
            None => return Ok(()),
        },
    };
    case.tell(telling.with("note", reason));
    Ok(())
}

/// A closed call was not solved after all: once, within ten working days.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reopen {
    pub reason: String,
}

impl Order for Reopen {
    const VERB: Verb = Verb::Reopen;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.required("reason", &self.reason)?;
        let ended = case.call.ended_at.unwrap_or(case.now);
        let days = case.rules.calls.reopen_working_days;
        if case.now > case.calendar().closing_after(ended, days) {
            return Err(super::error::CallCode::TooLate.problem().detail(
                format!("关闭后 {days} 个工作日内可以重新打开"),
                format!("a call can be reopened within {days} working days"),
            ));
        }
        case.call.ended_at = None;
        case.call.closing = None;
        redo(case, MatterKind::Reopen, "call.reopened", &reason).await
    }
}

/// Back to accepted, five working days, one level up: the head's deputy, else the head, else whoever held it.
async fn redo(
    case: &mut Case<'_>,
    kind: MatterKind,
    event: &'static str,
    reason: &str,
) -> Result<(), Problem> {
    let now = case.now;
    let people =
        store::department_candidates(case.conn, case.call.department_id, case.call.item_id, now).await?;
    let present = |post: Post| {
        people.iter().find(|officer| {
            officer.post == post && officer.is_reachable() && officer.id != case.call.holder_id
        })
    };
    let holder_post =
        people.iter().find(|officer| officer.id == case.call.holder_id).map(|officer| officer.post);
    let above = match holder_post {
        Some(Post::Head) => None,
        Some(Post::Deputy) => present(Post::Head),
        _ => present(Post::Deputy).or_else(|| present(Post::Head)),
    };
    let lead = case.call.holder_id;
    if let Some(above) = above {
        case.call.holder_id = above.id;
        case.call.backup_id = Some(lead);
    }
    let mut matter = Matter::asked(&case.call, kind, case.person.account, now, reason.to_owned());
    matter.officer_id = Some(case.call.holder_id);
    matter.decide(true, case.person.who(), now, String::new());
    matter.finish(case.person.who(), now);
    case.call.state = State::Accepted;
    case.call.resolved_at = None;
    case.call.arrived_at = None;
    case.call.outcome_text = None;
    let limit = case.rules.calls.redo;
    let calendar = case.calendar();
    let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
    case.clocks.start(&timing, Clock::Resolve, now, limit);
    case.start(Clock::Stall);
    case.record(event, json!({"matterId": matter.id, "reason": reason, "holderId": case.call.holder_id}));
    case.tell(Telling::alarm(event, case.room(), case.call.holder_id).with("note", reason));
    case.put(matter);
    Ok(())
}
