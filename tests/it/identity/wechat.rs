//! Signing in from the mini-program, against a stand-in that answers like the platform.

use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data, Query};
use actix_web::{App as Actix, HttpResponse, HttpServer, get, post};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use yijiao::identity::Tokens;
use yijiao::identity::wechat_log_in::{Codes, wechat_log_in};
use yijiao::platform::http::lang::Lang;
use yijiao::platform::http::problem::Problem;
use yijiao::schema::{accounts, platform_logins};

use super::town::{OWNER, OWNER_MOBILE, Town, account};

const APP_ID: &str = "wx0123456789abcdef";

/// What the stand-in knows: codes already used.
#[derive(Default)]
struct Platform {
    used: Mutex<Vec<String>>,
}

#[derive(Deserialize)]
struct Login {
    appid: String,
    secret: String,
    js_code: String,
    grant_type: String,
}

fn error(code: i64) -> HttpResponse {
    // The platform sends its JSON as text/plain, with status 200.
    HttpResponse::Ok().content_type("text/plain").body(json!({"errcode": code, "errmsg": "…"}).to_string())
}

/// A code without its counter: whom it stands for.
fn of(code: &str) -> &str {
    code.split('#').next().unwrap()
}

impl Platform {
    fn first_use(&self, code: &str) -> bool {
        let mut used = self.used.lock().unwrap();
        let first = !used.iter().any(|known| known == code);
        used.push(code.to_owned());
        first
    }
}

#[get("/sns/jscode2session")]
async fn session(platform: Data<Arc<Platform>>, login: Query<Login>) -> HttpResponse {
    assert_eq!((login.appid.as_str(), login.secret.as_str()), (APP_ID, "app secret"));
    assert_eq!(login.grant_type, "authorization_code");
    match login.js_code.as_str() {
        "busy" => error(-1),
        "too often" => error(45011),
        "risk" => error(40226),
        "html" => HttpResponse::BadGateway().body("<html>"),
        "endless" => HttpResponse::Ok().body("x".repeat(1 << 20)),
        "silent" => std::future::pending().await,
        code if !platform.first_use(code) => error(40163),
        code => match code.strip_prefix("login-of-") {
            // "login-of-owner#2" is the owner's second code.
            Some(person) => HttpResponse::Ok().content_type("text/plain").body(
                json!({"openid": format!("openid-of-{}", of(person)), "session_key": "never"}).to_string(),
            ),
            None => error(40029),
        },
    }
}

#[post("/cgi-bin/stable_token")]
async fn stable_token(body: Bytes) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["secret"], &body["force_refresh"]), (&json!("app secret"), &json!(false)));
    HttpResponse::Ok().json(json!({"access_token": "platform-token", "expires_in": 7200}))
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[post("/wxa/business/getuserphonenumber")]
async fn phone(platform: Data<Arc<Platform>>, token: Query<Token>, body: Bytes) -> HttpResponse {
    assert_eq!(token.access_token, "platform-token");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let code = body["code"].as_str().unwrap();
    if !platform.first_use(code) {
        return error(40029);
    }
    let (number, appid) = match of(code).strip_prefix("foreign-") {
        Some(number) => (number, "wxffffffffffffffff"),
        None => (of(code), APP_ID),
    };
    HttpResponse::Ok().json(json!({"errcode": 0, "errmsg": "ok", "phone_info": {
        "phoneNumber": number, "purePhoneNumber": number, "countryCode": "86",
        "watermark": {"timestamp": 1_780_000_000, "appid": appid},
    }}))
}

/// A county whose mini-program talks to a stand-in of its own.
async fn found() -> Town {
    found_with_patience(5_000).await
}

