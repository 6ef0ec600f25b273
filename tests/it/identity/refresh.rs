//! Refresh tokens: once each; a copy in other hands ends the session.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use yijiao::identity::{Role, sessions};
use yijiao::schema::{account_roles, accounts, members, refresh_tokens};

use super::town::{OFFICER, OWNER, Town};

#[actix_web::test]
async fn a_refresh_rotates_and_reads_roles_anew() {
    let town = Town::found().await;
    let first = town.tokens(OFFICER).await;
    town.write(async |tx| {
        diesel::delete(account_roles::table.filter(account_roles::role.eq(Role::BusinessOffice)))
            .execute(&mut **tx)
            .await
            .unwrap()
    })
    .await;
    town.pass(TimeDelta::minutes(20));
    let second = town.refresh(&first.refresh_token).await.unwrap();
    assert_ne!(second.refresh_token, first.refresh_token);
    let caller = town.app.keys.verify(&town.app.db, &second.access_token, town.now()).await.unwrap();
    assert!(caller.has(Role::Officer) && !caller.has(Role::BusinessOffice));
    town.refresh(&second.refresh_token).await.unwrap();
}

#[actix_web::test]
async fn using_a_token_twice_ends_the_session_with_all_its_tokens() {
    let town = Town::found().await;
    let first = town.tokens(OFFICER).await;
    let second = town.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(town.refresh(&first.refresh_token).await.unwrap_err().code(), "refresh_reused");
    assert_eq!(town.end_reason(OFFICER).await.as_deref(), Some("reuse"));
    assert_eq!(town.refresh(&second.refresh_token).await.unwrap_err().code(), "refresh_invalid");
}

#[actix_web::test]
async fn of_simultaneous_refreshes_one_wins() {
    let town = Town::found().await;
    let first = town.tokens(OFFICER).await;
    let outcomes = join_all((0..6).map(|_| town.refresh(&first.refresh_token))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert!(["refresh_raced", "refresh_reused", "refresh_invalid"].contains(&refused.code()));
    }
}

#[actix_web::test]
async fn who_loses_the_race_by_a_moment_is_refused_and_the_session_goes_on() {
    let town = Town::found().await;
    let first = town.tokens(OFFICER).await;
    // A winner between its write and its commit.
    let winner = {
        let mut tx = town.app.db.begin(yijiao::platform::db::Scope::County(town.county.0)).await.unwrap();
        diesel::update(refresh_tokens::table)
            .set(refresh_tokens::used_at.eq(town.now()))
            .execute(&mut *tx)
            .await
            .unwrap();
        tx
    };
    let loser = town.refresh(&first.refresh_token);
    let commit = async {
        until_somebody_waits_for_a_lock(&town).await;
        winner.finish(Ok::<_, yijiao::platform::http::problem::Problem>(())).await.unwrap();
    };
    let (loser, ()) = futures_util::join!(loser, commit);
    assert_eq!(loser.unwrap_err().code(), "refresh_raced");
    assert_eq!(town.end_reason(OFFICER).await, None);
}

async fn until_somebody_waits_for_a_lock(town: &Town) {
    let mut owner = town.store.owner().await;
    for _ in 0..100_000 {
        let waits: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
            "exists (select from pg_locks where not granted and transactionid is not null)",
        ))
        .get_result(&mut owner)
        .await
        .unwrap();
        if waits {
            return;
        }
    }
    panic!("nobody ever waited");
}

#[actix_web::test]
async fn an_expired_or_invented_token_is_refused() {
    let town = Town::found().await;
    let tokens = town.tokens(OFFICER).await;
    for invented in ["", "nonsense", "a".repeat(64).as_str(), "吕".repeat(64).as_str()] {
        assert_eq!(town.refresh(invented).await.unwrap_err().code(), "refresh_invalid");
    }
    town.pass(TimeDelta::days(30));
    assert_eq!(town.refresh(&tokens.refresh_token).await.unwrap_err().code(), "refresh_invalid");
    assert_eq!(town.end_reason(OFFICER).await.as_deref(), Some("expired"));
}

#[actix_web::test]
async fn each_refresh_lets_the_session_live_on() {
    let town = Town::found().await;
    let mut tokens = town.tokens(OFFICER).await;
    for _ in 0..3 {
        town.pass(TimeDelta::days(29));
        tokens = town.refresh(&tokens.refresh_token).await.unwrap();
    }
}

#[actix_web::test]
async fn a_disabled_account_and_a_member_who_left_cannot_refresh() {
    let town = Town::found().await;
    let (officer, owner) = (town.tokens(OFFICER).await, town.tokens(OWNER).await);
    town.write(async |tx| {
        diesel::update(accounts::table.filter(accounts::login.eq(OFFICER)))
            .set(accounts::status.eq("disabled"))
            .execute(&mut **tx)
            .await
            .unwrap();
        diesel::update(members::table).set(members::left_at.eq(town.now())).execute(&mut **tx).await.unwrap()
    })
    .await;
    for (login, tokens) in [(OFFICER, officer), (OWNER, owner)] {
        assert_eq!(town.refresh(&tokens.refresh_token).await.unwrap_err().code(), "account_disabled");
        assert_eq!(town.end_reason(login).await.as_deref(), Some("disabled"));
    }
}

#[actix_web::test]
async fn after_logging_out_there_is_nothing_to_refresh() {
    let town = Town::found().await;
    let tokens = town.tokens(OFFICER).await;
    let caller = town.app.keys.verify(&town.app.db, &tokens.access_token, town.now()).await.unwrap();
    for _ in 0..2 {
        sessions::log_out(&town.app.db, &caller, town.now()).await.unwrap();
    }
    assert_eq!(town.refresh(&tokens.refresh_token).await.unwrap_err().code(), "refresh_invalid");
    assert_eq!(town.end_reason(OFFICER).await.as_deref(), Some("logout"));
}

#[actix_web::test]
async fn only_the_hash_of_a_refresh_token_is_stored() {
    let town = Town::found().await;
    let tokens = town.tokens(OFFICER).await;
    let stored: Vec<Vec<u8>> = town
        .write(async |tx| refresh_tokens::table.select(refresh_tokens::hash).load(&mut **tx).await.unwrap())
        .await;
    assert_eq!(stored, [yijiao::platform::crypto::sha256(tokens.refresh_token.as_bytes())]);
}
