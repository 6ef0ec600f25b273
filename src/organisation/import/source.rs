//! The folder of a county, read whole.

use std::path::Path;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

use super::problem::{Problem, Reason};
use super::rows::{
    AddressRow, AdminRow, AreaRow, AsideRow, CardRow, CategoryRow, ChannelRow, DepartmentChannelRow,
    DepartmentRow, EnterpriseRow, ExampleRow, ItemRow, OfficerRow, SayingRow, WordsRow,
};
use super::table::{Need, Row, Sheet, read};
use super::{ImportError, Refused};

pub const COUNTY_FILE: &str = "county.toml";

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

/// Everything a county's folder says; references are still codes.
#[derive(Debug)]
pub struct Source {
    pub county: CountyFile,
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
        Self {
            county: read_county(dir, problems),
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
    pub fn settings_fault(&self, judge: fn(&serde_json::Value) -> Result<(), String>) -> Option<Problem> {
        let why = judge(&serde_json::Value::Object(self.county.settings.clone())).err()?;
        Some(of_settings(Reason::SettingsMalformed { why }))
    }

    /// The refusal of a folder whose settings are well, but not to be had now.
    pub fn refused_settings(&self, why: String) -> ImportError {
        let problem = of_settings(Reason::SettingsNotNow { why });
        ImportError::Refused(Refused::new(vec![problem], self))
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

fn read_county(dir: &Path, problems: &mut Vec<Problem>) -> CountyFile {
    let mut refuse = |column: &str, value: &str, reason| {
        problems.push(Problem {
            file: COUNTY_FILE.to_owned(),
            line: 0,
            column: column.to_owned(),
            value: value.to_owned(),
            reason,
        });
    };
    let text = match std::fs::read(dir.join(COUNTY_FILE)).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            refuse("", "", Reason::NotUtf8);
            return CountyFile::default();
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            refuse("", "", Reason::FileMissing);
            return CountyFile::default();
        }
        Err(error) => {
            refuse("", "", Reason::FileUnreadable { why: error.to_string() });
            return CountyFile::default();
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    match Figment::from(Toml::string(text)).extract::<CountyFile>() {
        Ok(county) => {
            // The CHECKs of `counties`.
            let sound = |code: &str| {
                (2..=32).contains(&code.len())
                    && code.starts_with(|first: char| first.is_ascii_lowercase())
                    && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            };
            if !sound(&county.code) {
                let allowed = "[a-z][a-z0-9-]{1,31}".to_owned();
                refuse("code", &county.code, Reason::UnknownWord { allowed });
            }
            if county.name.trim().is_empty() {
                refuse("name", "", Reason::Empty);
            }
            if county.name.chars().any(char::is_control) {
                refuse("name", "", Reason::ControlCharacter);
            }
            county
        }
        Err(error) => {
            refuse("", "", Reason::SettingsMalformed { why: error.to_string() });
            CountyFile::default()
        }
    }
}

fn of_settings(reason: Reason) -> Problem {
    Problem {
        file: COUNTY_FILE.to_owned(),
        line: 0,
        column: "settings".to_owned(),
        value: String::new(),
        reason,
    }
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
