//! Deadlines: how late they fire while very many are open, how long a mass of them takes that is due at one instant, what a start and
//! an idle process cost then.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::figures::{median, number};
use crate::load::Taps;
use crate::report::{Bound, Row};
use crate::server::{Half, Server};
use crate::stage::{Outcome, Stage};

/// A county of their own.
const COUNTY: &str = "deadlines";
/// Calls raised by taps; all others are copies of them.
const PATTERNS: u32 = 64;
/// Deadlines due in a second while lateness is measured, and for how long.
const RATE: u32 = 300;
const LENGTH: u32 = 20;
/// What is to fire is set so long before.
const NOTICE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the idle process is looked at.
const IDLE: Duration = Duration::from_secs(10);

/// With `open` deadlines that are due some time in the next two months; `mass` of others at one instant.
pub async fn measure(stage: &Stage, open: u32, mass: u32) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    fill(stage, open).await?;

    let mut starts = Vec::new();
    for _ in 0..2 {
        let server = Server::start(stage, Half::Both).await?;
        starts.push(server.ready_after.as_secs_f64());
        server.stop().await?;
    }
    let server = Server::start(stage, Half::Both).await?;
    starts.push(server.ready_after.as_secs_f64());
    let (must, aim) = (Bound::AtMost(5.0), Bound::AtMost(1.0));
    rows.push(Row::budget(
        format!("start with {open} open deadlines, median of 3"),
        must,
        aim,
        median(starts),
        "s",
    ));

    rows.extend(idle(stage, &server, open).await?);
    rows.push(lateness(stage, open).await?);
    rows.push(at_one_instant(stage, mass).await?);
    server.stop().await?;
    // The taps that come after this are measured without them.
    stage
        .execute(&[
            "delete from deadlines d where not exists (select from calls c where c.id = d.subject_id)",
            "update deadlines set fires_at = null where fires_at is not null",
            "vacuum analyze",
        ])
        .await?;
    stage.let_go().await?;
    Ok(rows)
}

/// What a process costs that has nothing to do: its own processor time, and how it looks at the table.
async fn idle(stage: &Stage, server: &Server, open: u32) -> Outcome<Vec<Row>> {
    const LOOKS: &str = "select coalesce(sum(idx_scan), 0)::int8 as count from pg_stat_user_indexes where indexrelname = 'deadlines_fires'";
    const SCANS: &str = "select seq_scan as count from pg_stat_user_tables where relname = 'deadlines'";
    // What is learnt at the start has been learnt by then.
    sleep(IDLE).await;
    let before = (server.cpu(), stage.count(LOOKS).await?, stage.count(SCANS).await?);
    sleep(IDLE).await;
    let after = (server.cpu(), stage.count(LOOKS).await?, stage.count(SCANS).await?);
    let seconds = IDLE.as_secs_f64();
    let what = |part: &str| format!("idle with {open} open deadlines, {part}");
    let mut rows = Vec::new();
    if let (Some(before), Some(after)) = (before.0, after.0) {
        let (must, aim) = (Bound::AtMost(5.0), Bound::AtMost(1.0));
        rows.push(Row::budget(
            what("one process"),
            must,
            aim,
            (after - before) / seconds * 100.0,
            "% of a core",
        ));
    }
    let looks = number(after.1 - before.1) / seconds;
    // One a second, and one more that fell into the time by chance.
    let (must, aim) = (Bound::AtMost(1.1), Bound::AtMost(1.1));
    rows.push(Row::budget(what("looks at what is next"), must, aim, looks, "/s"));
    let scans = number(after.2 - before.2);
    let none = || Bound::AtMost(0.0);
    rows.push(Row::budget(what("scans of the table"), none(), none(), scans, ""));
    Ok(rows)
}

