//! Looking into Postgres, as an auditor would: all counties, every table.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};

use super::{County, View};

impl County {
    /// A connection as the owner of the tables that sees every county.
    pub async fn auditor(&self) -> AsyncPgConnection {
        let mut owner = self.store.owner().await;
        owner.batch_execute("set yijiao.across_counties = 'on'; set timezone = 'UTC'").await.unwrap();
        owner
    }

    pub async fn count(&self, query: &str) -> i64 {
        let query = diesel::dsl::sql::<BigInt>(&format!("({query})"));
        diesel::select(query).get_result(&mut self.auditor().await).await.unwrap()
    }

    /// One text per row.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        self.texts_by(&mut self.auditor().await, query).await
    }

    /// The same by a connection that is open already.
    pub async fn texts_by(&self, auditor: &mut AsyncPgConnection, query: &str) -> Vec<String> {
        let all = format!("(select coalesce(array_agg(x.t), '{{}}') from ({query}) x(t))");
        let query = diesel::dsl::sql::<Array<Text>>(&all);
        diesel::select(query).get_result(auditor).await.unwrap()
    }

    /// Changes something behind the product's back.
    pub async fn alter(&self, statements: &str) {
        let done = self.auditor().await.batch_execute(statements).await;
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The moment at which the engine must look at something next.
    pub async fn next_due(&self) -> Option<DateTime<Utc>> {
        self.next_due_by(&mut self.auditor().await).await
    }

    /// The same by a connection that is open already.
    pub async fn next_due_by(&self, auditor: &mut AsyncPgConnection) -> Option<DateTime<Utc>> {
        let query = diesel::dsl::sql::<Nullable<Timestamptz>>("(select min(fires_at) from deadlines)");
        diesel::select(query).get_result(auditor).await.unwrap()
    }

    /// The steps of a call's ladders that fired, in order: `clock rung to,to card @ MM-DD HH:MM`.
    pub async fn rungs(&self, call: &View) -> Vec<String> {
        let id = call.id();
        self.texts(&format!(
            "select (data->>'clock') || ' ' || (data->>'rung') || ' ' || coalesce((select string_agg(o.code, ',' order by n)
                from jsonb_array_elements(data->'told') with ordinality t(told, n)
                join officers o on o.id = (told->>'officerId')::uuid), '-')
                || coalesce(' ' || (data->>'card'), '') || ' @ ' || to_char(at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI')
            from ledger_events where subject_id = '{id}'
            and kind in ('call.reminded', 'call.escalated', 'call.rung_passed') order by seq"
        ))
        .await
    }

    /// The county's own choices; what it does not name stays as shipped.
    pub async fn chooses(&self, settings: serde_json::Value) {
        // A county changes itself alone: seeing across counties is not enough.
        self.alter(&format!(
            "select set_config('yijiao.county', id::text, false) from counties;
            update counties set settings = '{settings}'"
        ))
        .await;
        let chosen =
            self.count(&format!("select count(*) from counties where settings = '{settings}'::jsonb")).await;
        assert_eq!(chosen, 1, "{settings}");
    }

    /// An officer is away for a year, from now on.
    pub async fn sends_away(&self, officer: &str) {
        self.alter(&format!(
            "insert into absences (id, county_id, officer_id, starts_at, ends_at)
            select gen_random_uuid(), county_id, id, '2026-01-01', '2027-01-01' from officers where code = '{officer}'"
        ))
        .await;
    }

    /// The county has an application that reaches these officers in person.
    pub async fn reaches_in_person(&self, officers: &[&str]) {
        let officers = officers.join("', '");
        self.alter(&format!(
            "insert into channels (id, county_id, code, kind, name, base_url, credentials_sealed)
                select gen_random_uuid(), county_id, 'app', 'wecom_app', '一叫就到', base_url, credentials_sealed
                from channels where code = 'room-office';
            insert into officer_addresses (id, county_id, officer_id, channel_id, user_id)
                select gen_random_uuid(), o.county_id, o.id, c.id, 'wx-' || o.code
                from officers o join channels c on c.code = 'app' where o.code in ('{officers}')"
        ))
        .await;
    }

    pub async fn officer_id(&self, code: &str) -> String {
        self.texts(&format!("select id::text from officers where code = '{code}'")).await.remove(0)
    }

    /// A line per table over all its rows: equal before and after means that nothing was written.
    pub async fn everything(&self) -> Vec<String> {
        self.texts(
            "select tablename || ' ' || md5(query_to_xml(format('select * from %I t order by t::text', tablename), true, false, '')::text)
            from pg_tables where schemaname = 'public' order by tablename",
        )
        .await
    }

    /// The holders of a call from first to last, with the seconds each of them had it.
    pub async fn holders(&self, call: &View) -> Vec<(String, i64)> {
        let id = call.id();
        // Each span must begin where the one before it ended.
        let gaps = format!(
            "select count(*) from (select starts_at, lag(ends_at) over (order by starts_at, id) as last
            from holder_spans where call_id = '{id}') s where last <> starts_at"
        );
        assert_eq!(self.count(&gaps).await, 0, "the spans leave a gap");
        let now = self.now();
        let spans = format!(
            "select o.code || ' ' || extract(epoch from coalesce(s.ends_at, '{now}') - s.starts_at)::bigint
            from holder_spans s join officers o on o.id = s.officer_id where s.call_id = '{id}' order by s.starts_at, s.id"
        );
        let rows = self.texts(&spans).await;
        let split = rows.iter().map(|row| row.split_once(' ').unwrap());
        split.map(|(code, seconds)| (code.to_owned(), seconds.parse().unwrap())).collect()
    }
}
