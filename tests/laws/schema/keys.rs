//! STYLE habit 10: each foreign key has an index, or a deleted parent and every join the other way walk the whole table.

use super::lines;
use crate::kit_db::TestDb;
use crate::tree::only_exceptions;

/// `county_id` is left out: a county is never deleted nor renamed, and no query asks for a county's rows by that alone; the
/// policies add it as a filter to what a narrower key has found.
#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let database = TestDb::create();
    let without = lines(
        &mut database.owner().await,
        "select k.conrelid::regclass || ' ' || pg_get_constraintdef(k.oid) as line from pg_constraint k
         where k.contype = 'f' and k.connamespace = 'public'::regnamespace and k.confrelid <> 'counties'::regclass
         and not exists (select from pg_index i where i.indrelid = k.conrelid and i.indisvalid
            and (select array_agg(key order by key) from unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) key)
              = (select array_agg(key order by key) from unnest(k.conkey) key)
            -- Of partial ones only those that leave out nothing but nulls.
            and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) =
                '(' || (select attname from pg_attribute where attrelid = k.conrelid and attnum = k.conkey[1]) || ' IS NOT NULL)'))",
    )
    .await;
    only_exceptions("a foreign key has an index that begins with its columns", without, &[]);
}

#[tokio::test]
async fn no_index_is_the_beginning_of_another() {
    let database = TestDb::create();
    let twice = lines(
        &mut database.owner().await,
        "select a.indexrelid::regclass || ' is the beginning of ' || b.indexrelid::regclass as line
         from pg_index a join pg_index b on a.indrelid = b.indrelid and a.indexrelid <> b.indexrelid
         join pg_class c on c.oid = a.indrelid and c.relnamespace = 'public'::regnamespace
         where not a.indisunique and a.indnatts <= b.indnatts and a.indexprs is null and b.indexprs is null
         and (a.indkey::int2[])[0:a.indnatts - 1] = (b.indkey::int2[])[0:a.indnatts - 1]
         and (a.indoption::int2[])[0:a.indnkeyatts - 1] = (b.indoption::int2[])[0:a.indnkeyatts - 1]
         and coalesce(pg_get_expr(b.indpred, b.indrelid), '') in ('', coalesce(pg_get_expr(a.indpred, a.indrelid), ''))",
    )
    .await;
    let open = "finds the few that are open among all that somebody ever dealt with";
    only_exceptions(
        "an index earns what it costs",
        twice,
        &[
            ("calls_open_department is the beginning of calls_department", open),
            ("calls_open_holder is the beginning of calls_holder", open),
        ],
    );
}
