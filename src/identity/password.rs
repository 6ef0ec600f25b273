//! Passwords: argon2id with the parameters OWASP advises (19 MiB, 2 passes, 1 lane), hashed off the event loop, few at a time.

use std::sync::LazyLock;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::error::{IdentityCode, fault};
use crate::platform::http::problem::{CommonCode, Problem};

/// Hashes computed at the same time: each takes 19 MiB and a core.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// How long a login waits for its turn; beyond it the caller is asked to come again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Compared with when there is no account, so that an unknown login takes as long as a wrong password.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody's").unwrap_or_default());

/// Hashes a password as a PHC string.
pub async fn hash(password: &SecretString) -> Result<String, Problem> {
    let password = password.clone();
    off_the_loop(move || hash_now(password.expose_secret()))
        .await?
        .ok_or_else(|| fault("a password could not be hashed"))
}

/// True when `password` belongs to `hash`; without a hash the same time passes and the answer is no.
pub(super) async fn verify(password: &SecretString, hash: Option<String>) -> Result<bool, Problem> {
    let password = password.clone();
    off_the_loop(move || {
        let matches = matches_now(password.expose_secret(), hash.as_deref().unwrap_or(&NOBODY));
        matches && hash.is_some()
    })
    .await
}

/// Refuses a password that the rules for second- and third-level systems (GB/T 22239) would not accept.
pub(super) fn require_strength(password: &SecretString) -> Result<(), IdentityCode> {
    let text = password.expose_secret();
    let kinds = [
        text.chars().any(char::is_alphabetic),
        text.chars().any(char::is_numeric),
        text.chars().any(|c| !c.is_alphanumeric()),
    ];
    let strong = (8..=128).contains(&text.chars().count()) && kinds.iter().filter(|kind| **kind).count() >= 2;
    if strong { Ok(()) } else { Err(IdentityCode::PasswordWeak) }
}

async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let Ok(Ok(turn)) = tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await else {
        return Err(CommonCode::Unavailable.into());
    };
    // The permit goes with the work: a caller who hangs up does not free the core that still hashes for him.
    let run = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(run).await.map_err(|_| fault("password hashing broke off"))
}

fn hash_now(password: &str) -> Option<String> {
    let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes()).ok()?;
    Some(hash.to_string())
}

fn matches_now(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_hashed_as_owasp_advises_and_verifies() {
        let password = SecretString::from("一叫就到 2026");
        let hash = hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify(&password, Some(hash.clone())).await.unwrap());
        assert!(!verify(&SecretString::from("一叫就到 2027"), Some(hash)).await.unwrap());
        assert!(!verify(&password, Some("not a hash".to_owned())).await.unwrap());
    }

    #[tokio::test]
    async fn nobodys_hash_costs_the_same_and_opens_nothing() {
        assert!(NOBODY.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!verify(&SecretString::from("nobody's"), None).await.unwrap());
    }

    #[test]
    fn a_password_needs_length_and_two_kinds_of_characters() {
        let strong = |text: &str| require_strength(&SecretString::from(text)).is_ok();
        assert!(strong("yijiao-demo"));
        assert!(strong("abcd1234"));
        assert!(!strong("abc1234"));
        assert!(!strong("abcdefgh"));
        assert!(!strong(&"a1".repeat(65)));
    }
}
