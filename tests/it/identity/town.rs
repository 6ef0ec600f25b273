//! A small county to sign in to: one department, one officer at the business office, one enterprise with its owner.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use uuid::Uuid;
use yijiao::app::App;
use yijiao::identity::{Role, Tokens, operator};
use yijiao::organisation::CountyId;
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::db::{Db, Scope, Tx};
use yijiao::platform::http::problem::Problem;
use yijiao::schema::{account_roles, accounts, areas, counties, departments, enterprises, members, officers};

use crate::kit_db::TestDb;

pub const PASSWORD: &str = "随叫随到 2026";
/// [`PASSWORD`], hashed beforehand: most tests need an account and none of them its hashing.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$mbmf5ogqv3wGJ2V+DottDQ$RIpxvOQCGcoanXjXSRnoTrDSDtE2Z3XpSNvs+ggmQkg";
pub const OFFICER: &str = "O0001";
pub const OWNER: &str = "E0001";
pub const OWNER_MOBILE: &str = "16900010001";

/// The county, the application over it, and its time.
pub struct Town {
    pub app: App,
    pub county: CountyId,
    /// Dropped last: the application is connected to it.
    pub store: TestDb,
}

impl Town {
    pub async fn found() -> Self {
        Self::found_with(|_| {}).await
    }

    /// With settings of its own.
    pub async fn found_with(change: impl FnOnce(&mut Config)) -> Self {
        let store = TestDb::create();
        let mut config = Config::defaults().unwrap();
        config.database.url = store.url();
        config.database.pool_background = 8;
        config.secrets.master_key = SecretString::from("a master key for tests, long enough");
        change(&mut config);
        let clock = Clock::manual("2026-11-23T02:00:00Z".parse().unwrap());
        let app = App::new(config, clock).unwrap();
        let county = settle(&app, "demo").await;
        Self { app, county, store }
    }

    /// Another replica: the same database and settings, nothing else shared but time.
    pub fn replica(&self) -> App {
        App::new(self.app.config.as_ref().clone(), self.app.clock.clone()).unwrap()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    pub fn pass(&self, time: TimeDelta) {
        self.app.clock.advance(time);
    }

    pub async fn log_in(&self, login: &str, password: &str) -> Result<Tokens, Problem> {
        log_in(&self.app, "demo", login, password).await
    }

    pub async fn refresh(&self, token: &str) -> Result<Tokens, Problem> {
        yijiao::identity::refresh::refresh(&self.app.db, &self.app.keys, token, self.now()).await
    }

    /// Tokens without a password, as an operator gets them.
    pub async fn tokens(&self, login: &str) -> Tokens {
        operator::issue_for(&self.app.db, &self.app.keys, "demo", login, self.now()).await.unwrap()
    }

    /// Why a session of this account ended; the latest one.
    pub async fn end_reason(&self, login: &str) -> Option<String> {
        use yijiao::schema::sessions;
        let login = login.to_owned();
        self.write(async |tx| {
            sessions::table
                .inner_join(accounts::table)
                .filter(accounts::login.eq(login))
                .order(sessions::id.desc())
                .select(sessions::end_reason)
                .first(&mut **tx)
                .await
                .unwrap()
        })
        .await
    }

    /// Runs `work` in a committed transaction of the county.
    pub async fn write<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> T) -> T {
        in_county(&self.app.db, self.county, work).await
    }
}

pub async fn log_in(app: &App, county: &str, login: &str, password: &str) -> Result<Tokens, Problem> {
    let password = SecretString::from(password.to_owned());
    yijiao::identity::log_in::log_in(app, county, login, &password, app.clock.now()).await
}

pub async fn in_county<T>(db: &Db, county: CountyId, work: impl AsyncFnOnce(&mut Tx) -> T) -> T {
    let mut tx = db.begin(Scope::County(county.0)).await.unwrap();
    let value = work(&mut tx).await;
    tx.finish(Ok::<_, Problem>(value)).await.unwrap()
}

