//! The words of every message, as its readers get them.

use serde_json::json;

use super::*;
use crate::notices::channels::text::{markdown, plain};
use crate::notices::channels::{
    ChannelKind, Credentials, Settings, Target, WORDED, request, shown as shown_in,
};
use crate::organisation::CountyId;

/// Every event that calls and supervision post.
const EVENTS: &[&str] = &[
    "call.raised",
    "call.dispatched",
    "call.assigned",
    "call.transferred",
    "call.urged",
    "call.accepted",
    "call.recorded",
    "call.handed_on",
    "call.contacted",
    "call.leaving",
    "call.arrived",
    "call.noted",
    "call.promised",
    "call.resolved",
    "call.confirmed",
    "call.rejected",
    "call.reopened",
    "call.review_needed",
    "call.withdrawn",
    "call.returned",
    "call.ruled",
    "call.refused",
    "call.merge_proposed",
    "call.merge_declined",
    "call.merged",
    "call.took_over",
    "call.assistance_asked",
    "call.assistance_done",
    "call.pause_asked",
    "call.pause_decided",
    "call.resumed",
    "call.extension_asked",
    "call.extension_decided",
    "call.reminded",
    "call.escalated",
    "call.closed_silently",
    "order.issued",
    "order.signed",
    "order.replied",
    "order.sent_back",
    "order.closed",
    "order.overdue",
    "card.appealed",
    "card.appeal_decided",
    "hand_over.drafted",
    "hand_over.reviewed",
    "hand_over.handed",
    "drill.called",
    "notice.unreachable",
    "notice.redrawn",
    "channel.test",
];

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-23T13:50:00+08:00").unwrap().to_utc()
}

fn full() -> Value {
    json!({
        "number": "482913607", "callId": "019aaf00-0000-7000-8000-000000000001", "title": "3号楼停电",
        "text": "3号楼停电，两条线都停了，打 13987654321 找王工", "state": "dispatched", "urgency": "urgent",
        "enterprise": "三原宏达机械有限公司", "place": "城关工业园8号", "contactName": "王经理",
        "contactPhone": "13812345678", "department": "供电局", "holder": "李强", "holderMobile": "13700001111",
        "itemName": "电力抢修", "actor": "李强", "reason": "按联系服务卡", "dueAt": "2026-11-23T14:05:00+08:00",
        "resolveDueAt": "2026-11-24T18:00:00+08:00", "raisedAt": "2026-11-23T13:50:00+08:00", "actPath": "/a/tok",
        "note": "已派两人", "to": "住建局", "until": "2026-11-26T18:00:00+08:00", "approved": true, "workingDays": 3,
        "appointmentAt": "2026-11-23T16:00:00+08:00", "result": "已恢复供电", "suggestions": ["供电局", "住建局"],
    })
}

fn texts() -> Texts {
    Texts::new("https://yj.example.cn/").unwrap()
}

fn telling<'a>(event: &'a str, params: &'a Value) -> Telling<'a> {
    Telling {
        id: NoticeId(uuid::Uuid::from_u128(7)),
        event,
        at: now(),
        alarms: true,
        reader: Reader::Room(Some("供电局")),
        kind: None,
        own: None,
        params,
    }
}

fn message(event: &str, params: &Value, lang: Lang) -> Message {
    texts().message(telling(event, params), lang, now()).unwrap()
}

fn shown(message: &Message) -> String {
    let lines =
        message.lines.iter().map(|line| format!("{}：{}\n", line.label, line.value)).collect::<String>();
    format!("{}\n{lines}{}", message.title, message.body)
}

fn target(kind: ChannelKind) -> Target {
    let base_url = kind.default_base().unwrap_or_else(|| "https://hooks.example/in".parse().unwrap());
    let secret =
        if kind == ChannelKind::Webhook { "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" } else { "S" };
    Target {
        kind,
        base_url,
        credentials: Credentials::new("k", &[secret]),
        settings: Settings::default(),
        calls_back: false,
    }
}

const KINDS: [ChannelKind; 4] =
    [ChannelKind::WecomBot, ChannelKind::DingtalkBot, ChannelKind::FeishuBot, ChannelKind::Webhook];

