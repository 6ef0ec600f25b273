//! `src/schema.rs` says what the database has: names, order, types, nullability, keys, joins.

use std::fmt::Write as _;

use super::{OURS, lines};
use crate::kit_db::TestDb;
use crate::tree::read;

/// Columns as `table|column|udt|nullable`, keys as `table|column,column`, foreign keys as `table|parent|column`.
async fn expected() -> String {
    let database = TestDb::create();
    let mut conn = database.owner().await;
    let tables =
        lines(&mut conn, &format!("select relname::text as line from pg_class c where {OURS} order by 1"))
            .await;
    let columns = lines(
        &mut conn,
        "select table_name || '|' || column_name || '|' || udt_name || '|' || is_nullable as line
         from information_schema.columns where table_schema = 'public' order by table_name, ordinal_position",
    )
    .await;
    let keys = lines(
        &mut conn,
        "select r.relname || '|' || string_agg(a.attname, ', ' order by array_position(k.conkey, a.attnum)) as line
         from pg_constraint k join pg_class r on r.oid = k.conrelid
         join pg_attribute a on a.attrelid = r.oid and a.attnum = any (k.conkey) where k.contype = 'p' group by r.relname",
    )
    .await;
    // Diesel joins two tables by itself only when there is one way to; every table points to its county, so nothing is joined by it.
    let joins = lines(
        &mut conn,
        "select r.relname || '|' || p.relname || '|' || min(a.attname) as line
         from pg_constraint k join pg_class r on r.oid = k.conrelid join pg_class p on p.oid = k.confrelid
         join pg_attribute a on a.attrelid = r.oid and a.attnum = k.conkey[1]
         where k.contype = 'f' and r.oid <> p.oid and p.relname <> 'counties'
         group by r.relname, p.relname having count(*) = 1 order by r.relname, p.relname",
    )
    .await;
    let mut text = read("src/schema.rs").lines().take(1).collect::<String>() + "\n\n";
    for table in &tables {
        let of_table = |line: &&String| line.split('|').next() == Some(table.as_str());
        let key =
            keys.iter().find(of_table).and_then(|key| key.split('|').nth(1)).unwrap_or("no primary key");
        let _ = writeln!(text, "diesel::table! {{\n    {table} ({key}) {{");
        for column in columns.iter().filter(of_table) {
            let [_, name, udt, nullable] = column.split('|').collect::<Vec<_>>()[..] else {
                panic!("{column}")
            };
            let kind = diesel_type(udt);
            let kind = if nullable == "YES" { format!("Nullable<{kind}>") } else { kind };
            let _ = writeln!(text, "        {name} -> {kind},");
        }
        text += "    }\n}\n\n";
    }
    for join in joins {
        let [child, parent, column] = join.split('|').collect::<Vec<_>>()[..] else { panic!("{join}") };
        let _ = writeln!(text, "diesel::joinable!({child} -> {parent} ({column}));");
    }
    text += "\ndiesel::allow_tables_to_appear_in_same_query!(\n";
    for table in tables {
        let _ = writeln!(text, "    {table},");
    }
    text + ");\n"
}

fn diesel_type(udt: &str) -> String {
    if let Some(element) = udt.strip_prefix('_') {
        return format!("Array<{}>", diesel_type(element));
    }
    match udt {
        "bool" => "Bool",
        "bytea" => "Bytea",
        "date" => "Date",
        "float8" => "Float8",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "jsonb" => "Jsonb",
        "text" => "Text",
        "timestamptz" => "Timestamptz",
        "uuid" => "Uuid",
        // varchar, char, json, timestamp without zone, time, serial …
        other => panic!("a column of type {other}: text, jsonb and timestamptz say what is meant; others go into this list"),
    }
    .to_owned()
}

#[tokio::test]
async fn schema_matches_the_database() {
    let (expected, present) = (expected().await, read("src/schema.rs"));
    if expected == present {
        return;
    }
    let renewed = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema.rs");
    std::fs::write(&renewed, &expected).unwrap();
    let differ = expected.lines().zip(present.lines()).enumerate().find(|(_, (new, old))| new != old);
    let (line, (new, old)) = differ.unwrap_or((0, ("another length", "")));
    panic!(
        "src/schema.rs says in line {}:\n{old}\nbut the database:\n{new}\nThe file as it should be: {}",
        line + 1,
        renewed.display()
    );
}
