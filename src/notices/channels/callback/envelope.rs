//! The sealed message that WeCom, WeChat and DingTalk share: `base64(AES-256-CBC(16 random bytes ‖ length (u32, big-endian) ‖ message ‖
//! receiver))`, padded to whole blocks of 32, signed by the SHA-1 of the sorted {token, timestamp, nonce, sealed text}.

use std::fmt;

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::{Digest as _, Sha1};

use super::{Refusal, Signed};
use crate::platform::crypto;

/// A key is 43 random characters, so the two bits that the last one has to spare may be set.
const KEY: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);
/// Bytes of a block as the padding counts them; the cipher's own are half as long.
const BLOCK: usize = 32;
const CIPHER_BLOCK: usize = 16;
/// Random bytes in front.
const SALT: usize = 16;

/// Opens and seals what is meant for one receiver. Debug shows no key.
#[derive(Clone)]
pub struct Envelope {
    token: SecretString,
    key: [u8; 32],
    receiver: String,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope(***, {})", self.receiver)
    }
}

/// A sealed answer and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub encrypt: String,
    pub signature: String,
}

impl Envelope {
    /// `key`: 43 characters as the console shows them; none when it is no such key.
    #[must_use]
    pub fn new(token: &str, key: &str, receiver: &str) -> Option<Self> {
        let key: [u8; 32] = KEY.decode(key).ok()?.try_into().ok()?;
        Some(Self { token: token.into(), key, receiver: receiver.to_owned() })
    }

    /// Lower-case hex.
    #[must_use]
    pub fn signature(&self, timestamp: &str, nonce: &str, encrypt: &str) -> String {
        sorted_sha1(&mut [self.token.expose_secret(), timestamp, nonce, encrypt])
    }

    /// What is in it, if it was sealed by who knows token and key, for this receiver.
    ///
    /// # Errors
    /// The first thing that is wrong: signature, base64, length, padding, length field, receiver, UTF-8.
    pub fn open(&self, signed: Signed<'_>, encrypt: &str) -> Result<String, Refusal> {
        let expected = self.signature(signed.timestamp, signed.nonce, encrypt);
        if !crypto::same(expected.as_bytes(), signed.signature.as_bytes()) {
            return Err(Refusal::SignatureMismatch);
        }
        let mut bytes = STANDARD.decode(encrypt).map_err(|_| Refusal::BadBase64)?;
        if bytes.is_empty() || bytes.len() % CIPHER_BLOCK != 0 {
            return Err(Refusal::BadCiphertextLength);
        }
        let plain = self
            .decryptor()
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_| Refusal::BadCiphertextLength)?;
        let plain = unpadded(plain, BLOCK)?;
        let (length, rest) =
            plain.get(SALT..).and_then(<[u8]>::split_first_chunk::<4>).ok_or(Refusal::BadLengthField)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Refusal::BadLengthField)?;
        let (message, receiver) = rest.split_at_checked(length).ok_or(Refusal::BadLengthField)?;
        if receiver != self.receiver.as_bytes() {
            return Err(Refusal::ReceiveIdMismatch);
        }
        String::from_utf8(message.to_vec()).map_err(|_| Refusal::BadUtf8)
    }

    /// Seals a text. `salt` is random.
    #[must_use]
    pub fn seal(&self, text: &str, timestamp: &str, nonce: &str, salt: [u8; SALT]) -> Sealed {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        let bytes = [&salt, length.as_slice(), text.as_bytes(), self.receiver.as_bytes()].concat();
        let bytes = padded(bytes, BLOCK);
        let encryptor = cbc::Encryptor::<Aes256>::new(&self.key.into(), &self.initial().into());
        let encrypt = STANDARD.encode(encryptor.encrypt_padded_vec::<NoPadding>(&bytes));
        Sealed { signature: self.signature(timestamp, nonce, &encrypt), encrypt }
    }

    fn decryptor(&self) -> cbc::Decryptor<Aes256> {
        cbc::Decryptor::new(&self.key.into(), &self.initial().into())
    }

    /// The initial vector is the beginning of the key.
    fn initial(&self) -> [u8; CIPHER_BLOCK] {
        self.key.first_chunk().copied().unwrap_or_default()
    }
}

/// Lower-case hex of the SHA-1 of the parts in ascending order, joined.
fn sorted_sha1(parts: &mut [&str]) -> String {
    parts.sort_unstable();
    hex::encode(Sha1::digest(parts.concat()))
}

/// Whether a token signed a timestamp and a nonce, and nothing else.
#[must_use]
pub fn signs(token: &str, signed: Signed<'_>) -> bool {
    let expected = sorted_sha1(&mut [token, signed.timestamp, signed.nonce]);
    crypto::same(expected.as_bytes(), signed.signature.as_bytes())
}

/// Made whole blocks by one to `block` bytes, each of which says how many they are.
pub fn padded(mut bytes: Vec<u8>, block: usize) -> Vec<u8> {
    let pad = block - bytes.len() % block;
    bytes.resize(bytes.len() + pad, u8::try_from(pad).unwrap_or_default());
    bytes
}

/// Without its padding: one to `most` bytes, each of which says how many they are.
pub fn unpadded(plain: &[u8], most: usize) -> Result<&[u8], Refusal> {
    let pad = plain.last().copied().map_or(0, usize::from);
    let (text, padding) = plain
        .len()
        .checked_sub(pad)
        .and_then(|at| plain.split_at_checked(at))
        .filter(|_| (1..=most).contains(&pad))
        .ok_or(Refusal::BadPadding)?;
    let whole = padding.iter().all(|byte| usize::from(*byte) == pad);
    if whole { Ok(text) } else { Err(Refusal::BadPadding) }
}
