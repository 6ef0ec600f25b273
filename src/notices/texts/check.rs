//! Everything that speaks against a county's own words, each fault at its path. Pure: they are tried on every sample, in every language
//! and every kind of channel, before anybody is told anything with them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::own::OwnTemplates;
use super::wording::{EventText, Wording, line_path};
use super::{NAMES, Reader, Telling, Texts, TextsError, sample};
use crate::notices::channels::text::{LABEL_MAX, LINK_TEXT_MAX, markdown, plain};
use crate::notices::channels::{ChannelKind, Message, Shown, WORDED, shown};
use crate::notices::model::NoticeId;
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::FieldError;
use crate::platform::mask::mask_phones;

/// Bytes of one template.
const TEMPLATE_MAX: usize = 1000;
const LINES_MAX: usize = 16;

/// Own words that may be put to use.
///
/// # Errors
/// Every fault, with its path.
pub fn check(
    texts: &Texts,
    event: &str,
    own: &EventText,
    now: DateTime<Utc>,
) -> Result<OwnTemplates, Vec<FieldError>> {
    let mut found = Vec::new();
    let has_page = texts.shipped(event).is_some_and(|shipped| shipped.zh.act.is_some());
    for kind in own.kinds.keys().filter(|kind| WORDED.iter().all(|known| known.as_str() != *kind)) {
        let known: Vec<&str> = WORDED.iter().map(|kind| kind.as_str()).collect();
        let zh = format!("只有这些通道的文字可以改：{}", known.join("、"));
        let en = format!("only these carry words of ours: {}", known.join(", "));
        found.push(FieldError::new(format!("kinds.{kind}"), "unknown_channel_kind", zh, en));
    }
    for (at, wording) in own.wordings() {
        shape(&at, wording, has_page, &mut found);
    }
    for (path, template) in own.templates() {
        found.extend(fault_of_template(&path, template));
    }
    if !found.is_empty() {
        return Err(found);
    }
    let compiled = match OwnTemplates::compile(own.clone()) {
        Ok(compiled) => compiled,
        Err(error) => return Err(vec![unrenderable(&error)]),
    };
    for (path, _) in own.templates() {
        found.extend(unknown_names(&compiled, &path));
    }
    if found.is_empty() {
        let mut rehearsal = Rehearsal { texts, event, own: &compiled, now, found: BTreeMap::new() };
        rehearsal.play();
        found.extend(rehearsal.found.into_values());
    }
    if found.is_empty() { Ok(compiled) } else { Err(found) }
}

/// What can be seen without saying it.
fn shape(at: &str, wording: &Wording, has_page: bool, found: &mut Vec<FieldError>) {
    let mut fixed = |field: String, text: &str, max: usize| {
        if text.trim().is_empty() {
            found.push(FieldError::new(&field, "required", "不能为空", "must not be empty"));
        } else if text.contains("{{") || text.contains("{%") {
            let (zh, en) = ("这里只能写固定的文字", "only fixed words may stand here");
            found.push(FieldError::new(&field, "no_template_here", zh, en));
        } else if text.len() > max {
            found.push(too_long(&field, &format!("{} / {max}", text.len())));
        }
        if is_phone(&field, text) {
            found.push(phone(&field));
        }
    };
    if let Some(act) = &wording.act {
        fixed(format!("{at}.act"), act, LINK_TEXT_MAX);
    }
    for (nth, line) in wording.lines.iter().flatten().enumerate() {
        fixed(format!("{at}.lines[{nth}].label"), &line.label, LABEL_MAX);
    }
    if wording.act.is_some() && !has_page {
        let (zh, en) = ("这个事件没有可打开的页面", "there is no page behind this event");
        found.push(FieldError::new(format!("{at}.act"), "no_page", zh, en));
    }
    if wording.lines.as_ref().is_some_and(|lines| lines.len() > LINES_MAX) {
        let (zh, en) = (format!("最多 {LINES_MAX} 行"), format!("{LINES_MAX} lines at most"));
        found.push(FieldError::new(format!("{at}.lines"), "too_many", zh, en));
    }
}

fn fault_of_template(path: &str, template: &str) -> Option<FieldError> {
    if template.trim().is_empty() {
        return Some(FieldError::new(path, "required", "不能为空", "must not be empty"));
    }
    if template.len() > TEMPLATE_MAX {
        return Some(too_long(path, &format!("{} / {TEMPLATE_MAX}", template.len())));
    }
    if is_phone(path, template) {
        return Some(phone(path));
    }
    let mut alone = EventText::default();
    alone.zh.title = Some(template.to_owned());
    let error = OwnTemplates::compile(alone).err()?;
    Some(FieldError { field: path.to_owned(), ..unrenderable(&error) })
}

