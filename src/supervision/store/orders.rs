//! The SQL of `supervision_orders`.

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::deadlines::DeadlineState;
use crate::organisation::{CountyId, DepartmentId};
use crate::schema::{deadlines, supervision_orders};
use crate::supervision::orders::list::Filter;
use crate::supervision::orders::{Order, OrderId, OrderState};

/// The open order for a call and a department.
pub async fn open_of(
    conn: &mut AsyncPgConnection,
    call: Uuid,
    department: DepartmentId,
) -> QueryResult<Option<OrderId>> {
    supervision_orders::table
        .filter(supervision_orders::call_id.eq(call))
        .filter(supervision_orders::department_id.eq(department))
        .filter(supervision_orders::state.ne(OrderState::Closed))
        .select(supervision_orders::id)
        .first(conn)
        .await
        .optional()
}

pub async fn next_number(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    diesel::select(sql::<BigInt>("nextval('supervision_order_numbers')")).get_result(conn).await
}

/// Writes a new order; false when an open one for its call and department is there already.
pub async fn insert(conn: &mut AsyncPgConnection, order: &Order) -> QueryResult<bool> {
    let inserted = diesel::insert_into(supervision_orders::table)
        .values(order)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// Reads an order and locks it until the end of the transaction.
pub async fn lock(conn: &mut AsyncPgConnection, id: OrderId) -> QueryResult<Option<Order>> {
    supervision_orders::table.find(id).for_update().select(Order::as_select()).first(conn).await.optional()
}

/// Those of these orders that are there, whoever holds them.
pub async fn known(conn: &mut AsyncPgConnection, ids: &[OrderId]) -> QueryResult<Vec<OrderId>> {
    supervision_orders::table
        .filter(supervision_orders::id.eq_any(ids))
        .select(supervision_orders::id)
        .load(conn)
        .await
}

/// Those of these orders that nobody else holds, locked.
pub async fn lock_free(conn: &mut AsyncPgConnection, ids: &[OrderId]) -> QueryResult<Vec<Order>> {
    supervision_orders::table
        .filter(supervision_orders::id.eq_any(ids))
        .for_update()
        .skip_locked()
        .select(Order::as_select())
        .load(conn)
        .await
}

pub async fn find(conn: &mut AsyncPgConnection, id: OrderId) -> QueryResult<Option<Order>> {
    supervision_orders::table.find(id).select(Order::as_select()).first(conn).await.optional()
}

/// Saves a change if nobody else changed the order since `version`.
pub async fn save(conn: &mut AsyncPgConnection, order: &Order, version: i32) -> QueryResult<bool> {
    let row = supervision_orders::table.find(order.id).filter(supervision_orders::version.eq(version));
    Ok(diesel::update(row).set(order).execute(conn).await? == 1)
}

/// Orders, newest first.
pub async fn list(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    filter: &Filter,
    limit: i64,
) -> QueryResult<Vec<Order>> {
    let mut query = supervision_orders::table
        .filter(supervision_orders::county_id.eq(county))
        .order(supervision_orders::id.desc())
        .limit(limit)
        .select(Order::as_select())
        .into_boxed();
    if let Some(department) = filter.department {
        query = query.filter(supervision_orders::department_id.eq(department));
    }
    if let Some(state) = filter.state {
        query = query.filter(supervision_orders::state.eq(state));
    }
    if let Some(call) = filter.call {
        query = query.filter(supervision_orders::call_id.eq(call));
    }
    if let Some(before) = filter.before {
        query = query.filter(supervision_orders::id.lt(before));
    }
    if let Some(overdue) = filter.overdue {
        let broken = exists(
            deadlines::table
                .filter(deadlines::subject_id.eq(supervision_orders::id))
                .filter(deadlines::state.eq(DeadlineState::Running))
                .filter(deadlines::due_at.lt(filter.now)),
        );
        query = if overdue { query.filter(broken) } else { query.filter(not(broken)) };
    }
    query.load(conn).await
}
