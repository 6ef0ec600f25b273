//! Contact cards, administrators, channels, and whom they reach.

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::super::problem::Reason;
use super::super::table::{Cells, Row};
use super::NAME;
use crate::notices::register::{Callback, callback_fault, holds_a_key, settings_fault};

/// What stands in `base_url` for the address of the sandbox.
pub const SANDBOX: &str = "{sandbox}";

/// What a card is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Matter {
    /// Everything that no other card of the enterprise names: its lead officer.
    Any,
    Item(String),
    Category(String),
}

/// A line of `contact_cards.csv`.
#[derive(Clone, Debug)]
pub struct CardRow {
    pub enterprise: String,
    /// `None` when the row does not say, which is refused.
    pub matter: Option<Matter>,
    pub officer: String,
    pub backup: Option<String>,
}

impl CardRow {
    /// The item's code, when the card is about one.
    pub fn item(&self) -> Option<&str> {
        if let Some(Matter::Item(code)) = &self.matter { Some(code) } else { None }
    }

    /// The category's code, when the card is about one.
    pub fn category(&self) -> Option<&str> {
        if let Some(Matter::Category(code)) = &self.matter { Some(code) } else { None }
    }
}

impl Row for CardRow {
    const FILE: &'static str = "contact_cards.csv";
    const COLUMNS: &'static [&'static str] =
        &["enterprise_code", "item_code", "category_code", "officer_code", "backup_code"];

    fn read(cells: &mut Cells<'_>) -> Self {
        let any = cells.raw("item_code") == "*";
        let item = if any { None } else { cells.optional_code("item_code") };
        let matter = match (any, item, cells.optional_code("category_code")) {
            (true, _, None) => Some(Matter::Any),
            (false, Some(item), None) => Some(Matter::Item(item)),
            (false, None, Some(category)) => Some(Matter::Category(category)),
            (false, None, None) => {
                cells.refuse("item_code", "", Reason::Empty);
                None
            }
            (_, _, Some(category)) => {
                cells.refuse("category_code", &category, Reason::ItemAndCategory);
                None
            }
        };
        Self {
            enterprise: cells.code("enterprise_code"),
            matter,
            officer: cells.code("officer_code"),
            backup: cells.optional_code("backup_code"),
        }
    }
}

/// A line of `admins.csv`.
#[derive(Clone, Debug)]
pub struct AdminRow {
    pub officer: String,
    pub role: &'static str,
}

impl Row for AdminRow {
    const FILE: &'static str = "admins.csv";
    const COLUMNS: &'static [&'static str] = &["officer_code", "role"];

    fn read(cells: &mut Cells<'_>) -> Self {
        let roles = ["system_admin", "security_admin", "audit_admin"].map(|role| (role, role));
        Self { officer: cells.code("officer_code"), role: cells.word("role", &roles, "system_admin") }
    }
}

/// A line of `channels.csv`: a room or system to which messages go.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    pub code: String,
    /// A word of the channels' kinds.
    pub kind: &'static str,
    pub name: String,
    /// Code of the department whose room it is; none for a channel of the county.
    pub department: Option<String>,
    /// May begin with `{sandbox}`.
    pub base_url: String,
    /// Key, token or access token of a robot; empty for a webhook.
    pub token: SecretString,
    /// Signing secrets, newest first; the secret of an application.
    pub secrets: Vec<SecretString>,
    /// What is no secret, as JSON; none: as it stands.
    pub settings: Option<Value>,
    /// By what an application's platform is known when it calls us back.
    pub callback: Option<Callback>,
}

impl ChannelRow {
    /// The address with the sandbox's in its place.
    #[must_use]
    pub fn address(&self, sandbox: Option<&str>) -> String {
        let sandbox = sandbox.map_or(SANDBOX, |sandbox| sandbox.trim_end_matches('/'));
        self.base_url.replace(SANDBOX, sandbox)
    }
}

