//! Which step of a hand-over is open to whom in which state. Pure.

use super::model::{HandOver, HandOverState};
use crate::identity::{Caller, Role};
use crate::platform::http::problem::Problem;
use crate::supervision::error::SupervisionCode;
use crate::text_enum;

text_enum!(
    /// What can be done to a hand-over.
    HandOverVerb { Review = "review", Sign = "sign", Hand = "hand", Drop = "drop" }
);

/// What the caller is to the hand-over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandOverStanding {
    pub business_office: bool,
    /// The head of the business office, who signs with his name.
    pub head: bool,
    pub discipline: bool,
    /// Reviewed it.
    pub reviewed: bool,
}

impl HandOverStanding {
    #[must_use]
    pub fn of(caller: &Caller, row: &HandOver) -> Self {
        let business_office = caller.has(Role::BusinessOffice);
        Self {
            business_office,
            head: business_office && caller.has(Role::Head),
            discipline: caller.has(Role::Discipline),
            reviewed: row.reviewed_by == Some(caller.account.0),
        }
    }

    /// Whether the hand-over exists for the caller at all: discipline knows only of what was handed.
    #[must_use]
    pub fn sees(self, state: HandOverState) -> bool {
        self.business_office || (self.discipline && state == HandOverState::Handed)
    }
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    State,
    NotYours,
    /// Review and signature are by two people.
    SecondPerson,
}

impl Refusal {
    /// The refusal as an answer that tells the present state.
    #[must_use]
    pub fn problem(self, state: HandOverState) -> Problem {
        let code = match self {
            Self::State => SupervisionCode::HandOverWrongState,
            Self::NotYours => SupervisionCode::HandOverNotYours,
            Self::SecondPerson => SupervisionCode::HandOverSecondPerson,
        };
        let problem = code.problem().with("state", state.as_str());
        if self == Self::State {
            problem.detail(format!("移交目前为“{}”", state.zh()), format!("the hand-over is {state}"))
        } else {
            problem
        }
    }
}

/// Whether a step is open to somebody of this standing.
pub fn may(verb: HandOverVerb, state: HandOverState, standing: HandOverStanding) -> Result<(), Refusal> {
    let (fits, yours) = match verb {
        // Who will sign does not review.
        HandOverVerb::Review if standing.head => return Err(Refusal::SecondPerson),
        HandOverVerb::Review => (state == HandOverState::Draft, standing.business_office),
        HandOverVerb::Sign => (state == HandOverState::Reviewed, standing.head),
        HandOverVerb::Hand => (state == HandOverState::Signed, standing.business_office),
        HandOverVerb::Drop => (
            matches!(state, HandOverState::Draft | HandOverState::Reviewed | HandOverState::Signed),
            standing.head,
        ),
    };
    match (yours, fits) {
        (false, _) => Err(Refusal::NotYours),
        (true, false) => Err(Refusal::State),
        (true, true) if verb == HandOverVerb::Sign && standing.reviewed => Err(Refusal::SecondPerson),
        (true, true) => Ok(()),
    }
}

/// The steps open to somebody of this standing now.
#[must_use]
pub fn allowed(state: HandOverState, standing: HandOverStanding) -> Vec<HandOverVerb> {
    HandOverVerb::ALL.iter().copied().filter(|verb| may(*verb, state, standing).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_people_of_the_office_stand_between_a_draft_and_discipline() {
        let clerk = HandOverStanding { business_office: true, ..HandOverStanding::default() };
        let head = HandOverStanding { head: true, ..clerk };
        let promoted = HandOverStanding { reviewed: true, ..head };
        let discipline = HandOverStanding { discipline: true, ..HandOverStanding::default() };
        let open =
            |standing| HandOverState::ALL.iter().map(|state| allowed(*state, standing)).collect::<Vec<_>>();
        let [review, sign, hand, drop] =
            [HandOverVerb::Review, HandOverVerb::Sign, HandOverVerb::Hand, HandOverVerb::Drop];
        assert_eq!(open(clerk), [vec![review], vec![], vec![hand], vec![], vec![]]);
        assert_eq!(open(head), [vec![drop], vec![sign, drop], vec![hand, drop], vec![], vec![]]);
        assert_eq!(may(sign, HandOverState::Reviewed, promoted), Err(Refusal::SecondPerson));
        assert_eq!(may(review, HandOverState::Draft, head), Err(Refusal::SecondPerson));
        assert!(open(discipline).iter().all(Vec::is_empty));
        let seen: Vec<_> = HandOverState::ALL.iter().filter(|state| discipline.sees(**state)).collect();
        assert_eq!(seen, [&HandOverState::Handed]);
    }
}
