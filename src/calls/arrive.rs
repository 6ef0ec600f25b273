//! Arrive (到场): proven by the enterprise's fresh code, by standing near it, or by the enterprise itself. The position is used and
//! forgotten; only how it was proven is kept.
//!
//! A code has six digits, so it must not be guessed: of each call so many wrong ones are judged in a quarter of an hour. The count is
//! that of the ledger, under the lock of the call, so all replicas share it and no restart forgets it.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::desk::Desk;
use super::error::CallCode;
use super::model::State;
use super::state::Verb;
use super::store;
use super::tell::Telling;
use crate::deadlines::Clock;
use crate::deadlines::limits::CallRules;
use crate::ledger;
use crate::platform::http::problem::Problem;

/// The event of a wrong code; the code itself is kept nowhere.
const WRONG: &str = "call.arrival_code_wrong";

/// The officer is there. The enterprise confirms with an empty body.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Arrive {
    /// The six digits that the enterprise shows.
    pub code: Option<String>,
    /// Where the officer's phone is; never stored.
    pub position: Option<Position>,
}

/// A place, WGS 84.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// How exactly the phone knows it, in metres.
    pub accuracy: Option<f64>,
}

impl Order for Arrive {
    const VERB: Verb = Verb::Arrive;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.standing.holder && case.call.state == State::Arrived
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let proof = if case.standing.member {
            "enterprise"
        } else if self.is_near(case).await? {
            "near"
        } else {
            match self.code.as_deref().map(str::trim).filter(|code| !code.is_empty()) {
                None => return Err(unproven(&case.rules.calls)),
                Some(code) => match judge(case, code).await? {
                    Judged::Right => "code",
                    Judged::Wrong(refusal) => {
                        case.refuse_and_keep(refusal);
                        return Ok(());
                    }
                },
            }
        };
        let now = case.now;
        case.call.state = State::Arrived;
        case.call.arrived_at = Some(now);
        case.clocks.fulfil(Clock::Arrive, now);
        case.clocks.fulfil(Clock::Appointment, now);
        case.clocks.fulfil(Clock::Contact, now);
        case.start(Clock::Stall);
        case.record("call.arrived", json!({"proof": proof}));
        case.tell(Telling::news("call.arrived", case.room()));
        Ok(())
    }
}

/// What a code turned out to be.
enum Judged {
    Right,
    /// To be refused, and remembered.
    Wrong(Problem),
}

/// Judges a code while the call has tries left in this quarter of an hour.
async fn judge(case: &mut Case<'_>, code: &str) -> Result<Judged, Problem> {
    let (quarter, left) = Desk::quarter(case.now);
    let wrong = ledger::store::moments_of(case.conn, case.call.id.0, WRONG).await?;
    let tried = wrong.iter().filter(|at| **at >= quarter).count();
    let most = case.rules.calls.arrival_code_tries;
    if tried >= most {
        return Err(CallCode::ArrivalCodeTries.problem().retry_after(left));
    }
    if case.desk.arrival_code_holds(case.call.id, case.now, code) {
        return Ok(Judged::Right);
    }
    case.record(WRONG, json!({"try": tried + 1, "most": most}));
    let left = most - tried - 1;
    let refusal = unproven(&case.rules.calls).with("triesLeft", left);
    Ok(Judged::Wrong(refusal))
}

fn unproven(rules: &CallRules) -> Problem {
    let near = rules.arrival_near_metres;
    CallCode::ArrivalUnproven.problem().detail(
        format!("到场未能核实：请输入企业出示的到场码，或在企业 {near} 米范围内操作"),
        format!("arrival not proven: enter the enterprise's code or be within {near} m"),
    )
}

impl Arrive {
    async fn is_near(&self, case: &mut Case<'_>) -> Result<bool, Problem> {
        let Some(position) = self.position else { return Ok(false) };
        let rules = &case.rules.calls;
        let (near, sharp) = (f64::from(rules.arrival_near_metres), f64::from(rules.arrival_accuracy_metres));
        if position.accuracy.is_some_and(|accuracy| accuracy > sharp) {
            return Ok(false);
        }
        let place = store::place_of(case.conn, case.call.enterprise_id).await?;
        Ok(place.is_some_and(|place| distance_m(place, (position.latitude, position.longitude)) <= near))
    }
}

/// Great-circle distance in metres between two places in degrees.
fn distance_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    const EARTH_M: f64 = 6_371_000.0;
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half_lat = ((b.0 - a.0).to_radians() / 2.0).sin();
    let half_lon = ((b.1 - a.1).to_radians() / 2.0).sin();
    let chord = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    2.0 * EARTH_M * chord.sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_right_within_a_metre_over_a_hundred() {
        let office = (34.7512, 109.1800);
        let north = (34.7512 + 0.0009, 109.1800);
        let east = (34.7512, 109.1800 + 0.0011);
        assert!((distance_m(office, north) - 100.08).abs() < 1.0);
        assert!((distance_m(office, east) - 100.5).abs() < 1.0);
        assert!(distance_m(office, (34.7550, 109.1800)) > 300.0);
        assert!(distance_m(office, (f64::NAN, 0.0)).is_nan());
    }
}
