//! The folder of a county, read whole.

use std::collections::BTreeMap;
use std::path::Path;

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lines::{Broken, Lines};
use super::problem::{Problem, Reason};
use super::rows::{
    AddressRow, AdminRow, AreaRow, AsideRow, CardRow, CategoryRow, ChannelRow, DepartmentChannelRow,
    DepartmentRow, EnterpriseRow, ExampleRow, ItemRow, OfficerRow, SayingRow, WordsRow,
};
use super::table::{Need, Row, Sheet, read};
use super::{ImportError, Judge, Refused};

const COUNTY_FILE: &str = "county.toml";

/// `county.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountyFile {
    pub code: String,
    pub name: String,
    /// Credit codes accepted although their check character is wrong.
    #[serde(default)]
    pub uscc_exceptions: Vec<String>,
    /// Kept with the county as it stands.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// What it may say.
const FIELDS: [&str; 4] = ["code", "name", "uscc_exceptions", "settings"];

/// Everything a county's folder says; references are still codes.
#[derive(Debug)]
pub struct Source {
    pub county: CountyFile,
    lines: Lines,
    pub areas: Sheet<AreaRow>,
    pub departments: Sheet<DepartmentRow>,
    pub officers: Sheet<OfficerRow>,
    pub admins: Sheet<AdminRow>,
    pub enterprises: Sheet<EnterpriseRow>,
    pub categories: Sheet<CategoryRow>,
    pub items: Sheet<ItemRow>,
    pub words: Sheet<WordsRow>,
    pub examples: Sheet<ExampleRow>,
    pub sayings: Sheet<SayingRow>,
    pub asides: Sheet<AsideRow>,
    pub cards: Sheet<CardRow>,
    pub channels: Sheet<ChannelRow>,
    pub addresses: Sheet<AddressRow>,
    pub department_channels: Sheet<DepartmentChannelRow>,
    /// Tables in the folder that the import does not know.
    pub unread: Vec<String>,
}

impl Source {
    /// Reads the folder, adding what is wrong with single files, rows and cells to `problems`.
    pub fn read(dir: &Path, problems: &mut Vec<Problem>) -> Self {
        let (county, lines) = read_county(dir, problems);
        Self {
            county,
            lines,
            areas: read(dir, Need::Required, problems),
            departments: read(dir, Need::Required, problems),
            officers: read(dir, Need::Required, problems),
            admins: read(dir, Need::Optional, problems),
            enterprises: read(dir, Need::Required, problems),
            categories: read(dir, Need::Required, problems),
            items: read(dir, Need::Required, problems),
            words: read(dir, Need::Optional, problems),
            examples: read(dir, Need::Optional, problems),
            sayings: read(dir, Need::Optional, problems),
            asides: read(dir, Need::Optional, problems),
            cards: read(dir, Need::Required, problems),
            channels: read(dir, Need::Required, problems),
            addresses: read(dir, Need::Optional, problems),
            department_channels: read(dir, Need::Optional, problems),
            unread: unread(dir),
        }
    }

    /// What `judge` says against the settings.
    pub fn settings_faults(&self, judge: Judge) -> impl Iterator<Item = Problem> {
        let faults = judge(&serde_json::Value::Object(self.county.settings.clone()));
        faults.into_iter().map(|fault| {
            let reason = Reason::SettingsMalformed { zh: fault.zh, en: fault.en };
            self.of_settings(&fault.field, "", reason)
        })
    }

    /// The refusal of a folder whose settings are well, but not to be had now.
    pub fn refused_settings(&self, why: String) -> ImportError {
        let problem = self.of_settings("ladder", "", Reason::SettingsNotNow { why });
        ImportError::Refused(Refused::new(vec![problem], self))
    }

    /// A problem with what stands at a path of the settings.
    pub fn of_settings(&self, path: &str, value: &str, reason: Reason) -> Problem {
        let column = if path.is_empty() { "settings".to_owned() } else { format!("settings.{path}") };
        Problem {
            file: COUNTY_FILE.to_owned(),
            line: self.lines.of(&column),
            column,
            value: value.to_owned(),
            reason,
        }
    }

    /// The items that the settings give ladders of their own, by their codes.
    pub fn items_with_ladders(&self) -> impl Iterator<Item = &str> {
        let items = self.county.settings.get("ladder").and_then(|ladder| ladder.get("items"));
        items.and_then(serde_json::Value::as_object).into_iter().flatten().map(|(code, _)| code.as_str())
    }

