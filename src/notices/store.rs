//! The rows of `notices` and `notice_attempts`: taking what is due, the lease, the settlement.
//!
//! A row moves only under its own condition, so every step may run anywhere, twice, or late:
//!
//! | step | from | to |
//! |---|---|---|
//! | [`Claim`] | due: queued, retry, held, sending (lapsed) | queued, due again after the requeue time |
//! | [`Lease`] | queued; retry, held when due | sending, attempt + 1; or where its channel or its matter puts it |
//! | [`Settle`] | sending, of this attempt | sent, retry, dead, expired; acted or superseded when answered meanwhile |

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::channels::ChannelKind;
use super::model::{
    AttemptOutcome, ChannelId, ChannelLanguage, ChannelState, Entry, NoticeId, NoticeState, Priority,
};
use crate::organisation::CountyId;
use crate::schema::{channels, notices};

/// A sender that dies this often over one notice dies because of it.
const LAPSES_MAX: i32 = 5;
/// Seconds for which a paused channel is left alone.
const PAUSED_SECONDS: f64 = 60.0;

/// Takes what is due into the queue, per priority in the order of due moments, passing over rows that somebody else holds.
pub struct Claim {
    pub now: DateTime<Utc>,
    /// When a row is looked at again if nobody leased it.
    pub again_at: DateTime<Utc>,
    /// Milliseconds that a lease lasts.
    pub lease_ms: i32,
    /// How many alarms, and how many others.
    pub first: i64,
    pub rest: i64,
}

/// A row that was due.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Claimed {
    pub notice: NoticeId,
    pub county: CountyId,
    pub priority: Priority,
}

impl Claimed {
    #[must_use]
    pub const fn entry(&self) -> Entry {
        Entry { county: self.county, notice: self.notice }
    }
}

impl QueryFragment<Pg> for Claim {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Literal priorities, so that each branch walks the index `notices_due` in order and stops early. What is normal and
        // what is low share a limit.
        let branches = [
            ("with first as (", "first_alarm", "", &self.first, ""),
            ("), normal as (", "normal", "", &self.rest, ""),
            ("), low as (", "low", "greatest(0, ", &self.rest, " - (select count(*) from normal))"),
        ];
        for (name, priority, before, limit, after) in branches {
            out.push_sql(name);
            out.push_sql("select id, state, attempt, due_at from notices where priority = '");
            out.push_sql(priority);
            out.push_sql("' and due_at <= ");
            out.push_bind_param::<sql_types::Timestamptz, _>(&self.now)?;
            out.push_sql(" order by due_at limit ");
            out.push_sql(before);
            out.push_bind_param::<sql_types::BigInt, _>(limit)?;
            out.push_sql(after);
            out.push_sql(" for update skip locked");
        }
        out.push_sql(
            "), due as (select * from first union all select * from normal union all select * from low), \
             lapsed as (insert into notice_attempts (notice_id, attempt, county_id, started_at, took_ms, outcome, next_at) \
             select due.id, due.attempt, n.county_id, due.due_at - make_interval(secs => ",
        );
        out.push_bind_param::<sql_types::Integer, _>(&self.lease_ms)?;
        out.push_sql(" / 1000.0), ");
        out.push_bind_param::<sql_types::Integer, _>(&self.lease_ms)?;
        out.push_sql(", 'lapsed', ");
        out.push_bind_param::<sql_types::Timestamptz, _>(&self.now)?;
        out.push_sql(
            " from due join notices n on n.id = due.id where due.state = 'sending') \
             update notices n set state = 'queued', due_at = ",
        );
        out.push_bind_param::<sql_types::Timestamptz, _>(&self.again_at)?;
        out.push_sql(" from due where n.id = due.id returning n.id, n.county_id, n.priority");
        Ok(())
    }
}

/// Takes one notice for sending, if it still has to be sent.
pub struct Lease {
    pub notice: NoticeId,
    pub now: DateTime<Utc>,
    /// When the sender is taken for dead.
    pub until: DateTime<Utc>,
}