#[test]
fn every_event_is_told_in_both_languages_on_every_channel_however_little_or_much_is_known() {
    let mut huge = full();
    for field in ["title", "text", "enterprise", "place", "reason", "note", "result", "to"] {
        huge[field] = json!("长".repeat(10_000));
    }
    huge["suggestions"] = json!(vec!["供电局"; 500]);
    let samples =
        [full(), huge, json!({"number": "482913607", "title": "3号楼停电"}), json!({}), json!(null)];
    for event in EVENTS.iter().chain(&["side.unheard_of"]) {
        for (lang, params) in
            [Lang::Zh, Lang::En].into_iter().flat_map(|lang| samples.iter().map(move |p| (lang, p)))
        {
            let message = message(event, params, lang);
            let text = shown(&message);
            assert!(
                !text.contains("{{") && !text.contains("undefined") && !text.contains("none"),
                "{event}: {text}"
            );
            assert!(!text.contains("13812345678") && !text.contains("13987654321"), "{event}: {text}");
            assert!(message.lines.iter().all(|line| !line.value.is_empty()), "{event}: {text}");
            for kind in KINDS {
                if let (ChannelKind::Webhook, true) =
                    (kind, params["text"].as_str().is_some_and(|t| t.len() > 9999))
                {
                    continue;
                }
                let request = request(&target(kind), &message, now(), 1);
                let request = request.unwrap_or_else(|error| panic!("{event} {kind}: {error}"));
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let content = |path: &str| body.pointer(path).and_then(Value::as_str).map_or(0, str::len);
                assert!(content("/text/content") <= 2048, "{event}");
                assert!(content("/markdown/content") <= 4096, "{event}");
                assert!(request.body.len() <= 20_000, "{event} {kind}: {}", request.body.len());
            }
        }
    }
}

/// Why its reader gets a message: said once.
fn why(message: &Message) -> &str {
    let mut whys =
        message.lines.iter().filter(|line| ["为何通知您", "Why you"].contains(&line.label.as_str()));
    let why = whys.next().unwrap_or_else(|| panic!("no why in {message:?}"));
    assert!(whys.next().is_none() && !why.value.is_empty(), "{message:?}");
    &why.value
}

#[test]
fn every_notice_says_why_its_reader_gets_it_whatever_else_it_or_the_county_has_to_say() {
    let mut huge = full();
    for field in ["title", "text", "enterprise", "place", "contactName", "reason", "note", "result", "to"] {
        huge[field] = json!("长".repeat(1_000));
    }
    let line = json!({"label": "长".repeat(20), "text": "长".repeat(100)});
    let long = json!({"lines": vec![line; 16]});
    let silent = json!({"lines": []});
    let own_words = [json!({"zh": silent, "en": silent}), json!({"zh": long, "en": long})];
    let texts = texts();
    let told = |telling: Telling<'_>, kind: ChannelKind, lang: Lang| {
        let (event, message) = (telling.event, texts.message(telling, lang, now()).unwrap());
        let why = why(&message);
        let text = shown_in(kind, &message).unwrap().text;
        assert!(text.contains(&plain(why)) || text.contains(&markdown(why)), "{event} {kind}: {text}");
    };
    for event in EVENTS.iter().chain(&["side.unheard_of"]) {
        for (kind, lang) in WORDED.iter().flat_map(|kind| [(*kind, Lang::Zh), (*kind, Lang::En)]) {
            let reader = Reader::of(kind, Some("供电局"));
            for params in [&full(), &huge, &json!({})] {
                told(Telling { kind: Some(kind), reader, ..telling(event, params) }, kind, lang);
            }
            for (nth, words) in own_words.iter().enumerate() {
                let version = i32::try_from(nth).unwrap();
                let own = Some(Own { county: CountyId(uuid::Uuid::nil()), version, words });
                told(Telling { kind: Some(kind), reader, own, ..telling(event, &full()) }, kind, lang);
            }
        }
    }
}

#[test]
fn each_reader_is_told_what_he_is_in_the_matter() {
    let said = |event: &str, reader: Reader<'_>, params: &Value, lang: Lang| {
        let message = texts().message(Telling { reader, ..telling(event, params) }, lang, now()).unwrap();
        why(&message).to_owned()
    };
    let (full, deputy) = (full(), json!({"rank": "deputy"}));
    for (event, reader, params, zh) in [
        ("call.dispatched", Reader::Officer, &full, "您是该诉求的责任人"),
        ("call.escalated", Reader::Officer, &deputy, "您是责任单位分管负责人"),
        (
            "call.escalated",
            Reader::Room(Some("供电局")),
            &deputy,
            "本群是供电局的工作群，请提醒责任单位分管负责人及时处理",
        ),
        ("call.raised", Reader::Officer, &full, "您负责分派本县企业的诉求"),
        ("call.pause_asked", Reader::Officer, &full, "您负责审批此项申请"),
        ("call.accepted", Reader::Room(None), &full, "本群接收全县涉企诉求的消息，请提醒经办同志及时处理"),
        ("call.accepted", Reader::Member, &full, "您是三原宏达机械有限公司的联系人"),
        ("order.issued", Reader::Officer, &full, "您是被督办单位的负责人"),
        (
            "drill.called",
            Reader::Room(Some("供电局")),
            &full,
            "李强是企业联系服务卡上的联系人，企业有诉求时将从这里通知",
        ),
        ("notice.unreachable", Reader::Member, &full, "您是系统管理员，负责消息通道"),
    ] {
        assert_eq!(said(event, reader, params, Lang::Zh), zh);
        assert!(!said(event, reader, params, Lang::En).is_empty());
    }
    let params = json!({});
    let system = Telling { reader: Reader::System, ..telling("call.accepted", &params) };
    assert!(texts().message(system, Lang::Zh, now()).unwrap().lines.is_empty(), "a system needs no reason");
}

