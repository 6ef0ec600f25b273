//! WeCom's group robot: the key is the only credential, every answer is HTTP 200.

use serde_json::Value;

use super::config::RoomConfig;
use super::exchange::{Call, Refused, Said};
use super::shown::{self, Shown};
use crate::notices::channels::wecom_bot::{MARKDOWN_MAX, TEXT_MAX};

pub fn says(said: Said) -> Refused {
    match said {
        Said::Taken => Refused::errcode(0, "ok"),
        Said::UnknownKey | Said::Gone => Refused::errcode(93000, "invalid webhook url, hint: [sandbox]"),
        Said::Busy => Refused::errcode(-1, "system busy"),
        Said::TooFast => Refused::errcode(45009, "api freq out of limit"),
        // A robot has no signature; an address that is not trusted is what its administrator can get wrong.
        Said::WrongSign => Refused::errcode(60020, "not allow to access from your ip"),
        Said::BadMessage => Refused::errcode(45002, "content size out of limit"),
    }
}

pub fn guard(_: &RoomConfig, _: &Call<'_>) -> Result<(), Refused> {
    Ok(())
}

pub fn read(_: &RoomConfig, call: &Call<'_>) -> Result<Shown, Refused> {
    let kind = call.json.get("msgtype").and_then(Value::as_str).unwrap_or_default();
    let part = call.json.get(kind).filter(|part| part.is_object());
    let content = |limit: usize| {
        let content = part.and_then(|part| part.get("content")).and_then(Value::as_str).unwrap_or_default();
        match content.len() {
            0 => Err(Refused::errcode(44004, "text content empty")),
            length if length > limit => Err(says(Said::BadMessage)),
            _ => Ok(content),
        }
    };
    match kind {
        "text" => {
            let mut shown = Shown::text(content(TEXT_MAX)?);
            for list in ["mentioned_list", "mentioned_mobile_list"] {
                shown.mentions.extend(shown::strings(call.json.pointer(&format!("/text/{list}"))));
            }
            Ok(shown)
        }
        "markdown" | "markdown_v2" => Ok(Shown::markdown("", content(MARKDOWN_MAX)?)),
        "news" | "template_card" | "image" | "file" | "voice" => part
            .map(|part| Shown::any(kind, part))
            .ok_or_else(|| Refused::errcode(40058, "invalid Request Parameter")),
        _ => Err(Refused::errcode(40008, "invalid message type")),
    }
}