fn unknown_names(own: &OwnTemplates, path: &str) -> Option<FieldError> {
    let unknown: Vec<String> =
        own.names(path).into_iter().filter(|name| !NAMES.contains(&name.as_str())).collect();
    let names = unknown.join("、");
    (!unknown.is_empty()).then(|| {
        let zh = format!("没有这个名称：{names}");
        FieldError::new(path, "unknown_name", zh, format!("there is no such name: {}", unknown.join(", ")))
    })
}

/// Rooms hold more people than may know a number; only what one person alone reads may hold one.
fn is_phone(path: &str, text: &str) -> bool {
    let kind = path.strip_prefix("kinds.").and_then(|rest| rest.split('.').next());
    let personal = kind.and_then(ChannelKind::parse).is_some_and(ChannelKind::is_personal);
    !personal && mask_phones(text) != text
}

fn phone(path: &str) -> FieldError {
    let zh = "群里不能出现完整的电话号码，请用 {{ phone }}（群里自动打码）";
    let en = "a room must not read a phone number in full; {{ phone }} is masked there";
    FieldError::new(path, "phone_in_room", zh, en)
}

fn too_long(path: &str, how: &str) -> FieldError {
    FieldError::new(path, "too_long", format!("太长（{how}）"), format!("too long ({how})"))
}

/// A template that cannot be said; its name is its path.
fn unrenderable(error: &TextsError) -> FieldError {
    let (path, why) = match error {
        TextsError::Template(error) => {
            (error.name().unwrap_or_default(), error.detail().unwrap_or("").to_owned())
        }
        error => ("", error.to_string()),
    };
    let why = if why.is_empty() { error.to_string() } else { why };
    FieldError::new(
        path,
        "does_not_render",
        format!("模板不能使用：{why}"),
        format!("cannot be rendered: {why}"),
    )
}

/// A notice of `event` about a sample, in the county's words. One that `alarms` calls the holder by his phone in a room, and so takes
/// another form there than news.
pub fn telling<'a>(
    event: &'a str,
    kind: ChannelKind,
    alarms: bool,
    params: &'a Value,
    now: DateTime<Utc>,
) -> Telling<'a> {
    Telling {
        id: NoticeId(uuid::Uuid::nil()),
        event,
        at: now,
        alarms,
        reader: Reader::of(kind, Some(sample::ROOM)),
        kind: Some(kind),
        own: None,
        params,
    }
}

/// Own words tried on everything.
struct Rehearsal<'a> {
    texts: &'a Texts,
    event: &'a str,
    own: &'a OwnTemplates,
    now: DateTime<Utc>,
    /// The first fault of each kind at each path.
    found: BTreeMap<(String, &'static str), FieldError>,
}

