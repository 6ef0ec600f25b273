//! What Postgres alone can do: pgbench with the statements of a tap, one tap a transaction, as the role of the server, so that
//! row-level security and every constraint cost the same.
//!
//! The statements are those which a tap of this build really prepared; the rows are those of real taps with fresh ids put in. It
//! runs in a county of its own, so that its numbers never meet the server's. pgbench gets the rows as one parameter and puts ten
//! ids into them with `format`, which costs it some 2 % that the server spends elsewhere.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl as _;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use url::Url;
use yijiao::calls::desk::Desk;
use yijiao::calls::raise::{Raise, writer};
use yijiao::calls::routes::person;
use yijiao::deadlines::Calendars;
use yijiao::identity::KeyRing;
use yijiao::notices::wake::Wake;
use yijiao::organisation::CountyId;
use yijiao::platform::clock::Clock;
use yijiao::platform::crypto::Vault;
use yijiao::platform::db::{Db, ROLE, Scope};

use crate::figures::number;
use crate::load::Taps;
use crate::server::Server;
use crate::stage::{County, Outcome, Stage, connect};

/// The county of the baseline.
const COUNTY: &str = "bench";
/// Taps whose rows serve as patterns; each client of pgbench takes one.
const PATTERNS: u32 = 256;

/// pgbench, ready to run.
pub struct Baseline {
    pgbench: PathBuf,
    connection: Url,
    script: Script,
}

/// A file that goes with its owner.
struct Script(PathBuf);

impl Drop for Script {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    statement: String,
    #[diesel(sql_type = Array<Text>)]
    types: Vec<String>,
}

/// One tap as it was written.
#[derive(Deserialize)]
struct Written {
    rows: String,
    /// Of the call first, then of all that belongs to it.
    ids: Vec<String>,
    number: String,
    key: String,
    account: String,
    item: String,
    department: String,
}

impl Baseline {
    /// Raises the pattern taps on `server` and writes the script.
    pub async fn prepare(stage: &Stage, server: &Server) -> Outcome<Self> {
        let pgbench = std::env::var_os("PGBENCH").map_or_else(|| PathBuf::from("pgbench"), PathBuf::from);
        let county = stage.county(COUNTY).await?;
        let burst = Taps::new(&county, server.address)
            .burst(8, Duration::ZERO, Duration::from_secs(60), PATTERNS)
            .await?;
        if burst.failed > 0 {
            return Err("the pattern taps were refused".into());
        }
        let ids = write_patterns(stage).await?;
        let (county, statements) = statements(stage, &county).await?;
        let script = Script(std::env::temp_dir().join(format!("yijiao-bench-{}.sql", std::process::id())));
        std::fs::write(&script.0, text(county, statements, ids)?)?;
        Ok(Self { pgbench, connection: Url::parse(stage.config.database.url.expose_secret())?, script })
    }

