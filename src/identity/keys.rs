//! The signing keys: Ed25519, sealed in Postgres, shared by all replicas, replaced in time.
//!
//! The key that ends first signs. Its successor is made a little earlier, so that every replica knows it before it signs; a token
//! whose key this process does not know makes it look again, but never more often than every five seconds.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::caller::Caller;
use super::error::{IdentityCode, fault};
use super::store::NO_COUNTY;
use super::store::signing_keys::{self, KeyRow};
use super::token::{self, Claims};
use super::verified::Verified;
use crate::platform::config;
use crate::platform::crypto::{Vault, sha256};
use crate::platform::db::Db;
use crate::platform::http::problem::{CommonCode, Problem};

/// The purpose under which private keys are sealed.
const PURPOSE: &str = "signing-key";

/// Between two looks into Postgres for keys, however many unknown `kid`s arrive.
const FLOOR: TimeDelta = TimeDelta::seconds(5);

/// After this time the keys are read again even when none is missing, so that a withdrawn key is forgotten.
const STALE: TimeDelta = TimeDelta::seconds(60);

/// How long before the last key stops signing its successor is made.
const LEAD: TimeDelta = TimeDelta::minutes(10);

/// One key, opened.
pub struct Key {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    signs_until: DateTime<Utc>,
    verifies_until: DateTime<Utc>,
}

/// The keys this process knows.
#[derive(Default)]
struct Known {
    keys: Vec<Arc<Key>>,
    /// The last look into Postgres, and whether one ever succeeded.
    looked_at: Option<DateTime<Utc>>,
    seen: bool,
}

impl Known {
    fn looked_within(&self, span: TimeDelta, now: DateTime<Utc>) -> bool {
        self.looked_at.is_some_and(|at| at <= now && now < at + span)
    }

    fn signer(&self, now: DateTime<Utc>) -> Option<Arc<Key>> {
        self.keys.iter().filter(|key| now < key.signs_until).min_by_key(|key| key.signs_until).cloned()
    }

    fn needs_successor(&self, now: DateTime<Utc>) -> bool {
        self.keys.iter().all(|key| key.signs_until <= now + LEAD)
    }

    fn verifier(&self, kid: &str, now: DateTime<Utc>) -> Option<Arc<Key>> {
        self.keys.iter().find(|key| key.kid == kid && now < key.verifies_until).cloned()
    }
}

/// Issues and verifies access tokens. One for a process.
pub struct KeyRing {
    vault: Vault,
    access_life: TimeDelta,
    refresh_life: TimeDelta,
    key_life: TimeDelta,
    known: RwLock<Arc<Known>>,
    /// Held by the one task that looks into Postgres.
    looking: tokio::sync::Mutex<()>,
    verified: Verified,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} keys)", self.known().keys.len())
    }
}

impl KeyRing {
    /// An empty ring; it looks into Postgres when first asked.
    #[must_use]
    pub fn new(vault: Vault, settings: &config::Identity) -> Self {
        Self {
            vault,
            access_life: TimeDelta::seconds(settings.access_token_seconds.max(1).into()),
            refresh_life: TimeDelta::days(settings.refresh_token_days.max(1).into()),
            key_life: TimeDelta::days(settings.signing_key_days.max(1).into()),
            known: RwLock::default(),
            looking: tokio::sync::Mutex::default(),
            verified: Verified::default(),
        }
    }

    /// How long an access token lives.
    #[must_use]
    pub fn access_life(&self) -> TimeDelta {
        self.access_life
    }

    /// How long a refresh token lives.
    #[must_use]
    pub fn refresh_life(&self) -> TimeDelta {
        self.refresh_life
    }

    /// The key that signs now; made when there is none, or when the last one is about to end.
    ///
    /// Ask for it before opening a transaction of your own: it may need a connection.
    pub async fn signer(&self, db: &Db, now: DateTime<Utc>) -> Result<Arc<Key>, Problem> {
        let settled = |known: &Known| known.signer(now).filter(|_| !known.needs_successor(now));
        if let Some(key) = settled(&self.known()) {
            return Ok(key);
        }
        let _turn = self.looking.lock().await;
        if let Some(key) = settled(&self.known()) {
            return Ok(key);
        }
        self.renew(db, now).await?;
        self.known().signer(now).ok_or_else(|| fault("no signing key after making one"))
    }

    /// Signs an access token for `caller`.
    pub fn issue(&self, signer: &Key, caller: &Caller, now: DateTime<Utc>) -> Result<String, Problem> {
        token::sign(&Claims::of(caller, now, self.access_life), &signer.kid, &signer.signing)
            .map_err(|_| fault("an access token could not be signed"))
    }

    /// Who calls with this access token.
    ///
    /// # Errors
    /// `token_invalid`, `token_expired`; `unavailable` when its key is unknown here and Postgres does not answer.
    pub async fn verify(&self, db: &Db, token: &str, now: DateTime<Utc>) -> Result<Caller, Problem> {
        let digest = sha256(token.as_bytes());
        if let Some(caller) = self.verified.get(&digest, now) {
            return Ok(caller);
        }
        let kid = token::kid(token)?;
        let key = self.verifier(db, &kid, now).await?;
        let claims = token::read(token, &key.verifying, now)?;
        let expires = DateTime::from_timestamp(claims.exp, 0).ok_or(IdentityCode::TokenInvalid)?;
        let caller = claims.caller();
        self.verified.put(digest, caller.clone(), now, expires);
        Ok(caller)
    }

