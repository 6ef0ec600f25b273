//! Everything that makes no sense about a county's own rules, each fault at its path. Pure.

use figment::error::Kind;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::own::{ByClock, OwnRules, OwnStep, camel, snake};
use crate::deadlines::ladder::{At, CardColour, HIGHEST_LIFT, Rank, Sketch, faults, parse_repeat};
use crate::deadlines::limits::{CallRules, Rules, SupervisionRules, Urgency, read_limit};
use crate::deadlines::model::Clock;
use crate::notices::quiet::NoticeRules;
use crate::platform::bounds::Bounded;
use crate::platform::http::problem::FieldError;

/// The clocks whose limits are chosen by urgency.
const LIMITED: [Clock; 8] = [
    Clock::Accept,
    Clock::Contact,
    Clock::Arrive,
    Clock::Plan,
    Clock::Resolve,
    Clock::Confirm,
    Clock::Stall,
    Clock::Triage,
];

/// The rules that a county's own make with those shipped, and its own as settings keep them.
pub(super) fn check(own: &OwnRules) -> Result<(Value, Rules), Vec<FieldError>> {
    let mut faults = limits(own);
    let shipped = Rules::written(&Value::Null).unwrap_or_default();
    faults.extend(section::<CallRules>("calls", &own.calls, &shipped, CallRules::fault));
    faults.extend(section::<SupervisionRules>(
        "supervision",
        &own.supervision,
        &shipped,
        SupervisionRules::fault,
    ));
    faults.extend(section::<NoticeRules>("notices", &own.notices, &shipped, NoticeRules::fault));
    faults.extend(ladder(own));
    if !faults.is_empty() {
        return Err(faults);
    }
    let unreadable = |why: String| vec![fault("", "wrong_value", "规则无法读取", &why)];
    let settings = own.to_settings().map_err(|error| unreadable(error.to_string()))?;
    let rules = Rules::read(&settings).map_err(|error| unreadable(error.to_string()))?;
    Ok((settings, rules))
}

/// Everything that makes no sense about settings as a file writes them, each fault at its path there.
#[must_use]
pub fn faults_of_settings(settings: &Value) -> Vec<FieldError> {
    let found = match OwnRules::written(settings.clone()) {
        Ok(own) => check(&own).err().unwrap_or_default(),
        Err(first) => formless(settings, first),
    };
    if !found.is_empty() {
        let in_file = |fault: FieldError| FieldError { field: as_in_file(&fault.field), ..fault };
        return found.into_iter().map(in_file).collect();
    }
    // A name of the wire is none of the file.
    let told = |error: Box<figment::Error>| {
        let zh = match error.kind {
            Kind::UnknownField(..) => "没有这一项",
            _ => "填写的内容不对",
        };
        fault(&error.path.join("."), "wrong_value", zh, &error.kind.to_string())
    };
    let Err(first) = Rules::of_county(settings) else { return Vec::new() };
    let is_name = |error: &figment::Error| matches!(error.kind, Kind::UnknownField(..));
    let alone = leaves(settings).into_iter().filter(|leaf| leaf.nth.is_none());
    let alone = alone.filter_map(|leaf| Rules::read(&leaf.settings).err().filter(|error| is_name(error)));
    distinct(alone.map(told).chain([told(first)]))
}

/// Everything in settings that has not the form of a rule: whoever reads the whole stops at the `first`, so each leaf is read alone.
fn formless(settings: &Value, first: FieldError) -> Vec<FieldError> {
    let alone = leaves(settings).into_iter().filter_map(|leaf| {
        let fault = OwnRules::written(leaf.settings).err()?;
        let field = match leaf.nth {
            Some(nth) => fault.field.replacen("[0]", &format!("[{nth}]"), 1),
            None => fault.field,
        };
        Some(FieldError { field, ..fault })
    });
    distinct(alone.chain([first]))
}

/// Settings of one leaf.
struct Leaf {
    settings: Value,
    /// Of a list there is but one member, which was this one.
    nth: Option<usize>,
}

