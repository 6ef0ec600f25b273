//! The invariants of calls, looked for in Postgres: whoever breaks one is named by the number of his call.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::State;
use crate::platform::db::DbError;
use crate::schema::calls;

/// What must never be found: each query names the call and says what is wrong, and names at most fifty.
///
/// That spans join without gap from the raising to the end is why the holders' times add up to the elapsed time; only between the
/// closing of a call and its reopening nobody holds it.
const NEVER: [&str; 11] = [
    "select c.number, format('open, and held by %s at once', n.n) as wrong from calls c
    cross join lateral (select count(*) as n from holder_spans s where s.call_id = c.id and s.ends_at is null) n
    where c.ended_at is null and n.n <> 1 limit 50",
    "select c.number, 'open, but its open span is another''s than its holder''s' as wrong from calls c
    join holder_spans s on s.call_id = c.id and s.ends_at is null
    where c.ended_at is null and (s.officer_id, s.department_id) <> (c.holder_id, c.department_id) limit 50",
    // Who leaves does so by an import, which asks nobody about what he has in hand.
    "select c.number, format('open, but its holder %s has left: assign it to somebody else', o.name) as wrong from calls c
    join officers o on o.id = c.holder_id and o.status = 'left'
    where c.ended_at is null limit 50",
    "select c.number, 'open, but nothing is promised: no clock runs' as wrong from calls c
    where c.ended_at is null
        and not exists (select from deadlines d where d.subject_id = c.id and d.state in ('running', 'paused')) limit 50",
    "select c.number, format('ended, but its clock %s runs', d.clock) as wrong from calls c
    join deadlines d on d.subject_id = c.id and d.state in ('running', 'paused')
    where c.ended_at is not null limit 50",
    "select c.number, format('its first holder has it since %s, but it was raised at %s', s.starts_at, c.raised_at) as wrong from calls c
    left join lateral (select min(x.starts_at) as starts_at from holder_spans x where x.call_id = c.id) s on true
    where s.starts_at is distinct from c.raised_at limit 50",
    "select c.number, format('nobody or two hold it between %s and %s', s.before, s.starts_at) as wrong
    from (select call_id, starts_at, lag(ends_at) over own as before, lag(starts_at) over own as earlier from holder_spans
        window own as (partition by call_id order by starts_at, ends_at nulls last, id)) s
    join calls c on c.id = s.call_id
    where s.earlier is not null and s.starts_at is distinct from s.before
        and not (s.before < s.starts_at and exists (select from ledger_events e
            where e.subject_id = s.call_id and e.kind = 'call.reopened' and e.at = s.starts_at)) limit 50",
    "select c.number, format('its last holder has it until %s, but it ended at %s', s.ends_at, c.ended_at) as wrong from calls c
    cross join lateral (select max(x.ends_at) as ends_at from holder_spans x where x.call_id = c.id
        having bool_and(x.ends_at is not null)) s
    where c.ended_at is not null and s.ends_at is distinct from c.ended_at
    union all
    select c.number, 'ended, but somebody still holds it' from calls c
    where c.ended_at is not null and exists (select from holder_spans x where x.call_id = c.id and x.ends_at is null) limit 50",
    "select c.number, format('T5 starts at %s, but it was first dispatched at %s', t.started_at, e.at) as wrong from calls c
    left join lateral (select min(d.started_at) as started_at from deadlines d where d.subject_id = c.id and d.clock = 'resolve') t on true
    left join lateral (select min(x.at) as at from ledger_events x
        where x.subject_id = c.id and x.kind in ('call.dispatched', 'call.triaged')) e on true
    where t.started_at is null or t.started_at is distinct from e.at limit 50",
    // A redo has a T5 of its own.
    "select c.number, format('T5 was started anew at %s without a redo', d.started_at) as wrong from deadlines d
    join calls c on c.id = d.subject_id
    where d.clock = 'resolve' and not exists (select from ledger_events e where e.subject_id = c.id and e.at = d.started_at
        and e.kind in ('call.dispatched', 'call.triaged', 'call.rejected', 'call.reopened')) limit 50",
    // A chain whose end was cut off holds as well as before; what the call still knows of it does not.
    "select distinct c.number, format('its history says nothing of what happened at %s', m.at) as wrong from calls c
    cross join lateral (values (c.dispatched_at), (c.accepted_at), (c.arrived_at), (c.resolved_at), (c.ended_at),
        ((select max(s.starts_at) from holder_spans s where s.call_id = c.id)),
        ((select max(d.stopped_at) from deadlines d where d.subject_id = c.id))) m(at)
    where m.at is not null and not exists (select from ledger_events e where e.subject_id = c.id and e.at = m.at) limit 50",
];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub open: i64,
    pub broken: Vec<String>,
}

#[derive(QueryableByName)]
struct Broken {
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    wrong: String,
}

/// While a call is open, exactly its holder holds it and at least one clock lives; when it has ended, neither; its holders follow one
/// another from the raising to the end; T5 starts with the first dispatch, whatever happens to the call; and its history knows of each step that it took.
pub async fn broken_invariants(conn: &mut AsyncPgConnection) -> Result<Found, DbError> {
    let ends = State::ALL.iter().filter(|state| state.is_end());
    let open = calls::table.filter(calls::state.ne_all(ends)).count().get_result(conn).await?;
    let mut broken = Vec::new();
    for never in NEVER {
        let found: Vec<Broken> = diesel::sql_query(never).load(conn).await?;
        broken.extend(found.into_iter().map(|one| format!("call {}: {}", one.number, one.wrong)));
    }
    Ok(Found { open, broken })
}
