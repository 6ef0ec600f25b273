//! The server refuses a login that could look across counties, even one that works as a plain role.

use diesel_async::SimpleAsyncConnection as _;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use uuid::Uuid;
use yijiao::platform::db::Db;

use crate::kit_db::TestDb;

/// A login of its own, made by `make` (`{login}` stands for its name) and gone with the value.
struct Login {
    name: String,
    store: TestDb,
}

impl Login {
    async fn new(make: &str) -> Self {
        let (name, store) = (format!("yijiao_test_login_{}", Uuid::new_v4().simple()), TestDb::create());
        let make = make.replace("{login}", &name);
        store.owner().await.batch_execute(&make).await.unwrap_or_else(|error| panic!("{make}: {error}"));
        Self { name, store }
    }

    async fn verdict(&self) -> Result<(), String> {
        let mut url = Url::parse(self.store.url().expose_secret()).unwrap();
        url.set_username(&self.name).unwrap();
        url.set_password(Some("for a test")).unwrap();
        let db = Db::lazy(&SecretString::from(url.to_string()), 1).unwrap();
        db.require_isolation().await.map_err(|error| error.to_string())
    }

    async fn remove(self) {
        let name = &self.name;
        let drop = format!(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '{name}'; drop role {name}"
        );
        self.store.owner().await.batch_execute(&drop).await.unwrap();
    }
}

async fn is_superuser() -> bool {
    let mut owner = TestDb::create().owner().await;
    owner
        .batch_execute(
            "do $$ begin assert (select rolsuper from pg_roles where rolname = current_user); end $$",
        )
        .await
        .is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_member_may_serve_and_so_may_the_owner_of_the_tables() {
    let plain = Login::new("create role {login} login password 'for a test' in role yijiao_app").await;
    assert_eq!(plain.verdict().await, Ok(()));
    plain.remove().await;
    TestDb::create().db().require_isolation().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_or_may_become_a_superuser_may_not_serve() {
    // Only a superuser can make such logins; a plain one has nothing to fear here.
    if !is_superuser().await {
        return;
    }
    for (make, words) in [
        ("create role {login} superuser login password 'for a test' in role yijiao_app", "is a superuser"),
        (
            "create role {login} bypassrls login password 'for a test' in role yijiao_app",
            "is a role with BYPASSRLS",
        ),
        (
            "create role {login} login password 'for a test' in role yijiao_app; grant pg_monitor to {login};
             do $$ begin execute format('grant %I to {login}', current_user); end $$",
            "may become",
        ),
    ] {
        let login = Login::new(make).await;
        let refusal = login.verdict().await.unwrap_err();
        assert!(refusal.contains(words) && refusal.contains("yijiao_app"), "{refusal}");
        login.remove().await;
    }
}