/// One that waits so many milliseconds for the platform.
async fn found_with_patience(timeout_ms: u64) -> Town {
    let platform = Arc::new(Platform::default());
    let server = HttpServer::new(move || {
        Actix::new()
            .app_data(Data::new(Arc::clone(&platform)))
            .service(session)
            .service(stable_token)
            .service(phone)
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    Town::found_with(|config| {
        config.wechat.base_url = format!("http://{address}/");
        config.outbound.allow_private = vec![address.to_string()];
        config.wechat.app_id = APP_ID.to_owned();
        config.wechat.app_secret = SecretString::from("app secret");
        config.outbound.timeout_ms = timeout_ms;
    })
    .await
}

async fn log_in(town: &Town, code: &str, phone_code: Option<&str>) -> Result<Tokens, Problem> {
    wechat_log_in(&town.app, Codes { code, phone_code, login: None }, town.now()).await
}

async fn code_of(town: &Town, code: &str, phone_code: Option<&str>) -> &'static str {
    log_in(town, code, phone_code).await.unwrap_err().code()
}

async fn login_of(town: &Town, tokens: &Tokens) -> String {
    let caller = town.app.keys.verify(&town.app.db, &tokens.access_token, town.now()).await.unwrap();
    town.write(async |tx| {
        accounts::table.find(caller.account.0).select(accounts::login).first(&mut **tx).await.unwrap()
    })
    .await
}

#[actix_web::test]
async fn a_person_is_bound_by_phone_once_and_known_afterwards() {
    let town = found().await;
    assert_eq!(code_of(&town, "login-of-owner", None).await, "account_not_bound");
    assert_eq!(code_of(&town, "login-of-owner", None).await, "wechat_code_invalid", "a code works once");
    let first = log_in(&town, "login-of-owner#2", Some(OWNER_MOBILE)).await.unwrap();
    let later = log_in(&town, "login-of-owner#3", None).await.unwrap();
    for tokens in [&first, &later] {
        assert_eq!(login_of(&town, tokens).await, OWNER);
    }
    assert_eq!(code_of(&town, "login-of-somebody", None).await, "account_not_bound");
    let bound: Vec<(String, String)> = town
        .write(async |tx| {
            platform_logins::table
                .select((platform_logins::app_id, platform_logins::external_id))
                .load(&mut **tx)
                .await
                .unwrap()
        })
        .await;
    assert_eq!(bound, [(APP_ID.to_owned(), "openid-of-owner".to_owned())]);
}

#[actix_web::test]
async fn an_unregistered_phone_and_a_foreign_watermark_bind_nobody() {
    let town = found().await;
    assert_eq!(code_of(&town, "login-of-a", Some("13800000000")).await, "phone_not_registered");
    let foreign = format!("foreign-{OWNER_MOBILE}");
    assert_eq!(code_of(&town, "login-of-b", Some(&foreign)).await, "wechat_code_invalid");
    let bound: i64 =
        town.write(async |tx| platform_logins::table.count().get_result(&mut **tx).await.unwrap()).await;
    assert_eq!(bound, 0);
}

#[actix_web::test]
async fn a_phone_of_two_accounts_needs_a_choice() {
    let town = found().await;
    let now = town.now();
    town.write(async |tx| account(tx, town.county, "E0002", OWNER_MOBILE, None, None, now).await).await;
    let ambiguous = log_in(&town, "login-of-a", Some(OWNER_MOBILE)).await.unwrap_err();
    assert_eq!(ambiguous.code(), "account_ambiguous");
    let body = ambiguous.body(Lang::Zh);
    assert_eq!(body["accounts"][0]["login"], OWNER);
    assert_eq!(body["accounts"][1]["login"], "E0002");
    let phone_code = format!("{OWNER_MOBILE}#2");
    let codes = Codes { code: "login-of-a#2", phone_code: Some(&phone_code), login: Some("E0002") };
    let chosen = wechat_log_in(&town.app, codes, now).await;
    // Chosen, but nobody stands behind this account any more: it has neither role nor membership.
    assert_eq!(chosen.unwrap_err().code(), "account_disabled");
    let phone_code = format!("{OWNER_MOBILE}#3");
    let codes = Codes { code: "login-of-a#3", phone_code: Some(&phone_code), login: Some(OWNER) };
    let chosen = wechat_log_in(&town.app, codes, now).await.unwrap();
    assert_eq!(login_of(&town, &chosen).await, OWNER);
}

#[actix_web::test]
async fn the_platforms_refusals_have_codes_of_their_own() {
    let town = found().await;
    for (code, ours, status) in [
        ("invented", "wechat_code_invalid", 400),
        ("busy", "wechat_unavailable", 503),
        ("html", "wechat_unavailable", 503),
        ("endless", "wechat_unavailable", 503),
        ("too often", "wechat_rate_limited", 429),
        ("risk", "wechat_user_blocked", 403),
    ] {
        let problem = log_in(&town, code, None).await.unwrap_err();
        assert_eq!((problem.code(), problem.status().as_u16()), (ours, status), "{code}");
    }
}

#[actix_web::test]
async fn a_silent_platform_is_not_waited_for_for_ever() {
    let town = found_with_patience(50).await;
    assert_eq!(code_of(&town, "silent", None).await, "wechat_unavailable");
}