/// A notice as its sender needs it.
#[derive(Clone, Debug, Queryable)]
pub struct Leased {
    pub notice: NoticeId,
    pub county: CountyId,
    /// Sending: to be sent now. Held, dead or superseded: not to be sent, and recorded as such.
    pub state: NoticeState,
    pub reason: String,
    pub attempt: i32,
    pub priority: Priority,
    pub event: String,
    pub params: Value,
    pub created_at: DateTime<Utc>,
    /// Whether an officer is to act.
    pub alarms: bool,
    pub channel: ChannelId,
    pub kind: ChannelKind,
    pub base_url: String,
    pub credentials_sealed: Vec<u8>,
    pub settings: Value,
    pub language: ChannelLanguage,
}

impl QueryFragment<Pg> for Lease {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "with ready as (select n.id, c.kind, c.base_url, c.credentials_sealed, c.settings, c.language, \
             case when n.answered then 'superseded' when c.state = 'dead' then 'channel_dead' when c.state = 'paused' \
             then 'channel_paused' when n.attempt >= ",
        );
        out.push_bind_param::<sql_types::Integer, _>(&LAPSES_MAX)?;
        out.push_sql(
            " and (select count(*) from notice_attempts a where a.notice_id = n.id and a.outcome = 'lapsed') >= ",
        );
        out.push_bind_param::<sql_types::Integer, _>(&LAPSES_MAX)?;
        out.push_sql(
            " then 'lapsed_too_often' else '' end as against \
             from notices n join channels c on c.id = n.channel_id where n.id = ",
        );
        out.push_bind_param::<sql_types::Uuid, _>(&self.notice)?;
        out.push_sql(" and (n.state = 'queued' or n.state in ('retry', 'held') and n.due_at <= ");
        out.push_bind_param::<sql_types::Timestamptz, _>(&self.now)?;
        out.push_sql(
            ") for update of n) update notices n set state = case against when '' then 'sending' when 'superseded' then \
             'superseded' when 'channel_paused' then 'held' else 'dead' end, \
             attempt = n.attempt + case against when '' then 1 else 0 end, reason = against, \
             due_at = case against when '' then ",
        );
        out.push_bind_param::<sql_types::Timestamptz, _>(&self.until)?;
        out.push_sql(" when 'channel_paused' then ");
        out.push_bind_param::<sql_types::Timestamptz, _>(&self.now)?;
        out.push_sql(" + make_interval(secs => ");
        out.push_bind_param::<sql_types::Double, _>(&PAUSED_SECONDS)?;
        out.push_sql(
            ") end from ready where n.id = ready.id returning n.id, n.county_id, n.state, n.reason, n.attempt, n.priority, n.event, \
             n.params, n.created_at, n.officer_id is not null, n.channel_id, ready.kind, ready.base_url, ready.credentials_sealed, ready.settings, \
             ready.language",
        );
        Ok(())
    }
}

/// Records how an attempt ended, if it is still the present one.
pub struct Settle<'a> {
    pub notice: NoticeId,
    pub attempt: i32,
    /// Where the notice stands now, unless what it asks for was done meanwhile.
    pub state: NoticeState,
    pub reason: &'a str,
    /// When it is tried again.
    pub due_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub provider_id: Option<&'a str>,
    pub record: Record<'a>,
}

/// One row of `notice_attempts`.
pub struct Record<'a> {
    pub started_at: DateTime<Utc>,
    pub took_ms: i32,
    pub http_status: Option<i16>,
    pub outcome: AttemptOutcome,
    /// The beginning of the answer, without secrets.
    pub excerpt: &'a str,
}