    /// Who calls, when this token was verified here a moment ago; costs no look into Postgres.
    #[must_use]
    pub fn recognised(&self, token: &str, now: DateTime<Utc>) -> Option<Caller> {
        self.verified.get(&sha256(token.as_bytes()), now)
    }

    async fn verifier(&self, db: &Db, kid: &str, now: DateTime<Utc>) -> Result<Arc<Key>, Problem> {
        let known = self.known();
        if known.seen
            && !known.looked_within(STALE, now)
            && let Ok(_turn) = self.looking.try_lock()
            && let Err(problem) = self.look(db, now).await
        {
            tracing::warn!(%problem, "signing keys could not be read again; the known ones stay");
        }
        if let Some(key) = self.known().verifier(kid, now) {
            return Ok(key);
        }
        let _turn = self.looking.lock().await;
        let known = self.known();
        if known.verifier(kid, now).is_none() && !known.looked_within(FLOOR, now) {
            self.look(db, now).await?;
        }
        let known = self.known();
        let missing =
            if known.seen { IdentityCode::TokenInvalid.into() } else { CommonCode::Unavailable.into() };
        known.verifier(kid, now).ok_or(missing)
    }

    /// Reads the keys. Failed or not, it counts as a look; broken off half-way, because the request went away, it does not.
    async fn look(&self, db: &Db, now: DateTime<Utc>) -> Result<(), Problem> {
        let read: Result<Vec<KeyRow>, Problem> = async {
            let mut tx = db.begin(NO_COUNTY).await?;
            let rows = signing_keys::list(&mut tx, now).await.map_err(Problem::from);
            tx.finish(rows).await
        }
        .await;
        let before = self.known();
        let (known, outcome) = match read {
            Ok(rows) => (Known { keys: self.open_all(rows), looked_at: Some(now), seen: true }, Ok(())),
            Err(problem) => {
                (Known { keys: before.keys.clone(), looked_at: Some(now), seen: before.seen }, Err(problem))
            }
        };
        self.learn(known);
        outcome
    }

    /// Reads the keys and makes the next one unless another replica has just done so.
    async fn renew(&self, db: &Db, now: DateTime<Utc>) -> Result<(), Problem> {
        let mut tx = db.begin(NO_COUNTY).await?;
        let outcome: Result<Known, Problem> = async {
            signing_keys::lock(&mut tx).await?;
            let rows = signing_keys::list(&mut tx, now).await?;
            let mut known = Known { keys: self.open_all(rows), looked_at: Some(now), seen: true };
            if known.needs_successor(now) {
                let (row, key) = self.make(now)?;
                signing_keys::insert(&mut tx, &row).await?;
                signing_keys::delete_over(&mut tx, now).await?;
                tracing::info!(kid = key.kid, signs_until = %key.signs_until, "made a signing key");
                known.keys.push(Arc::new(key));
            }
            Ok(known)
        }
        .await;
        let known = tx.finish(outcome).await?;
        self.learn(known);
        Ok(())
    }

    fn make(&self, now: DateTime<Utc>) -> Result<(KeyRow, Key), Problem> {
        let pair = Ed25519KeyPair::generate().map_err(|_| fault("no Ed25519 key could be generated"))?;
        let private = pair.to_pkcs8().map_err(|_| fault("an Ed25519 key could not be written"))?;
        let private_sealed = self
            .vault
            .seal(PURPOSE, private.as_ref())
            .map_err(|_| fault("a signing key could not be sealed"))?;
        let public = pair.public_key().as_ref();
        let signs_until = now + self.key_life;
        // The last token it signs must still verify, with a minute for the clocks of replicas.
        let verifies_until = signs_until + self.access_life + TimeDelta::minutes(1);
        let key = Key {
            kid: kid_of(public),
            signing: EncodingKey::from_ed_der(private.as_ref()),
            verifying: DecodingKey::from_ed_der(public),
            signs_until,
            verifies_until,
        };
        let row = KeyRow {
            kid: key.kid.clone(),
            private_sealed,
            public_key: public.to_vec(),
            created_at: now,
            signs_until,
            verifies_until,
        };
        Ok((row, key))
    }

    /// Opens the rows that were sealed with our master key. A public key is believed only when it belongs to such a private one,
    /// so writing into the table is not enough to forge tokens.
    fn open_all(&self, rows: Vec<KeyRow>) -> Vec<Arc<Key>> {
        rows.into_iter()
            .filter_map(|row| {
                let opened = self.open(&row);
                if opened.is_none() {
                    tracing::warn!(
                        kid = row.kid,
                        "a signing key was not made with this master key; its tokens are refused"
                    );
                }
                opened.map(Arc::new)
            })
            .collect()
    }

    fn open(&self, row: &KeyRow) -> Option<Key> {
        let private = zeroize::Zeroizing::new(self.vault.open(PURPOSE, &row.private_sealed).ok()?);
        let pair = Ed25519KeyPair::from_pkcs8(&private).ok()?;
        let public = pair.public_key().as_ref();
        (row.public_key == public && row.kid == kid_of(public)).then(|| Key {
            kid: row.kid.clone(),
            signing: EncodingKey::from_ed_der(&private),
            verifying: DecodingKey::from_ed_der(public),
            signs_until: row.signs_until,
            verifies_until: row.verifies_until,
        })
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn learn(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }
}

/// A key's name: the first eight bytes of its public half's SHA-256, in hex.
fn kid_of(public: &[u8]) -> String {
    sha256(public).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
