//! The reachability drill: whoever stands on a contact card is tried, and the holes are told.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use yijiao::drills::monthly::Monthly;
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{Entry, NoticeId, NoticeState};
use yijiao::organisation::CountyId;

use super::admin::{Town, town_over};
use super::stage::redis_url;
use crate::kit::{Client, County, Spans as _};

const DRILLS: &str = "/api/v1/admin/drills";

fn town() -> Town {
    town_over(|config| {
        config.redis.url = redis_url();
        config.redis.prefix = format!("test:{}", Uuid::now_v7());
    })
}

async fn starts(admin: &Client<'_>) -> Value {
    let response = admin.request(Method::POST, DRILLS).await.send().await.unwrap();
    let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body
}

async fn report(admin: &Client<'_>, drill: &Value) -> Value {
    admin.get(&format!("{DRILLS}/{}", drill["id"].as_str().unwrap())).await
}

fn holder<'v>(report: &'v Value, name: &str) -> &'v Value {
    let departments = report["departments"].as_array().unwrap();
    let mut holders = departments.iter().flat_map(|one| one["holders"].as_array().unwrap());
    holders.find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} in {report}"))
}

fn monthly(county: &County) -> Monthly {
    let app = &county.app;
    Monthly { drills: app.drills(), clock: app.clock.clone(), wake: app.wake.clone() }
}

