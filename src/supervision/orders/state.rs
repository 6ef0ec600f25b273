//! Which step of an order is open to whom in which state. Pure.

use super::model::{Order, OrderState};
use crate::identity::{Caller, Role};
use crate::platform::http::problem::Problem;
use crate::supervision::error::SupervisionCode;
use crate::text_enum;

text_enum!(
    /// What can be done to an order.
    OrderVerb { Sign = "sign", Reply = "reply", SendBack = "send-back", Close = "close" }
);

/// What the caller is to the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderStanding {
    /// Of the ordered department.
    pub of_unit: bool,
    /// Its head or a deputy.
    pub leads: bool,
    /// Of the business office or the inspectorate.
    pub office: bool,
}

impl OrderStanding {
    #[must_use]
    pub fn of(caller: &Caller, order: &Order) -> Self {
        let of_unit = caller.department == Some(order.department_id);
        Self {
            of_unit,
            leads: of_unit && (caller.has(Role::Head) || caller.has(Role::Deputy)),
            office: caller.has(Role::BusinessOffice) || caller.has(Role::Inspectorate),
        }
    }

    /// Whether the order exists for the caller at all.
    #[must_use]
    pub const fn sees(self) -> bool {
        self.of_unit || self.office
    }
}

/// Why a step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    State,
    NotYours,
    /// It is for somebody outside the ordered department.
    OwnUnit,
}

impl Refusal {
    /// The refusal as an answer that tells the present state.
    #[must_use]
    pub fn problem(self, state: OrderState) -> Problem {
        let code = match self {
            Self::State => SupervisionCode::OrderWrongState,
            Self::NotYours => SupervisionCode::OrderNotYours,
            Self::OwnUnit => SupervisionCode::OrderOwnUnit,
        };
        let problem = code.problem().with("state", state.as_str());
        if self == Self::State {
            problem.detail(format!("督办单目前为“{}”", state.zh()), format!("the order is {state}"))
        } else {
            problem
        }
    }
}

/// Whether a step is open to somebody of this standing.
pub fn may(verb: OrderVerb, state: OrderState, standing: OrderStanding) -> Result<(), Refusal> {
    let (fits, yours) = match verb {
        OrderVerb::Sign => (state == OrderState::Issued, standing.leads),
        OrderVerb::Reply => (state == OrderState::Signed, standing.leads),
        OrderVerb::SendBack | OrderVerb::Close => {
            if standing.office && standing.of_unit {
                return Err(Refusal::OwnUnit);
            }
            (state == OrderState::Replied, standing.office)
        }
    };
    match (yours, fits) {
        (false, _) => Err(Refusal::NotYours),
        (true, false) => Err(Refusal::State),
        (true, true) => Ok(()),
    }
}

/// The steps open to somebody of this standing now.
#[must_use]
pub fn allowed(state: OrderState, standing: OrderStanding) -> Vec<OrderVerb> {
    OrderVerb::ALL.iter().copied().filter(|verb| may(*verb, state, standing).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_signs_and_answers_and_somebody_outside_closes() {
        let leader = OrderStanding { of_unit: true, leads: true, office: false };
        let clerk = OrderStanding { leads: false, ..leader };
        let office = OrderStanding { of_unit: false, leads: false, office: true };
        let own_office = OrderStanding { of_unit: true, leads: true, office: true };
        let open =
            |standing| OrderState::ALL.iter().map(|state| allowed(*state, standing)).collect::<Vec<_>>();
        let (sign, reply) = (vec![OrderVerb::Sign], vec![OrderVerb::Reply]);
        let decide = vec![OrderVerb::SendBack, OrderVerb::Close];
        assert_eq!(open(leader), [sign.clone(), reply.clone(), vec![], vec![]]);
        assert_eq!(open(clerk), [vec![], vec![], vec![], vec![]]);
        assert_eq!(open(office), [vec![], vec![], decide, vec![]]);
        assert_eq!(open(own_office), [sign, reply, vec![], vec![]]);
        assert_eq!(may(OrderVerb::Close, OrderState::Replied, own_office), Err(Refusal::OwnUnit));
        assert_eq!(may(OrderVerb::Sign, OrderState::Closed, leader), Err(Refusal::State));
        assert_eq!(may(OrderVerb::Sign, OrderState::Issued, office), Err(Refusal::NotYours));
    }
}
