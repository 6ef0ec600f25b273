//! The system administrator with the county's channels and notices in hand.

use std::net::TcpListener;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use yijiao::notices::channels::ChannelKind;
use yijiao::platform::config::Config;
use yijiao::sandbox::{Fault, Mode, RoomConfig, Sandbox, SandboxConfig, serve};

use crate::calls::isolation::neighbour;
use crate::kit::{Client, County, Spans as _};
use crate::kit_db::{Holds, TestDb};

const CHANNELS: &str = "/api/v1/admin/channels";
const NOTICES: &str = "/api/v1/admin/notices";
const OLD: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const NEW: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

/// A county beside chat platforms that it may reach.
pub struct Town {
    pub county: County,
    pub sandbox: Sandbox,
    base: String,
}

fn town() -> Town {
    town_over(|_| {})
}

pub fn town_over(change: impl FnOnce(&mut Config)) -> Town {
    let store = TestDb::holding(Holds::ClearCounty);
    let county = County::over(store, "clear", |config| {
        config.outbound.allow_private = vec!["127.0.0.1".to_owned()];
        change(config);
    });
    let rooms = vec![
        RoomConfig::new(ChannelKind::WecomBot, "group", "key-group", &[]),
        RoomConfig::new(ChannelKind::Webhook, "hook", "", &[OLD]),
        RoomConfig::new(ChannelKind::Webhook, "hook-new", "", &[NEW]),
    ];
    let config = SandboxConfig { rooms, ..SandboxConfig::default() };
    let sandbox = Sandbox::new(config, county.clock.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(serve(sandbox.clone(), listener).unwrap());
    Town { county, sandbox, base }
}

impl Town {
    pub fn admin(&self) -> Client<'_> {
        self.county.client("MARKET-HEAD")
    }

    /// Where the sandbox hears a room.
    fn url(&self, room: &str) -> String {
        let base = self.base.parse().unwrap();
        self.sandbox.target(room, &base).unwrap().base_url.to_string()
    }

    /// A group robot of the power company.
    pub fn group(&self) -> Value {
        json!({
            "code": "group", "kind": "wecom_bot", "name": "抢修群", "departmentCode": "POWER",
            "baseUrl": self.url("group"), "token": "key-group",
        })
    }

    pub async fn creates(&self, body: Value) -> String {
        let view = posts(&self.admin(), CHANNELS, body, StatusCode::CREATED).await;
        view["id"].as_str().unwrap().to_owned()
    }
}

async fn asks(client: &Client<'_>, method: Method, path: &str, body: Value) -> RequestBuilder {
    client.request(method, path).await.json(&body)
}

async fn posts(client: &Client<'_>, path: &str, body: Value, expected: StatusCode) -> Value {
    let response = asks(client, Method::POST, path, body).await.send().await.unwrap();
    let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
    assert_eq!(status, expected, "POST {path}: {body}");
    body
}

async fn does(client: &Client<'_>, path: &str, body: Value) -> Value {
    posts(client, path, body, StatusCode::OK).await
}

async fn channel(client: &Client<'_>, code: &str) -> Value {
    let all = client.get(CHANNELS).await;
    let own = all["items"].as_array().unwrap().iter().find(|channel| channel["code"] == code);
    own.unwrap_or_else(|| panic!("{code} in {all}")).clone()
}