impl Rehearsal<'_> {
    fn play(&mut self) {
        for params in sample::all(self.now) {
            for lang in [Lang::Zh, Lang::En] {
                for kind in WORDED {
                    self.scene(telling(self.event, kind, false, &params, self.now), kind, lang);
                    if self.texts.alarms(self.event) {
                        self.scene(telling(self.event, kind, true, &params, self.now), kind, lang);
                    }
                }
            }
        }
    }

    fn tell(&mut self, fault: FieldError) {
        self.found.entry((fault.field.clone(), fault.code)).or_insert(fault);
    }

    fn scene(&mut self, telling: Telling<'_>, kind: ChannelKind, lang: Lang) {
        let title_at = self.own.text.title_at(Some(kind), lang);
        let message = match self.texts.compose(telling, Some(self.own), lang, self.now) {
            Ok(message) => message,
            Err(TextsError::Empty) => {
                let (zh, en) = ("所知不多时标题为空", "the title is empty when little is known");
                return self.tell(FieldError::new(title_at.unwrap_or_default(), "empty", zh, en));
            }
            Err(error) => return self.tell(unrenderable(&error)),
        };
        let shown = match shown(kind, &message) {
            Ok(shown) => shown,
            Err(error) => {
                let (zh, en) =
                    (format!("{kind} 发不出：{error}"), format!("{kind} cannot carry it: {error}"));
                return self.tell(FieldError::new(title_at.unwrap_or_default(), "does_not_render", zh, en));
            }
        };
        if let Some(path) = &title_at {
            self.hear(path, &message.title, kind, &shown);
        }
        self.hear_lines(telling, lang, kind, &message, &shown);
    }

    fn hear_lines(
        &mut self,
        telling: Telling<'_>,
        lang: Lang,
        kind: ChannelKind,
        message: &Message,
        shown: &Shown,
    ) {
        let own = self.own;
        let Some((at, lines)) = own.text.lines_at(Some(kind), lang) else { return };
        let words = self.texts.words(telling, lang, self.now);
        let said = (0..lines.len()).filter_map(|nth| {
            let path = line_path(&at, nth);
            let value = own.say(&path, &words).ok().filter(|value| !value.is_empty())?;
            Some((path, value))
        });
        for ((path, value), _) in said.zip(&message.lines) {
            self.hear(&path, &value, kind, shown);
        }
    }

    /// Whether a piece arrives whole, and may be read by those who read it.
    fn hear(&mut self, path: &str, said: &str, kind: ChannelKind, shown: &Shown) {
        let whole = [plain(said), markdown(said)].iter().any(|said| shown.text.contains(said.as_str()));
        if !whole {
            let zh = format!("在 {kind} 里放不下（最多 {} 字节），会被截断", shown.limit);
            let en = format!("{kind} would cut it (it shows {} bytes at most)", shown.limit);
            self.tell(FieldError::new(path, "too_long", zh, en));
        }
        if !kind.is_personal() && mask_phones(said) != said {
            self.tell(phone(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-23T13:50:00+08:00").unwrap().to_utc()
    }

    fn faults(own: Value) -> Vec<(String, &'static str)> {
        let texts = Texts::new("https://yj.example.cn").unwrap();
        let own: EventText = serde_json::from_value(own).unwrap();
        let found = check(&texts, "call.dispatched", &own, now()).err().unwrap_or_default();
        found.into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    #[test]
    fn what_is_shipped_may_be_put_as_a_countys_own() {
        let texts = Texts::new("https://yj.example.cn").unwrap();
        for event in texts.events() {
            let shipped = texts.shipped(event).unwrap();
            let found = check(&texts, event, &shipped, now()).err().unwrap_or_default();
            assert!(found.is_empty(), "{event}: {found:#?}");
        }
    }

    #[test]
    fn lines_that_only_news_could_carry_whole_are_refused_of_an_alarm() {
        let line = |nth: usize| json!({"label": "说明", "text": format!("{nth}{}", "长".repeat(83))});
        let own = json!({"zh": {"lines": (1..=8).map(line).collect::<Vec<_>>()}});
        let texts = Texts::new("https://yj.example.cn").unwrap();
        let own: EventText = serde_json::from_value(own).unwrap();
        let found = check(&texts, "call.dispatched", &own, now()).err().unwrap();
        assert!(found.iter().all(|fault| fault.code == "too_long"), "{found:#?}");
        let robot = |fault: &FieldError| fault.zh.contains("wecom_bot");
        assert!(found.iter().any(robot), "an alarm goes as text, of 2048 bytes: {found:#?}");
    }

    #[test]
    fn every_fault_is_told_at_its_path() {
        let title = |title: &str| json!({"zh": {"title": title}});
        let line = |label: &str, text: &str| json!({"en": {"lines": [{"label": label, "text": text}]}});
        let long = "长".repeat(90);
        let in_kind = |kind: &str, title: &str| json!({"kinds": {kind: {"zh": {"title": title}}}});
        for (own, field, code) in [
            (title("{{ title"), "zh.title", "does_not_render"),
            (title("{{ title | louder }}"), "zh.title", "does_not_render"),
            (title("{{ title.x.y }}"), "zh.title", "does_not_render"),
            (title("{{ titel }}"), "zh.title", "unknown_name"),
            (title("{% for i in range(9) %}{{ i }}{% endfor %}"), "zh.title", "unknown_name"),
            (
                title(
                    "{% for a in text %}{% for b in text %}{% for c in text %}{{ a }}{% endfor %}{% endfor %}{% endfor %}",
                ),
                "zh.title",
                "does_not_render",
            ),
            (title("{{ note }}"), "zh.title", "empty"),
            (title(" "), "zh.title", "required"),
            (title(&long), "zh.title", "too_long"),
            (title("请拨13812345678"), "zh.title", "phone_in_room"),
            (title("{{ '138' ~ '12345678' }}"), "zh.title", "phone_in_room"),
            (line("", "{{ place }}"), "en.lines[0].label", "required"),
            (line("{{ place }}", "x"), "en.lines[0].label", "no_template_here"),
            (line(&long, "x"), "en.lines[0].label", "too_long"),
            (line("At", &long.repeat(2)), "en.lines[0].text", "too_long"),
            (json!({"zh": {"act": long}}), "zh.act", "too_long"),
            (in_kind("wechat_subscribe", "x"), "kinds.wechat_subscribe", "unknown_channel_kind"),
            (in_kind("wecom_bot", "13812345678"), "kinds.wecom_bot.zh.title", "phone_in_room"),
            (in_kind("wecom_app", &"长".repeat(40)), "kinds.wecom_app.zh.title", "too_long"),
        ] {
            let found = faults(own);
            assert!(found.contains(&(field.to_owned(), code)), "{field} {code}: {found:?}");
            assert!(found.iter().all(|(at, _)| at == field), "{field}: {found:?}");
        }
        assert_eq!(faults(in_kind("wecom_app", "值班 13812345678")), [], "one person alone reads it");
        assert_eq!(faults(json!({})), []);
    }
}
