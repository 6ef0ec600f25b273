//! The audit of time for `yijiao check`: what was due and has not fired, what fired when and how late, for which open call nothing
//! will ever fire.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::platform::db::DbError;

/// What is overdue for longer is late: the engine looks every second, and tries again after a minute what could not fire.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);
/// Firings not older than this say how late the engine is.
const LOOK_BACK: TimeDelta = TimeDelta::hours(24);

/// What a deadline is about, as people name it.
const NAMED: &str = "cross join lateral (select coalesce(
        (select 'call ' || c.number from calls c where c.id = d.subject_id),
        (select 'call ' || c.number from side_matters m join calls c on c.id = m.call_id where m.id = d.subject_id),
        (select 'supervision order ' || o.number from supervision_orders o where o.id = d.subject_id),
        d.subject_kind || ' ' || d.subject_id || ', which is not there') as name) s";

/// What must never be found at the moment `$1`: what it is about, and what is wrong; each names at most fifty.
const NEVER: [&str; 6] = [
    "select s.name, format('step %s of %s was due at %s and has not fired%s', d.step, d.clock, d.fires_at,
        case when d.held_until is null then '' else format('; it could not, and is tried again at %s', d.held_until) end) as wrong
    from deadlines d {named} where d.fires_at < $1 - interval '60 s' order by d.fires_at limit 50",
    "select s.name, format('%s stands at step %s, but %s of them fired', d.clock, d.step, f.n) as wrong from deadlines d
    cross join lateral (select count(*) as n from firings x where x.deadline_id = d.id and x.step < d.step) f {named}
    where d.step > 0 and f.n <> d.step and $1 is not null limit 50",
    "select s.name, format('step %s of %s fired at %s, before its moment %s', f.step, d.clock, f.fired_at, f.planned_at) as wrong
    from firings f join deadlines d on d.id = f.deadline_id {named}
    where f.fired_at < f.planned_at and $1 is not null limit 50",
    "select 'call ' || c.number as name, 'open, but nothing is due in the future and no supervision order is open' as wrong from calls c
    where c.ended_at is null
        and not exists (select from deadlines d where d.state = 'running' and (d.fires_at is not null or d.due_at > $1)
            and (d.subject_id = c.id or d.subject_id in (select m.id from side_matters m where m.call_id = c.id)))
        and not exists (select from supervision_orders o where o.call_id = c.id and o.state <> 'closed') limit 50",
    "select 'county ' || c.code as name, format('its deadlines could not be computed by version %s of its calendar: %s; tried again at %s',
        r.version, r.failure, r.due_at) as wrong
    from calendar_recomputes r join counties c on c.id = r.county_id where r.done_at is null and r.failure is not null and $1 is not null
    limit 50",
    "select 'county ' || c.code as name, format('version %s of its calendar was to reach its deadlines since %s', r.version, r.requested_at) as wrong
    from calendar_recomputes r join counties c on c.id = r.county_id
    where r.done_at is null and r.failure is null and r.requested_at < $1 - interval '1 h' limit 50",
];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Deadlines that will fire some time.
    pub waiting: i64,
    /// Those of them that should have fired more than a minute ago.
    pub late: i64,
    /// The firings of the last 24 hours.
    pub fired: Fired,
    pub broken: Vec<String>,
}

/// How many fired, and by how many seconds they were late; zero when none did.
#[derive(Clone, Copy, Debug, Default, PartialEq, QueryableByName)]
pub struct Fired {
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    #[diesel(sql_type = Double)]
    pub p50: f64,
    #[diesel(sql_type = Double)]
    pub p99: f64,
    #[diesel(sql_type = Double)]
    pub most: f64,
}

#[derive(QueryableByName)]
struct Broken {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    wrong: String,
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    late: i64,
}

/// Nothing is overdue; a clock that stands at a step has fired every one before it, once, and none before its moment; and every open
/// call has something that is yet to come.
pub async fn audit(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Found, DbError> {
    let mut broken = Vec::new();
    for never in NEVER {
        let query = never.replace("{named}", NAMED);
        let found: Vec<Broken> = diesel::sql_query(query).bind::<Timestamptz, _>(now).load(conn).await?;
        broken.extend(found.into_iter().map(|one| format!("{}: {}", one.name, one.wrong)));
    }
    let waiting: Waiting = diesel::sql_query(
        "select count(*) as waiting, count(*) filter (where fires_at < $1) as late from deadlines where fires_at is not null",
    )
    .bind::<Timestamptz, _>(now - PATIENCE)
    .get_result(conn)
    .await?;
    let fired = diesel::sql_query(
        "select count(*) as count, coalesce(percentile_cont(0.5) within group (order by late), 0) as p50,
            coalesce(percentile_cont(0.99) within group (order by late), 0) as p99, coalesce(max(late), 0) as most
        from (select extract(epoch from fired_at - planned_at)::float8 as late from firings
            where fired_at > $1 and fired_at <= $2) as recent",
    )
    .bind::<Timestamptz, _>(now - LOOK_BACK)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await?;
    Ok(Found { waiting: waiting.waiting, late: waiting.late, fired, broken })
}
