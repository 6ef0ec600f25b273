//! The people of an enterprise: where they are told, and what their subscriptions still buy. One grant, one message.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::notices::channels::ChannelKind;
use crate::notices::model::{ChannelId, ChannelState, NoticeId};
use crate::organisation::{CountyId, EnterpriseId};
use crate::schema::{accounts, channels, members, platform_logins, subscription_grants as grants};

/// The mini-program's subscription channels of a county that are in use, their settings, and whether WeChat itself tells us of grants.
pub async fn subscribe_channels(
    conn: &mut AsyncPgConnection,
    county: CountyId,
) -> QueryResult<Vec<(ChannelId, Value, bool)>> {
    channels::table
        .filter(channels::county_id.eq(county))
        .filter(channels::kind.eq(ChannelKind::WechatSubscribe))
        .filter(channels::state.eq(ChannelState::Active))
        .order(channels::code)
        .select((channels::id, channels::settings, channels::called_at.is_not_null()))
        .load(conn)
        .await
}

/// The accounts of an enterprise's people.
pub async fn people(conn: &mut AsyncPgConnection, enterprise: EnterpriseId) -> QueryResult<Vec<Uuid>> {
    members::table
        .inner_join(accounts::table)
        .filter(members::enterprise_id.eq(enterprise))
        .filter(members::left_at.is_null())
        .filter(accounts::status.eq("active"))
        .order(accounts::id)
        .select(accounts::id)
        .load(conn)
        .await
}

/// What these accounts are called in a mini-program.
pub async fn openids(
    conn: &mut AsyncPgConnection,
    people: &[Uuid],
    app_id: &str,
) -> QueryResult<HashMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> = platform_logins::table
        .filter(platform_logins::account_id.eq_any(people))
        .filter(platform_logins::platform.eq("wechat"))
        .filter(platform_logins::app_id.eq(app_id))
        .select((platform_logins::account_id, platform_logins::external_id))
        .load(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

/// A row of `subscription_grants`.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = grants)]
pub struct NewGrant {
    pub id: Uuid,
    pub county_id: CountyId,
    pub account_id: Uuid,
    pub channel_id: ChannelId,
    pub template_id: String,
    pub grant_key: String,
    pub granted_at: DateTime<Utc>,
    /// Of one that is known to count already: it buys nothing, and told again it is no new one.
    pub spent_at: Option<DateTime<Utc>>,
}

/// Enters grants; those of a request that was entered before are there already.
pub async fn enter(conn: &mut AsyncPgConnection, rows: &[NewGrant]) -> QueryResult<()> {
    diesel::insert_into(grants::table).values(rows).on_conflict_do_nothing().execute(conn).await.map(drop)
}

/// How many grants of each template an account has left.
pub async fn left(
    conn: &mut AsyncPgConnection,
    account: Uuid,
) -> QueryResult<HashMap<(ChannelId, String), i64>> {
    let rows: Vec<(ChannelId, String, i64)> = grants::table
        .filter(grants::account_id.eq(account))
        .filter(grants::spent_at.is_null())
        .group_by((grants::channel_id, grants::template_id))
        .select((grants::channel_id, grants::template_id, diesel::dsl::count_star()))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(channel, template, left)| ((channel, template), left)).collect())
}

/// Spends the oldest grant of each of these accounts that has one; answers (account, grant).
pub async fn spend(
    conn: &mut AsyncPgConnection,
    people: &[Uuid],
    channel: ChannelId,
    template: &str,
    now: DateTime<Utc>,
) -> QueryResult<Vec<(Uuid, Uuid)>> {
    let oldest: Vec<Uuid> = grants::table
        .filter(grants::account_id.eq_any(people))
        .filter(grants::channel_id.eq(channel))
        .filter(grants::template_id.eq(template))
        .filter(grants::spent_at.is_null())
        .distinct_on(grants::account_id)
        .order((grants::account_id, grants::granted_at))
        .select(grants::id)
        .load(conn)
        .await?;
    // Somebody else may spend one of them at this moment; then it is his.
    let unspent = grants::table.filter(grants::id.eq_any(oldest)).filter(grants::spent_at.is_null());
    diesel::update(unspent)
        .set(grants::spent_at.eq(Some(now)))
        .returning((grants::account_id, grants::id))
        .get_results(conn)
        .await
}

/// Notes what a grant was spent on.
pub async fn note(conn: &mut AsyncPgConnection, grant: Uuid, notice: NoticeId) -> QueryResult<()> {
    diesel::update(grants::table.find(grant))
        .set(grants::notice_id.eq(Some(notice)))
        .execute(conn)
        .await
        .map(drop)
}

/// The platform knows of no grant, whatever we thought: all that is left of the same template for the same person counts no more.
pub async fn forfeit(
    conn: &mut AsyncPgConnection,
    notice: NoticeId,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let spent: Option<(Uuid, ChannelId, String)> = grants::table
        .filter(grants::notice_id.eq(notice))
        .select((grants::account_id, grants::channel_id, grants::template_id))
        .first(conn)
        .await
        .optional()?;
    let Some((account, channel, template)) = spent else { return Ok(0) };
    void(conn, account, channel, &template, now).await
}

/// What is left of a template for a person counts no more.
pub async fn void(
    conn: &mut AsyncPgConnection,
    account: Uuid,
    channel: ChannelId,
    template: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let left = grants::table
        .filter(grants::account_id.eq(account))
        .filter(grants::channel_id.eq(channel))
        .filter(grants::template_id.eq(template))
        .filter(grants::spent_at.is_null());
    diesel::update(left).set(grants::spent_at.eq(Some(now))).execute(conn).await
}