fn leaves(settings: &Value) -> Vec<Leaf> {
    match settings {
        Value::Object(table) if !table.is_empty() => {
            table.iter().flat_map(|(name, value)| leaves_within(name, value)).collect()
        }
        Value::Array(list) if !list.is_empty() => {
            let alone = |(nth, member): (usize, &Value)| Leaf { settings: json!([member]), nth: Some(nth) };
            list.iter().enumerate().map(alone).collect()
        }
        leaf => vec![Leaf { settings: leaf.clone(), nth: None }],
    }
}

fn leaves_within(name: &str, value: &Value) -> Vec<Leaf> {
    let mut found = leaves(value);
    for Leaf { settings, .. } in &mut found {
        *settings = Value::Object(Map::from_iter([(name.to_owned(), settings.take())]));
    }
    found
}

/// Of each field the first.
fn distinct(faults: impl IntoIterator<Item = FieldError>) -> Vec<FieldError> {
    let mut found: Vec<FieldError> = Vec::new();
    for fault in faults {
        if found.iter().all(|known| known.field != fault.field) {
            found.push(fault);
        }
    }
    found
}

/// `ladder.urgeLiftsTo` → `ladder.urge_lifts_to`; the codes of items stay.
fn as_in_file(path: &str) -> String {
    let mut before = "";
    let steps = path.split('.').map(|step| {
        let is_code = std::mem::replace(&mut before, step) == "items";
        if is_code { step.to_owned() } else { snake(step) }
    });
    steps.collect::<Vec<_>>().join(".")
}

fn fault(field: &str, code: &'static str, zh: &str, en: &str) -> FieldError {
    FieldError::new(field, code, zh, en)
}

fn limits(own: &OwnRules) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (clock, by_urgency) in &own.limits {
        let path = format!("limits.{clock}");
        match Clock::parse(clock) {
            None => found.push(unknown_clock(&path)),
            Some(clock) if !LIMITED.contains(&clock) => found.push(fault(
                &path,
                "no_limit_here",
                "该时限不按紧急程度设定",
                "the limit of this clock does not depend on urgency",
            )),
            Some(_) => {}
        }
        for (urgency, limit) in by_urgency {
            let path = format!("{path}.{urgency}");
            if Urgency::parse(urgency).is_none() {
                found.push(fault(
                    &path,
                    "unknown_urgency",
                    "没有这种紧急程度：critical、urgent 或 normal",
                    "it is neither critical, urgent nor normal",
                ));
            } else if let Err(why) = read_limit(limit) {
                found.push(limit_fault(&path, limit, &why));
            }
        }
    }
    found
}

fn unknown_clock(path: &str) -> FieldError {
    fault(path, "unknown_clock", "没有这个时限", "there is no such clock")
}

fn limit_fault(path: &str, text: &str, why: &str) -> FieldError {
    let zh =
        format!("“{text}”不是合理的时限：如 15wm、2wh、3wd、5m，分钟数不为零，最长 250 个工作日或 60 天");
    fault(path, "wrong_limit", &zh, why)
}

/// Each choice of a section alone, in the place of the shipped one.
fn section<T: DeserializeOwned>(
    name: &str,
    own: &Map<String, Value>,
    shipped: &Value,
    sense: fn(&T) -> Option<Bounded>,
) -> Vec<FieldError> {
    let Some(shipped) = shipped.get(name).and_then(Value::as_object) else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in own {
        let path = format!("{name}.{key}");
        // A name of the settings is not one of the wire.
        let kept = snake(key);
        if camel(&kept) != *key || !shipped.contains_key(&kept) {
            found.push(fault(&path, "unknown_field", "没有这一项", "no such field"));
            continue;
        }
        let mut chosen = shipped.clone();
        let like = chosen.insert(kept.clone(), value.clone()).unwrap_or_default();
        let beyond = |chosen: &Map<String, Value>| {
            let rules: T = serde_json::from_value(Value::Object(chosen.clone()))?;
            Ok::<_, serde_json::Error>(sense(&rules))
        };
        match beyond(&chosen) {
            Ok(beyond) => found.extend(beyond.map(|beyond| out_of_range(&path, &beyond))),
            Err(error) => {
                // A number that its type does not hold lies beyond its bounds, which this one says.
                let probe = value.is_number().then(|| chosen.insert(kept, i16::MAX.into()));
                let bounds = probe.and_then(|_| beyond(&chosen).ok().flatten());
                found.push(match (bounds, value.as_i64()) {
                    (Some(bounds), Some(value)) => out_of_range(&path, &Bounded { value, ..bounds }),
                    _ => {
                        let zh = format!("填写的格式不对，应写成如 {like}");
                        fault(&path, "wrong_value", &zh, &error.to_string())
                    }
                });
            }
        }
    }
    found
}

