//! The rows of `channels` as an administrator keeps them, and how they fare.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::notices::channels::ChannelKind;
use crate::notices::model::{ChannelId, ChannelLanguage, ChannelState, NoticeId, NoticeState, Reason};
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{channels, departments, notices, officer_addresses};

/// A channel. Debug shows nothing that opens it.
#[derive(Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = channels, check_for_backend(diesel::pg::Pg))]
pub struct Channel {
    pub id: ChannelId,
    pub county_id: CountyId,
    pub code: String,
    pub kind: ChannelKind,
    pub name: String,
    pub department_id: Option<DepartmentId>,
    /// The provider's base, or a stand-in; of a webhook scheme, host and port alone.
    pub base_url: String,
    pub credentials_sealed: Vec<u8>,
    pub settings: Value,
    pub language: ChannelLanguage,
    pub state: ChannelState,
    pub state_reason: String,
    /// When an administrator last said what opens it; since then the county's files do not.
    pub secret_given_at: Option<DateTime<Utc>>,
    /// When its platform last called us back.
    pub called_at: Option<DateTime<Utc>>,
    /// When its platform last refused an interactive card.
    pub interactive_refused_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel")
            .field("id", &self.id)
            .field("code", &self.code)
            .field("kind", &self.kind)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How a channel fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Health {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: ChannelId,
    #[diesel(sql_type = sql_types::BigInt)]
    pub sent: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    pub failed: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    pub held: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    pub waiting: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub last_error: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub last_error_at: Option<DateTime<Utc>>,
}

/// Of every channel: what was posted to it since a moment and left or failed, what waits now, and the last failure since then.
const HEALTH: &str = "\
    select c.id, coalesce(r.sent, 0) as sent, coalesce(r.failed, 0) as failed, coalesce(w.held, 0) as held, \
        coalesce(w.waiting, 0) as waiting, w.oldest, e.reason as last_error, e.created_at as last_error_at \
    from channels c \
    left join lateral (select count(*) filter (where n.sent_at is not null) as sent, \
        count(*) filter (where n.sent_at is null and n.state in ('dead', 'expired', 'fallback')) as failed \
        from notices n where n.channel_id = c.id and n.created_at >= $2 and n.redraws is null) r on true \
    left join (select channel_id, count(*) as waiting, count(*) filter (where state = 'held') as held, \
        min(created_at) as oldest from notices where due_at is not null and redraws is null group by channel_id) w on w.channel_id = c.id \
    left join lateral (select n.reason, n.created_at from notices n where n.channel_id = c.id and n.created_at >= $2 \
        and n.redraws is null and n.reason <> '' and n.sent_at is null and n.state in ('retry', 'dead', 'expired', 'fallback') \
        order by n.created_at desc limit 1) e on true \
    where c.county_id = $1";

/// Runs [`HEALTH`].
pub async fn health(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    since: DateTime<Utc>,
) -> QueryResult<Vec<Health>> {
    diesel::sql_query(HEALTH)
        .bind::<sql_types::Uuid, _>(county)
        .bind::<sql_types::Timestamptz, _>(since)
        .load(conn)
        .await
}

/// What waits for a channel of any county.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Backlog {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: ChannelId,
    /// The county's code.
    #[diesel(sql_type = sql_types::Text)]
    pub county: String,
    #[diesel(sql_type = sql_types::Text)]
    pub code: String,
    #[diesel(sql_type = sql_types::Text)]
    pub kind: ChannelKind,
    #[diesel(sql_type = sql_types::Bool)]
    pub active: bool,
    #[diesel(sql_type = sql_types::BigInt)]
    pub waiting: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    pub held: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
}

const BACKLOGS: &str = "\
    select c.id, co.code as county, c.code, c.kind, c.state = 'active' as active, coalesce(w.waiting, 0) as waiting, \
        coalesce(w.held, 0) as held, w.oldest \
    from channels c join counties co on co.id = c.county_id \
    left join (select channel_id, count(*) as waiting, count(*) filter (where state = 'held') as held, \
        min(created_at) as oldest from notices where due_at is not null and redraws is null group by channel_id) w on w.channel_id = c.id";

