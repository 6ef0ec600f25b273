//! Passwords: right, wrong, too often wrong.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use secrecy::SecretString;
use yijiao::identity::operator;
use yijiao::identity::set_password::set_password;
use yijiao::ledger::{self, ActorKind};
use yijiao::platform::db::Scope;
use yijiao::platform::http::lang::Lang;
use yijiao::schema::{accounts, officers};

use super::town::{OFFICER, OWNER, PASSWORD, Town};

#[actix_web::test]
async fn the_right_password_opens_a_session_for_the_officer() {
    let town = Town::found().await;
    let tokens = town.log_in(OFFICER, PASSWORD).await.unwrap();
    assert_eq!(tokens.expires_in, 900);
    let caller = town.app.keys.verify(&town.app.db, &tokens.access_token, town.now()).await.unwrap();
    assert_eq!(caller.county, town.county);
    assert_eq!(caller.name.as_ref(), "于甲申");
    assert!(caller.officer.is_some() && caller.department.is_some());
}

#[actix_web::test]
async fn wrong_password_unknown_login_unknown_county_and_no_password_look_the_same() {
    let town = Town::found().await;
    let wrong = town.log_in(OFFICER, "guess 1").await.unwrap_err();
    for other in [
        town.log_in("O9999", PASSWORD).await.unwrap_err(),
        town.log_in(OWNER, PASSWORD).await.unwrap_err(),
        super::town::log_in(&town.app, "atlantis", OFFICER, PASSWORD).await.unwrap_err(),
    ] {
        assert_eq!(other.body(Lang::Zh), wrong.body(Lang::Zh));
    }
    assert_eq!(wrong.code(), "login_failed");
}

#[actix_web::test]
async fn five_failures_lock_for_half_an_hour_on_every_replica() {
    let town = Town::found().await;
    let replica = town.replica();
    for attempt in 0..5 {
        let failed = if attempt % 2 == 0 {
            town.log_in(OFFICER, "guess").await
        } else {
            super::town::log_in(&replica, "demo", OFFICER, "guess").await
        };
        assert_eq!(failed.unwrap_err().code(), "login_failed");
    }
    town.pass(TimeDelta::seconds(1799));
    let locked = super::town::log_in(&replica, "demo", OFFICER, PASSWORD).await.unwrap_err();
    assert_eq!((locked.code(), locked.status().as_u16()), ("account_locked", 429));
    assert_eq!(locked.body(Lang::En)["detail"], "Try again in about 1 minutes");
    town.pass(TimeDelta::seconds(1));
    town.log_in(OFFICER, PASSWORD).await.unwrap();
}

#[actix_web::test]
async fn a_success_forgets_failures_and_a_lock_that_is_over_starts_a_new_count() {
    let town = Town::found().await;
    let guess = async |times: usize| {
        for _ in 0..times {
            assert_eq!(town.log_in(OFFICER, "guess").await.unwrap_err().code(), "login_failed");
        }
    };
    guess(4).await;
    town.log_in(OFFICER, PASSWORD).await.unwrap();
    guess(5).await;
    assert_eq!(town.log_in(OFFICER, PASSWORD).await.unwrap_err().code(), "account_locked");
    town.pass(TimeDelta::minutes(30));
    guess(4).await;
    town.log_in(OFFICER, PASSWORD).await.unwrap();
}

#[actix_web::test]
async fn guesses_that_arrive_together_are_all_counted() {
    let town = Town::found().await;
    let guesses = join_all((0..8).map(|_| town.log_in(OFFICER, "guess"))).await;
    assert!(guesses.iter().all(Result::is_err));
    assert_eq!(town.log_in(OFFICER, PASSWORD).await.unwrap_err().code(), "account_locked");
}

#[actix_web::test]
async fn a_disabled_account_and_an_officer_who_left_cannot_sign_in() {
    let town = Town::found().await;
    town.write(async |tx| {
        diesel::update(officers::table).set(officers::status.eq("left")).execute(&mut **tx).await.unwrap()
    })
    .await;
    assert_eq!(town.log_in(OFFICER, PASSWORD).await.unwrap_err().code(), "account_disabled");
    town.write(async |tx| {
        diesel::update(officers::table).set(officers::status.eq("active")).execute(&mut **tx).await.unwrap();
        diesel::update(accounts::table).set(accounts::status.eq("disabled")).execute(&mut **tx).await.unwrap()
    })
    .await;
    assert_eq!(town.log_in(OFFICER, PASSWORD).await.unwrap_err().code(), "account_disabled");
}

#[actix_web::test]
async fn a_new_password_ends_old_sessions_and_lifts_the_lock() {
    let town = Town::found().await;
    let old = town.log_in(OFFICER, PASSWORD).await.unwrap();
    for _ in 0..5 {
        town.log_in(OFFICER, "guess").await.unwrap_err();
    }
    let set = async |login: &str, password: &str| {
        set_password(&town.app.db, "demo", login, &SecretString::from(password.to_owned()), town.now()).await
    };
    assert_eq!(set(OFFICER, "short").await.unwrap_err().code(), "password_weak");
    assert_eq!(set("O9999", "说到做到 2026").await.unwrap_err().code(), "account_unknown");
    set(OFFICER, "说到做到 2026").await.unwrap();
    assert_eq!(town.end_reason(OFFICER).await.as_deref(), Some("password_changed"));
    assert_eq!(town.refresh(&old.refresh_token).await.unwrap_err().code(), "refresh_invalid");
    town.log_in(OFFICER, "说到做到 2026").await.unwrap();
}

#[actix_web::test]
async fn what_an_operator_does_in_anothers_name_stands_in_that_accounts_ledger() {
    let town = Town::found().await;
    let (db, keys) = (&town.app.db, &town.app.keys);
    operator::issue_for(db, keys, "demo", OFFICER, town.now()).await.unwrap();
    let password = SecretString::from("说到做到 2026".to_owned());
    set_password(db, "demo", OFFICER, &password, town.now()).await.unwrap();
    let account = town.log_in(OFFICER, "说到做到 2026").await.unwrap();
    let caller = keys.verify(db, &account.access_token, town.now()).await.unwrap();
    let mut tx = db.begin(Scope::County(town.county.0)).await.unwrap();
    let events = ledger::store::of_subject(&mut tx, caller.account.0).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.actor_kind)).collect();
    let console = ActorKind::Operator;
    assert_eq!(told, [("account.token_issued", console), ("account.password_set", console)]);
    ledger::chain::verify(&events).unwrap();
}
