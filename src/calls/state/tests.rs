//! What holds for every call, whoever looks at it and whatever stands beside it.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::calls::model::{CallId, Entrance, RouteRule};
use crate::deadlines::limits::Urgency;
use crate::organisation::{CountyId, DepartmentId, EnterpriseId, OfficerId};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

fn call(state: State) -> Call {
    let moment = |has: bool| has.then(now);
    let worked = !state.is_unaccepted();
    Call {
        id: CallId(Uuid::from_u128(1)),
        county_id: CountyId(Uuid::from_u128(2)),
        number: "000000000".into(),
        state,
        urgency: Urgency::Normal,
        wants_visit: true,
        enterprise_id: EnterpriseId(Uuid::from_u128(3)),
        item_id: None,
        title: "停电".into(),
        text: String::new(),
        place: String::new(),
        contact_name: String::new(),
        contact_phone: String::new(),
        appointment_at: None,
        entrance: Entrance::Enterprise,
        raised_by: Uuid::from_u128(4),
        raised_at: now(),
        department_id: DepartmentId(Uuid::from_u128(5)),
        holder_id: OfficerId(Uuid::from_u128(6)),
        backup_id: None,
        route_rule: RouteRule::ItemCard,
        route_reason: String::new(),
        suggestions: json!([]),
        dispatched_at: moment(state != State::Triage),
        accepted_at: moment(worked),
        arrived_at: None,
        resolved_at: None,
        ended_at: moment(state.is_end()),
        outcome_text: None,
        closing: None,
        merged_into: None,
        version: 1,
    }
}

fn any_state() -> impl Strategy<Value = State> {
    proptest::sample::select(State::ALL)
}

fn any_standing() -> impl Strategy<Value = Standing> {
    proptest::array::uniform9(any::<bool>()).prop_map(
        |[member, holder, team, leader, desk, assisting, office, inspectorate, recorder]| Standing {
            member,
            holder,
            team: team || holder,
            leader,
            desk: desk || leader,
            assisting,
            office,
            inspectorate,
            recorder,
            clock: false,
        },
    )
}

fn any_matters() -> impl Strategy<Value = Vec<Matter>> {
    let one = (proptest::sample::select(MatterKind::ALL), proptest::sample::select(MatterState::ALL));
    proptest::collection::vec(one, 0..4).prop_map(|found| {
        let matter = |(kind, state): (MatterKind, MatterState)| {
            let mut matter =
                Matter::asked(&call(State::Accepted), kind, Uuid::from_u128(7), now(), String::new());
            matter.state = state;
            matter
        };
        found.into_iter().map(matter).collect()
    })
}

proptest! {
    #[test]
    fn what_is_allowed_is_what_one_may_and_refusals_have_their_order(
        state in any_state(), standing in any_standing(), matters in any_matters()
    ) {
        let (call, beside) = (call(state), Beside(&matters));
        let allowed = allowed(&call, &standing, beside);
        for verb in Verb::ALL {
            let outcome = may(*verb, &call, &standing, beside);
            prop_assert_eq!(outcome.is_ok(), allowed.contains(verb));
            if outcome == Err(Refusal::Taken) {
                prop_assert!(*verb == Verb::Accept && call.accepted_at.is_some());
            }
        }
        // A call that has ended knows one way on, and only from closed.
        if state.is_end() {
            let on: &[Verb] = if state == State::Closed { &[Verb::Reopen] } else { &[] };
            prop_assert!(allowed.iter().all(|verb| on.contains(verb)), "{:?}", allowed);
        }
        prop_assert!(!allowed.contains(&Verb::Accept) || state == State::Dispatched);
        prop_assert!(!allowed.contains(&Verb::Resolve) || (standing.holder && state.is_in_hand() && beside.pause().is_none()));
        prop_assert!(!allowed.contains(&Verb::Refuse) || (standing.office && state == State::Triage));
    }

    #[test]
    fn nobody_in_particular_may_nothing_and_more_standing_never_takes_a_right_away(
        state in any_state(), standing in any_standing(), matters in any_matters()
    ) {
        let (call, beside) = (call(state), Beside(&matters));
        prop_assert!(allowed(&call, &Standing::default(), beside).is_empty());
        let watcher = Standing { recorder: true, ..Standing::default() };
        prop_assert!(watcher.sees() && allowed(&call, &watcher, beside).is_empty());
        let all = Standing {
            member: true, holder: true, team: true, leader: true, desk: true, assisting: true, office: true, inspectorate: true,
            recorder: true,
            clock: false,
        };
        for verb in allowed(&call, &standing, beside) {
            prop_assert!(may(verb, &call, &all, beside).is_ok(), "{}", verb);
        }
    }
}

#[test]
fn every_state_but_an_end_leaves_somebody_something_to_do() {
    for state in State::ALL {
        let everybody = |standing: Standing| allowed(&call(*state), &standing, Beside(&[]));
        let officials = everybody(Standing {
            holder: true,
            team: true,
            desk: true,
            leader: true,
            office: true,
            ..Standing::default()
        });
        let enterprise = everybody(Standing { member: true, ..Standing::default() });
        assert_eq!(officials.is_empty(), state.is_end() || *state == State::Resolved, "{state}");
        let over = matches!(state, State::Withdrawn | State::Refused | State::Merged);
        assert_eq!(enterprise.is_empty(), over, "{state}");
    }
}
