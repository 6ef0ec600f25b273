//! Access tokens of applications: fetched once for all replicas, kept sealed in Redis, renewed once when the provider says that one is
//! no longer good. Never in a loop: a refusal is remembered for a while, for some providers shut out who asks with a wrong secret.
//!
//! Redis only saves requests: while it is away each process fetches for itself.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redis::{Script, cmd};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::channels::{Outcome, Target, judge_failure, judge_token, token_request};
use super::model::ChannelId;
use crate::platform::crypto::{Vault, hmac_sha256};
use crate::platform::outbound::Outbound;
use crate::platform::redis::{Redis, RedisError};

/// What tokens are sealed for.
const PURPOSE: &str = "access-token";
/// A token is not used in its last minutes: a request under way must not meet its end.
const MARGIN: u64 = 300;
/// How long the one who fetches may take before another tries.
const FETCHING: Duration = Duration::from_secs(15);
/// Between two looks of those who wait for him.
const LOOK: Duration = Duration::from_millis(20);
/// For how long nobody asks again after a refusal that only an administrator can mend.
const REFUSED: Duration = Duration::from_secs(60);

/// The tokens. Clones share everything.
#[derive(Clone, Debug)]
pub struct Tokens {
    redis: Redis,
    vault: Vault,
    outbound: Outbound,
}

/// A token in hand, and how it stands in Redis.
#[derive(Clone, Debug)]
pub struct Token {
    pub value: SecretString,
    sealed: Vec<u8>,
}

/// Why there is none.
#[derive(Clone, Debug)]
pub struct NoToken {
    pub outcome: Outcome,
    pub http_status: Option<u16>,
    pub detail: String,
}

impl NoToken {
    /// Nobody had one while it would still have been of use.
    #[must_use]
    pub fn in_time() -> Self {
        let detail = "no access token came in time".to_owned();
        Self { outcome: Outcome::Retry { after: None }, http_status: None, detail }
    }
}

/// What Redis keeps: sealed, so that whoever reads Redis cannot write in the county's name.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Absent: the provider refused, or asked to wait.
    token: Option<String>,
    wait: bool,
    until: DateTime<Utc>,
}

impl Tokens {
    #[must_use]
    pub const fn new(redis: Redis, vault: Vault, outbound: Outbound) -> Self {
        Self { redis, vault, outbound }
    }

