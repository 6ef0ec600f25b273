//! What the chat platforms tell by calling back: which application it is about, who tapped which card, and what a person of an enterprise
//! did with his subscriptions. The verbs behind the cards are not ours.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use secrecy::SecretString;
use uuid::Uuid;

use super::channels::callback::wechat::{Pushed, Subscribed, SubscriptionEvent};
use super::channels::callback::{Callback, Envelope};
use super::channels::{ChannelKind, Settings};
use super::model::{ChannelId, ChannelLanguage, NoticeId};
use super::register;
pub use super::store::callbacks::SentCard;
use super::store::callbacks::{self as store, SentMessage, Undelivered};
use super::store::grants::{self, NewGrant};
use super::store::note_interactive;
use crate::organisation::{CountyId, OfficerId};
use crate::platform::crypto::Vault;
use crate::platform::db::{Db, DbError, Scope};

/// How exactly it is kept when a platform called last.
const CALLED_WITHIN: TimeDelta = TimeDelta::hours(1);
/// What WeChat says when its person wants no such message.
const REFUSED: &str = "43101";
/// Characters that are kept of how WeChat words a failure.
const STATUS_MAX: usize = 200;

/// An application whose platform may call us back. Debug shows nothing that opens it.
#[derive(Clone, Debug)]
pub struct Application {
    pub channel: ChannelId,
    pub kind: ChannelKind,
    pub county: CountyId,
    pub language: ChannelLanguage,
    pub settings: Settings,
    pub callback: Callback,
    /// The application's own secret, with which DingTalk signs what somebody writes to its robot.
    pub secret: SecretString,
    /// When its platform last called.
    pub called_at: Option<DateTime<Utc>>,
}

/// Why WeChat's push was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    #[error(transparent)]
    Db(#[from] DbError),
    /// It is about a message whose sending is not settled yet. Nothing has changed: the platform tells again.
    #[error("its message is still being sent")]
    TooEarly,
}

impl From<diesel::result::Error> for NotTaken {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// A tap on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tapped {
    pub officer: Option<OfficerId>,
    pub card: Option<SentCard>,
}

/// Where the platform of an application is to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The county's code.
    pub county: String,
    /// The channel's.
    pub code: String,
    pub path: String,
}

/// Where the platforms are to call, in all counties. For a stand-in that plays their consoles.
///
/// # Errors
/// Postgres only.
pub async fn addresses(db: &Db) -> Result<Vec<Address>, DbError> {
    let kinds: Vec<ChannelKind> =
        ChannelKind::ALL.iter().copied().filter(|kind| kind.calls_back_at().is_some()).collect();
    let mut tx = db.begin(Scope::AllCounties).await?;
    let found = store::applications(&mut tx, &kinds).await.map_err(DbError::from);
    let found = tx.finish(found).await?;
    let address = |(county, code, kind, id): (String, String, ChannelKind, ChannelId)| {
        Some(Address { county, code, path: format!("/bots/{}/{id}", kind.calls_back_at()?) })
    };
    Ok(found.into_iter().filter_map(address).collect())
}

impl Application {
    /// The application of this id and kind that an administrator has set up to be called back.
    ///
    /// # Errors
    /// Postgres only; what cannot be opened is as if it were not there, and stands in the log.
    pub async fn find(
        db: &Db,
        vault: &Vault,
        id: ChannelId,
        kind: ChannelKind,
    ) -> Result<Option<Self>, DbError> {
        let mut tx = db.begin(Scope::AllCounties).await?;
        let found = store::application(&mut tx, id, kind).await.map_err(DbError::from);
        let Some(row) = tx.finish(found).await? else { return Ok(None) };
        let target = register::target(vault, row.kind, &row.base_url, &row.credentials_sealed, &row.settings);
        let target = match target {
            Ok(target) => target,
            Err(why) => {
                tracing::error!(channel = %id, why, "a platform calls back, and its channel cannot be opened");
                return Ok(None);
            }
        };
        let secret = target.credentials.secrets.into_iter().next().unwrap_or_default();
        Ok(target.credentials.callback.map(|callback| Self {
            channel: row.id,
            kind: row.kind,
            county: row.county_id,
            language: row.language,
            settings: target.settings,
            callback,
            secret,
            called_at: row.called_at,
        }))
    }

    /// The envelope of what is meant for the application; none when key or `appId` are none.
    #[must_use]
    pub fn envelope(&self) -> Option<Envelope> {
        self.callback.envelope(self.settings.app_id.as_deref()?)
    }

    /// Its platform has proved that it can call us.
    ///
    /// # Errors
    /// Postgres only.
    pub async fn note_called(&self, db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
        if self.has_called_lately(now) {
            return Ok(());
        }
        let mut tx = db.begin(Scope::County(self.county.0)).await?;
        let noted = self.note_called_in(&mut tx, now).await.map_err(DbError::from);
        tx.finish(noted).await
    }

    fn has_called_lately(&self, now: DateTime<Utc>) -> bool {
        self.called_at.is_some_and(|at| now - at < CALLED_WITHIN)
    }

