//! Law 7: one county cannot see another. Law 8: the ledger is append-only. And the server's role may do no more than it must.

use diesel_async::SimpleAsyncConnection;
use uuid::Uuid;
use yijiao::platform::db::{ROLE, Scope};

use super::{OURS, lines, refusal};
use crate::kit_db::TestDb;
use crate::tree::only_exceptions;

/// What the server may do with a table when that is not everything: what is never deleted, or never changed.
const PRIVILEGES: &[(&str, &str)] = &[
    ("calendar_recomputes", "INSERT SELECT UPDATE"),
    ("calendars", "INSERT SELECT"),
    ("call_ratings", "INSERT SELECT UPDATE"),
    ("calls", "INSERT SELECT UPDATE"),
    ("card_appeals", "INSERT SELECT UPDATE"),
    ("cards", "INSERT SELECT UPDATE"),
    ("counties", "INSERT SELECT UPDATE"),
    ("county_texts", "INSERT SELECT UPDATE"),
    ("deadlines", "INSERT SELECT UPDATE"),
    ("drill_contacts", "INSERT SELECT UPDATE"),
    ("drills", "INSERT SELECT"),
    ("firings", "INSERT SELECT"),
    ("hand_overs", "INSERT SELECT UPDATE"),
    ("holder_spans", "INSERT SELECT UPDATE"),
    ("idempotency_keys", "DELETE INSERT SELECT UPDATE"),
    ("ledger_events", "INSERT SELECT"),
    ("notice_attempts", "INSERT SELECT"),
    ("notices", "INSERT SELECT UPDATE"),
    ("side_matters", "INSERT SELECT UPDATE"),
    ("signing_keys", "DELETE INSERT SELECT"),
    ("subscription_grants", "INSERT SELECT UPDATE"),
    ("supervision_orders", "INSERT SELECT UPDATE"),
];
const ALL: &str = "DELETE INSERT SELECT UPDATE";

const POLICY: &str = "county_isolation ALL public PERMISSIVE \
    ((county_id = ( SELECT current_county() AS current_county)) OR ( SELECT across_counties() AS across_counties)) -";

#[tokio::test]
async fn every_row_belongs_to_a_county() {
    let database = TestDb::create();
    let sql = format!(
        "select relname::text as line from pg_class c where {OURS} and not exists (select from pg_attribute a
         join pg_constraint k on k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum]
            and k.confrelid = 'counties'::regclass
         where a.attrelid = c.oid and a.attname = 'county_id' and a.attnotnull and a.atttypid = 'uuid'::regtype)"
    );
    only_exceptions(
        "a table has county_id uuid not null references counties",
        lines(&mut database.owner().await, &sql).await,
        &[
            ("counties", "it is the county"),
            ("signing_keys", "one deployment signs for all counties; the token says which"),
        ],
    );
}

#[tokio::test]
async fn every_table_is_under_county_isolation() {
    let database = TestDb::create();
    let mut conn = database.owner().await;
    let open = format!(
        "select relname::text as line from pg_class c where {OURS} and not (relrowsecurity and relforcerowsecurity)"
    );
    only_exceptions(
        "row-level security is enabled, and forced upon the owner",
        lines(&mut conn, &open).await,
        &[("signing_keys", "no row of any county")],
    );
    let policies = format!(
        "select c.relname || ': ' || coalesce(string_agg(concat_ws(' ', policyname, cmd, array_to_string(roles, ','), permissive,
            qual, coalesce(with_check, '-')), '; ' order by policyname) filter (where policyname is not null), 'none') as line
         from pg_class c left join pg_policies p on p.schemaname = 'public' and p.tablename = c.relname
         where {OURS} group by c.relname"
    );
    let policies = lines(&mut conn, &policies).await;
    let own = |line: &String| line.split_once(": ").is_some_and(|(_, policies)| policies == POLICY);
    only_exceptions(
        "the one policy lets a county see itself",
        policies.into_iter().filter(|line| !own(line)),
        &[
            (
                "counties: county_is_public SELECT public PERMISSIVE true -; \
                 county_keeps_itself ALL public PERMISSIVE (id = current_county()) -",
                "a login finds its county before it has one: every county may be seen, and only one's own be changed",
            ),
            ("signing_keys: none", "no row of any county"),
        ],
    );
}