/// Makes the patterns, and open deadlines beside them.
async fn fill(stage: &Stage, open: u32) -> Outcome<()> {
    // What earlier measurements left does not fire meanwhile.
    stage.execute(&["update deadlines set fires_at = null where fires_at is not null"]).await?;
    let county = stage.county(COUNTY).await?;
    let api = Server::start(stage, Half::Api).await?;
    Taps::new(&county, api.address).burst(8, Duration::ZERO, PATIENCE, PATTERNS).await?;
    api.stop().await?;
    stage.let_go().await?;
    let patterns = "create table bench_calls as select c.id from calls c join deadlines d on d.subject_id = c.id and d.clock = 'accept' \
        where d.fires_at is not null";
    // Out of the way of the numbers of their copies, which begin with 9.
    let aside = format!(
        "update calls set number = '0' || substr(number, 2) where county_id = (select id from counties where code = '{COUNTY}')"
    );
    let quiet = "update deadlines set started_at = now(), due_at = now() + interval '30 days', fires_at = now() + interval '20 days' \
        where fires_at is not null";
    let others = format!(
        "insert into deadlines (id, county_id, subject_kind, subject_id, clock, state, started_at, limit_amount, limit_unit, due_at, fires_at) \
         select gen_random_uuid(), (select id from counties where code = '{COUNTY}'), 'call', gen_random_uuid(), 'resolve', 'running', now(), 5, \
         'working_day', at, at from (select now() + interval '1 hour' + random() * interval '60 days' as at from generate_series(1, {open})) as future"
    );
    stage
        .execute(&["drop table if exists bench_calls", &aside, patterns, quiet, &others, "vacuum analyze"])
        .await
}

/// Copies of the patterns with all that belongs to them; nothing of them is due soon.
async fn copy(stage: &Stage, name: &str, count: u32) -> Outcome<()> {
    let patterns =
        stage.lines("select count(*)::text as text from bench_calls").await?.concat().parse::<u32>()?;
    if patterns == 0 {
        return Err("no pattern call waits for its acceptance".into());
    }
    let copies = count.div_ceil(patterns);
    let fresh = |column: &str| format!("md5(t.{column}::text || '{name}' || n)::uuid");
    let copied = |table: &str, call: &str, fields: &str| {
        format!(
            "insert into {table} select x.* from {table} t join bench_calls b on b.id = t.{call} cross join generate_series(1, {copies}) as n \
             cross join lateral jsonb_populate_record(t, jsonb_build_object({fields})) as x"
        )
    };
    let (id, call, subject) = (fresh("id"), fresh("call_id"), fresh("subject_id"));
    let number = "'number', (900000000 + nextval('call_numbers'))::text";
    stage
        .execute(&[
            &copied("calls", "id", &format!("'id', {id}, {number}, 'text', '{name}'")),
            &copied("holder_spans", "call_id", &format!("'id', {id}, 'call_id', {call}")),
            &copied("deadlines", "subject_id", &format!("'id', {id}, 'subject_id', {subject}")),
            &copied("ledger_events", "subject_id", &format!("'subject_id', {subject}")),
            "vacuum analyze",
        ])
        .await
}

/// Lets T1 of `count` copies fire, the `n`-th one at `moment`; when the last of them does.
async fn arm(stage: &Stage, name: &str, count: u32, step: u32, moment: &str) -> Outcome<String> {
    let armed = format!(
        "update deadlines d set step = {step}, fires_at = {moment}, due_at = greatest({moment}, now() + interval '7 days' * (1 - {step})) \
         from (select d.id, row_number() over () as n from deadlines d join calls c on c.id = d.subject_id \
         where d.clock = 'accept' and c.text = '{name}' limit {count}) as chosen where d.id = chosen.id"
    );
    stage.execute(&[&armed]).await?;
    let last = format!(
        "select max(d.fires_at)::text as text from deadlines d join calls c on c.id = d.subject_id \
         where d.clock = 'accept' and c.text = '{name}' and d.step = {step} and d.fires_at < now() + interval '1 hour'"
    );
    Ok(stage.lines(&last).await?.concat())
}

