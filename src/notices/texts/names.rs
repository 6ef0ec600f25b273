//! The names that templates may use, and what they stand for.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{Reader, Telling};
use crate::notices::channels::wechat_subscribe::moment;
use crate::notices::params::CallParams;
use crate::notices::phrase;
use crate::platform::http::lang::Lang;
use crate::platform::mask::{mask_phone, mask_phones};

/// Stands for what settled the matter of a redrawn card.
pub(super) const DONE: &str = "done";

/// The names that templates may use.
pub(super) const NAMES: [&str; 42] = [
    "mark",
    "number",
    "order",
    "title",
    "text",
    "enterprise",
    "place",
    "contact",
    "phone",
    "department",
    "holder",
    "item",
    "actor",
    "reason",
    "note",
    "result",
    "to",
    "until",
    "decision",
    "days",
    "appointment",
    "suggestions",
    "accept_by",
    "resolve_by",
    "raised",
    "clock",
    "clock_due",
    "held",
    "late",
    "lapsed",
    "left",
    "lift",
    "rank",
    "rung",
    "card",
    "why",
    "critical",
    "masked",
    "link",
    "done",
    "done_at",
    "own",
];

/// What the names stand for in one telling; empty ones are left out. What was done ([`DONE`]) is a text of its own.
pub(super) fn words(
    params: &CallParams,
    names: &HashMap<String, (String, String)>,
    telling: Telling<'_>,
    lang: Lang,
    now: DateTime<Utc>,
) -> BTreeMap<&'static str, String> {
    let named = |kind: &str, key: &Option<String>| {
        let (zh, en) = names.get(&format!("{kind}.{}", key.as_deref()?))?;
        Some(if lang == Lang::Zh { zh.clone() } else { en.clone() })
    };
    let personal = telling.reader.is_personal();
    let room = match telling.reader {
        Reader::Room(department) => department.map(str::to_owned),
        Reader::Officer | Reader::Member | Reader::System => None,
    };
    let whole = |text: &str| text.to_owned();
    let phone_shown = |phone: &str| if personal { whole(phone) } else { mask_phone(phone) };
    let text_shown = |text: &str| if personal { whole(text) } else { mask_phones(text) };
    let own = |text: &Option<String>| text.as_deref().map(text_shown);
    let moment = |at: Option<DateTime<Utc>>| at.map(|at| phrase::when(at, now, lang));
    let decision = params.approved.map(|approved| match (approved, lang) {
        (true, Lang::Zh) => "同意",
        (false, Lang::Zh) => "不同意",
        (true, Lang::En) => "approved",
        (false, Lang::En) => "not approved",
    });
    let nameless = match lang {
        Lang::Zh => "企业诉求",
        Lang::En => "a call",
    };
    let said = |text: &&Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    let title = [&params.title, &params.item_name].into_iter().find(said).and_then(own);
    let separator = if lang == Lang::Zh { "、" } else { ", " };
    let all = [
        ("mark", Some(mark(params.urgency.as_deref(), lang).to_owned())),
        ("number", params.number.clone()),
        ("order", params.order.clone()),
        ("title", Some(title.unwrap_or_else(|| nameless.to_owned()))),
        ("text", own(&params.text)),
        ("enterprise", own(&params.enterprise)),
        ("place", own(&params.place)),
        ("contact", own(&params.contact_name)),
        ("phone", params.contact_phone.as_deref().map(phone_shown)),
        ("department", own(&params.department)),
        ("holder", own(&params.holder)),
        ("item", own(&params.item_name)),
        ("actor", own(&params.actor)),
        ("reason", own(&params.reason)),
        ("note", own(&params.note)),
        ("result", own(&params.result)),
        ("to", own(&params.to)),
        ("until", moment(params.until)),
        ("decision", decision.map(str::to_owned)),
        ("days", params.working_days.map(|days| days.to_string())),
        ("appointment", moment(params.appointment_at)),
        ("suggestions", Some(text_shown(&params.suggestions.join(separator)))),
        ("accept_by", moment(params.due_at)),
        ("resolve_by", moment(params.resolve_due_at)),
        ("raised", moment(params.raised_at)),
        ("clock", named("clock", &params.clock)),
        ("clock_due", moment(params.clock_due_at)),
        ("held", params.held_minutes.map(|minutes| phrase::span(minutes, lang))),
        ("late", params.late_minutes.filter(|late| *late > 0).map(|minutes| phrase::span(minutes, lang))),
        // "Late by less than a minute" is what nobody says.
        ("lapsed", params.late_minutes.filter(|late| *late == 0).map(|_| "yes".to_owned())),
        ("left", params.left_minutes.map(|minutes| phrase::span(minutes, lang))),
        ("lift", named("lift", &params.lifted_by)),
        ("rank", named("rank", &params.rank)),
        ("rung", params.rung.map(|rung| rung.to_string())),
        ("card", named("card", &params.card)),
        ("why", named("why", &params.why)),
        ("again", named("again", &params.again)),
        ("critical", (params.urgency.as_deref() == Some("critical")).then(|| "yes".to_owned())),
        ("masked", (!personal).then(|| "yes".to_owned())),
        ("room", room),
        ("asks", telling.alarms.then(|| "yes".to_owned())),
        ("done_at", moment(params.done_at)),
        ("own", params.own.filter(|own| *own).map(|_| "yes".to_owned())),
        ("link", params.act_path.clone().map(|_| "yes".to_owned())),
    ];
    let said = |(name, value): (&'static str, Option<String>)| {
        value.map(|value| (name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty())
    };
    all.into_iter().filter_map(said).collect()
}

/// The words for a template that lives at the provider: moments in full, for it is not known when they are read there.
pub(super) fn spelt(
    words: &BTreeMap<&'static str, String>,
    params: &CallParams,
    telling: Telling<'_>,
) -> BTreeMap<String, String> {
    if !telling.reader.is_personal() {
        return BTreeMap::new();
    }
    let mut spelt: BTreeMap<String, String> =
        words.iter().map(|(name, word)| ((*name).to_owned(), word.clone())).collect();
    for (name, at) in [
        ("at", Some(telling.at)),
        ("accept_by", params.due_at),
        ("resolve_by", params.resolve_due_at),
        ("raised", params.raised_at),
        ("until", params.until),
        ("appointment", params.appointment_at),
    ] {
        spelt.extend(at.map(|at| (name.to_owned(), moment(at))));
    }
    spelt.extend(params.call_id.map(|id| ("call_id".to_owned(), id.to_string())));
    spelt
}

fn mark(urgency: Option<&str>, lang: Lang) -> &'static str {
    match (urgency, lang) {
        (Some("critical"), Lang::Zh) => "【特急】",
        (Some("urgent"), Lang::Zh) => "【急】",
        (Some("critical"), Lang::En) => "[CRITICAL]",
        (Some("urgent"), Lang::En) => "[URGENT]",
        _ => "",
    }
}
