//! Notices that wait although they could be sent: they are put back with the reason, and taken along when another leaves.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::Leased;
use crate::notices::model::{ChannelId, NoticeId, NoticeState};
use crate::organisation::CountyId;
use crate::schema::counties;

/// Puts leased notices back that are not sent now. It was no attempt.
pub struct Hold<'a> {
    pub notices: Vec<NoticeId>,
    /// The attempt under which each was leased.
    pub attempts: Vec<i32>,
    /// Until when that lease holds.
    pub untils: Vec<Option<DateTime<Utc>>>,
    /// Held, or retry for what is never held, or expired for what is too old.
    pub state: NoticeState,
    /// None: never again.
    pub until: Option<DateTime<Utc>>,
    pub reason: &'a str,
}

impl<'a> Hold<'a> {
    #[must_use]
    pub fn of(leased: &[&Leased], state: NoticeState, until: Option<DateTime<Utc>>, reason: &'a str) -> Self {
        let notices = leased.iter().map(|leased| leased.notice).collect();
        let attempts = leased.iter().map(|leased| leased.attempt).collect();
        let untils = leased.iter().map(|leased| leased.until).collect();
        Self { notices, attempts, untils, state, until, reason }
    }
}

impl QueryFragment<Pg> for Hold<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        use sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid};
        out.push_sql("with mine as (select n.id from notices n join unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.notices)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<Integer>, _>(&self.attempts)?;
        out.push_sql("::int4[], ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.untils)?;
        out.push_sql(
            "::timestamptz[]) as g(id, attempt, until) on g.id = n.id and g.attempt = n.attempt and g.until = n.due_at where n.state = 'sending' \
             order by n.id for update of n) update notices n set attempt = n.attempt - 1, \
             state = case when n.answered then 'superseded' else ",
        );
        out.push_bind_param::<Text, _>(&self.state)?;
        out.push_sql("::text end, due_at = case when not n.answered then ");
        out.push_bind_param::<Nullable<Timestamptz>, _>(&self.until)?;
        out.push_sql("::timestamptz end, reason = case when n.answered then 'superseded' else ");
        out.push_bind_param::<Text, _>(self.reason)?;
        out.push_sql("::text end from mine where n.id = mine.id");
        Ok(())
    }
}

impl QueryId for Hold<'_> {
    type QueryId = Hold<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

/// Runs [`Hold`]; leaves alone what is no longer in that hand.
pub async fn hold(conn: &mut AsyncPgConnection, hold: &Hold<'_>) -> QueryResult<()> {
    hold.execute(conn).await.map(drop)
}

/// Makes news to one reader that waits ready to be leased, the oldest first.
pub struct Gather<'a> {
    pub channel: ChannelId,
    pub recipient: &'a str,
    /// When it is looked at again if nobody leases it.
    pub again_at: DateTime<Utc>,
    pub limit: i64,
}

impl QueryFragment<Pg> for Gather<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // What stands here literally is the condition of the index `notices_waiting`.
        out.push_sql(
            "with waiting as (select id from notices where due_at is not null and priority <> 'first_alarm' and channel_id = ",
        );
        out.push_bind_param::<sql_types::Uuid, _>(&self.channel)?;
        out.push_sql(" and recipient = ");
        out.push_bind_param::<sql_types::Text, _>(self.recipient)?;
        out.push_sql(
            " and state in ('queued', 'held') and attempt < 3 and (priority = 'low' or officer_id is null) \
             and params->>'urgency' is distinct from 'critical' and subject_kind <> 'drill' \
             and redraws is null order by created_at, id limit ",
        );
        out.push_bind_param::<sql_types::BigInt, _>(&self.limit)?;
        out.push_sql(" for update skip locked) update notices n set state = 'queued', due_at = ");
        out.push_bind_param::<sql_types::Timestamptz, _>(&self.again_at)?;
        out.push_sql(" from waiting where n.id = waiting.id returning n.id");
        Ok(())
    }
}

impl QueryId for Gather<'_> {
    type QueryId = Gather<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl diesel::query_builder::Query for Gather<'_> {
    type SqlType = sql_types::Uuid;
}

/// Runs [`Gather`].
pub async fn gather(conn: &mut AsyncPgConnection, gather: Gather<'_>) -> QueryResult<Vec<NoticeId>> {
    gather.load(conn).await
}

/// What the county chose.
pub async fn settings(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Value> {
    counties::table.find(county.0).select(counties::settings).first(conn).await
}
