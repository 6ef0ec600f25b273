//! What a provider's answer means for us: act, wait, give up on the target, the message or the recipient.
//!
//! HTTP 200 proves nothing: the chat platforms put their errors into the body, and an answer without their code is a failure.
//! Unknown codes are retried; the attempts are bounded elsewhere.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::ChannelKind;
use crate::platform::outbound::{HeaderMap, OutboundError};

/// What to do after one attempt.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken over by the provider. People in `unreached` got nothing nevertheless. By its `handle` the message can be redrawn.
    Delivered { provider_id: Option<String>, handle: Option<String>, unreached: Vec<Unreached> },
    /// Nobody's fault: again, by our own schedule or when the provider says.
    Retry { after: Option<Duration> },
    /// Too fast for this target: nothing to it before then.
    RateLimited { after: Duration },
    /// The access token is no longer good: drop it if it is still the one used, fetch once, send once more.
    RefreshToken,
    /// The robot, group or endpoint is gone.
    DeadTarget,
    /// The channel's configuration must be put right: secret, keyword, address list, permission.
    NeedsAdmin,
    /// This message will never be taken.
    BadMessage,
    /// This person cannot be reached here.
    DropRecipient,
}

/// A person that a successful call did not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    pub user_id: String,
    pub why: Why,
}

/// Why a person was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Unknown there: use another channel.
    Unknown,
    /// Over the person's limit: again later.
    Throttled,
}

impl Outcome {
    /// Some platforms call their messages by numbers.
    fn delivered(provider_id: Option<&Value>) -> Self {
        let provider_id = provider_id.and_then(|id| match id {
            Value::Number(number) => Some(number.to_string()),
            id => id.as_str().map(str::to_owned),
        });
        Self::Delivered { provider_id, handle: None, unreached: Vec::new() }
    }

    const RETRY: Self = Self::Retry { after: None };

    const fn limited(seconds: u64) -> Self {
        Self::RateLimited { after: Duration::from_secs(seconds) }
    }
}

