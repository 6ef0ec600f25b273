//! What a reason or an outcome means, in the words of somebody who can do something about it.

use crate::notices::address::NOBODY;
use crate::notices::channels::ChannelKind;
use crate::notices::model::{AttemptOutcome, Reason};
use crate::platform::http::lang::Lang;

/// What an attempt came to; not what follows from it.
#[must_use]
pub const fn outcome(outcome: AttemptOutcome, lang: Lang) -> &'static str {
    let (zh, en) = match outcome {
        AttemptOutcome::Delivered => ("平台已收下消息", "The platform has taken the message"),
        AttemptOutcome::Retry => ("平台没有正常应答", "The platform did not answer properly"),
        AttemptOutcome::RateLimited => ("发得太快，被平台限流", "Too fast for the platform"),
        AttemptOutcome::RefreshToken => (
            "平台不认访问令牌，请核对应用的编号和密钥",
            "The platform does not take the access token; check the application's id and secret",
        ),
        AttemptOutcome::DeadTarget => (
            "平台说机器人、群或地址已不存在，请重新创建后更换密钥",
            "The platform says that the robot, room or address is gone; make it anew and change the secret",
        ),
        AttemptOutcome::NeedsAdmin => (
            "平台拒绝：请核对密钥、签名、关键词、IP 白名单和应用权限",
            "The platform refuses: check secret, signature, keyword, address list and permissions",
        ),
        AttemptOutcome::BadMessage => ("平台不接受这条消息的内容", "The platform does not take this message"),
        AttemptOutcome::DropRecipient => (
            "平台上找不到这个人，或他不在应用的可见范围内",
            "The platform does not know this person, or the application may not see him",
        ),
        AttemptOutcome::Unrenderable => (
            "消息做不出来，请检查通道的设置和密钥",
            "The message cannot be made; check the channel's settings and secret",
        ),
        AttemptOutcome::Lapsed => ("发送程序中断，已重新发送", "Its sender died; it was sent again"),
        AttemptOutcome::Undelivered => (
            "平台先收下了消息，后来告知没有送到（多半是本人拒收这类消息）；他的收件箱里仍有这条",
            "The platform took the message and told later that it did not arrive (most likely the person refuses such messages); his inbox has it",
        ),
    };
    pick(zh, en, lang)
}

/// Why a notice stands where it stands: what went wrong, and what became of the notice. None for a reason that explains itself.
#[must_use]
pub fn reason(reason: &str, lang: Lang) -> Option<String> {
    told(reason, lang, Some(pick("系统会自动重试", "it will be tried again", lang)))
}

/// `again`: what is said of a failure that is no end; nothing when something else was the end.
fn told(reason: &str, lang: Lang, again: Option<&'static str>) -> Option<String> {
    let (code, rest) = reason.split_once(": ").unwrap_or((reason, ""));
    let known = AttemptOutcome::parse(code);
    let cause = match code {
        // Before it reached nobody it failed for a reason of its own.
        NOBODY => told(rest, lang, None),
        _ => {
            let unknown =
                (Reason::parse(rest) == Some(Reason::MayHaveArrived)).then_some(Reason::MayHaveArrived);
            let unknown = unknown.map(|reason| consequence(reason, lang));
            broken_line(rest, lang).or(unknown).or_else(|| Some(outcome(known?, lang))).map(str::to_owned)
        }
    };
    let consequence = match known {
        Some(AttemptOutcome::Retry | AttemptOutcome::RateLimited) => again,
        Some(_) => None,
        None => Reason::parse(code).map(|reason| consequence(reason, lang)),
    };
    let said: Vec<String> = cause.into_iter().chain(consequence.map(str::to_owned)).collect();
    (!said.is_empty()).then(|| said.join(pick("；", "; ", lang)))
}

