//! Statements are planned once, but not for ever: a table that fills faster than its statistics are renewed is soon read by its index.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use yijiao::platform::db::{Db, DbError, Scope, Tuning, Tx};

use crate::kit_db::TestDb;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    plan: String,
}

async fn plan(tx: &mut Tx) -> String {
    let lines: Vec<Line> = diesel::sql_query("explain execute by_key (1)").load(&mut **tx).await.unwrap();
    lines.into_iter().map(|line| line.plan).collect()
}

async fn planned(db: &Db, tuning: &[Tuning]) -> String {
    let mut tx = db.begin_tuned(Scope::AllCounties, tuning).await.unwrap();
    tx.batch_execute("set local plan_cache_mode = force_generic_plan").await.unwrap();
    let plan = plan(&mut tx).await;
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
    plan
}

/// On the only connection of the pool: a table that had one row when Postgres last counted.
async fn short_table(db: &Db) {
    let mut tx = db.begin(Scope::AllCounties).await.unwrap();
    let make = "create temp table filling (id int primary key); insert into filling values (0); analyze filling; \
                prepare by_key (int) as select id from filling where id = $1";
    tx.batch_execute(make).await.unwrap();
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_made_for_a_short_table_goes_when_the_table_has_grown() {
    let store = TestDb::create();
    let db = Db::lazy(&store.url(), 1).unwrap();
    short_table(&db).await;
    assert!(planned(&db, &[]).await.contains("Seq Scan"), "a row is not worth an index");
    let mut tx = db.begin(Scope::AllCounties).await.unwrap();
    tx.batch_execute("insert into filling select generate_series(1, 20000)").await.unwrap();
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
    let mut uses = 0;
    while planned(&db, &[]).await.contains("Seq Scan") {
        uses += 1;
        assert!(uses < 16, "the plan stays for ever");
    }
    assert!(uses > 0, "planned anew for each use");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_by_keys_is_never_planned_as_a_scan() {
    let store = TestDb::create();
    let db = Db::lazy(&store.url(), 1).unwrap();
    short_table(&db).await;
    for tuning in [Tuning::ByKeys, Tuning::InOrder] {
        let plan = planned(&db, &[tuning]).await;
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}