    /// The rows read of each file.
    pub fn rows_by_file(&self) -> [(&'static str, usize); 15] {
        fn of<R: Row>(sheet: &Sheet<R>) -> (&'static str, usize) {
            (R::FILE, sheet.rows.len())
        }
        [
            of(&self.areas),
            of(&self.departments),
            of(&self.officers),
            of(&self.admins),
            of(&self.categories),
            of(&self.items),
            of(&self.words),
            of(&self.examples),
            of(&self.sayings),
            of(&self.asides),
            of(&self.enterprises),
            of(&self.cards),
            of(&self.channels),
            of(&self.addresses),
            of(&self.department_channels),
        ]
    }
}

fn read_county(dir: &Path, problems: &mut Vec<Problem>) -> (CountyFile, Lines) {
    let mut refuse = |line: u64, column: &str, value: &str, reason| {
        problems.push(Problem {
            file: COUNTY_FILE.to_owned(),
            line,
            column: column.to_owned(),
            value: value.to_owned(),
            reason,
        });
    };
    let text = match std::fs::read(dir.join(COUNTY_FILE)).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            refuse(0, "", "", Reason::NotUtf8);
            return <_>::default();
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            refuse(0, "", "", Reason::FileMissing);
            return <_>::default();
        }
        Err(error) => {
            refuse(0, "", "", Reason::FileUnreadable { why: error.to_string() });
            return <_>::default();
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    let lines = match Lines::read(text) {
        Ok(lines) => lines,
        Err(Broken { line, why }) => {
            let zh = "不是正确的 TOML 写法".to_owned();
            refuse(line, "", "", Reason::SettingsMalformed { zh, en: why });
            return <_>::default();
        }
    };
    let file = Figment::from(Toml::string(text));
    match file.extract::<CountyFile>() {
        Ok(county) => {
            // The CHECKs of `counties`.
            let sound = |code: &str| {
                (2..=32).contains(&code.len())
                    && code.starts_with(|first: char| first.is_ascii_lowercase())
                    && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            };
            if !sound(&county.code) {
                let allowed = "[a-z][a-z0-9-]{1,31}".to_owned();
                refuse(lines.of("code"), "code", &county.code, Reason::UnknownWord { allowed });
            }
            if county.name.trim().is_empty() {
                refuse(lines.of("name"), "name", "", Reason::Empty);
            }
            if county.name.chars().any(char::is_control) {
                refuse(lines.of("name"), "name", "", Reason::ControlCharacter);
            }
            (county, lines)
        }
        Err(error) => {
            for (path, reason) in all_malformed(&file, &error) {
                refuse(lines.of(&path), &path, "", reason);
            }
            <_>::default()
        }
    }
}

/// Everything that cannot be read of the file: whoever reads the whole stops at the `first`, so each of its fields is read alone.
fn all_malformed(file: &Figment, first: &figment::Error) -> Vec<(String, Reason)> {
    let unknown = file.extract::<BTreeMap<String, IgnoredAny>>().unwrap_or_default().into_keys();
    let unknown = unknown.filter(|name| !FIELDS.contains(&name.as_str())).map(|name| {
        let mut error = figment::Error::from(Kind::UnknownField(name.clone(), &FIELDS));
        error.path = vec![name];
        error
    });
    let alone = [
        file.extract_inner::<String>("code").err(),
        file.extract_inner::<String>("name").err(),
        file.extract_inner::<Vec<String>>("uscc_exceptions").err().filter(is_there),
        file.extract_inner::<serde_json::Map<String, serde_json::Value>>("settings").err().filter(is_there),
    ];
    let mut found: Vec<(String, Reason)> = Vec::new();
    for error in unknown.chain(alone.into_iter().flatten()).chain([first.clone()]) {
        let (path, reason) = malformed(&error);
        if found.iter().all(|(known, _)| *known != path) {
            found.push((path, reason));
        }
    }
    found
}

/// Whether it is about a value, and not about there being none.
fn is_there(error: &figment::Error) -> bool {
    !matches!(error.kind, Kind::MissingField(_))
}

/// What cannot be read of the file, and at which path.
fn malformed(error: &figment::Error) -> (String, Reason) {
    let zh = match &error.kind {
        Kind::UnknownField(name, known) => format!("没有“{name}”这一项，只有 {}", known.join("、")),
        Kind::MissingField(name) => format!("缺少 {name}"),
        _ => "填写的内容格式不对".to_owned(),
    };
    let path = match &error.kind {
        Kind::MissingField(name) if error.path.is_empty() => name.to_string(),
        _ => error.path.join("."),
    };
    (path, Reason::SettingsMalformed { zh, en: error.kind.to_string() })
}

/// Names of tables in the folder that nobody reads: perhaps misspelt, perhaps another tool's.
fn unread(dir: &Path) -> Vec<String> {
    let known = [
        AreaRow::FILE,
        DepartmentRow::FILE,
        OfficerRow::FILE,
        AdminRow::FILE,
        EnterpriseRow::FILE,
        CategoryRow::FILE,
        ItemRow::FILE,
        WordsRow::FILE,
        ExampleRow::FILE,
        CardRow::FILE,
        ChannelRow::FILE,
        SayingRow::FILE,
        AsideRow::FILE,
        AddressRow::FILE,
        DepartmentChannelRow::FILE,
    ];
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".csv") && !known.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}
