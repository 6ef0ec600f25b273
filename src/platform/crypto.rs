//! Sealing of secrets at rest, keyed hashes and random tokens. One master key, from configuration; never logged.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Why a sealed value could not be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    #[error("the sealed value is damaged, or was sealed with another key or for another purpose")]
    Unreadable,
    #[error("the value could not be sealed")]
    Unsealable,
}

/// The master key: seals secrets (AES-256-GCM, random nonce, bound to a purpose) and derives purpose-bound keys.
#[derive(Clone)]
pub struct Vault {
    key: [u8; 32],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(***)")
    }
}

impl Vault {
    /// Derives the master key from the configured secret (any length; 32 random bytes or more are advised).
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        Self { key: hmac_sha256(b"yijiao/vault/v1", secret.expose_secret().as_bytes()) }
    }

    /// A key for one purpose, e.g. `"action-link"`. Independent of the sealing key.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        hmac_sha256(&self.key, purpose.as_bytes())
    }

    /// Seals `plain` for `purpose`; opening it for another purpose fails. Layout: nonce (12) ‖ ciphertext ‖ tag (16).
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; 12] = rand::random();
        let sealed = self
            .cipher("seal")
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: purpose.as_bytes() })
            .map_err(|_| SealError::Unsealable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Vault::seal`] made for the same purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, body) = sealed.split_first_chunk::<12>().ok_or(SealError::Unreadable)?;
        self.cipher("seal")
            .decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: purpose.as_bytes() })
            .map_err(|_| SealError::Unreadable)
    }

    fn cipher(&self, purpose: &str) -> Aes256Gcm {
        Aes256Gcm::new(&self.derive(purpose).into())
    }
}

/// HMAC-SHA256 of `message` under `key`.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so the only failure of the constructor cannot occur.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        Err(_) => sha256(message),
    }
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A fresh unguessable token: 32 random bytes, base64url.
#[must_use]
pub fn random_token() -> String {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Equality without a timing trace.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_for_its_purpose_and_unaltered() {
        let vault = Vault::new(&SecretString::from("a secret of some length"));
        let mut sealed = vault.seal("channel", b"hook-key").unwrap();
        assert_eq!(vault.open("channel", &sealed).unwrap(), b"hook-key");
        assert_eq!(vault.open("signing-key", &sealed), Err(SealError::Unreadable));
        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        assert_eq!(vault.open("channel", &sealed), Err(SealError::Unreadable));
        assert_eq!(vault.open("channel", b"short"), Err(SealError::Unreadable));
        assert_eq!(format!("{vault:?}"), "Vault(***)");
    }

    #[test]
    fn hmac_agrees_with_rfc_4231_case_2() {
        let mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex::encode(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