/// The kinds of what the ledger says about a subject.
async fn ledger(county: &County, subject: &str) -> Vec<String> {
    let sql = format!("select kind from ledger_events where subject_id = '{subject}' order by seq");
    county.texts(&sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_system_administrator_sees_channels_and_notices() {
    let county = County::open();
    let id = uuid::Uuid::now_v7();
    for who in [county.office(), county.lead(), county.mill(), county.inspector()] {
        for path in [CHANNELS.to_owned(), NOTICES.to_owned(), format!("{NOTICES}/{id}")] {
            who.may_not_get(&path).await.is(403, "forbidden");
        }
        // Bodies with which the administrator would be heard.
        let (post, reason) = (Method::POST, json!({"reason": "检修"}));
        let group = json!({"code": "g", "kind": "wecom_bot", "name": "群", "token": "key"});
        for (method, path, body) in [
            (&post, format!("{NOTICES}/{id}/retry"), json!({})),
            (&post, format!("{NOTICES}/{id}/cancel"), reason.clone()),
            (&post, CHANNELS.to_owned(), group),
            (&post, format!("{CHANNELS}/{id}/test"), json!({})),
            (&post, format!("{CHANNELS}/{id}/pause"), reason),
            (&post, format!("{CHANNELS}/{id}/resume"), json!({})),
            (&Method::PUT, format!("{CHANNELS}/{id}/secret"), json!({"secret": "SECother"})),
        ] {
            let request = asks(&who, method.clone(), &path, body).await;
            who.refused(request).await.is(403, "forbidden");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_its_own_countys_notices_alone_and_of_them_those_that_are_asked_for() {
    let county = County::open();
    neighbour(&county).await;
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    // Another county has had many, and so has one officer, who has read them all.
    let many = |county: &str, officer: &str| {
        format!(
            "insert into notices (id, county_id, subject_kind, subject_id, event, posting_id, recipient, officer_id, priority, params,
                state, created_at, sent_at, read_at)
             select n.id, c.id, 'call', gen_random_uuid(), 'call.arrived', n.id, '', {officer}, 'normal', '{{}}', 'sent', now(), now(), now()
             from (select gen_random_uuid() as id from generate_series(1, 20000)) n, counties c where c.code {county} 'clear'"
        )
    };
    county.alter(&many("<>", "null")).await;
    let lead = county.officer_id("POWER-LEAD").await;
    county.alter(&many("=", &format!("'{lead}'"))).await;
    county
        .alter(
            "analyze notices;
            create function plan_of(asked text) returns setof text language plpgsql as
                $$ begin return query execute 'explain ' || asked; end $$",
        )
        .await;
    let own = county.texts("select id::text from counties where code = 'clear'").await.remove(0);
    for (of, index) in [
        (format!("county_id = '{own}'"), "notices_county"),
        (format!("county_id = '{own}' and event = 'call.dispatched'"), "notices_event"),
        (format!("county_id = '{own}' and state = 'superseded'"), "notices_ended"),
        (format!("county_id = '{own}' and state = 'held' and due_at is not null"), "notices_due"),
        (format!("officer_id = '{lead}' and read_at is null and id = posting_id"), "notices_unread"),
    ] {
        let of = of.replace('\'', "''");
        let plan = format!("select plan_of('select id from notices where {of} order by id desc limit 21')");
        let plan = county.texts(&plan).await.join("\n");
        assert!(plan.contains(index), "{of}: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_channel_is_tested_with_a_real_send_and_says_what_the_platform_said() {
    let town = town();
    let admin = town.admin();
    let id = town.creates(town.group()).await;
    let answer = does(&admin, &format!("{CHANNELS}/{id}/test"), json!({})).await;
    assert_eq!((&answer["delivered"], &answer["outcome"]), (&json!(true), &json!("delivered")), "{answer}");
    assert_eq!((&answer["httpStatus"], &answer["words"]), (&json!(200), &json!("平台已收下消息")));
    assert!(answer["excerpt"].as_str().unwrap().contains("errcode"), "{answer}");
    let heard = town.sandbox.wait_for("group", |_| true, Duration::from_secs(10)).await.unwrap();
    assert!(heard.text.contains("测试") && heard.text.contains("抢修群"), "{}", heard.text);

    for (mode, outcome) in
        [(Mode::Dead, "dead_target"), (Mode::Html200, "retry"), (Mode::RateLimited, "rate_limited")]
    {
        town.sandbox.set_fault("group", Fault::times(mode, 1));
        let answer = does(&admin, &format!("{CHANNELS}/{id}/test"), json!({})).await;
        assert_eq!((&answer["delivered"], &answer["outcome"]), (&json!(false), &json!(outcome)), "{answer}");
        assert!(!answer["words"].as_str().unwrap().is_empty());
    }
    assert_eq!(channel(&admin, "group").await["state"], "active", "a test buries nothing");
    let kinds = ledger(&town.county, &id).await;
    assert_eq!(kinds[0], "channel.created");
    assert_eq!(kinds.iter().filter(|kind| *kind == "channel.tested").count(), 4, "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_and_no_event_shows_what_opens_a_channel() {
    let town = town();
    let admin = town.admin();
    let hook = json!({
        "code": "hook", "kind": "webhook", "name": "县平台", "baseUrl": town.url("hook"), "secret": OLD,
    });
    let id = town.creates(hook).await;
    town.creates(town.group()).await;
    let rows = "select concat_ws(' ', c.code, base_url, encode(credentials_sealed, 'escape'), settings) from channels c";
    let at_rest = town.county.texts(rows).await.join(" ");
    for secret in ["hooks/hook", "whsec_", "key-group"] {
        assert!(!at_rest.contains(secret), "{secret} lies open: {at_rest}");
    }
    let secret = format!("{CHANNELS}/{id}/secret");
    let request = asks(&admin, Method::PUT, &secret, json!({"secret": NEW})).await;
    let view: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        view["credentials"],
        json!({"readable": true, "hasToken": false, "secrets": 2, "givenAt": "2026-03-09T10:00:00+08:00"})
    );
    assert_eq!(view["host"], "127.0.0.1");
    let shown = admin.get(CHANNELS).await.to_string();
    let told = town.county.texts("select data::text from ledger_events").await.join(" ");
    for secret in [OLD, NEW, "key-group", "hooks/hook"] {
        assert!(!shown.contains(secret) && !told.contains(secret), "{secret}");
    }
    assert_eq!(ledger(&town.county, &id).await, ["channel.created", "channel.secret_changed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_moves_with_its_address_which_is_a_secret_and_says_nothing_of_it_when_it_is_echoed() {
    let town = town();
    let admin = town.admin();
    let nowhere = format!("{}hooks/nobody?key=open-sesame", town.base);
    let hook =
        json!({"code": "hook", "kind": "webhook", "name": "县平台", "baseUrl": nowhere, "secret": OLD});
    let id = town.creates(hook).await;
    let test = format!("{CHANNELS}/{id}/test");
    assert_eq!(does(&admin, &test, json!({})).await["delivered"], false, "there is no such hook");
    let puts = async |body: Value| asks(&admin, Method::PUT, &format!("{CHANNELS}/{id}/secret"), body).await;
    let moved = puts(json!({"baseUrl": town.url("hook")})).await.send().await.unwrap();
    assert_eq!(moved.status(), StatusCode::OK);
    assert_eq!(does(&admin, &test, json!({})).await["delivered"], true);
    let at_rest = town.county.texts("select base_url from channels where code = 'hook'").await;
    assert_eq!(at_rest, [town.base.trim_end_matches('/')]);
    admin
        .refused(puts(json!({"baseUrl": "ftp://x"})).await)
        .await
        .is(422, "invalid")
        .at_field("baseUrl", "malformed_url");
    let group = town.creates(town.group()).await;
    let body = json!({"baseUrl": town.url("group")});
    let request = asks(&admin, Method::PUT, &format!("{CHANNELS}/{group}/secret"), body).await;
    admin.refused(request).await.is(422, "invalid").at_field("baseUrl", "no_webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_signs_with_the_new_secret_and_the_one_before_until_that_is_revoked() {
    let town = town();
    let admin = town.admin();
    let hook = |room: &str| {
        json!({
            "code": room, "kind": "webhook", "name": room, "baseUrl": town.url(room), "secret": OLD,
        })
    };
    let (old, new) = (town.creates(hook("hook")).await, town.creates(hook("hook-new")).await);
    let delivered =
        async |id: &str| does(&admin, &format!("{CHANNELS}/{id}/test"), json!({})).await["delivered"].take();
    assert_eq!((delivered(&old).await, delivered(&new).await), (json!(true), json!(false)));
    for id in [&old, &new] {
        let request =
            asks(&admin, Method::PUT, &format!("{CHANNELS}/{id}/secret"), json!({"secret": NEW})).await;
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!((delivered(&old).await, delivered(&new).await), (json!(true), json!(true)), "both are live");
    for id in [&old, &new] {
        let body = json!({"secret": NEW, "revokeOld": true});
        let request = asks(&admin, Method::PUT, &format!("{CHANNELS}/{id}/secret"), body).await;
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!((delivered(&old).await, delivered(&new).await), (json!(false), json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_channel_is_said_by_its_field() {
    let town = town();
    let admin = town.admin();
    let with = |field: &str, value: Value| {
        let mut body = town.group();
        body[field] = value;
        body
    };
    for (body, field, code) in [
        (with("code", json!("")), "code", "required"),
        (with("code", json!("../x")), "code", "malformed"),
        (with("name", json!("  ")), "name", "required"),
        (with("baseUrl", json!("ftp://x")), "baseUrl", "malformed_url"),
        (
            with("baseUrl", json!("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k")),
            "baseUrl",
            "key_in_url",
        ),
        (with("token", json!("")), "token", "required"),
        (with("token", json!("a b")), "token", "malformed"),
        (with("settings", json!({"nonsense": 1})), "settings", "channel_settings"),
        (with("departmentCode", json!("NOWHERE")), "departmentCode", "unknown_department"),
        (with("kind", json!("webhook")), "secret", "required"),
        (json!({"code": "h", "kind": "webhook", "name": "h", "secret": OLD}), "baseUrl", "malformed_url"),
        (
            json!({"code": "h", "kind": "webhook", "name": "h", "baseUrl": "https://x.cn/h", "secret": "%%"}),
            "secret",
            "malformed",
        ),
        (
            json!({"code": "a", "kind": "wecom_app", "name": "a", "secret": "s"}),
            "settings",
            "channel_settings",
        ),
    ] {
        let request = asks(&admin, Method::POST, CHANNELS, body).await;
        admin.refused(request).await.is(422, "invalid").at_field(field, code);
    }
    let id = town.creates(town.group()).await;
    let request = asks(&admin, Method::POST, CHANNELS, town.group()).await;
    admin.refused(request).await.is(409, "channel_code_taken");
    for body in [json!({}), json!({"secret": " "})] {
        let request = asks(&admin, Method::PUT, &format!("{CHANNELS}/{id}/secret"), body).await;
        admin.refused(request).await.is(422, "invalid").at_field("secret", "required");
    }
    let request = asks(&admin, Method::POST, &format!("{CHANNELS}/{id}/pause"), json!({"reason": ""})).await;
    admin.refused(request).await.is(422, "invalid").at_field("reason", "required");
    let nobody = uuid::Uuid::now_v7();
    let request = asks(&admin, Method::POST, &format!("{CHANNELS}/{nobody}/test"), json!({})).await;
    admin.refused(request).await.is(404, "channel_not_found");
    let app = json!({
        "code": "app", "kind": "wecom_app", "name": "应用", "secret": "s", "settings": {"appId": "ww1", "agentId": 7},
    });
    let app = town.creates(app).await;
    let request = asks(&admin, Method::POST, &format!("{CHANNELS}/{app}/test"), json!({})).await;
    admin.refused(request).await.is(422, "invalid").at_field("officerId", "required");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_channel() {
    let town = town();
    let admin = town.admin();
    let with_key = async |body: Value, key: &str| {
        asks(&admin, Method::POST, CHANNELS, body).await.header("Idempotency-Key", key)
    };
    let made = with_key(town.group(), "room-1").await.send().await.unwrap();
    assert_eq!((made.status(), made.headers().get("idempotency-replayed")), (StatusCode::CREATED, None));
    let made: Value = made.json().await.unwrap();
    let again = with_key(town.group(), "room-1").await.send().await.unwrap();
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap()["id"], made["id"]);
    for (field, value) in [("name", "另一个群"), ("token", "key-other")] {
        let mut other = town.group();
        other[field] = json!(value);
        admin.refused(with_key(other, "room-1").await).await.is(422, "idempotency_key_reused");
    }
    admin.refused(with_key(town.group(), "room-2").await).await.is(409, "channel_code_taken");
    admin.refused(with_key(town.group(), "room 3").await).await.is(400, "idempotency_key_invalid");
    assert_eq!(town.county.count("select count(*) from channels where code = 'group'").await, 1);
    assert_eq!(ledger(&town.county, made["id"].as_str().unwrap()).await, ["channel.created"]);
    // A refused request leaves its key free.
    let other = json!({
        "code": "hook", "kind": "webhook", "name": "县平台", "baseUrl": town.url("hook"), "secret": OLD,
    });
    let made = with_key(other, "room-2").await.send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_waits_visibly_and_leaves_when_it_is_resumed() {
    let town = town();
    let (county, admin) = (&town.county, town.admin());
    county.alter("update channels set state = 'dead' where code = 'room-power'").await;
    let id = town.creates(town.group()).await;
    let paused = does(&admin, &format!("{CHANNELS}/{id}/pause"), json!({"reason": "群主换人"})).await;
    assert_eq!((&paused["state"], &paused["stateReason"]), (&json!("paused"), &json!("群主换人")));
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county
        .alter(
            "update notices set state = 'held', reason = 'channel_paused', due_at = created_at + interval '1 hour'
             where channel_id = (select id from channels where code = 'group')",
        )
        .await;
    let health = channel(&admin, "group").await["health"].take();
    assert_eq!((&health["held"], &health["waiting"], &health["sent"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(health["oldestWaitingAt"], "2026-03-09T10:00:00+08:00");
    let held = admin.get(&format!("{NOTICES}?state=held&channelId={id}")).await;
    assert_eq!(held["items"][0]["words"], "通道已暂停，恢复后发出", "{held}");
    let resumed = does(&admin, &format!("{CHANNELS}/{id}/resume"), json!({})).await;
    assert_eq!((&resumed["state"], &resumed["stateReason"]), (&json!("active"), &json!("")));
    let due = "select count(*) from notices where state = 'held' and due_at <= '2026-03-09T10:00:00+08:00'";
    assert_eq!(county.count(due).await, 1);
    assert_eq!(ledger(county, &id).await, ["channel.created", "channel.paused", "channel.resumed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_notice_is_sent_again_when_somebody_can_be_told_and_cancelled_with_a_reason() {
    let town = town();
    let (county, admin) = (&town.county, town.admin());
    county.alter("update channels set state = 'dead'").await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let dead = admin.get(&format!("{NOTICES}?state=dead&subjectId={}", call.id())).await;
    assert_eq!(dead["items"].as_array().unwrap().len(), 1, "{dead}");
    let notice = &dead["items"][0];
    assert_eq!((&notice["reason"], &notice["channel"]), (&json!("nobody_to_address"), &Value::Null));
    assert_eq!(notice["officer"]["name"], "程己丑");
    let path = format!("{NOTICES}/{}", notice["id"].as_str().unwrap());
    let request = asks(&admin, Method::POST, &format!("{path}/retry"), json!({})).await;
    admin.refused(request).await.is(409, "nobody_to_address");

    let id = town.creates(town.group()).await;
    assert_eq!(does(&admin, &format!("{path}/retry"), json!({})).await["state"], "fallback");
    let anew = admin.get(&format!("{NOTICES}?channelId={id}")).await["items"][0].take();
    assert_eq!((&anew["state"], &anew["postingId"]), (&json!("queued"), &notice["id"]), "{anew}");
    let request = asks(&admin, Method::POST, &format!("{path}/retry"), json!({})).await;
    admin.refused(request).await.is(409, "notice_not_retriable");

    // It failed there too: sent again, then given up for good.
    let path = format!("{NOTICES}/{}", anew["id"].as_str().unwrap());
    let fails = format!(
        "update notices set state = 'dead', due_at = null, reason = 'dead_target' where channel_id = '{id}'"
    );
    county.alter(&fails).await;
    let again = does(&admin, &format!("{path}/retry"), json!({})).await;
    assert_eq!(
        (&again["state"], &again["reason"], &again["attempts"]),
        (&json!("queued"), &json!(""), &json!([]))
    );
    county.alter(&fails).await;
    // Its room is gone; another one takes its place.
    county.alter("update channels set state = 'dead' where code = 'group'").await;
    let request = asks(&admin, Method::POST, &format!("{path}/retry"), json!({})).await;
    admin.refused(request).await.is(409, "channel_not_active");
    county.alter("update channels set state = 'active' where code = 'group'").await;
    does(&admin, &format!("{CHANNELS}/{id}/pause"), json!({"reason": "检修"})).await;
    let request = asks(&admin, Method::POST, &format!("{path}/retry"), json!({})).await;
    admin.refused(request).await.is(409, "channel_not_active");
    let request = asks(&admin, Method::POST, &format!("{path}/cancel"), json!({"reason": " "})).await;
    admin.refused(request).await.is(422, "invalid").at_field("reason", "required");
    let cancelled = does(&admin, &format!("{path}/cancel"), json!({"reason": "已电话通知"})).await;
    assert_eq!(
        (&cancelled["state"], &cancelled["reason"]),
        (&json!("superseded"), &json!("cancelled: 已电话通知"))
    );
    let request = asks(&admin, Method::POST, &format!("{path}/cancel"), json!({"reason": "再来"})).await;
    admin.refused(request).await.is(409, "notice_not_cancellable");
    let kinds = ledger(county, anew["id"].as_str().unwrap()).await;
    assert_eq!(kinds, ["notice.retried", "notice.cancelled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_whose_room_is_gone_is_sent_to_the_room_there_is_now() {
    let town = town();
    let (county, admin) = (&town.county, town.admin());
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county
        .alter(
            "update channels set state = 'dead';
             update notices set state = 'dead', due_at = null, reason = 'nobody_to_address: dead_target' where officer_id is not null",
        )
        .await;
    let dead = admin.get(&format!("{NOTICES}?state=dead&subjectId={}", call.id())).await;
    let notice = &dead["items"][0];
    assert_eq!(notice["channel"]["code"], "room-power", "{dead}");
    let path = format!("{NOTICES}/{}/retry", notice["id"].as_str().unwrap());
    let request = asks(&admin, Method::POST, &path, json!({})).await;
    admin.refused(request).await.is(409, "channel_not_active");
    let id = town.creates(town.group()).await;
    assert_eq!(does(&admin, &path, json!({})).await["state"], "fallback");
    let anew = admin.get(&format!("{NOTICES}?channelId={id}")).await["items"][0].take();
    assert_eq!((&anew["state"], &anew["postingId"]), (&json!("queued"), &notice["postingId"]), "{anew}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_not_sent_again() {
    let county = County::open();
    let admin = county.client("MARKET-HEAD");
    county.alter("update channels set state = 'dead'").await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    let dead = admin.get(&format!("{NOTICES}?state=dead&event=call.dispatched")).await;
    let path = format!("{NOTICES}/{}/retry", dead["items"][0]["id"].as_str().unwrap());
    let request = asks(&admin, Method::POST, &path, json!({})).await;
    admin.refused(request).await.is(409, "notice_answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_are_found_page_by_page_and_by_what_is_known_of_them() {
    let county = County::open();
    let admin = county.client("MARKET-HEAD");
    for item in ["OUTAGE", "CAPACITY", "OUTAGE", "CAPACITY"] {
        county.mill().raises(json!({"itemCode": item})).await;
        county.pass(10.minutes());
    }
    let ids = async |query: &str| {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = admin.get(&format!("{NOTICES}?{query}&cursor={cursor}")).await;
            ids.extend(page["items"].as_array().unwrap().iter().map(|it| it["id"].to_string()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return ids,
            }
        }
    };
    let all = ids("limit=100").await;
    assert!(all.len() >= 4 && all.is_sorted_by(|a, b| a > b), "newest first: {all:?}");
    assert_eq!(ids("limit=1").await, all);
    let lead = county.officer_id("POWER-LEAD").await;
    assert_eq!(
        ids(&format!("officerId={lead}&event=call.dispatched")).await.len(),
        2,
        "the rest is the park's"
    );
    assert_eq!(ids("event=call.dispatched&olderThanMinutes=25").await.len(), 2);
    assert_eq!(ids("event=call.dispatched&newerThanMinutes=25").await.len(), 2);
    assert!(ids("state=acted").await.is_empty());
    for query in ["state=nonsense", "channelId=x", "olderThanMinutes=-1", "nonsense=1"] {
        admin.may_not_get(&format!("{NOTICES}?{query}")).await.is(422, "invalid");
    }
    admin.may_not_get(&format!("{NOTICES}?cursor=x")).await.is(400, "bad_cursor");
    let nobody = uuid::Uuid::now_v7();
    admin.may_not_get(&format!("{NOTICES}/{nobody}")).await.is(404, "notice_not_found");
    let one = admin.get(&format!("{NOTICES}/{}", all[0].trim_matches('"'))).await;
    assert_eq!(one["attempts"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_countys_administrator_finds_none_of_it() {
    let county = County::open();
    neighbour(&county).await;
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let here = county.client("MARKET-HEAD");
    let there = Client::of_county(&county, "muddy", "MARKET-HEAD");
    let channel = here.get(CHANNELS).await["items"][0].take();
    let notice = here.get(NOTICES).await["items"][0].take();
    let (channel, notice) = (channel["id"].as_str().unwrap(), notice["id"].as_str().unwrap());
    let theirs = there.get(CHANNELS).await;
    assert!(!theirs["items"].to_string().contains(channel), "{theirs}");
    assert_eq!(there.get(NOTICES).await["items"], json!([]));
    assert_eq!(there.get(&format!("{NOTICES}?channelId={channel}")).await["items"], json!([]));
    there.may_not_get(&format!("{NOTICES}/{notice}")).await.is(404, "notice_not_found");
    for (path, body, code) in [
        (format!("{NOTICES}/{notice}/retry"), json!({}), "notice_not_found"),
        (format!("{NOTICES}/{notice}/cancel"), json!({"reason": "x"}), "notice_not_found"),
        (format!("{CHANNELS}/{channel}/test"), json!({}), "channel_not_found"),
        (format!("{CHANNELS}/{channel}/pause"), json!({"reason": "x"}), "channel_not_found"),
        (format!("{CHANNELS}/{channel}/resume"), json!({}), "channel_not_found"),
    ] {
        let request = asks(&there, Method::POST, &path, body).await;
        there.refused(request).await.is(404, code);
    }
    let request =
        asks(&there, Method::PUT, &format!("{CHANNELS}/{channel}/secret"), json!({"token": "x"})).await;
    there.refused(request).await.is(404, "channel_not_found");
    assert_eq!(county.count("select count(*) from ledger_events where kind like 'channel.%'").await, 0);
}