/// What it means that a platform refuses interactive cards, and what to do.
#[must_use]
pub const fn interactive_refused(kind: ChannelKind, lang: Lang) -> &'static str {
    let (zh, en) = if matches!(kind, ChannelKind::DingtalkApp) {
        (
            "钉钉拒收互动卡片，已改发普通卡片：通知照常送达，但接单后卡片不会更新；请在钉钉开放平台为应用开通“互动卡片实例写权限”（Card.Instance.Write）后试发一次，不打算开通的，在通道设置里写 \"interactive\": false",
            "DingTalk refuses interactive cards, so plain ones go: everybody is told, but cards do not change once a call is accepted. Give the application the permission Card.Instance.Write and test the channel, or set \"interactive\": false",
        )
    } else {
        (
            "平台拒收带按钮的卡片，已改发不带按钮的：通知照常送达，但接单后卡片不会更新；请在平台为应用设置回调地址后试发一次，不打算设置的，在通道设置里写 \"interactive\": false",
            "The platform refuses cards with a button, so they go without: everybody is told, but cards do not change once a call is accepted. Give the application a callback address and test the channel, or set \"interactive\": false",
        )
    };
    pick(zh, en, lang)
}

/// What a reason means for the notice.
const fn consequence(reason: Reason, lang: Lang) -> &'static str {
    let (zh, en) = match reason {
        Reason::ChannelPaused => {
            ("通道已暂停，恢复后发出", "The channel is paused; it leaves when the channel is resumed")
        }
        Reason::ChannelDead => ("通道已失效", "The channel is dead"),
        Reason::ChannelBlocked => (
            "通道连续出错或被平台限流，系统暂停使用并会自动探测",
            "The channel failed again and again or asked to be left alone; it is probed and used again",
        ),
        Reason::Throttled => {
            ("已达平台限额，排队等候发出", "The platform's limit is reached; it waits for its turn")
        }
        Reason::InOrder => (
            "同一事项更早的消息还没有发出，等它之后再发",
            "Older news of the same matter has yet to leave; it follows that",
        ),
        Reason::Bundled => {
            ("不紧急，稍等与其他消息合并发出", "Not urgent; it leaves together with others within a minute")
        }
        Reason::RushHour => (
            "整点和半点平台拥挤，错开一分钟内发出",
            "The platform is crowded at full and half hours; it leaves within a minute",
        ),
        Reason::QuietHours => ("夜间免打扰，早上发出", "It is night; it leaves in the morning"),
        Reason::Digest => ("已与其他消息合并为一条发出", "It left in one message with others"),
        Reason::NobodyToAddress => ("没有任何可用的通道能送到人", "No channel reaches anybody"),
        Reason::Superseded => ("事情已经办了，不必再发", "What it asks for was done"),
        Reason::AttemptsUsedUp => ("多次重试都没有成功", "Many attempts failed"),
        Reason::Expired => (
            "超过一天都没能发出（限流或通道堵塞），已经过期",
            "It could not leave for a day (limits, or a blocked channel) and is too old now",
        ),
        Reason::LapsedTooOften => ("发送程序多次中断", "Its sender died several times over it"),
        Reason::SomeUnreached => ("已发出，但有人没有收到", "It left, but somebody was not reached"),
        Reason::Unacted => {
            ("本人一直没有处理，已换一个通道发送", "He did not act; it went to his next channel")
        }
        Reason::MayHaveArrived => (
            "发送中断，对方可能已经收到；除钉钉外这样的卡片不会再更新，点开链接可看到最新情况",
            "Its sending was cut short and it may have arrived; but for DingTalk's such a card is not redrawn, the page behind it is up to date",
        ),
        Reason::NoCard => ("没有可以更新的卡片", "There is no card that could be redrawn"),
        Reason::CardFixed => (
            "平台已不允许改动这张卡片，点开链接可看到最新情况",
            "The platform does not let the card be changed any more; the page behind it is up to date",
        ),
        Reason::Cancelled => ("管理员取消了发送", "An administrator cancelled it"),
    };
    pick(zh, en, lang)
}

