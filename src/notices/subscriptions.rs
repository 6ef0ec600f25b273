//! What a person of an enterprise has subscribed to in the mini-program. Every "accept" in `wx.requestSubscribeMessage` buys exactly one
//! message of a template, without an expiry; the ledger here is what we know of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::channels::Settings;
use super::inbox::Reader;
use super::model::ChannelId;
use super::store::grants::{self, NewGrant};
use crate::platform::db::{Db, Scope};
use crate::platform::http::idempotency::{self, Taking, fingerprint};
use crate::platform::http::problem::{FieldError, Problem};

/// A template the mini-program may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    pub template_id: String,
    /// What is told with it: `call.accepted` and the like.
    pub events: Vec<String>,
    /// Messages that may still be sent.
    pub left: i64,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Subscriptions {
    pub items: Vec<Subscription>,
}

/// What `wx.requestSubscribeMessage` answered.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscribeResult {
    /// By template id: `accept`, `acceptWithAudio`, `reject`, `ban` or `filter`.
    pub results: BTreeMap<String, String>,
}

/// Most templates in one request; WeChat asks for five at a time.
const MOST: usize = 20;

/// What the reader has left.
///
/// # Errors
/// Postgres only.
pub async fn show(db: &Db, reader: Reader) -> Result<Subscriptions, Problem> {
    let mut tx = db.begin(Scope::County(reader.county.0)).await?;
    let shown = show_in(&mut tx, &reader).await.map_err(Problem::from);
    tx.finish(shown).await
}

/// Enters what was accepted; under the same key only once. Where WeChat itself tells us, that is what counts, and this only shows it.
///
/// # Errors
/// 422 for a template that no channel of the county has, for a word that WeChat does not say, and for a key that came with another body
/// before.
pub async fn grant(
    db: &Db,
    reader: Reader,
    given: SubscribeResult,
    key: Option<String>,
    now: DateTime<Utc>,
) -> Result<Subscriptions, Problem> {
    let mut tx = db.begin(Scope::County(reader.county.0)).await?;
    let outcome = async {
        let known = templates(&mut tx, &reader).await?;
        judge(&given, &known)?;
        if let Some(key) = &key {
            let print = fingerprint("POST /api/v1/me/subscriptions", &given);
            let (county, account, subject) = (reader.county.0, reader.account, reader.account);
            let taking = Taking { county, account, key, fingerprint: &print, subject, now };
            if let Some(known) = idempotency::take(&mut tx, &taking).await? {
                known.same(&print)?;
                return show_in(&mut tx, &reader).await.map_err(Problem::from);
            }
        }
        let key = key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let accepted =
            given.results.iter().filter(|(_, said)| matches!(said.as_str(), "accept" | "acceptWithAudio"));
        let rows: Vec<NewGrant> = accepted
            .filter_map(|(template, _)| {
                let known = known.iter().find(|known| known.id == *template && !known.is_told)?;
                Some(NewGrant {
                    id: Uuid::now_v7(),
                    county_id: reader.county,
                    account_id: reader.account,
                    channel_id: known.channel,
                    template_id: template.clone(),
                    grant_key: key.clone(),
                    granted_at: now,
                    spent_at: None,
                })
            })
            .collect();
        grants::enter(&mut tx, &rows).await?;
        show_in(&mut tx, &reader).await.map_err(Problem::from)
    };
    let outcome = outcome.await;
    tx.finish(outcome).await
}

fn judge(given: &SubscribeResult, known: &[Known]) -> Result<(), Problem> {
    let mut errors = Vec::new();
    if given.results.len() > MOST {
        errors.push(FieldError::new(
            "results",
            "too_many",
            "一次最多 20 个模板",
            "at most 20 templates at once",
        ));
    }
    for (template, said) in given.results.iter().take(MOST) {
        let field = || format!("results.{template}");
        if !known.iter().any(|known| known.id == *template) {
            errors.push(FieldError::new(field(), "unknown_template", "没有这个订阅模板", "no such template"));
        }
        if !["accept", "acceptWithAudio", "reject", "ban", "filter"].contains(&said.as_str()) {
            errors.push(FieldError::new(
                field(),
                "unknown_word",
                "不是微信的订阅结果",
                "not what WeChat answers",
            ));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// A template of the county.
struct Known {
    channel: ChannelId,
    id: String,
    events: Vec<String>,
    /// WeChat itself tells us who accepted it, so what the mini-program says is not counted beside that.
    is_told: bool,
}

/// Each template once.
async fn templates(conn: &mut AsyncPgConnection, reader: &Reader) -> QueryResult<Vec<Known>> {
    let mut known: Vec<Known> = Vec::new();
    for (channel, settings, is_told) in grants::subscribe_channels(conn, reader.county).await? {
        let settings: Settings = serde_json::from_value(settings).unwrap_or_default();
        for (event, template) in settings.templates {
            match known.iter_mut().find(|known| known.channel == channel && known.id == template.id) {
                Some(known) => known.events.push(event),
                None => known.push(Known { channel, id: template.id, events: vec![event], is_told }),
            }
        }
    }
    Ok(known)
}

async fn show_in(conn: &mut AsyncPgConnection, reader: &Reader) -> QueryResult<Subscriptions> {
    let left = grants::left(conn, reader.account).await?;
    let items = templates(conn, reader).await?.into_iter().map(|known| {
        let left = left.get(&(known.channel, known.id.clone())).copied().unwrap_or(0);
        Subscription { template_id: known.id, events: known.events, left }
    });
    Ok(Subscriptions { items: items.collect() })
}
