//! The one person that an application writes to.

use secrecy::SecretString;

use super::RenderError;
use crate::platform::outbound::HeaderValue;

/// Whom, and by which token. Debug shows no token.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The person's name at the provider: WeCom userid, DingTalk staffId, Feishu open_id, WeChat openid.
    pub user_id: &'a str,
    pub token: Option<&'a SecretString>,
}

impl Person<'_> {
    /// One id, never a list or everybody: `|` joins several for WeCom, and `@all` is all of them.
    pub(super) fn user_id(&self) -> Result<&str, RenderError> {
        let sound = (1..=128).contains(&self.user_id.len())
            && self.user_id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'|')
            && !self.user_id.starts_with('@');
        if sound { Ok(self.user_id) } else { Err(RenderError::MissingPerson) }
    }

    pub(super) fn token(&self) -> Result<&SecretString, RenderError> {
        self.token.ok_or(RenderError::MissingToken)
    }
}

/// A header that no log shows.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, RenderError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| RenderError::MissingToken)?;
    value.set_sensitive(true);
    Ok(value)
}