fn out_of_range(path: &str, beyond: &Bounded) -> FieldError {
    fault(path, "out_of_range", &beyond.zh(), &beyond.to_string())
}

fn ladder(own: &OwnRules) -> Vec<FieldError> {
    let ladder = &own.ladder;
    let mut found = Vec::new();
    if let Some(repeat) = &ladder.repeat
        && let Err(why) = parse_repeat(repeat)
    {
        found.push(limit_fault("ladder.repeat", repeat, &why));
    }
    let lifts = |rung: Option<i16>| rung.is_some_and(|rung| !(0..=HIGHEST_LIFT).contains(&rung));
    if lifts(ladder.urge_lifts_to) {
        let en = "an urge lifts up to a rung between 0 and 5";
        found.push(fault("ladder.urgeLiftsTo", "out_of_range", "催办最多提到 0 至 5 级", en));
    }
    if lifts(ladder.unreached_lifts_to) {
        let en = "a call that reaches nobody lifts up to a rung between 0 and 5";
        found.push(fault("ladder.unreachedLiftsTo", "out_of_range", "无人收到时最多提到 0 至 5 级", en));
    }
    found.extend(clocks("ladder.clocks", &ladder.clocks));
    for (item, of_item) in &ladder.items {
        found.extend(clocks(&format!("ladder.items.{item}"), of_item));
    }
    found
}

fn clocks(path: &str, by_clock: &ByClock) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (clock, own) in by_clock {
        let path = format!("{path}.{clock}");
        let Some(clock) = Clock::parse(clock) else {
            found.push(unknown_clock(&path));
            continue;
        };
        let mut steps = Vec::with_capacity(own.len());
        for (nth, step) in own.iter().enumerate() {
            steps.push(read(&format!("{path}[{nth}]"), step, &mut found));
        }
        found.extend(faults(clock, &steps).into_iter().map(|wrong| {
            let step = wrong.step.map(|nth| format!("[{nth}]")).unwrap_or_default();
            let field = if wrong.field.is_empty() { String::new() } else { format!(".{}", wrong.field) };
            fault(&format!("{path}{step}{field}"), wrong.code, wrong.zh, wrong.en)
        }));
    }
    found
}

