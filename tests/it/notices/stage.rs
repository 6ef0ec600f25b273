//! A county with a room on every platform, the jobs over it, and a time that stands still.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;
use yijiao::notices::admin::Administrator;
use yijiao::notices::channels::{ChannelKind, Credentials, Target};
use yijiao::notices::check::{self, Unsent};
use yijiao::notices::deliver::Sender;
use yijiao::notices::enterprise;
use yijiao::notices::follow::FollowUp;
use yijiao::notices::model::{
    ChannelId, ChannelState, Entry, Lane, NewNotice, NoticeId, NoticeState, Priority, SubjectKind,
};
use yijiao::notices::outbox::{self, Done, Draft};
use yijiao::notices::queue::Queue;
use yijiao::notices::register::{PURPOSE, halves};
use yijiao::notices::relay::{Pass, Relay};
use yijiao::notices::texts::Texts;
use yijiao::notices::throttle::{Limits, Throttle};
use yijiao::notices::tokens::Tokens;
use yijiao::notices::wake::Wake;
use yijiao::notices::worker::Worker;
use yijiao::organisation::{CountyId, DepartmentId, EnterpriseId, OfficerId};
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::crypto::Vault;
use yijiao::platform::db::{Db, DbError, Scope, Tx};
use yijiao::platform::outbound::{Outbound, Url};
use yijiao::platform::redis::Redis;
use yijiao::platform::stop::Stop;
use yijiao::sandbox::{MiniProgramConfig, Received, RoomConfig, Sandbox, SandboxConfig, serve};
use yijiao::schema::{
    channels, counties, department_channels, departments, notice_attempts, notices, officer_addresses,
    officers,
};

use crate::kit_db::TestDb;

pub const ROOMS: [(&str, ChannelKind); 4] = [
    ("wecom", ChannelKind::WecomBot),
    ("dingtalk", ChannelKind::DingtalkBot),
    ("feishu", ChannelKind::FeishuBot),
    ("county", ChannelKind::Webhook),
];
/// What the sandbox has besides; a county that wants one opens it.
pub const APPS: [(&str, ChannelKind); 5] = [
    ("wecom-app", ChannelKind::WecomApp),
    ("dingtalk-app", ChannelKind::DingtalkApp),
    ("feishu-app", ChannelKind::FeishuApp),
    ("subscribe", ChannelKind::WechatSubscribe),
    ("slack", ChannelKind::Slack),
];
/// What the officer is called in every application.
pub const USER: &str = "li.qiang";
pub const TEMPLATE: &str = "TEMPLATE-1";
const WEBHOOK_SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

pub struct Stage {
    pub jobs: Jobs,
    pub redis: Redis,
    pub clock: Clock,
    pub wake: Wake,
    pub sandbox: Sandbox,
    pub county: CountyId,
    pub department: DepartmentId,
    pub officer: OfficerId,
    config: Config,
    vault: Vault,
    base: Url,
    /// Dropped last: the jobs are connected to it.
    store: TestDb,
}

/// The relay and the senders of one process.
#[derive(Clone)]
pub struct Jobs {
    pub relay: Relay,
    pub worker: Worker,
}

impl Jobs {
    pub async fn run(&self, stop: Stop) {
        tokio::join!(self.relay.run(stop.requested()), self.worker.run(stop.requested()));
    }
}

/// A notice as an administrator sees it.
#[derive(Debug, PartialEq, Queryable)]
pub struct Row {
    pub state: NoticeState,
    pub attempt: i32,
    pub due_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub reason: String,
}

impl Stage {
    pub async fn set() -> Self {
        let start = DateTime::parse_from_rfc3339("2026-11-23T13:50:00+08:00").unwrap().to_utc();
        Self::set_with(Clock::manual(start)).await
    }

    pub async fn set_with(clock: Clock) -> Self {
        Self::set_as(clock, false).await
    }

    /// With the platforms' limits, and ours.
    pub async fn set_limited() -> Self {
        let start = DateTime::parse_from_rfc3339("2026-11-23T13:50:00+08:00").unwrap().to_utc();
        Self::set_as(Clock::manual(start), true).await
    }

    async fn set_as(clock: Clock, limits: bool) -> Self {
        Self::set_over(clock, limits, TestDb::create(), redis_url()).await
    }