/// Longest wait we let a provider impose; a day is the longest quota window of all of them.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Reads an answer. `now` serves a `Retry-After` that is a date.
pub fn judge(
    kind: ChannelKind,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Outcome {
    let wait = wait_asked(headers, now);
    let json: Option<Value> = serde_json::from_slice(body).ok().filter(Value::is_object);
    let json = json.as_ref();
    let by_code = match kind {
        ChannelKind::WecomBot | ChannelKind::WecomApp => json.and_then(wecom),
        ChannelKind::DingtalkBot | ChannelKind::DingtalkApp => json.and_then(|json| dingtalk(kind, json)),
        ChannelKind::FeishuBot | ChannelKind::FeishuApp => json.and_then(|json| feishu(json, wait)),
        ChannelKind::WechatSubscribe => json.and_then(wechat),
        ChannelKind::Slack => slack(status, body),
        ChannelKind::Webhook => webhook(status, headers),
    };
    match by_code {
        // A gateway that answers 5xx did not deliver, whatever the body claims.
        Some(Outcome::Delivered { .. }) if !(200..300).contains(&status) => Outcome::Retry { after: wait },
        Some(outcome) => outcome,
        None => by_status(kind, status, wait),
    }
}

/// The same of what a platform may refuse for reasons whose numbers nobody has written down: a card with buttons in an application without a
/// callback address, a card that cannot be redrawn any more. What it says in its own words, and is no known trouble of the door or the
/// road, is meant for this very message.
pub fn judge_strictly(
    kind: ChannelKind,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Outcome {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let number = |name: &str| json.as_ref().and_then(|json| json.get(name)).and_then(Value::as_i64);
    let refused = match kind {
        // Busy, and too many calls at once.
        ChannelKind::WecomApp => number("errcode").is_some_and(|code| code != -1 && code != 45033),
        // What concerns messages has numbers of its own.
        ChannelKind::FeishuApp => number("code").is_some_and(|code| (230_000..240_000).contains(&code)),
        ChannelKind::DingtalkApp => json.as_ref().is_some_and(dingtalk_speaks),
        _ => false,
    };
    match judge(kind, status, headers, body, now) {
        // What is wrong with one card of DingTalk has names of its own; anything else is wrong with all.
        Outcome::Retry { .. }
            if refused && (400..500).contains(&status) && kind == ChannelKind::DingtalkApp =>
        {
            Outcome::NeedsAdmin
        }
        Outcome::Retry { .. } if refused && (200..500).contains(&status) => Outcome::BadMessage,
        outcome => outcome,
    }
}

/// Whether a platform refuses a card because it made the same one before: an answer was lost, then, and with it whether its reader has it.
#[must_use]
pub fn exists_already(kind: ChannelKind, body: &[u8]) -> bool {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let code = json.as_ref().and_then(|json| json.get("code")).and_then(Value::as_str);
    kind == ChannelKind::DingtalkApp && code == Some(EXISTS)
}

/// DingTalk's name for it.
const EXISTS: &str = "param.cardAlreadyExist";

/// The same outcome when exactly one person was meant: whoever was left out was that person, and only he is out of reach, not the
/// application.
pub fn for_one(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Delivered { unreached, .. } if unreached.iter().any(|one| one.why == Why::Throttled) => {
            Outcome::limited(60)
        }
        Outcome::Delivered { unreached, .. } if !unreached.is_empty() => Outcome::DropRecipient,
        Outcome::DeadTarget => Outcome::DropRecipient,
        outcome => outcome,
    }
}

/// Reads the absence of an answer.
pub fn judge_failure(error: &OutboundError) -> Outcome {
    match error {
        OutboundError::Refused(_) => Outcome::NeedsAdmin,
        OutboundError::Timeout
        | OutboundError::Connect(_)
        | OutboundError::TooLarge(_)
        | OutboundError::Tls(_)
        | OutboundError::Other(_) => Outcome::RETRY,
    }
}

fn by_status(kind: ChannelKind, status: u16, wait: Option<Duration>) -> Outcome {
    match status {
        429 => Outcome::RateLimited { after: wait.unwrap_or(Duration::from_secs(60)) },
        // DingTalk's gateway redirects robots that were too fast.
        300..=399 if kind == ChannelKind::DingtalkBot => Outcome::limited(600),
        _ => Outcome::Retry { after: wait },
    }
}

/// `Retry-After` in seconds or as a date, or Feishu's `x-ogw-ratelimit-reset` in seconds.
fn wait_asked(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
    let date = |text: &str| {
        let at = DateTime::parse_from_rfc2822(text).ok()?;
        Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
    };
    let retry_after = text("retry-after").and_then(|text| seconds(text).or_else(|| date(text)));
    let wait = retry_after.or_else(|| text("x-ogw-ratelimit-reset").and_then(seconds))?;
    Some(wait.clamp(Duration::from_secs(1), WAIT_MAX))
}

fn wecom(json: &Value) -> Option<Outcome> {
    Some(match json.get("errcode")?.as_i64()? {
        0 => {
            let unknown = json.get("invaliduser").and_then(Value::as_str).unwrap_or_default();
            let provider_id = json.get("msgid").and_then(Value::as_str).map(str::to_owned);
            let unreached = unknown.split('|').filter(|id| !id.is_empty());
            let unreached =
                unreached.map(|id| Unreached { user_id: id.to_owned(), why: Why::Unknown }).collect();
            let handle = json.get("response_code").and_then(Value::as_str).filter(|code| !code.is_empty());
            Outcome::Delivered { provider_id, handle: handle.map(str::to_owned), unreached }
        }
        // The block lasts as long as the window that was exceeded; a minute is the shortest.
        45009 => Outcome::limited(60),
        93000 | 93004 | 93008 => Outcome::DeadTarget,
        40008 | 40058 | 44004 | 45002 => Outcome::BadMessage,
        40014 | 41001 | 42001 => Outcome::RefreshToken,
        40001 | 40013 | 40056 | 40091 | 48002 | 60020 => Outcome::NeedsAdmin,
        60111 | 81013 | 82001 => Outcome::DropRecipient,
        _ => Outcome::RETRY,
    })
}

fn dingtalk(kind: ChannelKind, json: &Value) -> Option<Outcome> {
    if let Some(code) = json.get("code").and_then(Value::as_str) {
        return Some(dingtalk_named(code));
    }
    let Some(code) = json.get("errcode").and_then(Value::as_i64) else {
        return dingtalk_without_code(json);
    };
    Some(match code {
        0 => Outcome::delivered(None),
        // Ten minutes of silence follow on more than twenty messages a minute.
        90030 | 130_101 | 410_100 => Outcome::limited(600),
        310_000 => Outcome::NeedsAdmin,
        300_001 | 300_005 | 400_013 | 400_101 | 400_102 | 400_106 => Outcome::DeadTarget,
        40035 | 43002 | 43004 | 400_105 | 430_101..=430_104 => Outcome::BadMessage,
        88 | 40014 if kind == ChannelKind::DingtalkApp => Outcome::RefreshToken,
        88 => Outcome::NeedsAdmin,
        _ => Outcome::RETRY,
    })
}

fn dingtalk_named(code: &str) -> Outcome {
    match code {
        "InvalidAuthentication" => Outcome::RefreshToken,
        "invalidClientIdOrSecret" => Outcome::NeedsAdmin,
        "staffId.notExisted" | "param.userIdNotExist" => Outcome::DropRecipient,
        "group.disbanded" => Outcome::DeadTarget,
        code if code.contains("QpsLimit") => Outcome::limited(1),
        code if code.starts_with("Forbidden") => Outcome::NeedsAdmin,
        "param.templateNotExist" | "param.templateUnpublished" => Outcome::NeedsAdmin,
        EXISTS | "param.cardNotExist" | "param.contentUnsafe" | "param.openSpaceIdInvalid" => {
            Outcome::BadMessage
        }
        _ => Outcome::RETRY,
    }
}

/// A batch send names its query key; the gateway that punishes haste names a wait. Neither has an `errcode`.
fn dingtalk_without_code(json: &Value) -> Option<Outcome> {
    if let Some(key) = json.get("processQueryKey").and_then(Value::as_str) {
        let listed = |field: &str, why: Why| {
            let ids = json.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
            ids.into_iter().filter_map(move |id| Some(Unreached { user_id: id.as_str()?.to_owned(), why }))
        };
        let unreached = listed("invalidStaffIdList", Why::Unknown)
            .chain(listed("filteredStaffIdList", Why::Unknown))
            .chain(listed("flowControlledStaffIdList", Why::Throttled))
            .collect();
        return Some(Outcome::Delivered { provider_id: Some(key.to_owned()), handle: None, unreached });
    }
    if json.get("accessToken").is_some_and(Value::is_string) {
        return Some(Outcome::delivered(None));
    }
    if let Some(taken) = json.get("success").and_then(Value::as_bool) {
        return Some(if taken { dingtalk_card(json) } else { Outcome::RETRY });
    }
    let wait = json.get("wait").and_then(Value::as_u64)?;
    Some(Outcome::RateLimited { after: Duration::from_secs(wait).clamp(Duration::from_secs(1), WAIT_MAX) })
}

/// A card was created, and delivered where its own line says so; or it was redrawn, of which there is no more to say.
fn dingtalk_card(json: &Value) -> Outcome {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let result = match json.get("result") {
        Some(Value::Bool(true)) => return Outcome::delivered(None),
        Some(result) => result,
        None => return Outcome::RETRY,
    };
    // Of a card that was made before the lines alone are told.
    let lines = result.get("deliverResults").unwrap_or(result).as_array();
    let arrived = |line: &&Value| line.get("success").and_then(Value::as_bool) == Some(true);
    match lines.into_iter().flatten().find(arrived) {
        Some(line) => Outcome::Delivered {
            provider_id: text(line, "carrierId"),
            handle: text(result, "outTrackId"),
            unreached: Vec::new(),
        },
        None => Outcome::RETRY,
    }
}

/// Whether DingTalk itself says something of the request, other than that it is busy.
fn dingtalk_speaks(json: &Value) -> bool {
    let code = json.get("code").and_then(Value::as_str);
    code.map_or_else(|| json.get("success").is_some(), |code| code != "system.busy")
}

fn feishu(json: &Value, wait: Option<Duration>) -> Option<Outcome> {
    let limited = |seconds| Outcome::RateLimited { after: wait.unwrap_or(Duration::from_secs(seconds)) };
    // Old bots answer with `StatusCode` alone.
    Some(match json.get("code").or_else(|| json.get("StatusCode"))?.as_i64()? {
        0 => {
            let message = json.pointer("/data/message_id").and_then(Value::as_str).map(str::to_owned);
            Outcome::Delivered { provider_id: message.clone(), handle: message, unreached: Vec::new() }
        }
        9499 => {
            let text = json.get("msg").and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let hasty = text.contains("too many") || text.contains("frequen");
            if hasty { limited(60) } else { Outcome::BadMessage }
        }
        // Seen on the half and full hour even below the limit, and gone within a minute.
        11232 | 230_020 | 99_991_400 => limited(1),
        19001 | 230_002 => Outcome::DeadTarget,
        10003 | 10014 | 19021 | 19022 | 19024 | 230_006 | 230_027 | 99_991_672 => Outcome::NeedsAdmin,
        230_001 | 230_011 | 230_025 | 230_028 | 230_031 | 230_099 => Outcome::BadMessage,
        230_013 => Outcome::DropRecipient,
        99_991_661 | 99_991_663 | 99_991_668 => Outcome::RefreshToken,
        _ => Outcome::Retry { after: wait },
    })
}

fn wechat(json: &Value) -> Option<Outcome> {
    if json.get("access_token").is_some_and(Value::is_string) {
        return Some(Outcome::delivered(None));
    }
    Some(match json.get("errcode")?.as_i64()? {
        // What became of it is told later, under this id.
        0 => Outcome::delivered(json.get("msgid")),
        // A day's quota: look again every hour.
        45009 => Outcome::limited(3600),
        45011 => Outcome::limited(60),
        43108 => Outcome::Retry { after: Some(Duration::from_secs(1)) },
        40001 | 40014 | 42001 => Outcome::RefreshToken,
        // 43101: refused, or the one grant is used up.
        40003 | 43101 => Outcome::DropRecipient,
        41030 | 44002 | 47001 | 47003 => Outcome::BadMessage,
        40002 | 40013 | 40037 | 40125 | 40164 | 41002 | 41004 | 48001 | 48004 | 89501 | 89503 | 89506
        | 89507 => Outcome::NeedsAdmin,
        _ => Outcome::RETRY,
    })
}

fn slack(status: u16, body: &[u8]) -> Option<Outcome> {
    match (status, std::str::from_utf8(body).unwrap_or_default().trim()) {
        (200, "ok") => Some(Outcome::delivered(None)),
        (404 | 410, _) | (403, "invalid_token") => Some(Outcome::DeadTarget),
        (403, _) => Some(Outcome::NeedsAdmin),
        (400, _) => Some(Outcome::BadMessage),
        _ => None,
    }
}

fn webhook(status: u16, headers: &HeaderMap) -> Option<Outcome> {
    // Svix: the receiver wants no more of this message.
    let aborted = headers.get("webhook-delivery").is_some_and(|value| value.as_bytes() == b"abort-message");
    match status {
        200..=299 => Some(Outcome::delivered(None)),
        410 => Some(Outcome::DeadTarget),
        _ if aborted => Some(Outcome::BadMessage),
        _ => None,
    }
}
