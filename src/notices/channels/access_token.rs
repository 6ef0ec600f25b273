//! Access tokens of applications: how each provider hands one out, and what its refusal means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::Value;

use super::{
    ChannelKind, Outcome, RenderError, Target, dingtalk_app, feishu_app, judge, wechat_subscribe, wecom_app,
};
use crate::platform::outbound::{HeaderMap, OutboundRequest};

/// A token as it was handed out.
#[derive(Clone, Debug)]
pub struct Issued {
    pub token: SecretString,
    /// How long it is good from then on.
    pub lives: Duration,
}

/// When the provider does not say.
const LIFE: u64 = 7200;

/// Asks for a token; `None` for a kind that needs none.
#[must_use]
pub fn token_request(target: &Target) -> Option<Result<OutboundRequest, RenderError>> {
    Some(match target.kind {
        ChannelKind::WecomApp => wecom_app::token_request(target),
        ChannelKind::DingtalkApp => dingtalk_app::token_request(target),
        ChannelKind::FeishuApp => feishu_app::token_request(target),
        ChannelKind::WechatSubscribe => wechat_subscribe::token_request(target),
        ChannelKind::WecomBot
        | ChannelKind::DingtalkBot
        | ChannelKind::FeishuBot
        | ChannelKind::Webhook
        | ChannelKind::Slack => return None,
    })
}

/// Reads the answer.
///
/// # Errors
/// What the refusal means for the notices that wait for the token.
pub fn judge_token(
    kind: ChannelKind,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Issued, Outcome> {
    let issued = (200..300).contains(&status).then(|| issued(body)).flatten();
    issued.ok_or_else(|| match judge(kind, status, headers, body, now) {
        // Words of success without a token.
        Outcome::Delivered { .. } => Outcome::Retry { after: None },
        // There is no token yet that could be bad: the secret is.
        Outcome::RefreshToken | Outcome::DropRecipient | Outcome::BadMessage | Outcome::DeadTarget => {
            Outcome::NeedsAdmin
        }
        outcome => outcome,
    })
}

fn issued(body: &[u8]) -> Option<Issued> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let code = json.get("errcode").or_else(|| json.get("code"));
    if code.is_some_and(|code| code.as_i64() != Some(0)) {
        return None;
    }
    let first = |names: &[&str]| names.iter().find_map(|name| json.get(*name)).cloned();
    let token = first(&["access_token", "accessToken", "tenant_access_token"])?;
    let token = token.as_str().filter(|token| !token.is_empty())?;
    let lives = first(&["expires_in", "expireIn", "expire"]).and_then(|lives| lives.as_u64()).unwrap_or(LIFE);
    Some(Issued { token: SecretString::from(token), lives: Duration::from_secs(lives) })
}
