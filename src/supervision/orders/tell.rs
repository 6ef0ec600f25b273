//! Which notices an order sends, and what stands in them.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::model::Order;
use crate::deadlines::Clock;
use crate::ledger::{Actor, ActorKind};
use crate::notices::model::SubjectKind;
use crate::notices::params::CallParams;
use crate::organisation::DepartmentId;
use crate::organisation::model::Office;
use crate::supervision::store;
use crate::supervision::tell::{self, Telling};

/// Who hears a notice about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The ordered department's room, and its head is to act; whoever answers for the department when nobody leads it now.
    Leader,
    /// The ordered department's room.
    Unit,
    /// The room of those who supervise: the unit of who issued it, else the business office.
    Supervisors,
    /// The business office's room, and somebody of it is to act, as above.
    Office,
    /// The inspectorate's room, likewise.
    Inspectorate,
}

/// A notice that a step plans.
#[derive(Clone, Debug)]
pub struct Plan {
    pub event: &'static str,
    pub to: To,
    /// The words of who did it.
    pub note: Option<String>,
    /// When the next step is due, or the late one was.
    pub until: Option<DateTime<Utc>>,
    /// Which step is late, and by how many working minutes.
    pub late: Option<(Clock, u32)>,
}

impl Plan {
    #[must_use]
    pub const fn new(event: &'static str, to: To) -> Self {
        Self { event, to, note: None, until: None, late: None }
    }
}

/// Posts a notice; false when the room it is for is not there, or nobody in it can be named who is to act.
pub async fn post(
    conn: &mut AsyncPgConnection,
    order: &Order,
    actor: &Actor,
    plan: Plan,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let room = match plan.to {
        To::Leader | To::Unit => Some(order.department_id),
        To::Supervisors => supervising_room(conn, order).await?,
        To::Office => store::faces::office(conn, order.county_id, Office::BusinessOffice).await?,
        To::Inspectorate => store::faces::office(conn, order.county_id, Office::Inspectorate).await?,
    };
    let Some(room) = room else { return Ok(false) };
    let (leader, is_news) = match plan.to {
        To::Leader | To::Office | To::Inspectorate => (store::faces::leader(conn, room, now).await?, false),
        To::Unit | To::Supervisors => (None, true),
    };
    let mut params = params(conn, order, actor).await?;
    params.note = plan.note;
    match plan.late {
        None => params.until = plan.until,
        Some((clock, minutes)) => {
            params.clock = Some(clock.as_str().to_owned());
            params.clock_due_at = plan.until;
            params.late_minutes = Some(minutes);
        }
    }
    params.holder = leader.as_ref().map(|leader| leader.name.clone());
    params.holder_mobile = leader.as_ref().map(|leader| leader.mobile.clone());
    let officer = leader.map(|leader| leader.id);
    let told = is_news || officer.is_some();
    let telling = Telling { officer, ..Telling::new(plan.event, room, params) };
    let subject = (SubjectKind::SupervisionOrder, order.id.0);
    tell::post(conn, order.county_id, subject, vec![telling], now).await?;
    Ok(told)
}

async fn params(conn: &mut AsyncPgConnection, order: &Order, actor: &Actor) -> QueryResult<CallParams> {
    let call = match order.call_id {
        Some(call) => store::faces::calls(conn, &[call]).await?.pop(),
        None => None,
    };
    let department = store::faces::departments(conn, &[order.department_id]).await?.pop();
    let title =
        call.as_ref().map_or_else(|| order.text.chars().take(30).collect(), |call| call.title.clone());
    Ok(CallParams {
        order: Some(order.number.clone()),
        number: call.as_ref().map(|call| call.number.clone()),
        call_id: order.call_id,
        title: Some(title),
        enterprise: call.map(|call| call.enterprise),
        department: department.map(|department| department.short_name),
        actor: (actor.kind != ActorKind::Clock).then(|| actor.name.clone()),
        ..CallParams::default()
    })
}

async fn supervising_room(conn: &mut AsyncPgConnection, order: &Order) -> QueryResult<Option<DepartmentId>> {
    let unit = match order.issued_by {
        Some(account) => store::faces::unit_of(conn, account).await?,
        None => None,
    };
    match unit {
        Some(unit) => Ok(Some(unit)),
        None => store::faces::office(conn, order.county_id, Office::BusinessOffice).await,
    }
}
