//! The vocabulary of supervision orders.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::deadlines::Clock;
use crate::deadlines::model::DeadlineId;
use crate::organisation::{CountyId, DepartmentId};
use crate::{id_type, schema, text_enum};

id_type!(
    /// A supervision order (督办单).
    OrderId
);

text_enum!(
    /// Who owes the next step: the ordered department signs, then answers; whoever supervises closes.
    OrderState { Issued = "issued", Signed = "signed", Replied = "replied", Closed = "closed" }
);

impl OrderState {
    /// The state's name for people.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Issued => "待签收",
            Self::Signed => "待答复",
            Self::Replied => "待办结",
            Self::Closed => "已办结",
        }
    }
}

/// An order to be issued.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub county: CountyId,
    pub call: Option<Uuid>,
    /// The broken promise; none when a person orders by hand.
    pub deadline: Option<DeadlineId>,
    pub clock: Option<Clock>,
    pub rung: Option<i16>,
    /// Who is ordered.
    pub department: DepartmentId,
    /// The account of the person who orders; none: the clock.
    pub issued_by: Option<Uuid>,
    pub text: String,
}

/// A row of `supervision_orders`.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::supervision_orders, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Order {
    pub id: OrderId,
    pub county_id: CountyId,
    /// Year and count, e.g. `2026-000123`.
    pub number: String,
    pub call_id: Option<Uuid>,
    pub deadline_id: Option<DeadlineId>,
    pub clock: Option<Clock>,
    pub rung: Option<i16>,
    pub department_id: DepartmentId,
    pub issued_by: Option<Uuid>,
    pub issued_at: DateTime<Utc>,
    pub text: String,
    pub state: OrderState,
    pub signed_by: Option<Uuid>,
    pub signed_at: Option<DateTime<Utc>>,
    pub reply: Option<String>,
    pub replied_by: Option<Uuid>,
    pub replied_at: Option<DateTime<Utc>>,
    pub sent_back_at: Option<DateTime<Utc>>,
    pub sent_back_reason: Option<String>,
    pub closed_by: Option<Uuid>,
    pub closed_at: Option<DateTime<Utc>>,
    pub verdict: Option<String>,
    pub version: i32,
}