    /// With stores of the test's own.
    pub async fn set_over(clock: Clock, limits: bool, store: TestDb, redis: SecretString) -> Self {
        let rooms = ROOMS.map(|(name, kind)| RoomConfig {
            limits,
            ..match kind {
                ChannelKind::Webhook => RoomConfig::new(kind, name, "", &[WEBHOOK_SECRET]),
                _ => RoomConfig::new(kind, name, &format!("key-{name}"), &["SEC-1"]),
            }
        });
        let rooms = SandboxConfig {
            keep: 3000,
            rooms: rooms.into_iter().chain(APPS.map(|app| RoomConfig { limits, ..app_room(app) })).collect(),
            wechat: MiniProgramConfig { app_id: "app-subscribe".to_owned(), app_secret: "app-secret".into() },
        };
        let sandbox = Sandbox::new(rooms, clock.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(sandbox.clone(), listener).unwrap());

        let mut config = Config::defaults().unwrap();
        config.database.url = store.url();
        config.redis.url = redis;
        config.notices.throttle = limits;
        config.outbound.allow_private = vec!["127.0.0.1".to_owned()];
        config.redis.prefix = format!("test:{}", Uuid::now_v7());
        config.secrets.master_key = SecretString::from("a master key for tests, long enough");
        let redis = Redis::lazy(&config.redis).unwrap();
        let vault = Vault::new(&config.secrets.master_key);
        let wake = Wake::default();
        let jobs = jobs(&config, &clock, &wake, 12);
        let base = format!("http://{address}/").parse().unwrap();
        let [county, department, officer] = [(); 3].map(|()| Uuid::now_v7());
        let stage = Self {
            jobs,
            redis,
            clock,
            wake,
            sandbox,
            county: CountyId(county),
            department: DepartmentId(department),
            officer: OfficerId(officer),
            config,
            vault,
            base,
            store,
        };
        stage.found().await;
        stage
    }

    async fn found(&self) {
        let mut tx = self.tx().await;
        diesel::insert_into(counties::table)
            .values((counties::id.eq(self.county), counties::code.eq("demo"), counties::name.eq("示范县")))
            .execute(&mut tx)
            .await
            .unwrap();
        diesel::insert_into(departments::table)
            .values((
                departments::id.eq(self.department),
                departments::county_id.eq(self.county),
                departments::code.eq("D01"),
                departments::name.eq("供电局"),
                departments::short_name.eq("供电局"),
                departments::kind.eq("bureau"),
            ))
            .execute(&mut tx)
            .await
            .unwrap();
        diesel::insert_into(officers::table)
            .values((
                officers::id.eq(self.officer),
                officers::county_id.eq(self.county),
                officers::code.eq("O0001"),
                officers::name.eq("李强"),
                officers::department_id.eq(self.department),
                officers::title.eq("科长"),
                officers::post.eq("lead"),
                officers::mobile.eq("13700001111"),
            ))
            .execute(&mut tx)
            .await
            .unwrap();
        tx.finish(Ok::<_, DbError>(())).await.unwrap();
        for (name, _) in ROOMS {
            self.open_room(name, &self.sandbox.target(name, &self.base).unwrap()).await;
        }
    }

    /// One more system of the county, which for the present listens where the sandbox hears `county`.
    pub async fn open_hook(&self, name: &str) {
        self.open_room(name, &self.sandbox.target("county", &self.base).unwrap()).await;
    }

    /// Sets up one of [`APPS`] for the whole county.
    pub async fn open_app(&self, name: &str) {
        self.open_room(name, &self.sandbox.target(name, &self.base).unwrap()).await;
    }

    /// The officer can be reached by an application.
    pub async fn reach(&self, name: &str, user_id: &str, preference: Option<i32>) {
        let channel = self.channel(name).await;
        let mut tx = self.tx().await;
        let known = diesel::insert_into(officer_addresses::table)
            .values((
                officer_addresses::id.eq(Uuid::now_v7()),
                officer_addresses::county_id.eq(self.county),
                officer_addresses::officer_id.eq(self.officer),
                officer_addresses::channel_id.eq(channel),
                officer_addresses::user_id.eq(user_id),
                officer_addresses::preference.eq(preference),
            ))
            .execute(&mut tx)
            .await;
        tx.finish(known.map_err(DbError::from)).await.unwrap();
    }

