//! Nobody could be told: the ladder of what is waited for goes up a step now, as an official's escalation lets it, and the call's ledger
//! says why. What that step tells may reach nobody either; then the next one follows, up to the rung that the county allows.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;

use super::case::{Case, Order, perform_in};
use super::desk::Desk;
use super::escalate::{lift_beside, lift_unreached};
use super::model::{CallId, MatterId};
use super::standing::Person;
use super::state::Verb;
use super::store;
use crate::deadlines::Clock;
use crate::notices::model::SubjectKind;
use crate::notices::unreachable::{FollowError, OnUnreachable, Unheard};
use crate::platform::http::problem::Problem;

/// Acts for calls and for what is asked beside them.
#[derive(Clone, Debug)]
pub struct CallsUnreachable {
    desk: Desk,
}

impl CallsUnreachable {
    #[must_use]
    pub const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    async fn climb_one(
        &self,
        conn: &mut AsyncPgConnection,
        alarm: &Unheard,
        now: DateTime<Utc>,
    ) -> Result<(), FollowError> {
        let matter = (alarm.subject_kind == SubjectKind::SideMatter).then_some(MatterId(alarm.subject));
        let call = match matter {
            Some(matter) => store::call_of(conn, matter).await?,
            None => Some(CallId(alarm.subject)),
        };
        let Some(call) = call else { return Ok(()) };
        let order = Unreached { alarm, matter };
        match perform_in(conn, &self.desk, &Person::clock(alarm.county), call, order, None, now).await {
            Ok(_) => Ok(()),
            // It is over, or nobody is waited for.
            Err(refused) if refused.status().is_client_error() => Ok(()),
            Err(problem) => Err(FollowError::Refused(problem.to_string())),
        }
    }
}

impl OnUnreachable for CallsUnreachable {
    fn climb<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        alarm: &'a Unheard,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), FollowError>> {
        Box::pin(self.climb_one(conn, alarm, now))
    }
}

/// Which promise an alarm was about, when it was about one.
fn about(alarm: &Unheard) -> Option<Clock> {
    alarm.params.get("clock").and_then(Value::as_str).and_then(Clock::parse)
}

/// An alarm that reached nobody.
struct Unreached<'u> {
    alarm: &'u Unheard,
    /// The request it was about; none: the call itself.
    matter: Option<MatterId>,
}

impl Order for Unreached<'_> {
    const VERB: Verb = Verb::Escalate;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let (clock, rung) = match self.matter {
            Some(matter) => lift_beside(case, matter).await?.unzip(),
            None => lift_unreached(case, about(self.alarm)).unzip(),
        };
        let Unheard { notice, officer, officer_name, event, reason, .. } = self.alarm;
        let officer: Uuid = officer.0;
        case.record(
            "call.unreached",
            json!({
                "noticeId": notice, "officerId": officer, "name": officer_name, "event": event, "reason": reason,
                "liftedClock": clock, "liftedRung": rung,
            }),
        );
        Ok(())
    }
}