    async fn note_called_in(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<()> {
        if self.has_called_lately(now) {
            return Ok(());
        }
        store::set_called(conn, self.channel, Some(now)).await?;
        if self.called_at.is_none() {
            // It may have refused buttons because nobody was behind them.
            note_interactive(conn, self.channel, None).await?;
        }
        Ok(())
    }

    /// Who tapped, and what. `handle`: what redraws the card from now on.
    ///
    /// # Errors
    /// Postgres only.
    pub async fn tapped(
        &self,
        db: &Db,
        user_id: &str,
        notice: NoticeId,
        handle: Option<&str>,
    ) -> Result<Tapped, DbError> {
        let mut tx = db.begin(Scope::County(self.county.0)).await?;
        let found = async {
            let officer = store::officer(&mut tx, self.channel, self.kind, user_id).await?;
            let card = store::card(&mut tx, self.channel, notice).await?;
            let handle = handle.filter(|handle| !handle.is_empty());
            if let (Some(_), Some(_), Some(handle)) = (officer, card, handle) {
                store::set_handle(&mut tx, notice, handle).await?;
            }
            Ok(Tapped { officer, card })
        };
        let found = found.await;
        tx.finish(found).await
    }

    /// Enters in the ledger of grants what WeChat tells of a person's subscriptions, gives up what it tells did not arrive, and notes with
    /// it that it called: whoever is told the first push again must still know that it was the first. Told again it changes nothing.
    ///
    /// # Errors
    /// Postgres, and [`NotTaken::TooEarly`]. What concerns nobody of the county, or no template of the channel, is passed over.
    pub async fn pushed(&self, db: &Db, pushed: &Pushed, now: DateTime<Utc>) -> Result<(), NotTaken> {
        let mut tx = db.begin(Scope::County(self.county.0)).await?;
        let entered = async {
            self.enter(&mut tx, pushed, now).await?;
            Ok(self.note_called_in(&mut tx, now).await?)
        };
        let entered = entered.await;
        tx.finish(entered).await
    }

    async fn enter(
        &self,
        conn: &mut AsyncPgConnection,
        pushed: &Pushed,
        now: DateTime<Utc>,
    ) -> Result<(), NotTaken> {
        if pushed.event == SubscriptionEvent::Sent {
            return self.judge_sent(conn, pushed, now).await;
        }
        let app_id = self.settings.app_id.as_deref().unwrap_or_default();
        let Some(account) = store::account(conn, self.county, app_id, &pushed.openid).await? else {
            tracing::info!(channel = %self.channel, "a subscription of somebody who is not known here");
            return Ok(());
        };
        let known = |told: &&Subscribed| {
            self.settings.templates.values().any(|template| template.id == told.template_id)
        };
        let mut granted = Vec::new();
        for told in pushed.list.iter().filter(known) {
            match (pushed.event, told.subscribe_status_string.as_str()) {
                // By the first push we learn that WeChat tells; of that tap the mini-program has told us already.
                (SubscriptionEvent::Popup, "accept") => {
                    let spent_at = self.called_at.is_none().then_some(now);
                    granted.push(NewGrant { spent_at, ..self.grant(account, pushed, told, now) });
                }
                (SubscriptionEvent::Change, "reject") => {
                    grants::void(conn, account, self.channel, &told.template_id, now).await?;
                }
                _ => {}
            }
        }
        Ok(grants::enter(conn, &granted).await?)
    }

    /// What became of messages that WeChat had taken. One that did not arrive is given up; the inbox of its reader has the same news.
    async fn judge_sent(
        &self,
        conn: &mut AsyncPgConnection,
        pushed: &Pushed,
        now: DateTime<Utc>,
    ) -> Result<(), NotTaken> {
        let failed = |told: &&Subscribed| !matches!(told.error_code.0.as_str(), "" | "0");
        for told in pushed.list.iter().filter(failed) {
            let (channel, code, provider_id) = (self.channel, &*told.error_code.0, &*told.msg_id.0);
            let message = SentMessage { channel, recipient: &pushed.openid, provider_id };
            let status: String = told.error_status.chars().take(STATUS_MAX).collect();
            match store::give_up(conn, message, &format!("{code} {status}"), now).await? {
                Undelivered::GivenUp => {
                    tracing::warn!(%channel, code, message = provider_id, "WeChat did not deliver a subscription message");
                    metrics::counter!("subscription_messages_undelivered_total").increment(1);
                }
                Undelivered::Known => continue,
                Undelivered::Unknown => {
                    tracing::info!(%channel, code, message = provider_id, "WeChat did not deliver a message that is not known here");
                }
                Undelivered::TooEarly => return Err(NotTaken::TooEarly),
            }
            let app_id = self.settings.app_id.as_deref().unwrap_or_default();
            if code == REFUSED
                && let Some(account) = store::account(conn, self.county, app_id, &pushed.openid).await?
            {
                grants::void(conn, account, self.channel, &told.template_id, now).await?;
            }
        }
        Ok(())
    }

    fn grant(&self, account: Uuid, pushed: &Pushed, told: &Subscribed, now: DateTime<Utc>) -> NewGrant {
        NewGrant {
            id: Uuid::now_v7(),
            county_id: self.county,
            account_id: account,
            channel_id: self.channel,
            template_id: told.template_id.clone(),
            // The platform tells at least once, in the same words.
            grant_key: format!("wechat:{}:{}", pushed.created, told.popup_scene.0),
            granted_at: now,
            spent_at: None,
        }
    }
}