    /// Transactions per second of so many clients, after they have prepared their statements.
    pub async fn run(&self, clients: usize, seconds: u64) -> Outcome<f64> {
        // A connection prepares three large statements and plans each some times before it keeps a plan.
        let warm = 2.0 + number(clients) / 16.0;
        let url = &self.connection;
        let password = url.password().unwrap_or_default();
        let password = percent_decoded(password)?;
        let output = tokio::process::Command::new(&self.pgbench)
            .args(["-n", "-M", "prepared", "-P", "1", "-D", "ready=0"])
            .args(["-c", &clients.to_string(), "-j", &clients.min(2).to_string()])
            .args(["-T", &format!("{:.0}", warm.ceil() + Duration::from_secs(seconds).as_secs_f64())])
            .arg("-f")
            .arg(&self.script.0)
            .env("PGHOST", url.host_str().unwrap_or("127.0.0.1"))
            .env("PGPORT", url.port().unwrap_or(5432).to_string())
            .env("PGUSER", url.username())
            .env("PGPASSWORD", password)
            .env("PGDATABASE", url.path().trim_start_matches('/'))
            // The server keeps one plan as well.
            .env("PGOPTIONS", format!("-c role={ROLE} -c plan_cache_mode=force_generic_plan"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("{}: {error}", self.pgbench.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let last: Vec<&str> = said.lines().rev().take(3).collect();
            return Err(format!("pgbench failed: {}", last.join(" ← ")).into());
        }
        let counted: Vec<f64> =
            said.lines().filter_map(progress).filter(|(at, _)| *at > warm).map(|(_, tps)| tps).collect();
        Ok(counted.iter().sum::<f64>() / number(counted.len()))
    }
}

/// The second and the rate of a line like `progress: 3.0 s, 1234.5 tps, lat 0.8 ms stddev 0.1, 0 failed`.
fn progress(line: &str) -> Option<(f64, f64)> {
    let (at, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
    Some((at.parse().ok()?, rest.split_once(" tps")?.0.parse().ok()?))
}

fn percent_decoded(text: &str) -> Outcome<String> {
    let pair = format!("p={text}").replace('+', "%2B");
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&pair)?;
    Ok(pairs.into_iter().map(|(_, value)| value).collect())
}

/// Keeps the pattern taps in a table, their ids replaced by places for `format`; how many places there are, at most.
async fn write_patterns(stage: &Stage) -> Outcome<usize> {
    let written = stage.lines(WRITTEN).await?;
    let mut connection = connect(stage.config.database.owner()).await?;
    stage
        .execute(&[
            "drop table if exists bench_patterns",
            "create table bench_patterns (template text, account text, item text, department text)",
            &format!("grant select on bench_patterns to {ROLE}"),
            "create sequence if not exists bench_numbers",
            &format!("grant usage on sequence bench_numbers to {ROLE}"),
        ])
        .await?;
    let mut most = 0;
    for line in written {
        let tap: Written = serde_json::from_str(&line)?;
        most = most.max(tap.ids.len());
        diesel::sql_query("insert into bench_patterns values ($1, $2, $3, $4)")
            .bind::<Text, _>(template(&tap))
            .bind::<Text, _>(format!("{{{}}}", tap.account))
            .bind::<Text, _>(format!("{{{}}}", tap.item))
            .bind::<Text, _>(format!("{{{}}}", tap.department))
            .execute(&mut connection)
            .await?;
    }
    // Out of the way of the numbers that pgbench gives, which begin with 0 to 8.
    let aside = format!(
        "update calls set number = '9' || substr(number, 2) where county_id = (select id from counties where code = '{COUNTY}')"
    );
    stage.execute(&[&aside, "vacuum analyze"]).await?;
    Ok(most)
}

/// The rows with a place for each id: 1 the number, 2 the call (and the key, which is as good), then the others.
fn template(tap: &Written) -> String {
    let mut text = tap.rows.replace('%', "%%").replace(&format!("\"{}\"", tap.number), "\"%1$s\"");
    for (place, id) in (2..).zip(&tap.ids) {
        text = text.replace(id, &format!("%{place}$s"));
    }
    text.replace(&format!("\"{}\"", tap.key), "\"%2$s\"")
}

/// Every tap of the baseline's county, as the statement that wrote it got it.
const WRITTEN: &str = "select jsonb_build_object('number', c.number, 'key', k.key, 'account', c.raised_by, 'item', i.code, \
    'department', c.department_id, 'ids', jsonb_build_array(c.id) || s.ids || t.ids || n.ids, 'rows', jsonb_build_object('calls', \
    jsonb_build_array(to_jsonb(c)), 'keys', jsonb_build_array(to_jsonb(k)), 'unkeyed', '[]'::jsonb, 'spans', s.rows, 'deadlines', \
    t.rows, 'events', e.rows, 'notices', n.rows)::text)::text as text \
    from calls c join counties y on y.id = c.county_id and y.code = 'bench' join idempotency_keys k on k.subject_id = c.id \
    join service_items i on i.id = c.item_id \
    cross join lateral (select jsonb_agg(to_jsonb(x)) as rows, jsonb_agg(x.id) as ids from holder_spans x where x.call_id = c.id) s \
    cross join lateral (select jsonb_agg(to_jsonb(x)) as rows, jsonb_agg(x.id) as ids from deadlines x where x.subject_id = c.id) t \
    cross join lateral (select jsonb_agg(to_jsonb(x) order by seq) as rows from ledger_events x where x.subject_id = c.id) e \
    cross join lateral (select jsonb_agg((to_jsonb(x) - 'sent_at' - 'provider_id') || '{\"state\": \"queued\", \"attempt\": 0}') as rows, \
    jsonb_agg(x.id) as ids from notices x where x.subject_id = c.id) n";

/// Raises a tap in this process and looks what its connection has prepared.
async fn statements(stage: &Stage, county: &County) -> Outcome<(CountyId, Vec<Prepared>)> {
    let (now, vault) = (Clock::System.now(), Vault::new(&stage.config.secrets.master_key));
    // One connection, so that the look goes to the one that tapped.
    let db = Db::lazy(&stage.config.database.url, 1)?;
    let keys = KeyRing::new(vault.clone(), &stage.config.identity);
    let token = county.members.as_slice().first().map(|member| member.token.as_str()).unwrap_or_default();
    let caller = keys.verify(&db, token, now).await?;
    let body = Raise { item_code: county.items.as_slice().first().cloned(), ..Raise::default() };
    let tap = body.check(person(&caller), Some(("pattern".to_owned(), [0; 32])), now)?;
    drop(db);
    let db = Db::lazy(&stage.config.database.url, 1)?;
    let desk = Desk::new(db.clone(), Calendars::new()?, Wake::default(), &vault);
    for raised in Box::pin(writer::write(&desk, caller.county, &[tap])).await? {
        raised?;
    }
    let mut tx = db.begin(Scope::County(caller.county.0)).await?;
    let prepared = diesel::sql_query(
        "select statement, parameter_types::text[] as types from pg_prepared_statements \
         where statement not like '%pg_prepared_statements%' order by prepare_time",
    )
    .load(&mut tx)
    .await
    .map_err(yijiao::platform::db::DbError::from);
    Ok((caller.county, tx.finish(prepared).await?))
}

/// The script: each client takes a pattern once, and then writes it again and again with fresh ids.
fn text(county: CountyId, statements: Vec<Prepared>, ids: usize) -> Outcome<String> {
    let mut script = format!(
        "\\if :ready = 0\nselect template, account, item, department, '{{0}}' as index, '{{NULL}}' as enterprise, '{{f}}' as no, \
         '{{\"' || now() || '\"}}' as at from bench_patterns order by random() limit 1 \\gset\n\\set ready 1\n\\endif\n\
         \\startpipeline\nbegin;\nset local yijiao.county = '{county}';\n\\endpipeline\n"
    );
    for prepared in &statements {
        script += &substituted(prepared, county, ids)?;
        script += ";\n";
    }
    script += "commit;\n";
    Ok(script)
}

/// A statement with the script's variables in place of its parameters.
fn substituted(prepared: &Prepared, county: CountyId, ids: usize) -> Outcome<String> {
    let (text, types) = (&prepared.statement, &prepared.types);
    let county = format!("'{county}'::uuid");
    let values: Vec<String> = if text.contains("jsonb_populate_recordset(null::calls") {
        vec![fresh_rows(ids)]
    } else if text.contains("from unnest(") {
        let lists = [":index", ":account", ":enterprise", ":no", ":item", ":no", ":at"].map(str::to_owned);
        lists.into_iter().chain([county.clone(), county]).collect()
    } else {
        let mut words = ["'active'", "'business_office'"].into_iter();
        let value = |kind: &String| match kind.as_str() {
            "uuid" => Some(county.clone()),
            "uuid[]" => Some(":department".to_owned()),
            "text" => words.next().map(str::to_owned),
            _ => None,
        };
        types.iter().map(value).collect::<Option<_>>().unwrap_or_default()
    };
    if values.len() != types.len() {
        return Err(format!("the statements of a tap are others than the baseline knows: {text}").into());
    }
    // From behind, for `$1` is the beginning of `$10`.
    let places = values.iter().enumerate().rev();
    Ok(places.fold(text.clone(), |text, (before, value)| text.replace(&format!("${}", before + 1), value)))
}

/// The rows with a number and time-ordered ids of their own.
fn fresh_rows(ids: usize) -> String {
    let fresh = ", head || substr(gen_random_uuid()::text, 16)".repeat(ids);
    format!(
        "(select format(:template, lpad((nextval('bench_numbers') * 387420489 % 900000000)::text, 9, '0'){fresh}) from \
         (select substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-7' as head from \
         lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::int8), 12, '0') as hex) as clock)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_pgbench_are_read() {
        assert_eq!(
            progress("progress: 3.0 s, 1234.5 tps, lat 0.8 ms stddev 0.1, 0 failed"),
            Some((3.0, 1234.5))
        );
        assert_eq!(progress("pgbench (15.18)"), None);
    }

    #[test]
    fn every_id_of_a_pattern_gets_its_place() {
        let tap = Written {
            rows: r#"{"id":"aa","of":"aa","span":"bb","number":"123","key":"k-1","share":"5 %"}"#.to_owned(),
            ids: vec!["aa".to_owned(), "bb".to_owned()],
            number: "123".to_owned(),
            key: "k-1".to_owned(),
            account: String::new(),
            item: String::new(),
            department: String::new(),
        };
        let expected =
            r#"{"id":"%2$s","of":"%2$s","span":"%3$s","number":"%1$s","key":"%2$s","share":"5 %%"}"#;
        assert_eq!(template(&tap), expected);
    }

    #[test]
    fn a_password_may_hold_anything() {
        assert_eq!(percent_decoded("a%2Fb+c%20d").unwrap(), "a/b+c d");
    }
}