/// A step as far as it can be read; what cannot is noted.
fn read(path: &str, step: &OwnStep, found: &mut Vec<FieldError>) -> Sketch {
    let at = step.at.parse::<At>().map_err(|why| {
        let zh = format!("“{}”不是时点：50%（时限过半）、due（到期）或 +15wm（到期后）", step.at);
        found.push(fault(&format!("{path}.at"), "wrong_moment", &zh, &why));
    });
    let mut to = Vec::with_capacity(step.to.len());
    for (nth, post) in step.to.iter().enumerate() {
        match Rank::parse(post) {
            Some(rank) => to.push(rank),
            None => {
                let known: Vec<_> = Rank::ALL.iter().map(|rank| rank.as_str()).collect();
                let zh = format!("没有“{post}”这个岗位：{}", known.join("、"));
                let en = format!("`{post}` is none of {}", known.join(", "));
                found.push(fault(&format!("{path}.to[{nth}]"), "unknown_post", &zh, &en));
            }
        }
    }
    let card = step.card.as_deref().map(CardColour::parse);
    if card == Some(None) {
        let (zh, en) = ("牌为 blue、yellow 或 red", "a card is blue, yellow or red");
        found.push(fault(&format!("{path}.card"), "unknown_card", zh, en));
    }
    let acts = step.card.is_some() || step.order || step.hand_over;
    Sketch { rung: step.rung, at: at.ok(), to, tells: !step.to.is_empty(), acts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(own: Value) -> Vec<(String, &'static str)> {
        let own: OwnRules = serde_json::from_value(own).unwrap();
        let found = check(&own).err().unwrap_or_default();
        found.into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    #[test]
    fn a_file_is_told_all_its_faults_at_once_under_its_own_names() {
        let settings = json!({
            "limits": {"accept": {"soon": "1wd", "normal": "0wm"}},
            "calls": {"urge_per_day": 0},
            "ladder": {"urge_lifts_to": 9, "items": {"Gd_01": {"accept": [
                {"rung": 6, "at": "due", "to": ["mayor"], "hand_over": true}, {"rung": 1, "at": "50%", "to": ["head"]},
            ]}}},
        });
        let found = faults_of_settings(&settings);
        let paths: Vec<_> = found.iter().map(|fault| fault.field.as_str()).collect();
        let expected = [
            "limits.accept.normal",
            "limits.accept.soon",
            "calls.urge_per_day",
            "ladder.urge_lifts_to",
            "ladder.items.Gd_01.accept[0].to[0]",
            "ladder.items.Gd_01.accept[1].rung",
            "ladder.items.Gd_01.accept[1].at",
            "ladder.items.Gd_01.accept[1].at",
        ];
        assert_eq!(paths, expected);
        assert!(found[1].zh.contains("critical、urgent"), "{}", found[1].zh);
        for (wrong, path) in [
            (json!({"calls": {"urgePerDay": 2}}), "calls.urgePerDay"),
            (json!({"limitz": {}}), "limitz"),
            (
                json!({"ladder": {"items": {"Gd_01": {"accept": [{"rung": 1, "at": "due", "to": "head"}]}}}}),
                "ladder.items.Gd_01.accept[0].to",
            ),
        ] {
            let found = faults_of_settings(&wrong);
            assert_eq!((found.len(), found[0].field.as_str()), (1, path), "{found:?}");
        }
        assert_eq!(faults_of_settings(&json!({"calls": {"urge_per_day": 2}})), []);
    }

    #[test]
    fn what_has_not_the_form_of_a_rule_is_told_all_at_once() {
        let step = |to: Value| json!({"rung": 1, "at": "due", "to": to});
        let settings = json!({
            "limits": {"accept": {"normal": 20, "urgent": "15wm"}, "arrive": 5},
            "calls": {"redo": 7},
            "lunch": {"at": "12:00", "for": "1h"},
            "ladder": {
                "repeat": 1,
                "clocks": {"accept": [step(json!(["head"])), step(json!("head")), {"rung": 2, "at": "+15wm"}]},
            },
        });
        let found = faults_of_settings(&settings);
        let mut paths: Vec<_> = found.iter().map(|fault| fault.field.as_str()).collect();
        paths.sort_unstable();
        let expected = [
            "ladder.clocks.accept[1].to",
            "ladder.clocks.accept[2].to",
            "ladder.repeat",
            "limits.accept.normal",
            "limits.arrive",
            "lunch",
        ];
        assert_eq!(paths, expected);
        // Names of the wire in a file.
        let settings = json!({"calls": {"urgePerDay": 2, "redo": "3wd", "reopenWorkingDays": 5}});
        let found = faults_of_settings(&settings);
        let mut paths: Vec<_> = found.iter().map(|fault| fault.field.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["calls.reopenWorkingDays", "calls.urgePerDay"]);
    }

    #[test]
    fn a_number_beyond_its_bounds_is_told_with_them_whatever_its_type_holds() {
        for (wrong, zh, en) in [
            (json!(0), "须在 1 到 100 之间", "calls.urge_per_day = 0 is not between 1 and 100"),
            (json!(-7), "须在 1 到 100 之间", "calls.urge_per_day = -7 is not between 1 and 100"),
            (json!("3"), "填写的格式不对，应写成如 3", "invalid type: string"),
        ] {
            let own = serde_json::from_value(json!({"calls": {"urgePerDay": wrong}})).unwrap();
            let found = check(&own).err().unwrap_or_default().remove(0);
            assert!(found.zh == zh && found.en.starts_with(en), "{found:?}");
        }
        let own = serde_json::from_value(json!({"calls": {"pauseEachWorkingDays": 99_999}})).unwrap();
        assert_eq!(check(&own).err().unwrap_or_default().remove(0).zh, "须在 1 到 30 之间");
    }

    #[test]
    fn every_fault_is_told_at_its_path() {
        let step = |rung: i16, at: &str, to: &str| json!({"rung": rung, "at": at, "to": [to]});
        let own = json!({
            "limits": {
                "accept": {"normal": "0wm", "urgent": "99999wd", "soon": "1wd"},
                "order_sign": {"normal": "1wd"},
                "lunch": {},
            },
            "calls": {"urgePerDay": 0, "redo": "never", "urge_per_day": 3, "lunch": 1},
            "supervision": {"sign": "0m", "appealWorkingDays": 900},
            "notices": {"quietFrom": "22 o'clock", "quietDays": 1, "nextChannelMinutes": 0},
            "ladder": {
                "repeat": "0wd",
                "urgeLiftsTo": 9,
                "unreachedLiftsTo": -1,
                "clocks": {
                    "accept": [step(1, "due", "head"), step(2, "+30wm", "head"), step(1, "+15wm", "head")],
                    "arrive": [step(2, "+1wh", "head"), step(1, "soon", "mayor"), step(3, "+30wm", "head")],
                    "lunch": [step(1, "due", "head")],
                    "resolve": [],
                    "stall": [step(0, "50%", "holder")],
                    "order_sign": [{"rung": 5, "at": "due", "to": ["inspectorate", "inspectorate"], "card": "red"}],
                    "confirm": [step(0, "due", "holder")],
                },
                "items": {"OUTAGE": {"accept": [{"rung": 9, "at": "+900wd", "to": [], "card": "green"}]}},
            },
        });
        let expected = [
            ("limits.accept.normal", "wrong_limit"),
            ("limits.accept.soon", "unknown_urgency"),
            ("limits.accept.urgent", "wrong_limit"),
            ("limits.lunch", "unknown_clock"),
            ("limits.order_sign", "no_limit_here"),
            ("calls.lunch", "unknown_field"),
            ("calls.redo", "wrong_value"),
            ("calls.urgePerDay", "out_of_range"),
            ("calls.urge_per_day", "unknown_field"),
            ("supervision.appealWorkingDays", "out_of_range"),
            ("supervision.sign", "wrong_value"),
            ("notices.nextChannelMinutes", "out_of_range"),
            ("notices.quietDays", "unknown_field"),
            ("notices.quietFrom", "wrong_value"),
            ("ladder.repeat", "wrong_limit"),
            ("ladder.urgeLiftsTo", "out_of_range"),
            ("ladder.unreachedLiftsTo", "out_of_range"),
            ("ladder.clocks.accept[2].rung", "falls"),
            ("ladder.clocks.accept[2].at", "falls"),
            ("ladder.clocks.arrive[1].at", "wrong_moment"),
            ("ladder.clocks.arrive[1].to[0]", "unknown_post"),
            ("ladder.clocks.arrive[1].rung", "falls"),
            ("ladder.clocks.arrive[2].at", "falls"),
            ("ladder.clocks.confirm[0].at", "ends_by_itself"),
            ("ladder.clocks.lunch", "unknown_clock"),
            ("ladder.clocks.order_sign[0].to", "duplicate"),
            ("ladder.clocks.order_sign[0]", "only_tells"),
            ("ladder.clocks.resolve", "empty"),
            ("ladder.clocks.stall[0].at", "never_late"),
            ("ladder.items.OUTAGE.accept[0].at", "wrong_moment"),
            ("ladder.items.OUTAGE.accept[0].card", "unknown_card"),
            ("ladder.items.OUTAGE.accept[0].rung", "out_of_range"),
            ("ladder.items.OUTAGE.accept[0].to", "empty"),
        ];
        let expected: Vec<_> = expected.map(|(path, code)| (path.to_owned(), code)).to_vec();
        assert_eq!(faults_of(own), expected);
        assert_eq!(faults_of(json!({})), []);
    }
}