#[test]
fn a_phone_stands_in_no_room_wherever_somebody_typed_it() {
    let params = CallParams::every("东门，到了打13812345678").to_json();
    let texts = texts();
    for event in EVENTS {
        for lang in [Lang::Zh, Lang::En] {
            let message = texts.message(telling(event, &params), lang, now()).unwrap();
            let all = format!("{}\n{}\n{:?}", shown(&message), message.data, message.words);
            assert!(!all.contains("13812345678"), "{event}: {all}");
        }
    }
    let alone = Telling { reader: Reader::Officer, ..telling("call.dispatched", &params) };
    let alone = texts.message(alone, Lang::Zh, now()).unwrap();
    assert!(shown(&alone).contains("地点：东门，到了打13812345678"), "{}", shown(&alone));
}

#[test]
fn every_event_has_its_own_text() {
    let texts = texts();
    for event in EVENTS {
        assert!(texts.book.events.contains_key(*event), "{event}");
    }
    assert_eq!(texts.book.events.len(), EVENTS.len() + 1, "a text that no event uses");
    let mut titles: Vec<String> =
        EVENTS.iter().map(|event| message(event, &full(), Lang::Zh).title).collect();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), EVENTS.len(), "two events say the same");
}

#[test]
fn the_first_alarm_says_who_where_phone_and_by_when_and_calls_the_holder() {
    let alarm = message("call.dispatched", &full(), Lang::Zh);
    assert_eq!(
        shown(&alarm),
        "【急】企业叫您：3号楼停电\n\
         接单时限：今天 14:05 前\n\
         约定时间：今天 16:00\n\
         企业：三原宏达机械有限公司\n\
         地点：城关工业园8号\n\
         联系人：王经理 138****5678（点链接看全号）\n\
         责任人：供电局 李强\n\
         事项：电力抢修\n\
         分派依据：按联系服务卡\n\
         编号：482913607\n\
         办结时限：明天 18:00 前\n\
         为何通知您：本群是供电局的工作群，请提醒经办同志及时处理\n\
         3号楼停电，两条线都停了，打 139****4321 找王工"
    );
    let link = alarm.link.unwrap();
    assert_eq!((link.text.as_str(), link.url.as_str()), ("接单", "https://yj.example.cn/a/tok"));
    assert_eq!(alarm.mentions, [Mention { mobile: Some("13700001111".to_owned()), user_id: None }]);
    assert_eq!(alarm.data["contactPhone"], "138****5678");
    assert_eq!(alarm.data.get("actPath"), None);
    let (event, params) = ("call.accepted", full());
    let told = Telling { alarms: false, ..telling(event, &params) };
    let told = texts().message(told, Lang::Zh, now()).unwrap();
    assert_eq!((told.title.as_str(), told.mentions.len()), ("已由李强接单：3号楼停电", 0));
    let english = message("call.dispatched", &full(), Lang::En);
    assert_eq!(english.title, "[URGENT] An enterprise calls you: 3号楼停电");
    assert_eq!(english.lines[0], Line::new("Accept by", "today 14:05"));
}

#[test]
fn what_is_not_known_leaves_no_trace() {
    let alarm = message("call.dispatched", &json!({"number": "482913607"}), Lang::Zh);
    let why = "为何通知您：本群是供电局的工作群，请提醒经办同志及时处理\n";
    assert_eq!(shown(&alarm), format!("企业叫您：企业诉求\n编号：482913607\n{why}"));
    assert_eq!((alarm.link, alarm.mentions), (None, Vec::new()));
    let same =
        message("call.dispatched", &json!({"title": "停电", "itemName": "停电", "text": "停电"}), Lang::Zh);
    assert_eq!(shown(&same), format!("企业叫您：停电\n{why}"));
}

