//! STYLE habit 10: every migration goes down as well as up, and leaves nothing behind.

use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::MigrationHarness as _;
use secrecy::ExposeSecret as _;
use yijiao::platform::db::{MIGRATIONS, migrate};

use super::lines;
use crate::kit_db::TestDb;
use crate::tree;

/// Everything the migrations make, one line each.
const MADE: &str = "
    select 'relation ' || c.relkind::text || ' ' || c.relname || ' ' || coalesce(c.relacl::text, '') || c.relrowsecurity || c.relforcerowsecurity
        || coalesce(c.reloptions::text, '') as line
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname not like '\\_\\_diesel%'
    union all select 'column ' || a.attrelid::regclass || ' ' || a.attnum || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || a.attnotnull || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
    from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and c.relname not like '\\_\\_diesel%'
    union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    from pg_constraint where connamespace = 'public'::regnamespace and conrelid::regclass::text not like '\\_\\_diesel%'
    union all select 'index ' || indexdef from pg_indexes where schemaname = 'public' and tablename not like '\\_\\_diesel%'
    union all select 'policy ' || tablename || ' ' || policyname || ' ' || cmd || ' ' || coalesce(qual, '') from pg_policies
    union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function ' || oid::regprocedure || ' ' || md5(prosrc) || coalesce(proacl::text, '')
    from pg_proc where pronamespace = 'public'::regnamespace and proname not like 'diesel\\_%'
    union all select 'type ' || typname from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')
    order by 1";

/// What the role may do in the schema and with diesel's own table.
const GRANTED: &str = "
    select privilege_type || ' on ' || table_name as line from information_schema.role_table_grants
    where grantee = 'yijiao_app' and table_name = '__diesel_schema_migrations'
    union all select 'schema ' || privilege_type from pg_namespace, aclexplode(nspacl) where nspname = 'public'
        and grantee = 'yijiao_app'::regrole";

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_down_and_up_again() {
    let database = TestDb::create();
    let mut conn = database.owner().await;
    let before = lines(&mut conn, MADE).await;
    assert!(before.len() > 500, "only {} things were seen", before.len());

    let down = AsyncPgConnection::establish(database.owner_url().expose_secret()).await.unwrap();
    let reverted = tokio::task::spawn_blocking(|| {
        let mut harness = AsyncMigrationHarness::new(down);
        harness
            .revert_all_migrations(MIGRATIONS)
            .map(|reverted| reverted.len())
            .map_err(|error| error.to_string())
    });
    let count = reverted.await.unwrap().unwrap();
    assert!(count >= 9, "only {count} migrations went down");
    assert_eq!(lines(&mut conn, MADE).await, Vec::<String>::new(), "left behind by a down.sql");
    assert_eq!(lines(&mut conn, GRANTED).await, Vec::<String>::new(), "left behind by a down.sql");

    assert_eq!(migrate(&database.owner_url()).await.unwrap().len(), count);
    assert_eq!(lines(&mut conn, MADE).await, before);
}

#[test]
fn a_migration_is_named_after_what_it_does() {
    for file in tree::files("migrations") {
        let name = tree::name(&file);
        let [_, step, part] = name.split('/').collect::<Vec<_>>()[..] else {
            panic!("{name}: one folder a step")
        };
        assert!(part == "up.sql" || part == "down.sql", "{name}");
        assert!(!std::fs::read_to_string(&file).unwrap().trim().is_empty(), "{name} is empty");
        let verb = step.get("2026-11-23-000001_".len()..).unwrap_or_default();
        let verbs =
            ["create_", "add_", "drop_", "rename_", "change_", "index_", "backfill_", "split_", "count_"];
        assert!(verbs.iter().any(|it| verb.starts_with(it)), "{step}: verb_object, e.g. create_calls");
    }
}
