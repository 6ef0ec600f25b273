//! Bundling: news to one room or person that waits together leaves as one message. Each notice stays a row of its own, with the same
//! attempt; the message names each by its number.

use super::channels::text::{cut, markdown};
use super::channels::{ChannelKind, Line, Message};
use super::deliver::Leased;
use super::model::{Priority, SubjectKind};
use crate::platform::crypto::sha256;
use crate::platform::http::lang::Lang;

/// Notices in one message: so many fit into the shortest that a provider takes, 2048 bytes.
pub const MOST: usize = 20;
/// Bytes of one notice's headline in a bundle, about 25 Chinese characters.
const HEADLINE_MAX: usize = 75;
/// Characters of a bundle's id, as many as a notice's has without its dashes: no platform takes less.
const ID_LENGTH: usize = 32;
/// What failed so often in company goes alone: perhaps it is to blame.
const IN_COMPANY: i32 = 3;

/// What leaves as one message; the first leads.
#[derive(Debug)]
pub struct Parcel {
    pub first: Leased,
    pub others: Vec<Leased>,
}

impl Parcel {
    #[must_use]
    pub const fn alone(first: Leased) -> Self {
        Self { first, others: Vec::new() }
    }

    #[must_use]
    pub const fn count(&self) -> usize {
        1 + self.others.len()
    }

    pub fn all(&self) -> impl Iterator<Item = &Leased> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// Whether it is news for people, who need not be woken by it: it asks nobody to act, it is not about a critical call, whose readers are
/// up and want to know, no system or mini-program reads it, and it wakes nobody by redrawing what he has already.
#[must_use]
pub fn is_news(leased: &Leased) -> bool {
    let asks = match leased.priority {
        Priority::FirstAlarm => true,
        Priority::Normal => leased.alarms,
        Priority::Low => false,
    };
    !asks
        && leased.redraws.is_none()
        && leased.params.get("urgency").is_none_or(|urgency| urgency != "critical")
        && !matches!(leased.kind, ChannelKind::Webhook | ChannelKind::WechatSubscribe)
}

/// Whether it may leave in company. A system reads one event at a time, a subscription of WeChat buys one message for one event, and
/// each holder answers a drill by a button of his own.
#[must_use]
pub fn joins(leased: &Leased) -> bool {
    is_news(leased) && leased.subject_kind != SubjectKind::Drill && leased.attempt <= IN_COMPANY
}

/// Puts together what may go together, in order.
#[must_use]
pub fn parcels(leased: Vec<Leased>) -> Vec<Parcel> {
    let mut parcels: Vec<Parcel> = Vec::with_capacity(leased.len());
    for one in leased {
        let takes = |parcel: &&mut Parcel| {
            let first = &parcel.first;
            parcel.count() < MOST
                && (first.channel, &first.recipient) == (one.channel, &one.recipient)
                && joins(first)
        };
        match parcels.iter_mut().rev().find(takes).filter(|_| joins(&one)) {
            Some(parcel) => parcel.others.push(one),
            None => parcels.push(Parcel::alone(one)),
        }
    }
    parcels
}

/// One message that tells them all, a line each. Its id stands for all of theirs: the same notices once more are the same message, and
/// with another among them it is another, or a platform that knows the id would drop the one it has not seen.
#[must_use]
pub fn digest(first: &Message, others: &[Message], lang: Lang) -> Message {
    let count = 1 + others.len();
    let line = |message: &Message| {
        let number = message.data.get("number").and_then(serde_json::Value::as_str);
        Line::new(number.unwrap_or(&message.id), cut(&markdown(&message.title), HEADLINE_MAX))
    };
    let shared =
        first.lines.iter().filter(|line| line.kept && others.iter().all(|other| other.lines.contains(line)));
    let mut ids: Vec<&str> =
        std::iter::once(first).chain(others).map(|message| message.id.as_str()).collect();
    ids.sort_unstable();
    let id = hex::encode(sha256(ids.join(" ").as_bytes())).chars().take(ID_LENGTH).collect();
    Message {
        id,
        title: match lang {
            Lang::Zh => format!("{count} 条消息"),
            Lang::En => format!("{count} messages"),
        },
        lines: std::iter::once(first).chain(others).map(line).chain(shared.cloned()).collect(),
        body: String::new(),
        link: None,
        tap: None,
        mentions: Vec::new(),
        ..first.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use super::*;
    use crate::notices::channels::{Credentials, Person, Settings, Target, request, request_to};

    fn message(number: usize) -> Message {
        Message {
            id: format!("019a-{number}"),
            event: "call.accepted".to_owned(),
            at: DateTime::UNIX_EPOCH,
            data: json!({ "number": format!("4829136{number:02}") }),
            title: "<李强>已接单：".repeat(20),
            lines: vec![Line::kept("为何通知您", "本群是县市场监督管理局的工作群")],
            body: String::new(),
            link: None,
            tap: None,
            mentions: Vec::new(),
            words: BTreeMap::new(),
        }
    }

    #[test]
    fn the_same_notices_are_the_same_message_and_others_another() {
        let id = |first: usize, others: &[usize]| {
            let others: Vec<Message> = others.iter().copied().map(message).collect();
            digest(&message(first), &others, Lang::Zh).id
        };
        assert_eq!(id(1, &[2]), id(1, &[2]));
        assert_eq!(id(1, &[2]), id(2, &[1]), "whoever leads");
        assert_ne!(id(1, &[2]), id(1, &[2, 3]));
        assert_ne!(id(1, &[2]), message(1).id);
        assert_eq!(id(1, &[2]).len(), ID_LENGTH);
    }

    #[test]
    fn every_number_of_a_full_bundle_fits_into_every_platforms_message() {
        let others: Vec<Message> = (1..MOST).map(message).collect();
        let bundle = digest(&message(0), &others, Lang::Zh);
        let token = SecretString::from("token");
        let person = Person { user_id: "li.qiang", token: Some(&token) };
        for kind in ChannelKind::ALL {
            if matches!(kind, ChannelKind::Webhook | ChannelKind::WechatSubscribe) {
                continue;
            }
            let settings = Settings {
                app_id: Some("app".to_owned()),
                agent_id: Some(1),
                robot_code: Some("robot".to_owned()),
                ..Settings::default()
            };
            let target = Target {
                kind: *kind,
                base_url: kind.default_base().unwrap(),
                credentials: Credentials::new("T00/B00/x", &["secret"]),
                settings,
                calls_back: false,
            };
            let request = if kind.is_personal() {
                request_to(&target, &bundle, &person)
            } else {
                request(&target, &bundle, DateTime::UNIX_EPOCH, 1)
            };
            let body: Value = serde_json::from_slice(&request.unwrap().body).unwrap();
            let text = body.to_string();
            for number in 0..MOST {
                assert!(text.contains(&format!("4829136{number:02}")), "{kind} lacks {number}: {text}");
            }
            assert_eq!(text.matches("本群是县市场监督管理局的工作群").count(), 1, "{kind}: {text}");
        }
    }
}
