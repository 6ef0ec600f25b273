//! What clocks are about, read and locked once for many: whose calendar they count by, what their ladder depends on, what moved them.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::store::{self, CallRow, MatterRow};
use crate::deadlines::history::{self, Move};
use crate::deadlines::limits::Urgency;
use crate::deadlines::model::{Clock, Deadline, SubjectKind};
use crate::ledger;
use crate::organisation::DepartmentId;

/// Some calls with what was asked beside them, and supervision orders.
#[derive(Debug)]
pub(super) struct Subjects {
    calls: HashMap<Uuid, CallRow>,
    matters: HashMap<Uuid, MatterRow>,
    moves: HashMap<Uuid, Vec<Move>>,
    orders: HashMap<Uuid, DepartmentId>,
}

/// What a clock depends on.
#[derive(Debug)]
pub(super) struct Owner<'a> {
    /// Whose chain of events tells of it.
    pub chain: ledger::SubjectKind,
    pub id: Uuid,
    /// Who promised: its calendar holds.
    pub department: DepartmentId,
    pub critical: bool,
    pub moves: &'a [Move],
}

impl Subjects {
    /// Locks what these subjects are or belong to: calls first, then orders, each in order.
    pub async fn lock(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<Self> {
        let calls: HashMap<_, _> =
            store::lock_calls(conn, ids).await?.into_iter().map(|call| (call.id, call)).collect();
        let orders = store::lock_orders(conn, ids).await?.into_iter().collect();
        let of_calls: Vec<Uuid> = calls.keys().copied().collect();
        let mut moves: HashMap<Uuid, Vec<Move>> = HashMap::new();
        for (call, one) in history::of_calls(conn, &of_calls).await? {
            moves.entry(call).or_default().push(one);
        }
        Ok(Self {
            matters: store::matters(conn, &of_calls).await?.into_iter().map(|row| (row.id, row)).collect(),
            calls,
            moves,
            orders,
        })
    }

    /// What a clock depends on; none when it was not among those locked.
    pub fn of(&self, clock: &Deadline) -> Option<Owner<'_>> {
        let (call, asked) = match clock.subject_kind {
            SubjectKind::Call => (clock.subject_id, None),
            SubjectKind::SideMatter => {
                let matter = self.matters.get(&clock.subject_id)?;
                // Who was asked to help promises help by his own hours.
                (matter.call_id, matter.department_id.filter(|_| clock.clock == Clock::Assistance))
            }
            SubjectKind::SupervisionOrder => return self.of_order(clock.subject_id),
        };
        let call = self.calls.get(&call)?;
        Some(Owner {
            chain: ledger::SubjectKind::Call,
            id: call.id,
            department: asked.unwrap_or(call.department_id),
            critical: call.urgency == Urgency::Critical,
            moves: self.moves.get(&call.id).map_or(&[], Vec::as_slice),
        })
    }

    fn of_order(&self, id: Uuid) -> Option<Owner<'_>> {
        let department = *self.orders.get(&id)?;
        let chain = ledger::SubjectKind::SupervisionOrder;
        Some(Owner { chain, id, department, critical: false, moves: &[] })
    }
}
