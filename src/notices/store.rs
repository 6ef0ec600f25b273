//! The rows of `notices` and `notice_attempts`: taking what is due, the lease, the settlement.
//!
//! A row moves only under its own condition, so every step may run anywhere, twice, or late:
//!
//! | step | from | to |
//! |---|---|---|
//! | [`Claim`] | due: queued, retry, held, sending (lapsed) | queued, due again after the requeue time |
//! | [`Lease`] | queued; retry, held when due | sending, attempt + 1; or where its channel, its matter or its turn puts it |
//! | [`held::Hold`] | sending, under this lease | held, retry for a first alarm, expired after a day: it was no attempt |
//! | [`Settle`] | sending, under this lease | sent, retry, dead, expired; acted or superseded when answered meanwhile |

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::channels::ChannelKind;
use super::model::{
    AttemptOutcome, ChannelId, ChannelLanguage, ChannelState, Entry, NoticeId, NoticeState, Priority,
    SubjectKind,
};
use super::redraw;
use super::retry;
use crate::organisation::CountyId;
use crate::schema::{channels, notices};

/// Whether nobody heard how an attempt at the notice of this id went: its sender died, the answer was lost, or a gateway gave up waiting.
macro_rules! may_have_arrived {
    ($id:literal) => {
        concat!(
            "exists (select from notice_attempts a where a.notice_id = ",
            $id,
            " and (a.outcome = 'lapsed' or a.outcome = 'retry' and (a.http_status is null or a.http_status = 504)))"
        )
    };
}
pub(super) use may_have_arrived;

pub mod admin;
pub mod callbacks;
pub mod follow;
pub mod grants;
pub mod held;
pub mod inbox;
pub mod preferences;
pub mod register;
pub mod stranded;
pub mod texts;

/// A sender that dies this often over one notice dies because of it.
const LAPSES_MAX: i32 = 5;
/// Seconds for which a paused channel is left alone.
const PAUSED_SECONDS: f64 = 60.0;
/// Seconds after which news looks whether what it waits behind, and what is on its way, has left.
const SOON_SECONDS: f64 = 1.0;

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

/// Takes notices for sending, those of them that still have to be sent. News never overtakes older news of its subject on the way to
/// the same reader: while such a one may still leave, it waits (`in_order`) for the moment for which that one waits itself. A message of a
/// drill is one of many, each for somebody else. What redraws a card waits for that card alone, and ends when there is none, or when its
/// platform changes it no more.
#[derive(Clone, Debug)]
pub struct Lease {
    pub notices: Vec<NoticeId>,
    /// What leaves in one message with them: among these the message keeps the order.
    pub company: Vec<NoticeId>,
    pub now: DateTime<Utc>,
    /// What was posted before then is no news any more.
    pub stale: DateTime<Utc>,
    /// When the sender is taken for dead.
    pub until: DateTime<Utc>,
    /// A card of this kind that was sent by this moment cannot be redrawn any more; column by column.
    pub fixed_kinds: Vec<ChannelKind>,
    pub fixed_by: Vec<DateTime<Utc>>,
}

/// A notice as its sender needs it. Debug shows neither what it says nor what opens its channel.
#[derive(Clone, Queryable)]
pub struct Leased {
    pub notice: NoticeId,
    pub county: CountyId,
    /// Sending: to be sent now. Held, dead or superseded: not to be sent, and recorded as such.
    pub state: NoticeState,
    pub reason: String,
    pub attempt: i32,
    /// Until when it is in this hand; none when it is kept for good.
    pub until: Option<DateTime<Utc>>,
    pub priority: Priority,
    pub event: String,
    pub params: Value,
    pub created_at: DateTime<Utc>,
    /// Whether an officer is to act.
    pub alarms: bool,
    pub channel: ChannelId,
    /// The person's name at the provider; empty for a room.
    pub recipient: String,
    pub kind: ChannelKind,
    pub base_url: String,
    pub credentials_sealed: Vec<u8>,
    pub settings: Value,
    /// When the channel's platform last refused an interactive card and took a plain one.
    pub interactive_refused_at: Option<DateTime<Utc>>,
    pub language: ChannelLanguage,
    /// The county's own words for the event: their version, and what they are.
    pub own_version: Option<i32>,
    pub own_words: Option<Value>,
    /// The department whose room the channel is, as people call it; none: the county's, or an application.
    pub room_of: Option<String>,
    pub subject_kind: SubjectKind,
    /// What the officer is called by the rooms of Feishu, where a robot mentions nobody by his mobile.
    pub mention: Option<String>,
    /// Nothing new is sent: the card is redrawn that its platform knows by this.
    pub redraws: Option<String>,
    /// Whether its platform calls us back.
    pub calls_back: bool,
}

