//! The state machine: which verb is open to whom in which state. Pure.

use std::fmt;

use super::decide::is_the_offices;
use super::model::{Call, Matter, MatterKind, MatterState, State};
use super::standing::Standing;
use crate::text_enum;

text_enum!(
    /// What can be done to a call.
    Verb {
        Accept = "accept",
        Contacted = "contacted",
        Leave = "leave",
        Arrive = "arrive",
        Note = "note",
        Promise = "promise",
        Assist = "assist",
        Pause = "pause",
        Resume = "resume",
        Extension = "extension",
        Return = "return",
        Ruling = "ruling",
        Transfer = "transfer",
        Assign = "assign",
        Refuse = "refuse",
        Resolve = "resolve",
        Confirm = "confirm",
        Reject = "reject",
        Reopen = "reopen",
        Urge = "urge",
        Escalate = "escalate",
        Withdraw = "withdraw",
        Merge = "merge",
    }
);

/// Why a verb is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The state does not allow it.
    State,
    /// Somebody accepted before.
    Taken,
    /// It is another's to do.
    NotYours,
    /// A request of this kind is already open.
    AlreadyAsked,
    /// There is nothing of this kind to decide or end.
    NothingOpen,
    /// Assistance of another department is still open.
    AssistanceOpen,
    /// The clock of resolution is paused.
    Paused,
    /// It was done before and may be done once only.
    Once,
}

