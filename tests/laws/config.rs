//! Settings: `config/default.toml` is the manual, and what it lists is exactly what there is.

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Value};
use yijiao::deadlines::limits::Rules;
use yijiao::platform::config::Config;

use crate::tree::read;

const DEFAULTS: &str = "config/default.toml";

fn defaults() -> Dict {
    Figment::from(Toml::string(&read(DEFAULTS))).extract().unwrap()
}

fn accepts(settings: &Dict) -> bool {
    Figment::from(Serialized::defaults(settings)).extract::<Config>().is_ok()
}

fn section<'a>(settings: &'a mut Dict, name: &str) -> &'a mut Dict {
    match settings.get_mut(name) {
        Some(Value::Dict(_, keys)) => keys,
        _ => panic!("[{name}] is no section"),
    }
}

#[test]
fn the_file_lists_exactly_the_settings_there_are() {
    let all = defaults();
    assert!(accepts(&all));
    let mut seen = 0;
    for (name, value) in &all {
        let keys = value.as_dict().unwrap_or_else(|| panic!("{name} stands outside of a section"));
        for key in keys.keys() {
            let mut less = all.clone();
            section(&mut less, name).remove(key);
            assert!(!accepts(&less), "{name}.{key} has a default that the file does not show");
            seen += 1;
        }
        let mut more = all.clone();
        section(&mut more, name).insert("no_such_setting".into(), Value::from(1));
        assert!(
            !accepts(&more),
            "[{name}] takes settings that do not exist, so a slip of the pen goes unnoticed"
        );
    }
    assert!(seen > 30, "only {seen} settings were seen");
    let mut more = all;
    more.insert("no_such_section".into(), Value::from(Dict::new()));
    assert!(!accepts(&more), "sections that do not exist are taken");
}

#[test]
fn every_setting_is_explained() {
    let file = read(DEFAULTS);
    let mut silent = Vec::new();
    for (line, next) in file.lines().zip(file.lines().skip(1)) {
        if next.contains(" = ") && !next.starts_with('#') && !line.starts_with('#') {
            silent.push(next.to_owned());
        }
    }
    assert!(silent.is_empty(), "no comment stands above {silent:#?}");
}

#[test]
fn a_countys_rules_are_complete_and_strict() {
    let some = serde_json::json!({"calls": {"urge_per_day": 4}});
    assert_eq!(Rules::of_county(&some).unwrap().calls.urge_per_day, 4);
    assert!(Rules::of_county(&serde_json::json!({"calls": {"no_such_rule": 4}})).is_err());
}