impl Leased {
    /// Whether it says nothing new, but redraws a card.
    #[must_use]
    pub fn is_redraw(&self) -> bool {
        self.event == redraw::REDRAWN
    }
}

impl std::fmt::Debug for Leased {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leased")
            .field("notice", &self.notice)
            .field("state", &self.state)
            .field("attempt", &self.attempt)
            .field("event", &self.event)
            .field("channel", &self.channel)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Lease {
    #[must_use]
    pub fn new(notices: Vec<NoticeId>, company: Vec<NoticeId>, now: DateTime<Utc>, lasts: TimeDelta) -> Self {
        let fixed = ChannelKind::ALL.iter().filter_map(|kind| Some((*kind, now - kind.redrawn_within()?)));
        let (fixed_kinds, fixed_by) = fixed.unzip();
        Self { notices, company, now, stale: now - retry::STALE, until: now + lasts, fixed_kinds, fixed_by }
    }
}

impl QueryFragment<Pg> for Lease {
    /// A card of DingTalk is called what we call it: one that may have arrived can be redrawn, too.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        use sql_types::{Array, Double, Integer, Text, Timestamptz, Uuid};
        out.push_sql(
            "with ready as (select n.id, c.kind, c.base_url, c.credentials_sealed, c.settings, c.called_at is not null as calls_back, c.interactive_refused_at, c.language, t.version, t.words, d.short_name, older.until, card.handle, \
             case when c.kind = 'feishu_bot' then (select a.user_id from officer_addresses a join channels f on f.id = a.channel_id \
             where a.officer_id = n.officer_id and f.kind = 'feishu_app' and coalesce(f.settings ->> 'userIdType', 'open_id') = 'open_id' \
             order by a.id limit 1) end as mention, \
             case when n.answered or n.officer_id is not null and p.answered then case when n.attempt > 0 and ",
        );
        out.push_sql(may_have_arrived!("n.id"));
        out.push_sql(
            " then 'superseded: may_have_arrived' else 'superseded' end \
             when card.state in ('queued', 'held', 'sending', 'retry') then 'in_order' \
             when n.redraws is not null and card.handle is null then 'no_card' \
             when card.sent_at <= (select f.by from unnest(",
        );
        out.push_bind_param::<Array<Text>, _>(&self.fixed_kinds)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.fixed_by)?;
        out.push_sql(
            "::timestamptz[]) as f(kind, by) where f.kind = c.kind) then 'card_fixed' when c.state = 'dead' then 'channel_dead' \
             when c.state = 'paused' and n.created_at <= ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.stale)?;
        out.push_sql(
            " then 'expired: channel_paused' when c.state = 'paused' then 'channel_paused' when n.attempt >= ",
        );
        out.push_bind_param::<Integer, _>(&LAPSES_MAX)?;
        out.push_sql(
            " and (select count(*) from notice_attempts a where a.notice_id = n.id and a.outcome = 'lapsed' \
             and a.started_at >= coalesce(n.retried_at, '-infinity')) >= ",
        );
        out.push_bind_param::<Integer, _>(&LAPSES_MAX)?;
        out.push_sql(
            " then 'lapsed_too_often' when older.until is not null then 'in_order' else '' end as against \
             from notices n join notices p on p.id = n.posting_id join channels c on c.id = n.channel_id \
             left join lateral (select k.state, k.sent_at, coalesce(k.handle, case when c.kind = 'dingtalk_app' and k.attempt > 0 and ",
        );
        out.push_sql(may_have_arrived!("k.id"));
        out.push_sql(
            " then k.id::text end) as handle from notices k where k.id = n.redraws) card on true left join departments d on d.id = c.department_id left join county_texts t on t.county_id = n.county_id and t.event = n.event left join lateral (select greatest(",
        );
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" + make_interval(secs => ");
        out.push_bind_param::<Double, _>(&SOON_SECONDS)?;
        // What stands here literally is the condition of the index `notices_order`.
        out.push_sql(
            "), max(o.due_at) filter (where o.state in ('retry', 'held'))) as until from notices o \
             where n.officer_id is null and n.redraws is null and n.subject_kind <> 'drill' and o.subject_id = n.subject_id and o.channel_id = n.channel_id \
             and o.recipient = n.recipient and o.id < n.id and o.state in ('queued', 'held', 'sending', 'retry') \
             and o.officer_id is null and o.redraws is null and o.id <> all(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.company)?;
        out.push_sql(") having count(*) > 0) older on true where n.id = any(");
        out.push_bind_param::<Array<Uuid>, _>(&self.notices)?;
        out.push_sql(") and (n.state = 'queued' or n.state in ('retry', 'held') and n.due_at <= ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(
            ") order by n.id for update of n) update notices n set state = case against when '' then 'sending' \
             when 'superseded' then 'superseded' when 'superseded: may_have_arrived' then 'superseded' \
             when 'no_card' then 'superseded' when 'channel_paused' then 'held' when 'in_order' then 'held' \
             when 'expired: channel_paused' then 'expired' when 'card_fixed' then 'expired' \
             else case when n.redraws is null then 'dead' else 'expired' end end, \
             attempt = n.attempt + case against when '' then 1 else 0 end, reason = against, \
             due_at = case against when '' then ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.until)?;
        out.push_sql(" when 'in_order' then coalesce(ready.until, ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" + make_interval(secs => ");
        out.push_bind_param::<Double, _>(&SOON_SECONDS)?;
        out.push_sql(")) when 'channel_paused' then ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(" + make_interval(secs => ");
        out.push_bind_param::<Double, _>(&PAUSED_SECONDS)?;
        out.push_sql(
            ") end from ready where n.id = ready.id returning n.id, n.county_id, n.state, n.reason, n.attempt, n.due_at, n.priority, n.event, \
             n.params, n.created_at, n.officer_id is not null, n.channel_id, n.recipient, ready.kind, ready.base_url, ready.credentials_sealed, ready.settings, \
             ready.interactive_refused_at, ready.language, ready.version, ready.words, ready.short_name, n.subject_kind, ready.mention, \
             case when n.redraws is not null then ready.handle end, ready.calls_back",
        );
        Ok(())
    }
}

/// Records how an attempt ended, if it is still the present one: of this number, under this lease. A crash of Postgres may forget a lease,
/// and the next one counts the same number again.
pub struct Settle<'a> {
    pub notice: NoticeId,
    pub attempt: i32,
    pub until: Option<DateTime<Utc>>,
    /// Where the notice stands now, unless what it asks for was done meanwhile.
    pub state: NoticeState,
    pub reason: String,
    /// When it is tried again.
    pub due_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub provider_id: Option<&'a str>,
    /// What the message can be redrawn by.
    pub handle: Option<&'a str>,
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

/// How an attempt that was settled stands.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Settled {
    pub notice: NoticeId,
    pub attempt: i32,
    pub state: NoticeState,
    /// The patience of its county.
    pub next_channel_minutes: i32,
}

/// [`Settle`] for many, column by column.
#[derive(Default)]
struct SettleAll<'a> {
    next_channel_minutes: i32,
    notice: Vec<NoticeId>,
    attempt: Vec<i32>,
    until: Vec<Option<DateTime<Utc>>>,
    state: Vec<NoticeState>,
    reason: Vec<&'a str>,
    due_at: Vec<Option<DateTime<Utc>>>,
    sent_at: Vec<Option<DateTime<Utc>>>,
    provider_id: Vec<Option<&'a str>>,
    handle: Vec<Option<&'a str>>,
    started_at: Vec<DateTime<Utc>>,
    took_ms: Vec<i32>,
    http_status: Vec<Option<i16>>,
    outcome: Vec<AttemptOutcome>,
    excerpt: Vec<&'a str>,
}

impl<'a> SettleAll<'a> {
    fn new(settles: &'a [Settle<'a>], next_channel_minutes: i32) -> Self {
        let mut all = Self { next_channel_minutes, ..Self::default() };
        // In one order everywhere, so that nobody waits for somebody who waits for him.
        let mut settles: Vec<&Settle<'_>> = settles.iter().collect();
        settles.sort_unstable_by_key(|settle| settle.notice);
        for settle in settles {
            all.notice.push(settle.notice);
            all.attempt.push(settle.attempt);
            all.until.push(settle.until);
            all.state.push(settle.state);
            all.reason.push(&settle.reason);
            all.due_at.push(settle.due_at);
            all.sent_at.push(settle.sent_at);
            all.provider_id.push(settle.provider_id);
            all.handle.push(settle.handle);
            all.started_at.push(settle.record.started_at);
            all.took_ms.push(settle.record.took_ms);
            all.http_status.push(settle.record.http_status);
            all.outcome.push(settle.record.outcome);
            all.excerpt.push(settle.record.excerpt);
        }
        all
    }
}

impl QueryFragment<Pg> for SettleAll<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        use sql_types::{Array, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid};
        out.push_sql("with given as (select * from unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.notice)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<Integer>, _>(&self.attempt)?;
        out.push_sql("::int4[], ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.until)?;
        out.push_sql("::timestamptz[], ");
        out.push_bind_param::<Array<Text>, _>(&self.state)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Text>, _>(&self.reason)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.due_at)?;
        out.push_sql("::timestamptz[], ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.sent_at)?;
        out.push_sql("::timestamptz[], ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.provider_id)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.handle)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.started_at)?;
        out.push_sql("::timestamptz[], ");
        out.push_bind_param::<Array<Integer>, _>(&self.took_ms)?;
        out.push_sql("::int4[], ");
        out.push_bind_param::<Array<Nullable<SmallInt>>, _>(&self.http_status)?;
        out.push_sql("::int2[], ");
        out.push_bind_param::<Array<Text>, _>(&self.outcome)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Text>, _>(&self.excerpt)?;
        out.push_sql(
            "::text[]) as g(notice_id, attempt, until, state, reason, due_at, sent_at, provider_id, handle, started_at, took_ms, http_status, \
             outcome, excerpt)), settled as (update notices n set state = case when not n.answered then g.state \
             when g.state = 'sent' then 'acted' else 'superseded' end, due_at = case when not n.answered then g.due_at end, \
             reason = g.reason, sent_at = g.sent_at, provider_id = g.provider_id, handle = g.handle, follow_at = case when g.state = 'sent' \
             and n.priority = 'first_alarm' and n.officer_id is not null and not n.answered \
             then g.sent_at + make_interval(mins => co.minutes) end \
             from given g, (select co.id, case when co.settings #>> '{notices,next_channel_minutes}' ~ '^[0-9]{1,3}$' \
             then (co.settings #>> '{notices,next_channel_minutes}')::int4 else ",
        );
        out.push_bind_param::<Integer, _>(&self.next_channel_minutes)?;
        out.push_sql(
            " end as minutes from counties co) co where n.id = g.notice_id and co.id = n.county_id \
             and n.attempt = g.attempt and n.due_at = g.until and n.state = 'sending' returning n.id, n.attempt, n.county_id, n.state, n.due_at, co.minutes), \
             recorded as (insert into notice_attempts (notice_id, attempt, county_id, started_at, took_ms, http_status, outcome, \
             excerpt, next_at) select s.id, s.attempt, s.county_id, g.started_at, g.took_ms, g.http_status, g.outcome, g.excerpt, \
             s.due_at from settled s join given g on g.notice_id = s.id and g.attempt = s.attempt) \
             select id, attempt, state, minutes from settled",
        );
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
    sql_types::Nullable<sql_types::Timestamptz>,
    sql_types::Text,
    sql_types::Text,
    sql_types::Jsonb,
    sql_types::Timestamptz,
    sql_types::Bool,
    sql_types::Uuid,
    sql_types::Text,
    sql_types::Text,
    sql_types::Text,
    sql_types::Binary,
    sql_types::Jsonb,
    sql_types::Nullable<sql_types::Timestamptz>,
    sql_types::Text,
    sql_types::Nullable<sql_types::Integer>,
    sql_types::Nullable<sql_types::Jsonb>,
    sql_types::Nullable<sql_types::Text>,
    sql_types::Text,
    sql_types::Nullable<sql_types::Text>,
    sql_types::Nullable<sql_types::Text>,
    sql_types::Bool,
));
prepared!(SettleAll<'_>, SettleAll<'static> => (sql_types::Uuid, sql_types::Integer, sql_types::Text, sql_types::Integer));

/// Runs [`Claim`] in a transaction across counties.
pub async fn claim(conn: &mut AsyncPgConnection, claim: Claim) -> QueryResult<Vec<Claimed>> {
    claim.load(conn).await
}

/// Runs [`Lease`]; without those that need not be sent any more, or that somebody else sends.
pub async fn lease(conn: &mut AsyncPgConnection, lease: &Lease) -> QueryResult<Vec<Leased>> {
    lease.load(conn).await
}

/// Runs [`Settle`] for many; where each notice stands now, without those whose attempt is no longer the present one. A first alarm that
/// was sent is looked at again when its county's patience is over, `next_channel_minutes` where the county says nothing.
pub async fn settle(
    conn: &mut AsyncPgConnection,
    settles: &[Settle<'_>],
    next_channel_minutes: i32,
) -> QueryResult<Vec<Settled>> {
    SettleAll::new(settles, next_channel_minutes).load(conn).await
}

/// Whether what a notice asks for was done.
pub async fn is_answered(conn: &mut AsyncPgConnection, notice: NoticeId) -> QueryResult<bool> {
    let answered = notices::table.select((notices::posting_id, notices::answered));
    let (posting, own): (NoticeId, bool) = answered.find(notice).first(conn).await?;
    let (_, whole): (NoticeId, bool) = answered.find(posting).first(conn).await?;
    Ok(own || whole)
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

/// Remembers for all replicas that a channel's platform refuses interactive cards, or (none) that it takes them.
pub async fn note_interactive(
    conn: &mut AsyncPgConnection,
    channel: ChannelId,
    refused_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let known = diesel::update(channels::table.find(channel));
    known.set(channels::interactive_refused_at.eq(refused_at)).execute(conn).await.map(drop)
}

/// How many notices are not yet settled, and since when the oldest of them waits.
pub async fn backlog(conn: &mut AsyncPgConnection) -> QueryResult<(i64, Option<DateTime<Utc>>)> {
    notices::table
        .filter(notices::due_at.is_not_null())
        .select((diesel::dsl::count_star(), diesel::dsl::min(notices::created_at)))
        .get_result(conn)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::model::Reason;

    #[test]
    fn every_reason_that_the_lease_gives_is_known() {
        let now = DateTime::UNIX_EPOCH;
        let lease = Lease::new(Vec::new(), Vec::new(), now, TimeDelta::zero());
        let sql = diesel::debug_query::<Pg, _>(&lease).to_string();
        let (_, rest) = sql.split_once("case when n.answered").unwrap();
        let (against, _) = rest.split_once("end as against").unwrap();
        let given: Vec<&str> =
            against.split("then '").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
        assert_eq!(given.len(), 9, "{given:?}");
        for reason in given.iter().flat_map(|reason| reason.split(": ")) {
            assert!(Reason::parse(reason).is_some(), "{reason}");
        }
    }
}
