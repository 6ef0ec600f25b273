//! The county's channels and how they fare.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Administrator, words};
use crate::notices::channels::{ChannelKind, Credentials};
use crate::notices::deliver::PLAIN_FOR;
use crate::notices::model::{ChannelId, ChannelLanguage, ChannelState};
use crate::notices::register::PURPOSE;
use crate::notices::store::register::{self, Channel, Health};
use crate::organisation::DepartmentId;
use crate::platform::crypto::Vault;
use crate::platform::db::Db;
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::Problem;
use crate::platform::outbound::Url;
use crate::platform::time::china;

/// Over how long what left and what failed is counted.
const SPAN: TimeDelta = TimeDelta::hours(24);

/// A channel. Nothing here opens it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelView {
    pub id: ChannelId,
    pub code: String,
    pub kind: ChannelKind,
    pub name: String,
    /// Whose room it is; none: the county's.
    pub department_id: Option<DepartmentId>,
    pub department: Option<String>,
    /// The host alone: the whole address of a webhook is a secret.
    pub host: String,
    pub language: ChannelLanguage,
    #[schema(value_type = Object)]
    pub settings: Value,
    pub state: ChannelState,
    /// Why it is paused or dead.
    pub state_reason: String,
    pub credentials: CredentialsView,
    /// None: its platform never calls back.
    pub callback: Option<CallbackView>,
    pub health: HealthView,
}

/// What is there of keys and secrets, not what they are.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsView {
    /// False: sealed with another master key, or damaged; give the channel a new secret.
    pub readable: bool,
    pub has_token: bool,
    /// Live signing secrets; a webhook has two while a receiver changes over.
    pub secrets: usize,
    /// When an administrator last gave them; none: they are those of the county's files.
    pub given_at: Option<DateTime<FixedOffset>>,
}

/// How the platform tells us of taps on cards, and of subscriptions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallbackView {
    /// What to enter in the platform's console.
    pub url: String,
    /// Whether its token and key were given.
    pub set: bool,
    /// When the platform last called, under this token and key; none: not yet, and cards have no buttons that act at once.
    pub called_at: Option<DateTime<FixedOffset>>,
}

/// Of the last 24 hours, and now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// Posted in the last 24 hours and taken by the provider.
    pub sent: i64,
    /// Posted in the last 24 hours and given up.
    pub failed: i64,
    /// Held back now.
    pub held: i64,
    /// Waiting now, the held ones among them.
    pub waiting: i64,
    /// Since when the oldest of them waits.
    pub oldest_waiting_at: Option<DateTime<FixedOffset>>,
    /// The last failure of the last 24 hours, as a code with details.
    pub last_error: Option<String>,
    /// The same for people.
    pub last_error_words: Option<String>,
    pub last_error_at: Option<DateTime<FixedOffset>>,
    /// When the platform refused an interactive card; for a day after it, or until the channel is changed or tested, cards go plain.
    pub interactive_refused_at: Option<DateTime<FixedOffset>>,
    /// What that means, and what to do.
    pub interactive_refused_words: Option<String>,
}

/// All channels of a county.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelsView {
    pub items: Vec<ChannelView>,
}

/// All channels, by code. A county has some dozens, so the list has no pages.
///
/// # Errors
/// Postgres only.
pub async fn list(
    db: &Db,
    vault: &Vault,
    administrator: &Administrator,
    public_url: &str,
    now: DateTime<Utc>,
) -> Result<ChannelsView, Problem> {
    let county = administrator.county;
    let mut tx = db.begin(administrator.scope()).await?;
    let found = async {
        let rows = register::all(&mut tx, county).await?;
        Ok::<_, Problem>((rows, register::health(&mut tx, county, now - SPAN).await?))
    };
    let found = found.await;
    let (rows, healths) = tx.finish(found).await?;
    let items = rows.into_iter().map(|(channel, department)| {
        let health = healths.iter().find(|health| health.id == channel.id).cloned().unwrap_or_default();
        view(vault, public_url, channel, department, (health, now))
    });
    Ok(ChannelsView { items: items.collect() })
}

fn view(
    vault: &Vault,
    public_url: &str,
    channel: Channel,
    department: Option<String>,
    (health, now): (Health, DateTime<Utc>),
) -> ChannelView {
    let host = channel.base_url.parse::<Url>().ok();
    let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let opened = open(vault, &channel);
    let has_callback = opened.as_ref().is_some_and(|known| known.callback.is_some());
    let credentials = CredentialsView {
        readable: opened.is_some(),
        has_token: opened.as_ref().is_some_and(|known| !known.token.expose_secret().is_empty()),
        secrets: opened.map_or(0, |known| known.secrets.len()),
        given_at: channel.secret_given_at.map(china),
    };
    let callback = channel.kind.calls_back_at().map(|platform| CallbackView {
        url: format!("{}/bots/{platform}/{}", public_url.trim_end_matches('/'), channel.id),
        set: has_callback,
        called_at: channel.called_at.map(china),
    });
    let refused_at = channel.interactive_refused_at.filter(|at| now - *at < PLAIN_FOR);
    let words = health.last_error.as_deref().and_then(|reason| words::reason(reason, Lang::current()));
    ChannelView {
        id: channel.id,
        code: channel.code,
        kind: channel.kind,
        name: channel.name,
        department_id: channel.department_id,
        department,
        host,
        language: channel.language,
        settings: channel.settings,
        state: channel.state,
        state_reason: channel.state_reason,
        credentials,
        callback,
        health: HealthView {
            sent: health.sent,
            failed: health.failed,
            held: health.held,
            waiting: health.waiting,
            oldest_waiting_at: health.oldest.map(china),
            last_error_words: words,
            last_error: health.last_error,
            last_error_at: health.last_error_at.map(china),
            interactive_refused_at: refused_at.map(china),
            interactive_refused_words: refused_at
                .map(|_| words::interactive_refused(channel.kind, Lang::current()).to_owned()),
        },
    }
}

/// What opens a channel; none when it cannot be read.
pub(super) fn open(vault: &Vault, channel: &Channel) -> Option<Credentials> {
    let opened = vault.open(PURPOSE, &channel.credentials_sealed).ok()?;
    serde_json::from_slice(&opened).ok()
}

/// One channel, as it is in the list.
///
/// # Errors
/// 404 when the county has none of this id.
pub async fn read(
    db: &Db,
    vault: &Vault,
    administrator: &Administrator,
    id: ChannelId,
    public_url: &str,
    now: DateTime<Utc>,
) -> Result<ChannelView, Problem> {
    let all = list(db, vault, administrator, public_url, now).await?;
    let own = all.items.into_iter().find(|channel| channel.id == id);
    own.ok_or_else(|| super::NoticeCode::ChannelNotFound.problem())
}
