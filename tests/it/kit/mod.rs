//! A day in the county: a real server on a port of its own, over a database that holds a county, under a clock that only the test
//! moves, and the people of the county as clients.

mod people;
mod show;
mod store;
mod view;

use std::net::{SocketAddr, TcpListener};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use yijiao::app::App;
use yijiao::calls::raise::Tap;
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::http::admission::Gate;
use yijiao::platform::stop::Stop;
use yijiao::router;
use yijiao::server::{Face, build};

pub use people::Client;
pub use show::Show;
pub use view::{Refused, View, wd};

use crate::kit_db::{Holds, MASTER_KEY, TestDb};

/// Monday, 10:00 in China; the four weeks after it have no holiday.
pub const START: &str = "2026-03-09T10:00:00+08:00";

/// A county at work.
pub struct County {
    pub app: App,
    pub clock: Clock,
    pub code: &'static str,
    at: SocketAddr,
    stop: Stop,
    http: reqwest::Client,
    /// Dropped last: the server is connected to it.
    pub store: TestDb,
}

impl County {
    /// The small county of `tests/data/clear_county`.
    pub fn open() -> Self {
        Self::over(TestDb::holding(Holds::ClearCounty), "clear", |_| {})
    }

    /// The demo county.
    pub fn demo() -> Self {
        Self::over(TestDb::holding(Holds::DemoCounty), "demo", |_| {})
    }

    pub fn over(store: TestDb, code: &'static str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::defaults().unwrap();
        config.database.url = store.url();
        config.database.pool_per_worker = 12;
        config.redis.url = "redis://127.0.0.1:1/0".into();
        config.secrets.master_key = SecretString::from(MASTER_KEY);
        config.http.workers = 1;
        config.http.rate_per_second = 0;
        change(&mut config);
        let start: DateTime<Utc> = START.parse::<DateTime<chrono::FixedOffset>>().unwrap().into();
        let clock = Clock::manual(start);
        let app = App::new(config, clock.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (gate, stop) = (Gate::default(), Stop::default());
        gate.open();
        let face = Face { routes: router::configure, who: None };
        tokio::spawn(build(&app, listener, face, &gate, &stop).unwrap());
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { app, clock, code, at, stop, http: http.build().unwrap(), store }
    }

    /// Somebody by his login.
    pub fn client(&self, login: &str) -> Client<'_> {
        Client::new(self, login)
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Time passes.
    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// It becomes this hour of China, given as `03-10 09:30`; never backwards.
    pub fn until(&self, when: &str) {
        let moment = wd(when);
        assert!(moment >= self.now(), "{when} is over");
        self.clock.set(moment);
    }

    /// Fires everything that is due now; how many steps that were.
    pub async fn fires(&self) -> usize {
        let engine = yijiao::worker::engine(&self.app, "test".to_owned());
        engine.run_once(self.now()).await.unwrap()
    }

    /// Time runs to this hour, and everything that becomes due on the way fires at its moment, not at the end.
    pub async fn runs_until(&self, when: &str) {
        let end = wd(when);
        loop {
            self.fires().await;
            let next = self.next_due().await.filter(|next| *next <= end);
            match next {
                Some(next) => self.clock.set(next.max(self.now())),
                None => break,
            }
        }
        self.clock.set(end);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Composes taps as the writers do, without writing them.
    pub async fn would_route(&self, taps: &[Tap]) -> Vec<yijiao::calls::raise::compose::Composed> {
        use yijiao::calls::raise::{compose::compose, context};
        use yijiao::platform::db::Scope;
        let county = taps[0].person.county;
        let mut tx = self.app.db.begin(Scope::County(county.0)).await.unwrap();
        let contexts = context::read(&mut tx, county, taps).await.unwrap();
        let desk = &self.app.calls;
        let calendars = desk.calendars.at(&mut tx, county, 0).await.unwrap();
        let both = taps.iter().zip(&contexts);
        both.map(|(tap, context)| compose(desk, &calendars, tap, context.as_ref()).unwrap()).collect()
    }
}

impl Drop for County {
    fn drop(&mut self) {
        self.stop.request();
    }
}

/// `16.minutes()`
pub trait Spans {
    fn seconds(self) -> TimeDelta;
    fn minutes(self) -> TimeDelta;
    fn hours(self) -> TimeDelta;
    fn days(self) -> TimeDelta;
}

impl Spans for i64 {
    fn seconds(self) -> TimeDelta {
        TimeDelta::seconds(self)
    }
    fn minutes(self) -> TimeDelta {
        TimeDelta::minutes(self)
    }
    fn hours(self) -> TimeDelta {
        TimeDelta::hours(self)
    }
    fn days(self) -> TimeDelta {
        TimeDelta::days(self)
    }
}
