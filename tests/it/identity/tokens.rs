//! Access tokens and their keys: forged, foreign, old, and shared by replicas.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;
use serde_json::{Value, json};
use yijiao::app::App;
use yijiao::schema::signing_keys;

use super::town::{OFFICER, Town};

async fn code(app: &App, token: &str) -> &'static str {
    match app.keys.verify(&app.db, token, app.clock.now()).await {
        Ok(_) => "ok",
        Err(problem) => problem.code(),
    }
}

fn part(token: &str, index: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn b64(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[actix_web::test]
async fn a_token_says_who_and_runs_out_after_its_fifteen_minutes() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    let claims = part(&token, 1);
    assert_eq!(claims["rol"], json!(["officer", "business_office"]));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    // Once looked up in the cache, once verified by another replica that has none.
    let replica = town.replica();
    for app in [&town.app, &town.app, &replica] {
        assert_eq!(code(app, &token).await, "ok");
    }
    town.pass(TimeDelta::seconds(899));
    assert_eq!(code(&town.app, &token).await, "ok");
    town.pass(TimeDelta::seconds(1));
    for app in [&town.app, &replica] {
        assert_eq!(code(app, &token).await, "token_expired");
    }
}

#[actix_web::test]
async fn a_look_for_keys_that_was_broken_off_is_none() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    let replica = town.replica();
    let gone = replica.keys.verify(&replica.db, &token, town.now()).now_or_never();
    assert!(gone.is_none(), "it looks into Postgres");
    assert_eq!(code(&replica, &token).await, "ok");
}

#[actix_web::test]
async fn a_tampered_token_is_refused() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    let mut claims = part(&token, 1);
    claims["rol"] = json!(["system_admin"]);
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    assert_eq!(code(&town.app, &format!("{header}.{}.{signature}", b64(&claims))).await, "token_invalid");
    for broken in ["", ".", "..", "a.b.c", &token[..token.len() - 2], &"x".repeat(1 << 20)] {
        assert_eq!(code(&town.app, broken).await, "token_invalid");
    }
}

#[actix_web::test]
async fn another_algorithm_is_refused_whatever_key_it_names() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let none =
        format!("{}.{}.", b64(&json!({"alg": "none", "typ": "JWT", "kid": header["kid"]})), b64(&claims));
    assert_eq!(code(&town.app, &none).await, "token_invalid");
    // HS256 with the public key as the secret.
    let public: Vec<u8> = town
        .write(async |tx| {
            signing_keys::table.select(signing_keys::public_key).first(&mut **tx).await.unwrap()
        })
        .await;
    let mut confused = Header::new(Algorithm::HS256);
    confused.kid = header["kid"].as_str().map(str::to_owned);
    let confused = jsonwebtoken::encode(&confused, &claims, &EncodingKey::from_secret(&public)).unwrap();
    assert_eq!(code(&town.app, &confused).await, "token_invalid");
}

#[actix_web::test]
async fn a_foreign_key_is_refused_under_any_name_even_written_into_the_table() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    let (known_kid, claims) = (part(&token, 0)["kid"].as_str().unwrap().to_owned(), part(&token, 1));
    let pair = Ed25519KeyPair::generate().unwrap();
    let private = pair.to_pkcs8().unwrap();
    let forge = |kid: Option<&str>| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(private.as_ref())).unwrap()
    };
    for kid in [None, Some(known_kid.as_str()), Some("0011223344556677")] {
        assert_eq!(code(&town.app, &forge(kid)).await, "token_invalid");
    }
    let now = town.now();
    town.write(async |tx| {
        diesel::insert_into(signing_keys::table)
            .values((
                signing_keys::kid.eq("0011223344556677"),
                signing_keys::private_sealed.eq(private.as_ref()),
                signing_keys::public_key.eq(pair.public_key().as_ref()),
                signing_keys::created_at.eq(now),
                signing_keys::signs_until.eq(now + TimeDelta::days(1)),
                signing_keys::verifies_until.eq(now + TimeDelta::days(2)),
            ))
            .execute(&mut **tx)
            .await
            .unwrap()
    })
    .await;
    town.pass(TimeDelta::minutes(2));
    assert_eq!(code(&town.app, &forge(Some("0011223344556677"))).await, "token_invalid");
}