#[tokio::test]
async fn the_server_may_do_no_more_than_it_must() {
    let database = TestDb::create();
    let mut conn = database.owner().await;
    let granted = format!(
        "select c.relname || '|' || coalesce((select string_agg(distinct privilege_type, ' ' order by privilege_type)
            from aclexplode(c.relacl) where grantee in ('{ROLE}'::regrole, 0)), 'nothing') as line
         from pg_class c where {OURS}"
    );
    for line in lines(&mut conn, &granted).await {
        let (table, granted) = line.split_once('|').unwrap();
        let expected =
            PRIVILEGES.iter().find(|(name, _)| *name == table).map_or(ALL, |(_, expected)| expected);
        assert_eq!(granted, expected, "what {ROLE} may do with {table}");
    }
    let role = format!(
        "select concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,
            (select count(*) from pg_class where relowner = r.oid), (select count(*) from pg_auth_members where member = r.oid),
            has_schema_privilege(oid, 'public', 'create')) as line from pg_roles r where rolname = '{ROLE}'"
    );
    assert_eq!(lines(&mut conn, &role).await, ["f f f f f 0 0 f"], "{ROLE} owns, is and makes nothing");
    let columns = format!(
        "select attrelid::regclass || '.' || attname as line from pg_attribute where attacl::text like '%{ROLE}%'"
    );
    assert_eq!(lines(&mut conn, &columns).await, Vec::<String>::new(), "rights on single columns");
    let above = "select oid::regprocedure::text as line from pg_proc where pronamespace = 'public'::regnamespace and prosecdef";
    assert_eq!(
        lines(&mut conn, above).await,
        Vec::<String>::new(),
        "functions that run with the owner's rights"
    );
}

#[tokio::test]
async fn the_server_cannot_change_the_schema_or_the_past() {
    let database = TestDb::create();
    let db = database.db();
    for (statement, answer) in [
        ("create table mine (id int)", "permission denied for schema public"),
        ("drop table calls", "must be owner of table calls"),
        ("alter table ledger_events disable trigger all", "must be owner of table ledger_events"),
        ("alter table calls disable row level security", "must be owner of table calls"),
        ("update ledger_events set kind = 'x'", "permission denied for table ledger_events"),
        ("delete from ledger_events", "permission denied for table ledger_events"),
        ("truncate ledger_events", "permission denied for table ledger_events"),
        ("delete from calls", "permission denied for table calls"),
        ("update notice_attempts set attempt = 1", "permission denied for table notice_attempts"),
    ] {
        let mut tx = db.begin(Scope::AllCounties).await.unwrap();
        let said = refusal(&mut tx, statement).await;
        assert!(said.contains(answer), "{statement}: {said}");
    }
}

#[tokio::test]
async fn not_even_the_owner_changes_the_ledger() {
    let database = TestDb::create();
    let mut owner = database.owner().await;
    let (county, subject) = (Uuid::now_v7(), Uuid::now_v7());
    let zero = "'\\x".to_owned() + &"00".repeat(32) + "'";
    let written = format!(
        "set yijiao.county = '{county}';
         insert into counties (id, code, name) values ('{county}', 'demo', '富平县');
         insert into ledger_events values ('{subject}', 1, '{county}', 'call', 'call.raised', 'clock', null, '时钟', now(), '{{}}',
            {zero}, {zero})"
    );
    owner.batch_execute(&written).await.unwrap();
    for statement in
        ["update ledger_events set kind = 'x'", "delete from ledger_events", "truncate ledger_events"]
    {
        assert!(refusal(&mut owner, statement).await.contains("the ledger is append-only"), "{statement}");
    }
    assert_eq!(lines(&mut owner, "select kind as line from ledger_events").await, ["call.raised"]);
}