/// Waits until all fired of the copies that were armed up to `last`; when that was. Asks as little as possible: whoever counts the
/// firings over and over takes the processor from those who fire.
async fn fired(stage: &Stage, name: &str, count: u32, last: &str) -> Outcome<Instant> {
    let open = format!("select exists (select from deadlines where fires_at <= '{last}')::text as text");
    let began = Instant::now();
    while stage.lines(&open).await?.concat() == "true" {
        if began.elapsed() > PATIENCE {
            return Err(format!("not all of {count} deadlines fired").into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    let at = Instant::now();
    let query = format!(
        "select count(*)::text as text from firings f join deadlines d on d.id = f.deadline_id join calls c on c.id = d.subject_id \
         where c.text = '{name}'"
    );
    let fired = stage.lines(&query).await?.concat().parse::<u32>()?;
    if fired == count { Ok(at) } else { Err(format!("{fired} of {count} deadlines fired").into()) }
}

/// Notes for each firing when its transaction commits.
const NOTE_COMMITS: [&str; 3] = [
    "create table bench_commits (deadline_id uuid, at timestamptz)",
    "create function bench_commit() returns trigger language plpgsql security definer as $$ begin \
     insert into bench_commits values (new.deadline_id, clock_timestamp()); return null; end $$",
    "create constraint trigger bench_commit after insert on firings deferrable initially deferred for each row execute function bench_commit()",
];

/// Some hundreds a second, one after the other. A firing is timed when its transaction commits.
async fn lateness(stage: &Stage, open: u32) -> Outcome<Row> {
    let (name, count) = ("bench lateness", RATE * LENGTH);
    copy(stage, name, count).await?;
    stage.execute(&NOTE_COMMITS).await?;
    let notice = NOTICE.as_secs();
    let last =
        arm(stage, name, count, 0, &format!("now() + interval '{notice} s' + n * interval '1 s' / {RATE}"))
            .await?;
    fired(stage, name, count, &last).await?;
    let measured = stage
        .lines(&format!(
            "select unnest(array[percentile_cont(0.5) within group (order by late), percentile_cont(0.99) within group (order by late), \
             max(late)])::text as text from (select extract(epoch from b.at - f.planned_at)::float8 * 1000 as late from firings f \
             join bench_commits b on b.deadline_id = f.deadline_id join deadlines d on d.id = f.deadline_id join calls c on c.id = d.subject_id where c.text = '{name}') as lateness"
        ))
        .await?;
    stage
        .execute(&[
            "drop trigger bench_commit on firings",
            "drop function bench_commit",
            "drop table bench_commits",
        ])
        .await?;
    let figures: Vec<f64> = measured.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let [p50, p99, most] = figures.as_slice() else { return Err("no lateness was measured".into()) };
    let (must, aim) = (Bound::AtMost(250.0), Bound::AtMost(20.0));
    let note = format!("{count} at {RATE} a second; p50 {p50:.1}, most {most:.1} ms");
    Ok(Row::budget(format!("lateness of deadlines, {open} open, p99"), must, aim, *p99, "ms").note(note))
}

/// All at once, each with its event, its notices and its next rung; timed until the last one is committed.
async fn at_one_instant(stage: &Stage, mass: u32) -> Outcome<Row> {
    let name = "bench mass";
    copy(stage, name, mass).await?;
    let events = "select count(*)::text as text from ledger_events where kind in ('call.escalated', 'call.rung_passed')";
    let notices = "select count(*)::text as text from notices where event = 'call.escalated'";
    let count = async |query: &str| Outcome::Ok(stage.lines(query).await?.concat().parse::<usize>()?);
    let before = [count(events).await?, count(notices).await?];
    let began = Instant::now();
    let last = arm(stage, name, mass, 1, &format!("now() + interval '{} s'", NOTICE.as_secs())).await?;
    let instant = stage
        .lines(&format!("select extract(epoch from '{last}'::timestamptz - clock_timestamp())::text as text"))
        .await?
        .concat()
        .parse::<f64>()?;
    let due = Instant::now() + Duration::from_secs_f64(instant.max(0.0));
    if instant < 0.0 {
        return Err(format!("to set {mass} deadlines took {:?}", began.elapsed()).into());
    }
    let took = fired(stage, name, mass, &last).await?.saturating_duration_since(due);
    let [events, notices] = [count(events).await? - before[0], count(notices).await? - before[1]];
    let note =
        format!("{events} events, {notices} notices; {:.0} a second", f64::from(mass) / took.as_secs_f64());
    if number(events) < f64::from(mass) {
        return Err(format!("only {note}").into());
    }
    let (must, aim) = (Bound::AtMost(5.0), Bound::AtMost(1.0));
    Ok(Row::budget(
        format!("{mass} deadlines due at one instant, all escalated"),
        must,
        aim,
        took.as_secs_f64(),
        "s",
    )
    .note(note))
}