impl Verb {
    /// Whether it may let a ladder climb at once.
    #[must_use]
    pub const fn lifts(self) -> bool {
        matches!(self, Self::Urge | Self::Escalate)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What the side matters of a call say.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a>(pub &'a [Matter]);

impl<'a> Beside<'a> {
    /// The open request of a kind.
    #[must_use]
    pub fn asked(self, kind: MatterKind) -> Option<&'a Matter> {
        self.0.iter().find(|matter| matter.kind == kind && matter.state == MatterState::Asked)
    }

    /// The pause that holds now.
    #[must_use]
    pub fn pause(self) -> Option<&'a Matter> {
        self.0.iter().find(|matter| matter.kind == MatterKind::Pause && matter.state == MatterState::Approved)
    }

    /// How often something was done.
    #[must_use]
    pub fn count(self, kind: MatterKind) -> usize {
        self.0.iter().filter(|matter| matter.kind == kind).count()
    }
}

/// Whether `verb` is open to somebody of this standing. What the verb's body says is judged by the verb.
pub fn may(verb: Verb, call: &Call, standing: &Standing, beside: Beside<'_>) -> Result<(), Refusal> {
    let state = call.state;
    let in_hand = state.is_in_hand();
    let works = standing.holder || standing.leader;
    // The business office decides on an extension for which no leader was there to be asked.
    let stands_in = standing.office && beside.asked(MatterKind::Extension).is_some_and(is_the_offices);
    let (fits, yours) = match verb {
        Verb::Accept => (state == State::Dispatched, standing.team),
        Verb::Contacted | Verb::Leave | Verb::Note | Verb::Promise => (in_hand, standing.holder),
        Verb::Arrive => (state == State::Accepted, standing.holder || standing.member),
        Verb::Assist => (in_hand, standing.holder || standing.assisting),
        Verb::Pause => (in_hand, standing.holder || standing.leader || standing.office),
        // A pause that was carried into a transfer ends at its bound all the same.
        Verb::Resume => (
            in_hand || (standing.clock && !state.is_end()),
            standing.holder || standing.leader || standing.office || standing.clock,
        ),
        Verb::Extension => (in_hand, works || stands_in),
        Verb::Return => {
            (matches!(state, State::Dispatched | State::Accepted), standing.holder || standing.desk)
        }
        Verb::Ruling => (state == State::Dispatched || in_hand, standing.office),
        Verb::Transfer => (
            matches!(state, State::Dispatched | State::Accepted | State::Arrived),
            (standing.holder && in_hand) || standing.desk || standing.office,
        ),
        Verb::Assign => (
            !state.is_end() && state != State::Resolved,
            standing.office || (standing.inspectorate && state != State::Triage),
        ),
        Verb::Refuse => (state == State::Triage, standing.office),
        Verb::Resolve => (in_hand, standing.holder),
        Verb::Confirm => (state == State::Resolved, standing.member || standing.clock),
        Verb::Reject => (state == State::Resolved, standing.member),
        Verb::Reopen => (state == State::Closed, standing.member),
        Verb::Urge => (!state.is_end() && state != State::Resolved, standing.member),
        // The clock does when an alarm reached nobody.
        Verb::Escalate => (
            !state.is_end() && state != State::Resolved,
            standing.leader || standing.office || standing.inspectorate || standing.clock,
        ),
        Verb::Withdraw => (state.is_unaccepted() || state == State::Accepted, standing.member),
        Verb::Merge => (state.is_unaccepted(), standing.member || standing.office || standing.holder),
    };
    if !yours {
        return Err(Refusal::NotYours);
    }
    if !fits {
        let taken = verb == Verb::Accept && call.accepted_at.is_some() && !state.is_end();
        return Err(if taken { Refusal::Taken } else { Refusal::State });
    }
    let decides = standing.leader || standing.office;
    match verb {
        Verb::Resolve if beside.pause().is_some() => Err(Refusal::Paused),
        Verb::Resolve if beside.asked(MatterKind::Assistance).is_some() => Err(Refusal::AssistanceOpen),
        Verb::Resume if beside.pause().is_none() => Err(Refusal::NothingOpen),
        Verb::Ruling if beside.asked(MatterKind::Return).is_none() => Err(Refusal::NothingOpen),
        Verb::Return if beside.asked(MatterKind::Return).is_some() => Err(Refusal::AlreadyAsked),
        Verb::Return if returned_by_department(call, beside) => Err(Refusal::Once),
        Verb::Reopen if beside.count(MatterKind::Reopen) > 0 => Err(Refusal::Once),
        Verb::Extension if granted_extension(beside) => Err(Refusal::Once),
        Verb::Assist if !standing.holder && beside.asked(MatterKind::Assistance).is_none() => {
            Err(Refusal::NothingOpen)
        }
        Verb::Pause if beside.pause().is_some() => Err(Refusal::Paused),
        Verb::Pause if !decides && beside.asked(MatterKind::Pause).is_some() => Err(Refusal::AlreadyAsked),
        Verb::Pause if !standing.holder && beside.asked(MatterKind::Pause).is_none() => {
            Err(Refusal::NothingOpen)
        }
        Verb::Extension
            if !standing.leader && !stands_in && beside.asked(MatterKind::Extension).is_some() =>
        {
            Err(Refusal::AlreadyAsked)
        }
        Verb::Merge if !standing.member && beside.asked(MatterKind::Merge).is_some() => {
            Err(Refusal::AlreadyAsked)
        }
        Verb::Extension if !standing.holder && beside.asked(MatterKind::Extension).is_none() => {
            Err(Refusal::NothingOpen)
        }
        _ => Ok(()),
    }
}

/// The verbs open to somebody of this standing now.
#[must_use]
pub fn allowed(call: &Call, standing: &Standing, beside: Beside<'_>) -> Vec<Verb> {
    Verb::ALL.iter().copied().filter(|verb| may(*verb, call, standing, beside).is_ok()).collect()
}

fn returned_by_department(call: &Call, beside: Beside<'_>) -> bool {
    beside.0.iter().any(|matter| {
        matter.kind == MatterKind::Return && matter.from_department_id == Some(call.department_id)
    })
}

fn granted_extension(beside: Beside<'_>) -> bool {
    beside.0.iter().any(|matter| {
        matter.kind == MatterKind::Extension
            && matches!(matter.state, MatterState::Approved | MatterState::Done)
    })
}

#[cfg(test)]
mod tests;