/// Runs [`BACKLOGS`], across counties.
pub async fn backlogs(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Backlog>> {
    diesel::sql_query(BACKLOGS).load(conn).await
}

/// All channels of the county with the names of their departments, by code.
pub async fn all(
    conn: &mut AsyncPgConnection,
    county: CountyId,
) -> QueryResult<Vec<(Channel, Option<String>)>> {
    channels::table
        .left_join(departments::table)
        .filter(channels::county_id.eq(county))
        .order(channels::code)
        .select((Channel::as_select(), departments::name.nullable()))
        .load(conn)
        .await
}

/// One of the county's.
pub async fn find(conn: &mut AsyncPgConnection, id: ChannelId) -> QueryResult<Option<Channel>> {
    channels::table.find(id).select(Channel::as_select()).first(conn).await.optional()
}

/// One of the county's, locked.
pub async fn lock(conn: &mut AsyncPgConnection, id: ChannelId) -> QueryResult<Option<Channel>> {
    channels::table.find(id).select(Channel::as_select()).for_no_key_update().first(conn).await.optional()
}

/// Adds one; false when its code is taken.
pub async fn add(conn: &mut AsyncPgConnection, channel: &Channel) -> QueryResult<bool> {
    let added =
        diesel::insert_into(channels::table).values(channel).on_conflict_do_nothing().execute(conn).await?;
    Ok(added > 0)
}

/// Puts it to use, or out of use.
pub async fn set_state(
    conn: &mut AsyncPgConnection,
    id: ChannelId,
    state: ChannelState,
    reason: &str,
) -> QueryResult<()> {
    diesel::update(channels::table.find(id))
        .set((channels::state.eq(state), channels::state_reason.eq(reason)))
        .execute(conn)
        .await
        .map(drop)
}

/// What was held because the channel was paused is due now; how many that were.
pub async fn release(conn: &mut AsyncPgConnection, id: ChannelId, now: DateTime<Utc>) -> QueryResult<usize> {
    let held: Vec<NoticeId> = notices::table
        .filter(notices::channel_id.eq(id))
        .filter(notices::state.eq(NoticeState::Held))
        .filter(notices::reason.eq(Reason::ChannelPaused.as_str()))
        // In one order everywhere, so that nobody waits for somebody who waits for him.
        .order(notices::id)
        .select(notices::id)
        .for_no_key_update()
        .load(conn)
        .await?;
    let held = notices::table.filter(notices::id.eq_any(held));
    diesel::update(held).set(notices::due_at.eq(Some(now))).execute(conn).await
}

/// Other credentials, which an administrator gave, and what is shown of the address. What its platform refused it may take now.
pub async fn reseal(
    conn: &mut AsyncPgConnection,
    id: ChannelId,
    base_url: &str,
    sealed: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(channels::table.find(id))
        .set((
            channels::base_url.eq(base_url),
            channels::credentials_sealed.eq(sealed),
            channels::secret_given_at.eq(Some(now)),
            channels::interactive_refused_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// What an officer is called in an application.
pub async fn user_id(
    conn: &mut AsyncPgConnection,
    channel: ChannelId,
    officer: OfficerId,
) -> QueryResult<Option<String>> {
    officer_addresses::table
        .filter(officer_addresses::channel_id.eq(channel))
        .filter(officer_addresses::officer_id.eq(officer))
        .select(officer_addresses::user_id)
        .first(conn)
        .await
        .optional()
}

/// A department by its code.
pub async fn department(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    code: &str,
) -> QueryResult<Option<DepartmentId>> {
    let id: Option<Uuid> = departments::table
        .filter(departments::county_id.eq(county))
        .filter(departments::code.eq(code))
        .select(departments::id)
        .first(conn)
        .await
        .optional()?;
    Ok(id.map(DepartmentId))
}