#[test]
fn decisions_and_moments_are_told_in_words() {
    let params = json!({"approved": false, "until": "2026-11-26T18:00:00+08:00", "note": "材料不足"});
    let told = message("call.extension_decided", &params, Lang::Zh);
    assert!(
        shown(&told).starts_with(
            "延期申请已有结果：企业诉求\n结论：不同意\n到期：11月26日 18:00\n说明：材料不足\n为何通知您"
        ),
        "{}",
        shown(&told)
    );
    let told = message("call.pause_asked", &json!({"workingDays": 3}), Lang::Zh);
    assert!(
        shown(&told).starts_with("请审批暂停计时：企业诉求\n申请天数：3 个工作日\n为何通知您"),
        "{}",
        shown(&told)
    );
}

#[test]
fn a_step_says_why_it_comes_now_and_how_the_clock_stands() {
    let told = |event: &str, lang: Lang, more: Value| {
        let mut params =
            json!({"title": "停电", "clock": "arrive", "clockDueAt": "2026-11-23T15:10:00+08:00"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let message = message(event, &params, lang);
        (message.title, message.lines[0].value.clone())
    };
    let (reminded, escalated) = ("call.reminded", "call.escalated");
    for (event, more, title, clock) in [
        (
            reminded,
            json!({"leftMinutes": 80}),
            "到场时限将到，请抓紧：停电",
            "，还剩 1 小时 20 分钟（工作时间）",
        ),
        (
            reminded,
            json!({"leftMinutes": 80, "liftedBy": "urge"}),
            "企业催办，到场时限 今天 15:10，请抓紧：停电",
            "，还剩 1 小时 20 分钟（工作时间）",
        ),
        (
            escalated,
            json!({"leftMinutes": 80, "liftedBy": "official", "urgency": "critical"}),
            "【特急】上级提级督办，到场时限 今天 15:10，请督促办理：停电",
            "，还剩 1 小时 20 分钟",
        ),
        (
            escalated,
            json!({"leftMinutes": 0}),
            "到场即将超时，请督促办理：停电",
            "，还剩 不到 1 分钟（工作时间）",
        ),
        (escalated, json!({"lateMinutes": 0}), "到场时限已到，请督促办理：停电", "，时限已到"),
        (
            escalated,
            json!({"lateMinutes": 15}),
            "到场已超时，请督促办理：停电",
            "，已超时 15 分钟（工作时间）",
        ),
    ] {
        assert_eq!(told(event, Lang::Zh, more), (title.to_owned(), format!("到场：今天 15:10{clock}")));
    }
    let english = told(reminded, Lang::En, json!({"leftMinutes": 80, "liftedBy": "urge"}));
    assert_eq!(english.0, "Due today 15:10 (arrival), urged by the enterprise: 停电");
    assert_eq!(english.1, "arrival: today 15:10, 1 h 20 min of working time left");
    let english = told(escalated, Lang::En, json!({"lateMinutes": 0}));
    assert_eq!(english, ("Due now (arrival): 停电".to_owned(), "arrival: today 15:10, due now".to_owned()));
}

#[test]
fn a_path_that_leads_elsewhere_makes_no_message() {
    let params = json!({"actPath": "@evil.cn/a"});
    let made = texts().message(telling("call.raised", &params), Lang::Zh, now());
    assert!(matches!(made, Err(TextsError::BadPath)));
}

#[test]
fn a_book_with_a_mistake_is_refused_by_name() {
    let book = |text: &str| Texts::from_toml(text, "http://x").unwrap_err().to_string();
    let wording = "zh = { title = \"x\", act = \"y\" }\nen = { title = \"x\", act = \"y\" }";
    let whys = "[why_you]\nlabel = [\"l\", \"l\"]\nroom = [\"r\", \"r\"]\nenterprise = [\"e\", \"e\"]\nconcerned = [\"c\", \"c\"]\n[done]\nother = [\"d\", \"d\"]";
    let error = book(&format!("[facts]\n[names]\n{whys}\n[events.other]\nfacts = [\"nowhere\"]\n{wording}"));
    assert!(error.contains("other") && error.contains("nowhere"), "{error}");
    let error = book(&format!(
        "[facts]\n[names]\n{whys}\n[events.other]\nfacts = []\nofficer = \"elsewho\"\n{wording}"
    ));
    assert!(error.contains("elsewho"), "{error}");
    let error =
        book(&format!("[facts]\n[names]\n{whys}\n[events.other]\nfacts = []\ntap = \"fly\"\n{wording}"));
    assert!(error.contains("no button for fly"), "{error}");
    assert!(book("[facts]\n[names]\n[why_you]\n[events]").contains("no why for"));
    assert!(book(&format!("[facts]\n[names]\n{whys}\n[events]")).contains("other is missing"));
    let broken = wording.replace("\"x\"", "\"{{ x\"");
    assert!(
        book(&format!("[facts]\n[names]\n{whys}\n[events.other]\nfacts = []\n{broken}")).contains("syntax")
    );
}