/// Founds a county with its people.
pub async fn settle(app: &App, code: &str) -> CountyId {
    let county = CountyId::fresh();
    let now = app.clock.now();
    in_county(&app.db, county, async |tx| {
        diesel::insert_into(counties::table)
            .values((
                counties::id.eq(county),
                counties::code.eq(code),
                counties::name.eq("富平县"),
                counties::settings.eq(serde_json::json!({})),
                counties::created_at.eq(now),
            ))
            .execute(&mut **tx)
            .await
            .unwrap();
        let officer = officer(tx, county).await;
        let account =
            account(tx, county, OFFICER, "16900000001", Some(officer), Some(PASSWORD_HASH), now).await;
        role(tx, county, account, Role::Officer).await;
        role(tx, county, account, Role::BusinessOffice).await;
        let enterprise = enterprise(tx, county).await;
        let owner = self::account(tx, county, OWNER, OWNER_MOBILE, None, None, now).await;
        diesel::insert_into(members::table)
            .values((
                members::id.eq(Uuid::now_v7()),
                members::county_id.eq(county),
                members::enterprise_id.eq(enterprise),
                members::account_id.eq(owner),
                members::standing.eq("owner"),
                members::joined_at.eq(now),
            ))
            .execute(&mut **tx)
            .await
            .unwrap();
    })
    .await;
    county
}

async fn officer(tx: &mut Tx, county: CountyId) -> Uuid {
    let (department, id) = (Uuid::now_v7(), Uuid::now_v7());
    diesel::insert_into(departments::table)
        .values((
            departments::id.eq(department),
            departments::county_id.eq(county),
            departments::code.eq("D01"),
            departments::name.eq("县优化营商环境工作领导小组办公室"),
            departments::short_name.eq("营商办"),
            departments::kind.eq("议事协调机构办公室"),
        ))
        .execute(&mut **tx)
        .await
        .unwrap();
    diesel::insert_into(officers::table)
        .values((
            officers::id.eq(id),
            officers::county_id.eq(county),
            officers::code.eq(OFFICER),
            officers::name.eq("于甲申"),
            officers::department_id.eq(department),
            officers::title.eq("副主任"),
            officers::post.eq("deputy"),
            officers::mobile.eq("16900000001"),
        ))
        .execute(&mut **tx)
        .await
        .unwrap();
    id
}

async fn enterprise(tx: &mut Tx, county: CountyId) -> Uuid {
    let (area, id) = (Uuid::now_v7(), Uuid::now_v7());
    diesel::insert_into(areas::table)
        .values((
            areas::id.eq(area),
            areas::county_id.eq(county),
            areas::code.eq("610528102"),
            areas::name.eq("张桥镇"),
            areas::short_name.eq("张桥"),
            areas::kind.eq("town"),
        ))
        .execute(&mut **tx)
        .await
        .unwrap();
    diesel::insert_into(enterprises::table)
        .values((
            enterprises::id.eq(id),
            enterprises::county_id.eq(county),
            enterprises::code.eq("E0001"),
            enterprises::uscc.eq("92610528YYF26BD9XQ"),
            enterprises::name.eq("富平县岑笠祯服饰经营部"),
            enterprises::short_name.eq("岑笠祯服饰"),
            enterprises::kind.eq("个体工商户"),
            enterprises::area_id.eq(area),
            enterprises::status.eq("operating"),
        ))
        .execute(&mut **tx)
        .await
        .unwrap();
    id
}

/// Adds an account.
pub async fn account(
    tx: &mut Tx,
    county: CountyId,
    login: &str,
    mobile: &str,
    officer: Option<Uuid>,
    hash: Option<&str>,
    now: DateTime<Utc>,
) -> Uuid {
    let id = Uuid::now_v7();
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(id),
            accounts::county_id.eq(county),
            accounts::login.eq(login),
            accounts::name.eq(if officer.is_some() { "于甲申" } else { "吕己未" }),
            accounts::mobile.eq(mobile),
            accounts::officer_id.eq(officer),
            accounts::password_hash.eq(hash),
            accounts::created_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .unwrap();
    id
}

/// Gives an account a role.
pub async fn role(tx: &mut Tx, county: CountyId, account: Uuid, role: Role) {
    diesel::insert_into(account_roles::table)
        .values((
            account_roles::account_id.eq(account),
            account_roles::county_id.eq(county),
            account_roles::role.eq(role),
        ))
        .execute(&mut **tx)
        .await
        .unwrap();
}