impl QueryFragment<Pg> for Settle<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("with settled as (update notices set state = case when not answered then ");
        out.push_bind_param::<sql_types::Text, _>(&self.state)?;
        out.push_sql(" when ");
        out.push_bind_param::<sql_types::Text, _>(&self.state)?;
        out.push_sql(" = 'sent' then 'acted' else 'superseded' end, due_at = case when not answered then ");
        out.push_bind_param::<sql_types::Nullable<sql_types::Timestamptz>, _>(&self.due_at)?;
        out.push_sql(" end, reason = ");
        out.push_bind_param::<sql_types::Text, _>(self.reason)?;
        out.push_sql(", sent_at = ");
        out.push_bind_param::<sql_types::Nullable<sql_types::Timestamptz>, _>(&self.sent_at)?;
        out.push_sql(", provider_id = ");
        out.push_bind_param::<sql_types::Nullable<sql_types::Text>, _>(&self.provider_id)?;
        out.push_sql(" where id = ");
        out.push_bind_param::<sql_types::Uuid, _>(&self.notice)?;
        out.push_sql(" and attempt = ");
        out.push_bind_param::<sql_types::Integer, _>(&self.attempt)?;
        out.push_sql(
            " and state = 'sending' returning id, attempt, county_id, state, due_at), recorded as (insert into \
             notice_attempts (notice_id, attempt, county_id, started_at, took_ms, http_status, outcome, excerpt, next_at) \
             select id, attempt, county_id, ",
        );
        out.push_bind_param::<sql_types::Timestamptz, _>(&self.record.started_at)?;
        out.push_sql(", ");
        out.push_bind_param::<sql_types::Integer, _>(&self.record.took_ms)?;
        out.push_sql(", ");
        out.push_bind_param::<sql_types::Nullable<sql_types::SmallInt>, _>(&self.record.http_status)?;
        out.push_sql(", ");
        out.push_bind_param::<sql_types::Text, _>(&self.record.outcome)?;
        out.push_sql(", ");
        out.push_bind_param::<sql_types::Text, _>(self.record.excerpt)?;
        out.push_sql(", due_at from settled) select state from settled");
        Ok(())
    }
}

/// Statements whose text never changes are prepared once per connection.
macro_rules! prepared {
    ($name:ty, $id:ty => ($($column:ty),+ $(,)?)) => {
        impl QueryId for $name {
            type QueryId = $id;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
        impl Query for $name {
            type SqlType = ($($column,)+);
        }
    };
}

prepared!(Claim, Claim => (sql_types::Uuid, sql_types::Uuid, sql_types::Text));
prepared!(Lease, Lease => (
    sql_types::Uuid,
    sql_types::Uuid,
    sql_types::Text,
    sql_types::Text,
    sql_types::Integer,
    sql_types::Text,
    sql_types::Text,
    sql_types::Jsonb,
    sql_types::Timestamptz,
    sql_types::Bool,
    sql_types::Uuid,
    sql_types::Text,
    sql_types::Text,
    sql_types::Binary,
    sql_types::Jsonb,
    sql_types::Text,
));
prepared!(Settle<'_>, Settle<'static> => (sql_types::Text));

/// Runs [`Claim`] in a transaction across counties.
pub async fn claim(conn: &mut AsyncPgConnection, claim: Claim) -> QueryResult<Vec<Claimed>> {
    claim.load(conn).await
}

/// Runs [`Lease`]; none when there is nothing to send any more, or somebody else sends it.
pub async fn lease(conn: &mut AsyncPgConnection, lease: Lease) -> QueryResult<Option<Leased>> {
    Ok(lease.load(conn).await?.pop())
}

/// Runs [`Settle`]; where the notice stands now, or none when the attempt is no longer the present one.
pub async fn settle(conn: &mut AsyncPgConnection, settle: Settle<'_>) -> QueryResult<Option<NoticeState>> {
    let states: Vec<(NoticeState,)> = settle.load(conn).await?;
    Ok(states.into_iter().next().map(|(state,)| state))
}

/// A channel that the provider says is gone is not used any more; false when that was known.
pub async fn bury_channel(
    conn: &mut AsyncPgConnection,
    channel: ChannelId,
    reason: &str,
) -> QueryResult<bool> {
    let buried = diesel::update(channels::table.find(channel).filter(channels::state.ne(ChannelState::Dead)))
        .set((channels::state.eq(ChannelState::Dead), channels::state_reason.eq(reason)))
        .execute(conn)
        .await?;
    Ok(buried > 0)
}

/// How many notices are not yet settled, and since when the oldest of them waits.
pub async fn backlog(conn: &mut AsyncPgConnection) -> QueryResult<(i64, Option<DateTime<Utc>>)> {
    notices::table
        .filter(notices::due_at.is_not_null())
        .select((diesel::dsl::count_star(), diesel::dsl::min(notices::created_at)))
        .get_result(conn)
        .await
}
