//! From the first alarm to "somebody has it", as those see it who carry a telephone.

use std::net::TcpListener;

use chrono::TimeDelta;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;
use yijiao::notices::channels::ChannelKind;
use yijiao::notices::model::Lane;
use yijiao::notices::queue::Queue;
use yijiao::notices::register::PURPOSE;
use yijiao::notices::relay::Relay;
use yijiao::notices::worker::Worker;
use yijiao::sandbox::{MiniProgramConfig, Received, RoomConfig, Sandbox, SandboxConfig, serve};

use crate::kit::{County, Spans as _};
use crate::kit_db::{Holds, TestDb};

/// The small county with two applications beside its rooms, and what sends.
struct Town {
    county: County,
    sandbox: Sandbox,
    relay: Relay,
    worker: Worker,
}

impl Town {
    async fn found() -> Self {
        let county = County::over(TestDb::holding(Holds::ClearCounty), "clear", |config| {
            config.redis.url = std::env::var("REDIS_URL").map(SecretString::from).expect("REDIS_URL is set");
            config.redis.prefix = format!("test:{}", Uuid::now_v7());
            config.outbound.allow_private = vec!["127.0.0.1".to_owned()];
        });
        let app = |kind, name: &str| {
            let mut room = RoomConfig::new(kind, name, name, &["secret"]);
            room.app.agent_id = (kind == ChannelKind::WecomApp).then_some(7);
            RoomConfig { people: ["cheng", "lyu"].map(str::to_owned).to_vec(), limits: false, ..room }
        };
        let room = |name: &str| RoomConfig {
            limits: false,
            ..RoomConfig::new(ChannelKind::WecomBot, name, &format!("{name}-token"), &[])
        };
        let config = SandboxConfig {
            keep: 100,
            rooms: vec![
                app(ChannelKind::WecomApp, "wecom-app"),
                app(ChannelKind::DingtalkApp, "dingtalk-app"),
                room("power"),
                room("office"),
            ],
            wechat: MiniProgramConfig::default(),
        };
        let sandbox = Sandbox::new(config, county.clock.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(serve(sandbox.clone(), listener).unwrap());
        county.alter(&format!("update channels set base_url = '{base}'")).await;
        for name in ["wecom-app", "dingtalk-app"] {
            let target = sandbox.target(name, &base.parse().unwrap()).unwrap();
            let sealed = county.app.vault.seal(PURPOSE, target.credentials.reveal_json().as_bytes()).unwrap();
            let (settings, sealed) = (serde_json::to_string(&target.settings).unwrap(), hex::encode(sealed));
            let kind = target.kind.as_str();
            county
                .alter(&format!(
                    "insert into channels (id, county_id, code, kind, name, settings, base_url, credentials_sealed)
                        select gen_random_uuid(), id, '{name}', '{kind}', '{name}', '{settings}', '{base}', decode('{sealed}', 'hex')
                        from counties where code = 'clear'"
                ))
                .await;
        }
        for (officer, user, app, nth) in [
            ("POWER-LEAD", "cheng", "wecom-app", 1),
            ("POWER-LEAD", "cheng", "dingtalk-app", 2),
            ("POWER-BACKUP", "lyu", "wecom-app", 1),
        ] {
            county
                .alter(&format!(
                    "insert into officer_addresses (id, county_id, officer_id, channel_id, user_id, preference)
                        select gen_random_uuid(), o.county_id, o.id, c.id, '{user}', {nth} from officers o
                        join channels c on c.county_id = o.county_id and c.code = '{app}' where o.code = '{officer}'"
                ))
                .await;
        }
        let (app, queue) = (&county.app, Queue::new(county.app.redis.clone()));
        let (db, clock, wake) = (app.db.clone(), app.clock.clone(), app.wake.clone());
        let lease = TimeDelta::seconds(30);
        let requeue = TimeDelta::seconds(4);
        let relay = Relay { db, queue: queue.clone(), clock: clock.clone(), wake, requeue, lease };
        let sender = app.sender.clone();
        let worker = Worker { sender, queue, clock, concurrency: 16, consumer: "test".to_owned() };
        Self { county, sandbox, relay, worker }
    }

    /// Minute by minute: what is due fires, what nobody acted on is followed up, and what is posted leaves.
    async fn lives(&self, minutes: i64) {
        for _ in 0..minutes {
            self.county.pass(1.minutes());
            self.county.fires().await;
            yijiao::worker::follow_up(&self.county.app).run_once(self.county.now()).await.unwrap();
            self.sends().await;
        }
    }

    async fn sends(&self) {
        while self.relay.run_once(self.county.now()).await.unwrap().moved > 0 {
            self.worker.run_once(self.county.now()).await.unwrap();
        }
    }

    /// What one person's application shows.
    fn shows(&self, app: &str, user: &str) -> Vec<Received> {
        let mine = |message: &Received| message.mentions.iter().any(|mention| mention == user);
        self.sandbox.messages(app).into_iter().filter(mine).collect()
    }

    /// What opens when he taps on a message.
    async fn opens(&self, message: &Received) -> String {
        let link = url::Url::parse(message.link().unwrap()).unwrap();
        let page = self.county.http().get(self.county.url(link.path())).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        page.text().await.unwrap()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        // The throttles' keys end by themselves; the streams do not.
        let url = std::env::var("REDIS_URL").expect("REDIS_URL is set");
        let keys = Lane::ALL.map(|lane| self.worker.queue.key(lane));
        let connection = redis::Client::open(url).and_then(|client| client.get_connection());
        if let Ok(mut connection) = connection {
            let _ = redis::cmd("DEL").arg(&keys).query::<i64>(&mut connection);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reacts_is_tried_elsewhere_then_the_ladder_climbs_and_once_somebody_has_it_all_know_and_nothing_follows()
 {
    let town = Town::found().await;
    let call = town.county.mill().raises(json!({"itemCode": "OUTAGE", "text": "全厂停电"})).await;
    town.sends().await;
    assert_eq!(town.shows("wecom-app", "cheng").len(), 1, "at once");
    town.lives(2).await;
    assert_eq!(town.shows("dingtalk-app", "cheng").len(), 0);
    town.lives(2).await;
    assert_eq!(town.shows("dingtalk-app", "cheng").len(), 1, "after three minutes");
    assert_eq!(town.shows("wecom-app", "lyu").len(), 0);
    // T1 is a quarter of an hour.
    town.lives(14).await;
    let rungs = town.county.rungs(&call).await;
    assert!(rungs.iter().any(|rung| rung.starts_with("accept 1 POWER-BACKUP")), "{rungs:?}");
    let climbed = town.shows("wecom-app", "lyu");
    assert!(climbed[0].text.contains("接单") && climbed[0].text.contains("全厂停电"), "{}", climbed[0].text);

    // The backup takes it, by the button in his message.
    let link = url::Url::parse(climbed[0].link().unwrap()).unwrap();
    let tap = town.county.http().post(town.county.url(&format!("{}/accept", link.path())));
    let taken = tap.send().await.unwrap();
    assert!(taken.status().is_success() || taken.status().is_redirection(), "{}", taken.status());
    assert_eq!(town.county.lead().sees(&call).await["state"], "accepted");
    town.sends().await;
    let told =
        town.sandbox.messages("power").into_iter().filter(|message| message.title.contains("已由吕庚寅接单"));
    assert_eq!(told.count(), 1, "the room reads it");
    let cards = |user: &str, says: &str| {
        let shown = town.shows("wecom-app", user);
        assert!(!shown.is_empty() && shown.iter().all(|card| card.title.contains(says)), "{user}: {shown:?}");
    };
    cards("cheng", "已由吕庚寅接单");
    cards("lyu", "您已接单");
    let shown = town.shows("dingtalk-app", "cheng");
    assert!(!shown.is_empty() && shown.iter().all(|card| card.title.contains("已由吕庚寅接单")), "{shown:?}");
    let mut before = town.shows("wecom-app", "cheng");
    before.extend(town.shows("dingtalk-app", "cheng"));
    before.extend(town.shows("wecom-app", "lyu"));
    assert!(before.len() >= 4, "{}", before.len());
    for message in &before {
        let page = town.opens(message).await;
        assert!(page.contains("吕庚寅") && page.contains("接单</dd>"), "it says who took it: {page}");
        assert!(!page.contains("/accept"), "and asks nobody any more");
    }
    let heard = town.sandbox.all_messages().len();
    town.lives(10).await;
    let since: Vec<String> =
        town.sandbox.all_messages().into_iter().skip(heard).map(|message| message.title).collect();
    assert_eq!(since, Vec::<String>::new(), "no reminder leaves any more");
    let open = "select count(*) from notices where due_at is not null or follow_at is not null";
    assert_eq!(town.county.count(open).await, 0);
}
