//! A county with many calls, engines that run by themselves like replicas of the product, and Redis below keys of its own.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use secrecy::SecretString;
use tokio::runtime::Runtime;
use uuid::Uuid;
use yijiao::app::App;
use yijiao::calls::raise::{Raise, Raised, writer};
use yijiao::calls::routes::person;
use yijiao::calls::standing::Person;
use yijiao::identity::Caller;
use yijiao::platform::db::{DbError, Scope};
use yijiao::platform::stop::Stop;

use crate::kit::County;
use crate::kit_db::{Holds, TestDb};

/// Longest wait for what must happen by itself.
const PATIENCE: Duration = Duration::from_secs(25);

/// The small county, with Redis.
pub fn county() -> County {
    County::over(TestDb::holding(Holds::ClearCounty), "clear", |config| {
        config.redis.url = std::env::var("REDIS_URL").map(SecretString::from).expect(
            "REDIS_URL is not set. It names a Redis the tests may use, e.g. redis://127.0.0.1:6379/0; `make test` sets it",
        );
        config.redis.prefix = format!("test:{}", Uuid::now_v7());
    })
}

/// One process that fires deadlines: its own threads, its own connections.
pub struct Replica {
    runtime: Option<Runtime>,
    stop: Stop,
    task: tokio::task::JoinHandle<()>,
}

impl Replica {
    pub fn start(app: &App, name: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let engine = yijiao::worker::engine(&app.for_worker().unwrap(), name.to_owned());
        let stop = Stop::default();
        let asked = stop.clone();
        let task = runtime.spawn(async move { engine.run(asked.requested()).await });
        Self { runtime: Some(runtime), stop, task }
    }

    /// As a crash does it: nothing is finished, the connections just end.
    pub fn dies(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    pub async fn stops(mut self) {
        self.stop.request();
        let task = std::mem::replace(&mut self.task, tokio::spawn(async {}));
        tokio::time::timeout(PATIENCE, task).await.expect("it stops").unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits until a count is as it should be; how long that took.
pub async fn until(county: &County, what: &str, query: &str, wanted: impl Fn(i64) -> bool) -> Duration {
    let mut auditor = county.auditor().await;
    let asked = Instant::now();
    loop {
        let count = number(&mut auditor, query).await;
        if wanted(count) {
            return asked.elapsed();
        }
        assert!(asked.elapsed() < PATIENCE, "{what}: still {count} after {PATIENCE:?}");
    }
}

pub async fn number(auditor: &mut AsyncPgConnection, query: &str) -> i64 {
    let query = diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("({query})"));
    diesel::select(query).get_result(auditor).await.unwrap()
}

/// What is due now and has not fired.
pub fn due(now: DateTime<Utc>) -> String {
    format!("select count(*) from deadlines where fires_at <= '{now}'")
}

/// Somebody as the verbs of calls see him.
pub async fn someone(county: &County, login: &str) -> Person {
    person(&signed_in(county, login).await)
}

/// Somebody as a request finds him.
pub async fn signed_in(county: &County, login: &str) -> Caller {
    let (app, now) = (&county.app, county.now());
    let token = county.client(login).token().await;
    app.keys.verify(&app.db, &token, now).await.unwrap()
}

/// So many equal calls at this moment; their ids.
pub async fn raised(county: &County, by: &Person, body: &Raise, count: usize) -> Vec<Uuid> {
    let tap = body.clone().check(by.clone(), None, county.now()).unwrap();
    let mut ids = Vec::with_capacity(count);
    for slice in vec![tap; count].chunks(64) {
        for raised in writer::write(&county.app.calls, by.county, slice).await.unwrap() {
            match raised.unwrap() {
                Raised::New(view) => ids.push(view.id.0),
                other => panic!("neither key nor empty tap was given: {other:?}"),
            }
        }
    }
    ids
}

pub fn item(code: &str) -> Raise {
    Raise { item_code: Some(code.to_owned()), ..Raise::default() }
}

/// Copies of all calls there are, with everything that belongs to them, until there are `factor` times as many.
pub async fn multiply(county: &County, factor: usize) {
    let copies = factor - 1;
    let fields = |table: &str, keys: &str| {
        format!(
            "insert into {table} select x.* from {table} t cross join generate_series(1, {copies}) as n
            cross join lateral jsonb_populate_record(t, {keys}) x;"
        )
    };
    let id = |column: &str| format!("md5({column}::text || n)::uuid");
    let statements = [
        fields(
            "calls",
            &format!(
                "jsonb_build_object('id', {}, 'number', (900000000 + nextval('call_numbers'))::text)",
                id("t.id")
            ),
        ),
        fields(
            "holder_spans",
            &format!("jsonb_build_object('id', {}, 'call_id', {})", id("t.id"), id("t.call_id")),
        ),
        fields(
            "deadlines",
            &format!("jsonb_build_object('id', {}, 'subject_id', {})", id("t.id"), id("t.subject_id")),
        ),
        fields("ledger_events", &format!("jsonb_build_object('subject_id', {})", id("t.subject_id"))),
    ];
    let mut auditor = county.auditor().await;
    for statement in statements {
        auditor.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    auditor.batch_execute("analyze").await.unwrap();
}

/// What the audits of `yijiao check` find, of everything.
pub async fn all_that_is_wrong(county: &County) -> Vec<String> {
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let calls = yijiao::calls::check::broken_invariants(&mut tx).await.unwrap().broken;
    let deadlines = yijiao::deadlines::check::audit(&mut tx, county.now()).await.unwrap().broken;
    let supervision = yijiao::supervision::check::broken_invariants(&mut tx).await.unwrap().broken;
    let ledger = yijiao::ledger::audit::verify_all(&mut tx).await.unwrap().broken;
    tx.finish(Ok::<_, DbError>([calls, deadlines, supervision, ledger].concat())).await.unwrap()
}

const TOLD: &str = "select subject_id, seq, data->>'clock' as clock, (data->>'step')::int as step, (data->>'plannedAt')::timestamptz as planned_at
    from ledger_events where kind in ('call.reminded', 'call.escalated', 'call.rung_passed')";

/// Per firing of a call's ladders one line in the ledger, neither more nor less; of the last rung none, which those concerned may not
/// read.
pub async fn each_once(county: &County) {
    let fired =
        "select coalesce(m.call_id, d.subject_id) as subject_id, d.clock, f.step, f.planned_at from firings f
        join deadlines d on d.id = f.deadline_id left join side_matters m on m.id = d.subject_id
        where d.subject_kind <> 'supervision_order' and d.clock not in ('confirm', 'pause') and f.rung < 6";
    let same = "subject_id, clock, step, planned_at";
    let unlike = format!(
        "select count(*) from (select {same}, count(*) as n from ({TOLD}) t group by 1, 2, 3, 4) t
        full join (select {same}, count(*) as n from ({fired}) f group by 1, 2, 3, 4) f using ({same}) where t.n is distinct from f.n"
    );
    assert_eq!(county.count(&unlike).await, 0, "what fired and what the ledger tells are not the same");
}

/// The same, and for each call they stand in the order of the moments for which they were planned.
pub async fn each_once_and_in_order(county: &County) {
    each_once(county).await;
    let disorder = format!(
        "select count(*) from (select planned_at, lag(planned_at) over (partition by subject_id order by seq) as before from ({TOLD}) t) o
        where before > planned_at"
    );
    assert_eq!(county.count(&disorder).await, 0, "of a call something fired before what was due earlier");
}