    /// A good token for a channel.
    ///
    /// # Errors
    /// What its absence means for the notice.
    pub async fn of(
        &self,
        channel: ChannelId,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<Token, NoToken> {
        let place = self.place(channel, target);
        let mut waited = Duration::ZERO;
        loop {
            match self.look(&place, now).await {
                Ok(Some(found)) => return found,
                Ok(None) => {}
                Err(error) => return self.alone(&error, target, now).await,
            }
            let mine = Uuid::new_v4().simple().to_string();
            // Whoever waited longer than a fetch may take fetches too.
            if waited >= FETCHING || self.lock(&place, &mine).await.unwrap_or(true) {
                // Whoever had the lock before may have kept one since we looked.
                let token = match self.look(&place, now).await {
                    Ok(Some(found)) => found,
                    Ok(None) | Err(_) => {
                        let fetched = self.fetch(target, now).await;
                        let kept = self.keep(&place, &fetched, now).await;
                        fetched.map(|issued| Token { value: issued.0, sealed: kept })
                    }
                };
                self.unlock(&place, &mine).await;
                return token;
            }
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// Another token than `stale`, which the provider does not take any more.
    ///
    /// # Errors
    /// As [`Tokens::of`].
    pub async fn renewed(
        &self,
        channel: ChannelId,
        target: &Target,
        stale: &Token,
        now: DateTime<Utc>,
    ) -> Result<Token, NoToken> {
        let place = self.place(channel, target);
        // Only what was used is dropped: somebody may have fetched another one meanwhile.
        if let Err(error) = self.delete_if(&place, &stale.sealed).await {
            return self.alone(&error, target, now).await;
        }
        metrics::counter!("access_tokens_renewed_total", "kind" => target.kind.as_str()).increment(1);
        self.of(channel, target, now).await
    }

    /// Remembers that even a fresh token was refused: nobody asks for a while.
    pub async fn refuse(&self, channel: ChannelId, target: &Target, now: DateTime<Utc>) {
        let refused = NoToken { outcome: Outcome::NeedsAdmin, http_status: None, detail: String::new() };
        self.keep(&self.place(channel, target), &Err(refused), now).await;
    }

    /// A rotated secret has a place of its own.
    fn place(&self, channel: ChannelId, target: &Target) -> String {
        let secret = target.credentials.reveal_json();
        let application = target.settings.app_id.as_deref().unwrap_or_default();
        let print = hmac_sha256(&self.vault.derive(PURPOSE), format!("{application}\n{secret}").as_bytes());
        self.redis.key(&format!("token:{channel}:{}", hex::encode(print.get(..8).unwrap_or_default())))
    }

    /// What is kept, when it is still good.
    async fn look(
        &self,
        place: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Result<Token, NoToken>>, RedisError> {
        let sealed: Option<Vec<u8>> = self.redis.query(cmd("GET").arg(place)).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let opened = self.vault.open(PURPOSE, &sealed).ok();
        let kept = opened.and_then(|plain| serde_json::from_slice::<Kept>(&plain).ok());
        Ok(kept.filter(|kept| now < kept.until).map(|kept| match kept.token {
            Some(token) => Ok(Token { value: SecretString::from(token), sealed }),
            None => {
                let after = (kept.until - now).to_std().unwrap_or_default();
                let outcome = if kept.wait { Outcome::RateLimited { after } } else { Outcome::NeedsAdmin };
                let detail = "no access token: the application was refused a moment ago".to_owned();
                Err(NoToken { outcome, http_status: None, detail })
            }
        }))
    }

    /// Keeps a token until shortly before its end, and a refusal for a while; answers the sealed bytes.
    async fn keep(
        &self,
        place: &str,
        fetched: &Result<(SecretString, Duration), NoToken>,
        now: DateTime<Utc>,
    ) -> Vec<u8> {
        let (token, lives) = match fetched {
            Ok((token, lives)) => {
                let margin = MARGIN.min(lives.as_secs() / 2);
                (Some(token.expose_secret().to_owned()), lives.saturating_sub(Duration::from_secs(margin)))
            }
            Err(refused) if refused.outcome == Outcome::NeedsAdmin => (None, REFUSED),
            Err(NoToken { outcome: Outcome::RateLimited { after }, .. }) => (None, *after),
            Err(_) => return Vec::new(),
        };
        let wait = matches!(fetched, Err(NoToken { outcome: Outcome::RateLimited { .. }, .. }));
        let kept = Kept { token, wait, until: now + TimeDelta::from_std(lives).unwrap_or_default() };
        let plain = serde_json::to_vec(&kept).unwrap_or_default();
        let Ok(sealed) = self.vault.seal(PURPOSE, &plain) else { return Vec::new() };
        let mut set = cmd("SET");
        set.arg(place)
            .arg(sealed.as_slice())
            .arg("PX")
            .arg(u64::try_from(lives.as_millis()).unwrap_or(1).max(1));
        if let Err(error) = self.redis.query::<()>(&set).await {
            tracing::debug!(%error, "an access token could not be kept");
        }
        sealed
    }

    async fn lock(&self, place: &str, mine: &str) -> Result<bool, RedisError> {
        let mut set = cmd("SET");
        set.arg(format!("{place}:lock")).arg(mine).arg("NX").arg("PX");
        set.arg(u64::try_from(FETCHING.as_millis()).unwrap_or(u64::MAX));
        Ok(self.redis.query::<Option<String>>(&set).await?.is_some())
    }

    /// Opens our own lock: ours may have ended, and somebody else fetches behind his.
    async fn unlock(&self, place: &str, mine: &str) {
        // Should it fail, the lock ends by itself.
        if let Err(error) = self.delete_if(&format!("{place}:lock"), mine.as_bytes()).await {
            tracing::debug!(%error, "the lock of an access token could not be opened");
        }
    }

    /// Deletes a key as long as this is what it holds.
    async fn delete_if(&self, key: &str, held: &[u8]) -> Result<(), RedisError> {
        let delete = Script::new(
            "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
        );
        let mut call = delete.key(key);
        call.arg(held);
        self.redis.script::<i64>(&call).await.map(drop)
    }

    async fn alone(&self, error: &RedisError, target: &Target, now: DateTime<Utc>) -> Result<Token, NoToken> {
        tracing::debug!(%error, "an access token is fetched without Redis");
        let (value, _) = self.fetch(target, now).await?;
        Ok(Token { value, sealed: Vec::new() })
    }

    async fn fetch(&self, target: &Target, now: DateTime<Utc>) -> Result<(SecretString, Duration), NoToken> {
        let failed = |outcome, detail: String| NoToken { outcome, http_status: None, detail };
        let request = match token_request(target) {
            Some(Ok(request)) => request,
            Some(Err(why)) => return Err(failed(Outcome::NeedsAdmin, why.to_string())),
            None => return Err(failed(Outcome::NeedsAdmin, "this kind has no access token".to_owned())),
        };
        metrics::counter!("access_tokens_fetched_total", "kind" => target.kind.as_str()).increment(1);
        let answer = self.outbound.send(request).await;
        let answer = answer.map_err(|error| failed(judge_failure(&error), error.to_string()))?;
        let status = answer.status.as_u16();
        match judge_token(target.kind, status, &answer.headers, &answer.body, now) {
            Ok(issued) => Ok((issued.token, issued.lives)),
            Err(outcome) => {
                let detail = format!("no access token: {}", target.excerpt(&answer.body));
                tracing::error!(kind = %target.kind, detail, "an application gets no access token");
                Err(NoToken { outcome, http_status: Some(status), detail })
            }
        }
    }
}
