//! Contact cards, administrators and channels.

use secrecy::SecretString;
use url::Url;

use super::super::problem::Reason;
use super::super::table::{Cells, Row};
use super::NAME;

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
    /// `wecom_bot`, `dingtalk_bot`, `feishu_bot` or `webhook`.
    pub kind: &'static str,
    pub name: String,
    /// Code of the department whose room it is; none for a channel of the county.
    pub department: Option<String>,
    /// May begin with `{sandbox}`.
    pub base_url: String,
    /// Key, token or access token of a robot; empty for a webhook.
    pub token: SecretString,
    /// Signing secrets, newest first.
    pub secrets: Vec<SecretString>,
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

/// The kinds that can be set up by a file: those that need nothing but an address and credentials.
const CHANNEL_KINDS: [&str; 4] = ["wecom_bot", "dingtalk_bot", "feishu_bot", "webhook"];

impl Row for ChannelRow {
    const FILE: &'static str = "channels.csv";
    const COLUMNS: &'static [&'static str] =
        &["code", "kind", "name", "department_code", "base_url", "token", "secrets"];

    fn read(cells: &mut Cells<'_>) -> Self {
        let kind = cells.word("kind", &CHANNEL_KINDS.map(|kind| (kind, kind)), "");
        let base_url = cells.raw("base_url");
        if !is_http(&base_url.replace(SANDBOX, "http://sandbox")) {
            // A full webhook address is a secret.
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
        match kind {
            "webhook" if secrets.is_empty() => cells.refuse("secrets", "", Reason::SecretMissing),
            "webhook" | "" => {}
            _ if token.is_empty() => cells.refuse("token", "", Reason::TokenMissing),
            _ => {}
        }
        for column in ["base_url", "token", "secrets"] {
            if cells.raw(column).chars().any(char::is_control) {
                cells.refuse(column, "***", Reason::ControlCharacter);
            }
        }
        Self {
            code: cells.code("code"),
            kind,
            name: cells.text("name", NAME),
            department: cells.optional_code("department_code"),
            base_url,
            token: SecretString::from(token),
            secrets,
        }
    }
}
