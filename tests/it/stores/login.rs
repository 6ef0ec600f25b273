//! The server refuses a login that could look across counties, even one that works as a plain role.

use diesel_async::SimpleAsyncConnection as _;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use uuid::Uuid;
use yijiao::platform::db::Db;

use crate::kit_db::TestDb;

/// Made by `make test` (dev/test-roles.sql), with the password of the tests' own login.
const ABOVE: &str = "yijiao_test_above";

/// What the server says to a login.
async fn verdict(store: &TestDb, name: &str, password: Option<&str>) -> Result<(), String> {
    let mut url = Url::parse(store.owner_url().expose_secret()).unwrap();
    url.set_username(name).unwrap();
    if password.is_some() {
        url.set_password(password).unwrap();
    }
    let db = Db::lazy(&SecretString::from(url.to_string()), 1).unwrap();
    db.require_isolation().await.map_err(|error| error.to_string())
}

async fn holds(store: &TestDb, claim: &str) -> bool {
    let claim = format!("do $$ begin assert ({claim}); end $$");
    store.owner().await.batch_execute(&claim).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_of_a_server_may_serve() {
    TestDb::create().db().require_isolation().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_all_counties_may_not_serve_whatever_role_he_works_as() {
    let store = TestDb::create();
    if holds(&store, &format!("select count(*) = 1 from pg_roles where rolname = '{ABOVE}'")).await {
        let refusal = verdict(&store, ABOVE, None).await.unwrap_err();
        assert!(
            refusal.contains("is a role with BYPASSRLS") && refusal.contains("dev/roles.sql"),
            "{refusal}"
        );
    }
    // Only a superuser can make the others.
    if !holds(&store, "select rolsuper from pg_roles where rolname = current_user").await {
        return;
    }
    for (make, words) in [
        ("", None),
        ("superuser", Some("is a superuser")),
        ("bypassrls", Some("is a role with BYPASSRLS")),
        ("member", Some("may become")),
    ] {
        let name = format!("yijiao_test_login_{}", Uuid::new_v4().simple());
        let (attribute, grant) = match make {
            "member" => {
                ("", format!("do $$ begin execute format('grant %I to {name}', current_user); end $$"))
            }
            attribute => (attribute, String::new()),
        };
        let mut owner = store.owner().await;
        let make =
            format!("create role {name} {attribute} login password 'for a test' in role yijiao_app; {grant}");
        owner.batch_execute(&make).await.unwrap();
        let verdict = verdict(&store, &name, Some("for a test")).await;
        owner
            .batch_execute(&format!(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '{name}'; drop role {name}"
            ))
            .await
            .unwrap();
        match (verdict, words) {
            (Ok(()), None) => {}
            (Err(refusal), Some(words)) => assert!(refusal.contains(words), "{refusal}"),
            (verdict, words) => panic!("{verdict:?} instead of {words:?}"),
        }
    }
}