    /// The department prefers an application.
    pub async fn prefer(&self, name: &str, preference: i32) {
        let channel = self.channel(name).await;
        let mut tx = self.tx().await;
        let preferred = diesel::insert_into(department_channels::table)
            .values((
                department_channels::id.eq(Uuid::now_v7()),
                department_channels::county_id.eq(self.county),
                department_channels::department_id.eq(self.department),
                department_channels::channel_id.eq(channel),
                department_channels::preference.eq(preference),
            ))
            .execute(&mut tx)
            .await;
        tx.finish(preferred.map_err(DbError::from)).await.unwrap();
    }

    /// An alarm to the officer alone, by an application.
    pub async fn alarm_to(&self, name: &str, user_id: &str) -> NoticeId {
        let channel = self.channel(name).await;
        let id = NoticeId::fresh();
        let row = self.notice(id, channel, Priority::FirstAlarm, alarm_params());
        self.post_all(vec![NewNotice { recipient: user_id.to_owned(), ..row }]).await;
        id
    }

    /// The channel's credentials as an administrator mistypes them.
    pub async fn spoil_secret(&self, name: &str) {
        let sealed = self.vault.seal(PURPOSE, br#"{"secrets":["wrong"]}"#).unwrap();
        let mut tx = self.tx().await;
        let spoilt = diesel::update(channels::table.filter(channels::code.eq(name)))
            .set(channels::credentials_sealed.eq(sealed))
            .execute(&mut tx)
            .await;
        tx.finish(spoilt.map_err(DbError::from)).await.unwrap();
    }

    /// An enterprise with one member, who signed in by the mini-program as `openid-1`: the enterprise and the member's account.
    pub async fn found_enterprise(&self) -> (EnterpriseId, Uuid) {
        let [area, enterprise, account] = [(); 3].map(|()| Uuid::now_v7());
        let mut tx = self.tx().await;
        let sql = format!(
            "insert into areas (id, county_id, code, name, short_name, kind) values ('{area}', '{county}', 'A', '城关', '城关', 'town');
             insert into enterprises (id, county_id, code, uscc, name, short_name, kind, area_id, status)
             values ('{enterprise}', '{county}', 'E', '91610528XXPRGL6M3X', '三原机械', '三原', '企业', '{area}', 'operating');
             insert into accounts (id, county_id, login, name, mobile, created_at)
             values ('{account}', '{county}', 'E', '王经理', '13812345678', now());
             insert into members (id, county_id, enterprise_id, account_id, standing, joined_at)
             values ('{area}', '{county}', '{enterprise}', '{account}', 'owner', now());
             insert into platform_logins (id, county_id, account_id, platform, app_id, external_id, bound_at)
             values ('{area}', '{county}', '{account}', 'wechat', 'app-subscribe', 'openid-1', now())",
            county = self.county
        );
        tx.batch_execute(&sql).await.unwrap();
        tx.finish(Ok::<_, DbError>(())).await.unwrap();
        (EnterpriseId(enterprise), account)
    }

    /// The enterprise is told that its call was accepted.
    pub async fn tell(&self, enterprise: EnterpriseId) {
        let draft = Draft {
            subject_kind: SubjectKind::Call,
            subject_id: subject(),
            event: "call.accepted",
            department: None,
            officer: None,
            priority: Priority::Normal,
            params: alarm_params(),
        };
        let mut tx = self.tx().await;
        let told = enterprise::tell(&mut tx, self.county, enterprise, &draft, self.now()).await;
        tx.finish(told.map_err(DbError::from)).await.unwrap();
    }

    /// The county's own choices.
    pub async fn chooses(&self, settings: Value) {
        let mut tx = self.tx().await;
        let chosen = diesel::update(counties::table.find(self.county.0))
            .set(counties::settings.eq(settings))
            .execute(&mut tx)
            .await;
        assert_eq!(tx.finish(chosen.map_err(DbError::from)).await.unwrap(), 1);
    }

    /// No channel is known to be blocked any more.
    pub async fn forget_blocks(&self) {
        let mut keys = redis::cmd("KEYS");
        keys.arg(self.redis.key("throttle:*:breaker"));
        for key in self.redis.query::<Vec<String>>(&keys).await.unwrap() {
            self.redis.query::<i64>(redis::cmd("DEL").arg(key)).await.unwrap();
        }
    }

    /// A channel asked to be left alone for ten minutes.
    pub async fn block(&self, room: &str) {
        use yijiao::notices::channels::Outcome;
        use yijiao::notices::throttle::{Asking, Spacing, Standing};
        let asking = Asking {
            channel: self.channel(room).await,
            kind: ChannelKind::DingtalkBot,
            reader: "",
            lane: Lane::Rest,
            notice: NoticeId::fresh(),
            attempt: 1,
            source: "",
            spacing: Spacing::None,
        };
        let outcome = Outcome::RateLimited { after: Duration::from_secs(600) };
        let throttle = &self.jobs.worker.sender.throttle;
        throttle.heard(&asking, &outcome, Standing::Sound, self.now()).await;
    }

    /// How many attempts ended otherwise.
    pub async fn attempts_unlike(&self, outcome: &str) -> i64 {
        let mut tx = self.tx().await;
        let others = notice_attempts::table.filter(notice_attempts::outcome.ne(outcome));
        others.count().get_result(&mut tx).await.unwrap()
    }

    /// Works until nothing is left to do at this moment.
    pub async fn work_all(&self) {
        while self.work().await > 0 {}
    }

    /// When the next notice is due that waits.
    pub async fn next_due(&self) -> Option<DateTime<Utc>> {
        let mut tx = self.tx().await;
        notices::table.select(diesel::dsl::min(notices::due_at)).get_result(&mut tx).await.unwrap()
    }

    pub fn db(&self) -> &Db {
        &self.jobs.relay.db
    }

    /// Another process over the same Postgres and Redis.
    pub fn replica(&self) -> Jobs {
        self.jobs_with(|_| {})
    }

    /// The same with other settings.
    pub fn jobs_with(&self, change: impl FnOnce(&mut Config)) -> Jobs {
        let mut config = self.config.clone();
        change(&mut config);
        jobs(&config, &self.clock, &self.wake, 8)
    }

    pub fn settings(&self) -> &Config {
        &self.config
    }

    /// Somebody else fetches an access token of this application, and does not come back.
    pub async fn fetches_for_ever(&self) {
        let keys: Vec<String> =
            self.redis.query(redis::cmd("KEYS").arg(self.redis.key("token:*"))).await.unwrap();
        assert!(!keys.is_empty(), "there was a token");
        for key in keys {
            let lock = format!("{key}:lock");
            self.redis.query::<()>(redis::cmd("RENAME").arg(&key).arg(&lock)).await.unwrap();
            self.redis.query::<()>(redis::cmd("SET").arg(&lock).arg("somebody else")).await.unwrap();
        }
    }

    /// Everything that Redis holds under a name of this installation.
    pub async fn kept_in_redis(&self, name: &str) -> Vec<Vec<u8>> {
        let keys: Vec<String> =
            self.redis.query(redis::cmd("KEYS").arg(self.redis.key(&format!("{name}:*")))).await.unwrap();
        let mut values = Vec::new();
        for key in keys {
            values.push(self.redis.query(redis::cmd("GET").arg(key)).await.unwrap());
        }
        values
    }

    async fn open_room(&self, name: &str, target: &Target) {
        let sealed = self.vault.seal(PURPOSE, target.credentials.reveal_json().as_bytes()).unwrap();
        let is_room = !target.kind.is_personal() && target.kind != ChannelKind::Webhook;
        let mut tx = self.tx().await;
        diesel::insert_into(channels::table)
            .values((
                channels::id.eq(ChannelId::fresh()),
                channels::county_id.eq(self.county),
                channels::code.eq(name),
                channels::kind.eq(target.kind),
                channels::name.eq(name),
                channels::department_id.eq(is_room.then_some(self.department)),
                channels::settings.eq(serde_json::to_value(&target.settings).unwrap()),
                channels::base_url.eq(halves(target.kind.as_str(), target.base_url.as_str(), "", &[]).0),
                channels::credentials_sealed.eq(sealed),
            ))
            .execute(&mut tx)
            .await
            .unwrap();
        tx.finish(Ok::<_, DbError>(())).await.unwrap();
    }

    /// Makes the business office, and this room its own.
    pub async fn give_to_office(&self, room: &str) -> DepartmentId {
        let office = DepartmentId::fresh();
        let mut tx = self.tx().await;
        diesel::insert_into(departments::table)
            .values((
                departments::id.eq(office),
                departments::county_id.eq(self.county),
                departments::code.eq("D00"),
                departments::name.eq("营商办"),
                departments::short_name.eq("营商办"),
                departments::kind.eq("bureau"),
                departments::office.eq("business_office"),
            ))
            .execute(&mut tx)
            .await
            .unwrap();
        let given = diesel::update(channels::table.filter(channels::code.eq(room)))
            .set(channels::department_id.eq(office))
            .execute(&mut tx)
            .await;
        tx.finish(given.map_err(DbError::from)).await.unwrap();
        office
    }

    /// An alarm of the department, addressed to whoever can hear it; its rows.
    pub async fn raise(&self) -> Vec<NewNotice> {
        let draft = Draft {
            subject_kind: SubjectKind::Call,
            subject_id: subject(),
            event: "call.dispatched",
            department: Some(self.department),
            officer: Some(self.officer),
            priority: Priority::FirstAlarm,
            params: alarm_params(),
        };
        let mut tx = self.tx().await;
        let routes = outbox::routes(&mut tx, self.county, &[self.department], &[self.officer]).await.unwrap();
        let rows = outbox::address(&draft, self.county, &routes, self.now());
        let posted = outbox::post(&mut tx, &rows).await;
        tx.finish(posted.map_err(DbError::from)).await.unwrap();
        rows
    }

    /// Somebody who may send again and cancel.
    pub fn administrator(&self) -> Administrator {
        Administrator { county: self.county, account: Uuid::now_v7(), name: "信息中心".to_owned() }
    }

    /// A connection that belongs to nobody's transaction.
    pub async fn onlooker(&self) -> diesel_async::AsyncPgConnection {
        self.store.owner().await
    }

    /// What `yijiao check` says.
    pub async fn unsent(&self) -> Unsent {
        let mut tx = self.tx().await;
        check::unsent(&mut tx, self.now()).await.unwrap()
    }

    pub async fn tx(&self) -> Tx {
        self.jobs.relay.db.begin(Scope::County(self.county.0)).await.unwrap()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// A first alarm to the officer in one room, committed; nobody is told.
    pub async fn alarm(&self, room: &str) -> NoticeId {
        self.post(room, Priority::FirstAlarm, alarm_params()).await
    }

    pub async fn post(&self, room: &str, priority: Priority, params: Value) -> NoticeId {
        let id = NoticeId::fresh();
        self.post_all(vec![self.notice(id, self.channel(room).await, priority, params)]).await;
        id
    }

    pub fn notice(&self, id: NoticeId, channel: ChannelId, priority: Priority, params: Value) -> NewNotice {
        NewNotice {
            id,
            county_id: self.county,
            subject_kind: SubjectKind::Call,
            subject_id: subject(),
            event: "call.dispatched".to_owned(),
            posting_id: id,
            channel_id: Some(channel),
            recipient: String::new(),
            officer_id: Some(self.officer),
            account_id: None,
            priority,
            params,
            state: NoticeState::Queued,
            attempt: 0,
            due_at: Some(self.now()),
            answered: false,
            created_at: self.now(),
            sent_at: None,
            follow_at: None,
            reason: String::new(),
            redraws: None,
        }
    }

    pub async fn post_all(&self, rows: Vec<NewNotice>) {
        let mut tx = self.tx().await;
        let posted = outbox::post(&mut tx, &rows).await.map_err(DbError::from);
        tx.finish(posted).await.unwrap();
    }

    /// What the notices are about was answered: somebody else accepted.
    pub async fn answer(&self) {
        self.answer_by("call.accepted", None, json!({ "holder": "王芳" })).await;
    }

    /// The same by whatever happened, and by whomever.
    pub async fn answer_by(&self, event: &str, officer: Option<OfficerId>, facts: Value) {
        let facts = facts.as_object().cloned().unwrap();
        let done = Done { event, at: self.now(), actor: "王芳", officer, facts };
        let mut tx = self.tx().await;
        let settled = outbox::settle_alarms(&mut tx, subject(), &done).await;
        tx.finish(settled.map_err(DbError::from)).await.unwrap();
    }

    /// The row that redraws the card of an alarm.
    pub async fn redraws(&self, alarm: NoticeId) -> Option<(NoticeId, Row)> {
        let mut tx = self.tx().await;
        let found = notices::table.filter(notices::redraws.eq(alarm)).select(notices::id);
        let id: NoticeId = found.get_result(&mut tx).await.optional().unwrap()?;
        drop(tx);
        Some((id, self.row(id).await))
    }

    pub async fn channel(&self, room: &str) -> ChannelId {
        let mut tx = self.tx().await;
        channels::table
            .filter(channels::code.eq(room))
            .select(channels::id)
            .get_result(&mut tx)
            .await
            .unwrap()
    }

    pub async fn set_channel(&self, room: &str, state: ChannelState) {
        let mut tx = self.tx().await;
        let changed = diesel::update(channels::table.filter(channels::code.eq(room)))
            .set(channels::state.eq(state))
            .execute(&mut tx)
            .await;
        tx.finish(changed.map_err(DbError::from)).await.unwrap();
    }

    /// Where the sandbox hears a room.
    pub fn sandbox_url(&self, room: &str) -> Url {
        self.sandbox.target(room, &self.base).unwrap().base_url
    }

    /// A webhook is elsewhere from now on.
    pub async fn move_room(&self, room: &str, url: &str) {
        let mut tx = self.tx().await;
        let sealed: Vec<u8> = channels::table
            .filter(channels::code.eq(room))
            .select(channels::credentials_sealed)
            .get_result(&mut tx)
            .await
            .unwrap();
        let opened = self.vault.open(PURPOSE, &sealed).unwrap();
        let credentials = serde_json::from_slice::<Credentials>(&opened).unwrap().at(url);
        let sealed = self.vault.seal(PURPOSE, credentials.reveal_json().as_bytes()).unwrap();
        let moved = diesel::update(channels::table.filter(channels::code.eq(room)))
            .set((
                channels::base_url.eq(halves("webhook", url, "", &[]).0),
                channels::credentials_sealed.eq(sealed),
            ))
            .execute(&mut tx)
            .await;
        tx.finish(moved.map_err(DbError::from)).await.unwrap();
    }

    pub async fn channel_state(&self, room: &str) -> (String, String) {
        let mut tx = self.tx().await;
        channels::table
            .filter(channels::code.eq(room))
            .select((channels::state, channels::state_reason))
            .get_result(&mut tx)
            .await
            .unwrap()
    }

    pub async fn row(&self, id: NoticeId) -> Row {
        let mut tx = self.tx().await;
        notices::table
            .find(id)
            .select((notices::state, notices::attempt, notices::due_at, notices::sent_at, notices::reason))
            .get_result(&mut tx)
            .await
            .unwrap()
    }

    pub async fn states(&self) -> Vec<NoticeState> {
        let mut tx = self.tx().await;
        notices::table.select(notices::state).order(notices::id).load(&mut tx).await.unwrap()
    }

    /// Outcomes of the attempts, in order, with their HTTP status.
    pub async fn attempts(&self, id: NoticeId) -> Vec<(i32, String, Option<i16>)> {
        let mut tx = self.tx().await;
        notice_attempts::table
            .filter(notice_attempts::notice_id.eq(id))
            .order(notice_attempts::attempt)
            .select((notice_attempts::attempt, notice_attempts::outcome, notice_attempts::http_status))
            .load(&mut tx)
            .await
            .unwrap()
    }

    /// Looks at alarms that went unanswered; nobody's ladder climbs here.
    pub async fn follow_up(&self) -> usize {
        follow_up(&self.jobs, &self.wake).run_once(self.now()).await.unwrap()
    }

    pub fn entry(&self, notice: NoticeId) -> Entry {
        Entry { county: self.county, notice }
    }

    pub async fn relay(&self) -> Pass {
        self.jobs.relay.run_once(self.now()).await.unwrap()
    }

    /// One pass of the relay, then everything in the queue; answers how many entries there were.
    pub async fn work(&self) -> usize {
        let _ = self.relay().await;
        self.jobs.worker.run_once(self.now()).await.unwrap()
    }

    /// Everything is gone that this installation had in Redis.
    pub async fn empty_redis(&self) {
        let keys: Vec<String> = self.redis.query(redis::cmd("KEYS").arg(self.redis.key("*"))).await.unwrap();
        if !keys.is_empty() {
            self.redis.query::<i64>(redis::cmd("DEL").arg(&keys)).await.unwrap();
        }
    }

    /// What a flush does to the queue.
    pub async fn flush_redis(&self) {
        let mut delete = redis::cmd("DEL");
        for lane in Lane::ALL {
            delete.arg(self.jobs.relay.queue.key(lane));
        }
        self.redis.query::<i64>(&delete).await.unwrap();
    }

    /// The same jobs by a Redis that nobody listens to.
    pub fn without_redis(&self) -> Jobs {
        let away = yijiao::platform::config::Redis {
            url: "redis://127.0.0.1:1/0".into(),
            prefix: self.config.redis.prefix.clone(),
        };
        self.jobs_with(|config| config.redis = away)
    }

    pub async fn hears(&self, room: &str) -> Received {
        self.sandbox.wait_for(room, |_| true, Duration::from_secs(10)).await.unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let url = &self.config.redis.url;
        let connection = redis::Client::open(url.expose_secret()).and_then(|client| client.get_connection());
        let mut keys = Lane::ALL.map(|lane| self.jobs.relay.queue.key(lane)).to_vec();
        if let Ok(mut connection) = connection {
            let throttles = self.redis.key("throttle:*");
            keys.extend(
                redis::cmd("KEYS").arg(throttles).query::<Vec<String>>(&mut connection).unwrap_or_default(),
            );
            let _ = redis::cmd("DEL").arg(&keys).query::<i64>(&mut connection);
        }
    }
}

/// What follows up alarms in one process.
pub fn follow_up(jobs: &Jobs, wake: &Wake) -> FollowUp {
    let Relay { db, clock, .. } = jobs.relay.clone();
    FollowUp { db, clock, wake: wake.clone(), climbers: Arc::default() }
}

fn app_room((name, kind): (&str, ChannelKind)) -> RoomConfig {
    let key = if kind == ChannelKind::Slack { format!("T00/B00/{name}") } else { format!("app-{name}") };
    let mut room = RoomConfig::new(kind, name, &key, &["app-secret"]);
    match kind {
        ChannelKind::WecomApp => room.app.agent_id = Some(1_000_002),
        ChannelKind::WechatSubscribe => {
            let template = json!({ "id": TEMPLATE, "data": {
                "thing1": "title", "name2": "holder", "time3": "at", "phrase4": "state",
            } });
            room.app = serde_json::from_value(json!({
                "appId": key, "page": "pages/call?id={callId}", "templates": { "call.accepted": template },
            }))
            .unwrap();
        }
        _ => {}
    }
    let people = if kind == ChannelKind::WechatSubscribe { "openid-1" } else { USER };
    RoomConfig { people: vec![people.to_owned()], limits: false, ..room }
}

fn jobs(config: &Config, clock: &Clock, wake: &Wake, pool: usize) -> Jobs {
    let db = Db::lazy(&config.database.url, pool).unwrap();
    let redis = Redis::lazy(&config.redis).unwrap();
    let queue = Queue::new(redis.clone());
    let lease = TimeDelta::milliseconds(config.notices.lease_ms.into());
    let outbound = &config.outbound;
    let sender = Sender {
        db: db.clone(),
        outbound: Outbound::new(outbound).unwrap(),
        vault: Vault::new(&config.secrets.master_key),
        texts: Arc::new(Texts::new("https://yj.example.cn").unwrap()),
        tokens: Tokens::new(
            redis.clone(),
            Vault::new(&config.secrets.master_key),
            Outbound::new(outbound).unwrap(),
        ),
        throttle: Throttle::new(redis.clone(), Limits::when(config.notices.throttle)),
        lease,
        next_channel_minutes: 3,
        clock: clock.clone(),
        wake: wake.clone(),
    };
    let worker = Worker {
        sender,
        queue: queue.clone(),
        clock: clock.clone(),
        concurrency: 64,
        consumer: "test".to_owned(),
    };
    let requeue = TimeDelta::milliseconds(config.notices.requeue_ms.into());
    let relay = Relay { db, queue, clock: clock.clone(), wake: wake.clone(), requeue, lease };
    Jobs { relay, worker }
}

pub fn redis_url() -> SecretString {
    std::env::var("REDIS_URL").map(SecretString::from).expect(
        "REDIS_URL is not set. It names a Redis the tests may use, e.g. redis://127.0.0.1:6379/0; `make test` sets it",
    )
}

/// The call that all notices here are about.
pub fn subject() -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)
}

pub fn alarm_params() -> Value {
    json!({
        "number": "482913607", "title": "3号楼停电", "urgency": "urgent", "enterprise": "三原宏达机械有限公司",
        "place": "城关工业园8号", "contactName": "王经理", "contactPhone": "13812345678", "holder": "李强",
        "holderMobile": "13700001111", "dueAt": "2026-11-23T14:05:00+08:00", "actPath": "/a/tok",
    })
}