/// What kept the platform's answer away, when it was not the platform: said by the outbound client, or of the status. What follows from
/// it the code says that stood before.
fn broken_line(reason: &str, lang: Lang) -> Option<&'static str> {
    let said = |what: &str| reason.split(": ").any(|part| part.starts_with(what));
    let (zh, en) = if reason.split(": ").any(|part| part == "refused") {
        (
            "系统拒绝发往这个地址：它不是这个平台的地址，或者是内网、本机等不允许的地址，或者不是 https；请改正地址，确需使用的由运维加入 outbound.allow_private",
            "We refuse to send there: not this platform's host, a private or forbidden address, or no https; correct it, or list it in outbound.allow_private",
        )
    } else if said("TLS") {
        (
            "安全连接（TLS）建立失败，多半是对方证书过期、域名不符或不受信任，请对方更新证书",
            "No secure connection: its certificate has probably expired, is for another name or not trusted",
        )
    } else if said("no answer in time") {
        ("对方没有在时限内应答", "It did not answer in time")
    } else if said("no connection") {
        (
            "连不上对方：域名无法解析，或端口不通，请核对地址",
            "No connection: the name is unknown or nobody listens; check the address",
        )
    } else if said("the answer is longer") {
        (
            "对方的应答过长，已中断读取，地址多半不对",
            "Its answer is far too long, so the address is probably wrong",
        )
    } else if said("the exchange broke off") {
        ("应答只收到一半连接就断了", "The connection broke in the middle of the answer")
    } else if said("HTTP 3") {
        (
            "对方要求跳转到别的地址，系统不跟随跳转，请核对地址",
            "It redirects elsewhere, which is not followed; check the address",
        )
    } else if said("HTTP 2") {
        (
            "对方应答了，但不是平台应有的内容（如登录页），消息未必收下，请核对地址",
            "It answered, but not as the platform does (a login page?); check the address",
        )
    } else {
        return None;
    };
    Some(pick(zh, en, lang))
}

const fn pick(zh: &'static str, en: &'static str, lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_by_its_first_word() {
        let dead = outcome(AttemptOutcome::DeadTarget, Lang::En);
        assert_eq!(reason("dead_target: gone", Lang::En).as_deref(), Some(dead));
        assert_eq!(reason("nobody_to_address", Lang::Zh).as_deref(), Some("没有任何可用的通道能送到人"));
        let unknown = reason("superseded: may_have_arrived", Lang::En).unwrap();
        assert!(unknown.contains("may have arrived") && unknown.ends_with("was done"), "{unknown}");
        let nobody = reason("nobody_to_address: dead_target: gone", Lang::Zh).unwrap();
        assert!(nobody.contains("已不存在") && nobody.ends_with("没有任何可用的通道能送到人"), "{nobody}");
        assert_eq!(reason("", Lang::Zh), None);
        let tls = reason("attempts_used_up: TLS: invalid peer certificate: Expired", Lang::Zh);
        assert!(tls.as_ref().is_some_and(|words| words.contains("证书过期")), "{tls:?}");
        for known in AttemptOutcome::ALL {
            assert!(!outcome(*known, Lang::Zh).is_ascii() && outcome(*known, Lang::En).is_ascii(), "{known}");
        }
    }

    #[test]
    fn every_reason_is_told_in_both_languages_and_none_is_an_outcome() {
        for known in Reason::ALL {
            let [zh, en] = [Lang::Zh, Lang::En].map(|lang| reason(known.as_str(), lang).unwrap());
            assert!(!zh.is_ascii() && en.is_ascii(), "{known}");
            assert_eq!(AttemptOutcome::parse(known.as_str()), None);
        }
    }

    #[test]
    fn only_what_will_be_tried_again_is_said_to_be() {
        let promises = |text: &str| text.contains("系统会自动重试") || text.contains("tried again");
        for why in [
            "refused",
            "TLS: Expired",
            "no answer in time",
            "no connection: unknown",
            "the answer is longer than 64 KB",
            "the exchange broke off",
            "HTTP 302",
            "HTTP 200",
        ] {
            for lang in [Lang::Zh, Lang::En] {
                assert!(!promises(outcome(AttemptOutcome::Retry, lang)));
                let said = reason(&format!("retry: {why}"), lang).unwrap();
                assert!(promises(&said), "{said}");
                for code in [
                    "attempts_used_up",
                    "needs_admin",
                    "nobody_to_address: retry",
                    "nobody_to_address: attempts_used_up",
                ] {
                    let said = reason(&format!("{code}: {why}"), lang).unwrap();
                    assert!(!promises(&said), "{code}: {why}: {said}");
                }
            }
        }
        let given_up = reason("attempts_used_up: no answer in time", Lang::Zh).unwrap();
        assert_eq!(given_up, "对方没有在时限内应答；多次重试都没有成功");
        let nobody = reason("nobody_to_address: attempts_used_up: HTTP 302", Lang::En).unwrap();
        assert!(nobody.contains("redirects") && nobody.ends_with("No channel reaches anybody"), "{nobody}");
    }
}
