//! The mini-program platform: who a login code stands for, and which phone number a phone code stands for.
//!
//! `session_key` is not even read. Codes and their meaning: developers.weixin.qq.com, code2Session, getStableAccessToken,
//! getPhoneNumber. No error and no log line holds a URL, for the app secret stands in it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::IdentityCode;
use crate::platform::config;
use crate::platform::http::problem::Problem;
use crate::platform::outbound::{Hosts, Outbound, OutboundRequest, Url};

/// Seconds after which it is worth asking again when WeChat's limit per minute is reached.
const MINUTE: u64 = 60;

/// The mini-program's server side.
#[derive(Clone)]
pub struct Wechat {
    outbound: Outbound,
    base_url: String,
    app_id: String,
    app_secret: SecretString,
}

impl fmt::Debug for Wechat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wechat").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Session {
    openid: String,
}

#[derive(Deserialize)]
struct StableToken {
    access_token: SecretString,
}

#[derive(Deserialize)]
struct Phone {
    phone_info: PhoneInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneInfo {
    pure_phone_number: String,
    country_code: String,
    watermark: Watermark,
}

#[derive(Deserialize)]
struct Watermark {
    appid: String,
}

impl Wechat {
    #[must_use]
    pub fn new(wechat: &config::Wechat, outbound: Outbound) -> Self {
        Self {
            outbound,
            base_url: wechat.base_url.trim_end_matches('/').to_owned(),
            app_id: wechat.app_id.clone(),
            app_secret: wechat.app_secret.clone(),
        }
    }

    /// The app id, which together with an openid names a person.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The openid behind a login code (`wx.login`; five minutes, once).
    ///
    /// # Errors
    /// `wechat_code_invalid`, `wechat_rate_limited`, `wechat_user_blocked`, `wechat_unavailable`.
    pub async fn openid(&self, code: &str) -> Result<String, Problem> {
        let mut url = self.url("/sns/jscode2session")?;
        url.query_pairs_mut()
            .append_pair("appid", &self.app_id)
            .append_pair("secret", self.app_secret.expose_secret())
            .append_pair("js_code", code)
            .append_pair("grant_type", "authorization_code");
        self.ask::<Session>(OutboundRequest::get(url, Hosts::Any)).await.map(|session| session.openid)
    }

    /// The mobile number behind a phone code (`getPhoneNumber`; five minutes, once), without country code.
    ///
    /// # Errors
    /// As [`Wechat::openid`]; a number given to another mini-program is `wechat_code_invalid`.
    pub async fn phone(&self, phone_code: &str) -> Result<String, Problem> {
        let token = self.access_token().await?;
        let mut url = self.url("/wxa/business/getuserphonenumber")?;
        url.query_pairs_mut().append_pair("access_token", token.expose_secret());
        let request = post(url, &json!({ "code": phone_code }));
        let phone = self.ask::<Phone>(request).await?.phone_info;
        if phone.watermark.appid != self.app_id {
            tracing::warn!("a phone number with another app's watermark was refused");
            return Err(IdentityCode::WechatCodeInvalid.into());
        }
        // A foreign number may look like a Chinese one once its country code is gone.
        if phone.country_code != "86" {
            return Err(IdentityCode::WechatCodeInvalid.into());
        }
        Ok(phone.pure_phone_number)
    }

    /// In its normal mode the platform hands out one and the same token until shortly before its end, 10 000 times a minute.
    async fn access_token(&self) -> Result<SecretString, Problem> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self.app_secret.expose_secret(),
            "force_refresh": false,
        });
        let request = post(self.url("/cgi-bin/stable_token")?, &body);
        self.ask::<StableToken>(request).await.map(|token| token.access_token)
    }

    fn url(&self, path: &str) -> Result<Url, Problem> {
        format!("{}{path}", self.base_url).parse().map_err(|_| unavailable("base_url is no address"))
    }

    /// The platform answers errors with status 200 too.
    async fn ask<T: DeserializeOwned>(&self, request: OutboundRequest) -> Result<T, Problem> {
        let answer = self.outbound.send(request).await.map_err(|error| unavailable(&error.to_string()))?;
        if !answer.status.is_success() {
            return Err(unavailable(answer.status.as_str()));
        }
        let answer: Value = serde_json::from_slice(&answer.body).map_err(|_| unavailable("not JSON"))?;
        match answer.get("errcode").and_then(Value::as_i64).unwrap_or(0) {
            0 => serde_json::from_value(answer).map_err(|_| unavailable("an answer of another shape")),
            code => Err(refusal(code)),
        }
    }
}

fn post(url: Url, body: &Value) -> OutboundRequest {
    OutboundRequest::post_json(url, body.to_string().into_bytes(), Hosts::Any)
}

fn refusal(code: i64) -> Problem {
    match code {
        40029 | 40163 => IdentityCode::WechatCodeInvalid.into(),
        45011 => IdentityCode::WechatRateLimited.problem().retry_after(MINUTE),
        40226 => IdentityCode::WechatUserBlocked.into(),
        -1 => unavailable("busy (-1)"),
        // Everything else is ours to mend: secret, app id, address list, quota.
        _ => {
            tracing::error!(errcode = code, "WeChat refuses this mini-program");
            IdentityCode::WechatUnavailable.into()
        }
    }
}

fn unavailable(why: &str) -> Problem {
    tracing::warn!(why, "WeChat gave no usable answer");
    IdentityCode::WechatUnavailable.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_codes_become_ours() {
        let code = |errcode| refusal(errcode).code();
        assert_eq!(code(40029), "wechat_code_invalid");
        assert_eq!(code(40163), "wechat_code_invalid");
        assert_eq!(code(45011), "wechat_rate_limited");
        assert_eq!(code(40226), "wechat_user_blocked");
        assert_eq!(code(-1), "wechat_unavailable");
        assert_eq!(code(40125), "wechat_unavailable");
    }
}