/// Sends what this room is to hear, one after the other.
async fn sends(county: &County, channel: &str) -> Vec<Delivered> {
    let rows = format!(
        "select n.id || ' ' || n.county_id from notices n join channels c on c.id = n.channel_id
         where c.code = '{channel}' and n.due_at is not null order by n.id"
    );
    let mut sent = Vec::new();
    for row in county.texts(&rows).await {
        let ids: Vec<Uuid> = row.split(' ').map(|id| id.parse().unwrap()).collect();
        let entry = Entry { notice: NoticeId(ids[0]), county: CountyId(ids[1]) };
        sent.push(county.app.sender.deliver_one(entry, county.now()).await.unwrap());
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_system_administrator_drills_and_not_twice_a_day() {
    let county = County::open();
    for who in [county.office(), county.lead(), county.mill(), county.inspector()] {
        who.may_not_get(DRILLS).await.is(403, "forbidden");
        who.refused(who.request(Method::POST, DRILLS).await).await.is(403, "forbidden");
    }
    let admin = county.admin();
    let drill = starts(&admin).await;
    assert_eq!(drill["counts"]["holders"], 6);
    admin.refused(admin.request(Method::POST, DRILLS).await).await.is(409, "drill_too_soon");
    admin.may_not_get(&format!("{DRILLS}/{}", Uuid::now_v7())).await.is(404, "drill_not_found");
    assert_eq!(admin.get(DRILLS).await["items"].as_array().unwrap().len(), 1);
    county.pass(25.hours());
    starts(&admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_tells_every_hole_with_its_cards() {
    let town = town();
    let (county, admin) = (&town.county, town.admin());
    county.alter("update channels set state = 'dead' where code = 'room-power'").await;
    town.creates(town.group()).await;
    let drill = starts(&admin).await;
    // The park has no room and no application; the environment's room answers no more; the power company's works.
    assert_eq!(holder(&drill, "许戊戌")["reached"], "unaddressed");
    assert_eq!(holder(&drill, "许戊戌")["cards"], json!([{"enterprise": "清河面粉厂", "matter": null}]));
    let waits = holder(&drill, "程己丑");
    assert_eq!((&waits["reached"], &waits["channel"]), (&json!("waiting"), &json!("抢修群")));
    assert_eq!(waits["cards"][0]["enterprise"], "清河面粉厂");
    // Low: it waits at night for the morning.
    county.until("03-09 22:30");
    assert_eq!(sends(county, "group").await, [Delivered::Kept(NoticeState::Held); 2]);
    assert_eq!(holder(&report(&admin, &drill).await, "吕庚寅")["why"], "夜间免打扰，早上发出");
    county.until("03-10 07:30");
    assert_eq!(sends(county, "group").await, [Delivered::Tried(NoticeState::Sent); 2]);
    assert_eq!(town.sandbox.messages("group").len(), 2);
    county
        .alter(
            "update notices set state = 'dead', due_at = null, reason = 'dead_target: gone' from channels c
         where c.id = channel_id and c.code = 'room-env'",
        )
        .await;
    let found = report(&admin, &drill).await;
    let failed = holder(&found, "杨甲午");
    assert_eq!(failed["reached"], "failed");
    assert!(failed["why"].as_str().unwrap().contains("已不存在"), "{failed}");
    assert_eq!(holder(&found, "程己丑")["reached"], "sent");
    // One reads it in his inbox, one says nothing until it is too late.
    let lead = county.lead();
    let inbox = lead.get("/api/v1/inbox").await;
    let item = &inbox["items"][0];
    assert_eq!((&item["event"], &item["awaitsAction"]), (&json!("drill.called"), &json!(false)));
    let read = format!("/api/v1/inbox/{}/read", item["id"].as_str().unwrap());
    assert_eq!(lead.request(Method::POST, &read).await.send().await.unwrap().status(), StatusCode::OK);
    county.until("03-12 18:01");
    let found = report(&admin, &drill).await;
    assert_eq!(holder(&found, "程己丑")["reached"], "acknowledged");
    assert_eq!(holder(&found, "吕庚寅")["reached"], "unanswered");
    assert_eq!(
        found["counts"],
        json!({"holders": 6, "unaddressed": 2, "failed": 2, "waiting": 0, "sent": 0, "unanswered": 1, "acknowledged": 1})
    );
    assert_eq!(found["answerBy"], "2026-03-12T18:00:00+08:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_those_who_share_a_room_answers_by_a_button_of_his_own() {
    let town = town();
    let (county, admin) = (&town.county, town.admin());
    county.alter("update channels set state = 'dead' where code = 'room-power'").await;
    town.creates(town.group()).await;
    let drill = starts(&admin).await;
    assert_eq!(sends(county, "group").await, [Delivered::Tried(NoticeState::Sent); 2]);
    let heard = town.sandbox.messages("group");
    assert_eq!(heard.len(), 2, "one message each");
    let paths = "select params->>'holder' || ' ' || (params->>'actPath') from notices n
        join channels c on c.id = n.channel_id where c.code = 'group' order by n.id";
    let asked = county.texts(paths).await;
    assert_eq!(asked.len(), 2);
    for asked in asked {
        let (name, path) = asked.split_once(' ').unwrap();
        let own: Vec<_> = heard
            .iter()
            .filter(|message| message.links.iter().any(|link| link.url.ends_with(path)))
            .collect();
        assert!(own.len() == 1 && own[0].text.contains(name), "{name}: {heard:?}");
        assert_eq!(holder(&report(&admin, &drill).await, name)["reached"], "sent");
        assert!(county.http().post(county.url(path)).send().await.unwrap().status().is_success());
        assert_eq!(holder(&report(&admin, &drill).await, name)["reached"], "acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tap_on_the_page_behind_the_link_is_an_answer_and_looking_is_none() {
    let county = County::open();
    county.reaches_in_person(&["PARK-LEAD"]).await;
    let admin = county.admin();
    let drill = starts(&admin).await;
    let path = "select params->>'actPath' from notices where recipient = 'wx-PARK-LEAD'";
    let url = county.url(&county.texts(path).await[0]);
    let page = county.http().get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("许戊戌") && page.contains("<button>收到</button>"), "{page}");
    assert_eq!(holder(&report(&admin, &drill).await, "许戊戌")["reached"], "waiting");
    let page = county.http().post(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("已记录您收到：03月09日 10:00"), "{page}");
    county.pass(1.hours());
    county.http().post(&url).send().await.unwrap();
    let heard = report(&admin, &drill).await;
    assert_eq!(
        holder(&heard, "许戊戌")["acknowledgedAt"],
        "2026-03-09T10:00:00+08:00",
        "the first time counts"
    );
    let (known, last) = url.split_at(url.len() - 1);
    let forged = format!("{known}{}", if last == "A" { "Q" } else { "A" });
    assert_eq!(county.http().post(&forged).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    county.until("03-20 10:00");
    assert_eq!(county.http().get(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND, "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_is_not_drilled_by_itself_in_the_month_in_which_it_was_set_up() {
    let county = County::open();
    county
        .alter(
            "select set_config('yijiao.county', id::text, false) from counties;
            update counties set created_at = '2026-03-01T00:00:01+08:00'",
        )
        .await;
    for moment in ["03-09 10:00", "03-16 09:30", "03-31 17:59"] {
        county.until(moment);
        assert_eq!(monthly(&county).run_once(county.now()).await.unwrap(), 0, "{moment}");
    }
    // By hand it is.
    starts(&county.admin()).await;
    county.until("04-01 09:00");
    assert_eq!(monthly(&county).run_once(county.now()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_by_itself_once_a_month_in_working_hours_however_many_look() {
    let county = County::open();
    let begun = "select count(*) from drills";
    county.until("03-14 10:00");
    assert_eq!(monthly(&county).run_once(county.now()).await.unwrap(), 0, "a Saturday");
    county.until("03-16 08:59");
    assert_eq!(monthly(&county).run_once(county.now()).await.unwrap(), 0, "before nine");
    county.until("03-16 09:30");
    let looks = (0..4).map(|_| async { monthly(&county).run_once(county.now()).await.unwrap() });
    let started: usize = futures_util::future::join_all(looks).await.into_iter().sum();
    assert_eq!((started, county.count(begun).await), (1, 1));
    let admin = county.admin();
    let shown = admin.get(DRILLS).await;
    assert_eq!(
        (&shown["items"][0]["month"], &shown["items"][0]["startedBy"]),
        (&json!("2026-03-01"), &json!("按月自动"))
    );
    let urgent = "select count(*) from notices where event = 'drill.called' and priority <> 'low'";
    assert_eq!(county.count(urgent).await, 0);
    county.until("04-01 10:00");
    assert_eq!(monthly(&county).run_once(county.now()).await.unwrap(), 1);
    assert_eq!(monthly(&county).run_once(county.now()).await.unwrap(), 0);
    // One begun by hand is the month's.
    county.until("05-06 08:00");
    starts(&admin).await;
    county.until("05-06 10:00");
    assert_eq!(monthly(&county).run_once(county.now()).await.unwrap(), 0);
    assert_eq!(county.count(begun).await, 3);
}
