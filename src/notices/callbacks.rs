//! What the chat platforms tell by calling back: which application it is about, who tapped which card, and what a person of an enterprise
//! did with his subscriptions. The verbs behind the cards are not ours.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use secrecy::SecretString;
use uuid::Uuid;

use super::channels::callback::wechat::{Pushed, Subscribed, SubscriptionEvent};
use super::channels::callback::{Callback, Envelope};
use super::channels::{ChannelKind, Settings};
use super::model::{ChannelId, ChannelLanguage, NoticeId};
use super::register;
use super::store::callbacks as store;
pub use super::store::callbacks::SentCard;
use super::store::grants::{self, NewGrant};
use super::store::note_buttons;
use crate::organisation::{CountyId, OfficerId};
use crate::platform::crypto::Vault;
use crate::platform::db::{Db, DbError, Scope};

/// How exactly it is kept when a platform called last.
const CALLED_WITHIN: TimeDelta = TimeDelta::hours(1);
/// What WeChat says when its person wants no such message.
const REFUSED: &str = "43101";

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

/// A tap on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tapped {
    pub officer: Option<OfficerId>,
    pub card: Option<SentCard>,
}

/// Where the platforms are to call: by the code of each application's channel, the path. For a stand-in that plays their consoles.
///
/// # Errors
/// Postgres only.
pub async fn paths(db: &Db) -> Result<Vec<(String, String)>, DbError> {
    let kinds: Vec<ChannelKind> =
        ChannelKind::ALL.iter().copied().filter(|kind| kind.calls_back_at().is_some()).collect();
    let mut tx = db.begin(Scope::AllCounties).await?;
    let found = store::applications(&mut tx, &kinds).await.map_err(DbError::from);
    let found = tx.finish(found).await?;
    let path = |(code, kind, id): (String, ChannelKind, ChannelId)| {
        Some((code, format!("/bots/{}/{id}", kind.calls_back_at()?)))
    };
    Ok(found.into_iter().filter_map(path).collect())
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
        if self.called_at.is_some_and(|at| now - at < CALLED_WITHIN) {
            return Ok(());
        }
        let mut tx = db.begin(Scope::County(self.county.0)).await?;
        let noted = async {
            store::set_called(&mut tx, self.channel, Some(now)).await?;
            if self.called_at.is_none() {
                // It may have refused buttons because nobody was behind them.
                note_buttons(&mut tx, self.channel, None).await?;
            }
            Ok(())
        };
        let noted = noted.await;
        tx.finish(noted).await
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

    /// Enters in the ledger of grants what WeChat tells of a person's subscriptions. Told again it changes nothing.
    ///
    /// # Errors
    /// Postgres only. What concerns nobody of the county, or no template of the channel, is passed over.
    pub async fn pushed(&self, db: &Db, pushed: &Pushed, now: DateTime<Utc>) -> Result<(), DbError> {
        let mut tx = db.begin(Scope::County(self.county.0)).await?;
        let entered = self.enter(&mut tx, pushed, now).await;
        tx.finish(entered).await
    }

    async fn enter(
        &self,
        conn: &mut AsyncPgConnection,
        pushed: &Pushed,
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
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
                (SubscriptionEvent::Popup, "accept") if self.called_at.is_none() => {}
                (SubscriptionEvent::Popup, "accept") => granted.push(self.grant(account, pushed, told, now)),
                (SubscriptionEvent::Change, "reject") => {
                    grants::void(conn, account, self.channel, &told.template_id, now).await?;
                }
                (SubscriptionEvent::Sent, _) if !matches!(told.error_code.0.as_str(), "" | "0") => {
                    let code = told.error_code.0.as_str();
                    tracing::warn!(channel = %self.channel, code, message = %told.msg_id.0, "WeChat did not deliver a subscription message");
                    metrics::counter!("subscription_messages_undelivered_total").increment(1);
                    if code == REFUSED {
                        grants::void(conn, account, self.channel, &told.template_id, now).await?;
                    }
                }
                _ => {}
            }
        }
        grants::enter(conn, &granted).await.map_err(DbError::from)
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
        }
    }
}