/// Whether messages can be posted to an address.
pub fn is_http(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

const CHANNEL_KINDS: [&str; 9] = [
    "wecom_bot",
    "dingtalk_bot",
    "feishu_bot",
    "webhook",
    "slack",
    "wecom_app",
    "dingtalk_app",
    "feishu_app",
    "wechat_subscribe",
];

impl Row for ChannelRow {
    const FILE: &'static str = "channels.csv";
    const COLUMNS: &'static [&'static str] =
        &["code", "kind", "name", "department_code", "base_url", "token", "secrets"];
    const OPTIONAL: &'static [&'static str] = &["settings", "callback_token", "callback_key"];

    fn read(cells: &mut Cells<'_>) -> Self {
        let kind = cells.word("kind", &CHANNEL_KINDS.map(|kind| (kind, kind)), "");
        let base_url = cells.raw("base_url");
        let address = base_url.replace(SANDBOX, "http://sandbox");
        if !is_http(&address) || holds_a_key(kind, &address) {
            // A full webhook address is a secret, and so is what somebody put beside a robot's base.
            cells.refuse("base_url", "***", Reason::MalformedUrl);
        }
        let token = cells.raw("token");
        let secrets: Vec<SecretString> = cells
            .raw("secrets")
            .split('|')
            .map(str::trim)
            .filter(|secret| !secret.is_empty())
            .map(SecretString::from)
            .collect();
        // A robot's key opens it; a webhook and an application are opened by what they sign or ask with.
        let is_robot = kind.ends_with("_bot") || kind == "slack";
        if is_robot && token.is_empty() {
            cells.refuse("token", "", Reason::TokenMissing);
        }
        if !is_robot && !kind.is_empty() && secrets.is_empty() {
            cells.refuse("secrets", "", Reason::SecretMissing);
        }
        for column in ["base_url", "token", "secrets"] {
            if cells.raw(column).chars().any(char::is_control) {
                cells.refuse(column, "***", Reason::ControlCharacter);
            }
        }
        let settings = settings(cells, kind);
        let callback = callback(cells, kind);
        Self {
            code: cells.code("code"),
            kind,
            name: cells.text("name", NAME),
            department: cells.optional_code("department_code"),
            base_url,
            token: SecretString::from(token),
            secrets,
            settings,
            callback,
        }
    }
}

/// Token and key, both or neither.
fn callback(cells: &mut Cells<'_>, kind: &str) -> Option<Callback> {
    let (token, key) = (cells.raw("callback_token"), cells.raw("callback_key"));
    if token.is_empty() && key.is_empty() {
        return None;
    }
    if let Some((field, zh, en)) = callback_fault(kind, &token, &key) {
        let column = if field == "key" { "callback_key" } else { "callback_token" };
        cells.refuse(column, "***", Reason::ChannelCallback { zh, en });
        return None;
    }
    Some(Callback { token: token.into(), key: key.into() })
}

/// The cell's JSON; an empty cell is judged as `{}`.
fn settings(cells: &mut Cells<'_>, kind: &str) -> Option<Value> {
    let text = cells.raw("settings");
    let read = if text.is_empty() { Ok(json!({})) } else { serde_json::from_str(&text) };
    let fault = match &read {
        Ok(settings) => settings_fault(kind, settings),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = fault {
        cells.refuse("settings", &text, Reason::ChannelSettings { why });
    }
    read.ok().filter(|_| !text.is_empty())
}

/// A line of `officer_addresses.csv`: what an officer is called in an application.
#[derive(Clone, Debug)]
pub struct AddressRow {
    pub officer: String,
    pub channel: String,
    pub user_id: String,
    /// 1 is asked first; none: as his department prefers.
    pub preference: Option<i32>,
}

impl Row for AddressRow {
    const FILE: &'static str = "officer_addresses.csv";
    const COLUMNS: &'static [&'static str] = &["officer_code", "channel_code", "user_id", "preference"];

    fn read(cells: &mut Cells<'_>) -> Self {
        let preference = cells.optional_number("preference", 1, 100);
        Self {
            officer: cells.code("officer_code"),
            channel: cells.code("channel_code"),
            user_id: cells.text("user_id", NAME),
            preference: preference.and_then(|number| i32::try_from(number).ok()),
        }
    }
}

/// A line of `department_channels.csv`: how a department's officers are reached who have no preference of their own.
#[derive(Clone, Debug)]
pub struct DepartmentChannelRow {
    pub department: String,
    pub channel: String,
    pub preference: i32,
}

impl Row for DepartmentChannelRow {
    const FILE: &'static str = "department_channels.csv";
    const COLUMNS: &'static [&'static str] = &["department_code", "channel_code", "preference"];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self {
            department: cells.code("department_code"),
            channel: cells.code("channel_code"),
            preference: cells.number("preference", 1, 100),
        }
    }
}
