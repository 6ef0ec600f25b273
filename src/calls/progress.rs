//! Events on the way that change no state: contacted, leaving, progress note, a promised date.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order, timing};
use super::error::CallCode;
use super::state::Verb;
use super::tell::Telling;
use crate::deadlines::Clock;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Words as they are recorded.
fn trimmed(words: Option<&str>) -> &str {
    words.unwrap_or_default().trim()
}

/// The officer has spoken with the enterprise (stops T2).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contacted {
    pub note: Option<String>,
}

impl Order for Contacted {
    const VERB: Verb = Verb::Contacted;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.just_recorded("call.contacted", |said| said["note"] == trimmed(self.note.as_deref()))
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let note = case.optional("note", self.note.as_deref())?;
        // Once more, and without a word, is no progress.
        if case.clocks.live(Clock::Contact).is_some() || !note.is_empty() {
            case.start(Clock::Stall);
        }
        case.clocks.fulfil(Clock::Contact, case.now);
        case.record("call.contacted", json!({"note": note}));
        case.tell(Telling::quiet("call.contacted").with("note", note));
        Ok(())
    }
}

/// The officer is on his way.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    pub note: Option<String>,
}

impl Order for Leave {
    const VERB: Verb = Verb::Leave;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.just_recorded("call.leaving", |said| said["note"] == trimmed(self.note.as_deref()))
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let note = case.optional("note", self.note.as_deref())?;
        case.record("call.leaving", json!({"note": note}));
        case.tell(Telling::quiet("call.leaving").with("note", note));
        Ok(())
    }
}

/// A word on how it goes (starts T7 anew).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    pub text: String,
}

impl Order for Note {
    const VERB: Verb = Verb::Note;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.just_recorded("call.noted", |said| said["text"] == trimmed(Some(&self.text)))
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let text = case.required("text", &self.text)?;
        case.start(Clock::Stall);
        case.record("call.noted", json!({"text": text}));
        case.tell(Telling::quiet("call.noted").with("note", text));
        Ok(())
    }
}

/// A date by which it will be done, not after T5: stops T4 and becomes a clock of its own.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promise {
    pub until: DateTime<Utc>,
    pub text: Option<String>,
}

impl Order for Promise {
    const VERB: Verb = Verb::Promise;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        let until = china(self.until).to_rfc3339();
        case.just_recorded("call.promised", |said| {
            said["until"] == until.as_str() && said["text"] == trimmed(self.text.as_deref())
        })
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let text = case.optional("text", self.text.as_deref())?;
        if self.until <= case.now {
            return Err(CallCode::TooLate
                .problem()
                .detail("承诺的时间须在现在之后", "the promised moment is over"));
        }
        let due = |clock| {
            let calendar = case.calendar_of(clock);
            let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
            case.clocks.due_at(&timing, clock, case.now)
        };
        let resolve = due(Clock::Resolve);
        // A promise is kept or broken, not postponed.
        let promised = due(Clock::Promise).filter(|promised| *promised >= case.now);
        let latest = [resolve, promised].into_iter().flatten().min();
        if let Some(latest) = latest.filter(|latest| self.until > *latest) {
            let latest = china(latest).to_rfc3339();
            return Err(CallCode::OverLimit
                .problem()
                .detail(
                    format!("承诺时间不得晚于办结时限和此前的承诺：{latest}"),
                    format!("not later than {latest}"),
                )
                .with("latest", latest));
        }
        case.clocks.fulfil(Clock::Plan, case.now);
        let calendar = case.calendar();
        let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
        case.clocks.start_until(&timing, Clock::Promise, case.now, self.until, 0);
        case.start(Clock::Stall);
        let until = china(self.until).to_rfc3339();
        case.record("call.promised", json!({"until": until, "text": text}));
        case.tell(Telling::quiet("call.promised").with("until", until).with("note", text));
        Ok(())
    }
}