#[actix_web::test]
async fn unknown_kids_reach_postgres_at_most_every_five_seconds() {
    let town = Town::found().await;
    let replica = town.replica();
    let garbage = |n: u32| format!("{}.e30.AAAA", b64(&json!({"alg": "EdDSA", "kid": format!("kid-{n}")})));
    // The replica has looked when there was no key yet; now one is made elsewhere.
    assert_eq!(code(&replica, &garbage(0)).await, "token_invalid");
    let token = town.tokens(OFFICER).await.access_token;
    for n in 1..50 {
        assert_eq!(code(&replica, &garbage(n)).await, "token_invalid");
    }
    assert_eq!(code(&replica, &token).await, "token_invalid");
    town.pass(TimeDelta::seconds(5));
    assert_eq!(code(&replica, &token).await, "ok");
}

#[actix_web::test]
async fn replicas_that_start_at_once_make_one_key() {
    let town = Town::found().await;
    let replicas: Vec<App> = (0..6).map(|_| town.replica()).collect();
    let now = town.now();
    let made = join_all(replicas.iter().map(|app| app.keys.signer(&app.db, now))).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(count_keys(&town).await, 1);
}

async fn count_keys(town: &Town) -> i64 {
    town.write(async |tx| signing_keys::table.count().get_result(&mut **tx).await.unwrap()).await
}

#[actix_web::test]
async fn keys_rotate_under_two_replicas_and_old_tokens_live_out() {
    let town = Town::found().await;
    let (a, b) = (&town.app, town.replica());
    let issue = async |app: &App| {
        yijiao::identity::operator::issue_for(&app.db, &app.keys, "demo", OFFICER, app.clock.now())
            .await
            .unwrap()
            .access_token
    };
    let first = issue(a).await;
    assert_eq!(code(&b, &first).await, "ok");
    // Shortly before the end the successor is made, and the old key still signs.
    town.pass(TimeDelta::days(30) - TimeDelta::minutes(5));
    let last_of_old = issue(a).await;
    assert_eq!(count_keys(&town).await, 2);
    assert_eq!(part(&last_of_old, 0)["kid"], part(&first, 0)["kid"]);
    assert_eq!(code(&b, &last_of_old).await, "ok");
    // Over the end: both sign with the new one, which b knew before; nobody made a third.
    town.pass(TimeDelta::minutes(5));
    let (of_a, of_b) = (issue(a).await, issue(&b).await);
    assert_ne!(part(&of_a, 0)["kid"], part(&first, 0)["kid"]);
    assert_eq!(part(&of_a, 0)["kid"], part(&of_b, 0)["kid"]);
    assert_eq!(count_keys(&town).await, 2);
    for token in [&of_a, &of_b, &last_of_old] {
        assert_eq!(code(a, token).await, "ok");
        assert_eq!(code(&b, token).await, "ok");
    }
    town.pass(TimeDelta::minutes(15));
    assert_eq!(code(&b, &last_of_old).await, "token_expired");
    // A month later the first key is forgotten altogether.
    town.pass(TimeDelta::days(31));
    issue(a).await;
    assert_eq!(count_keys(&town).await, 1);
}

#[actix_web::test]
async fn a_withdrawn_key_is_forgotten_within_two_minutes() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    assert_eq!(code(&town.app, &token).await, "ok");
    town.write(async |tx| diesel::delete(signing_keys::table).execute(&mut **tx).await.unwrap()).await;
    town.pass(TimeDelta::minutes(2));
    assert_eq!(code(&town.app, &token).await, "token_invalid");
    let next = town.tokens(OFFICER).await.access_token;
    assert_eq!(code(&town.app, &next).await, "ok");
}

#[actix_web::test]
async fn another_master_key_neither_signs_nor_believes_what_the_old_one_sealed() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    let mut config = town.app.config.as_ref().clone();
    config.secrets.master_key = SecretString::from("another master key, long enough too");
    let changed = App::new(config, town.app.clock.clone()).unwrap();
    assert_eq!(code(&changed, &token).await, "token_invalid");
    changed.keys.signer(&changed.db, town.now()).await.unwrap();
    assert_eq!(count_keys(&town).await, 2);
}

#[actix_web::test]
async fn without_postgres_known_keys_still_verify_and_unknown_ones_say_unavailable() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    let mut config = town.app.config.as_ref().clone();
    config.database.url = SecretString::from("postgres://nobody@127.0.0.1:1/nowhere");
    let cut_off = App::new(config, town.app.clock.clone()).unwrap();
    assert_eq!(code(&cut_off, &token).await, "unavailable");
    town.pass(TimeDelta::minutes(5));
    let known = town.app.keys.verify(&cut_off.db, &token, town.now()).await;
    assert!(known.is_ok());
}
