//! WeChat's mini-program interface: login codes, access tokens, phone codes, each good once.
//!
//! `demo-<openid>` logs that person in, `phone-<mobile>` proves that phone; what follows a `~` makes the code another one.

use std::collections::{HashMap, HashSet, VecDeque};

use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Sandbox;
use super::config::MiniProgramConfig;
use super::console::NotCalled;
use super::exchange::{Refused, Said};
use super::fault::Mode;
use super::rooms::WECHAT;
use crate::notices::channels::ChannelKind;
use crate::platform::crypto;

/// Used codes remembered; the oldest are forgotten, as WeChat forgets after five minutes.
const CODES_KEPT: usize = 10_000;
/// Life of an access token, in seconds; in its last 300 a new one is handed out and both work.
const TOKEN_LIFE: i64 = 7200;
const TOKEN_OVERLAP: i64 = 300;

/// The mini-program's memory.
#[derive(Debug)]
pub struct MiniProgram {
    config: MiniProgramConfig,
    used: HashSet<String>,
    used_order: VecDeque<String>,
    /// Newest last.
    tokens: VecDeque<(String, DateTime<Utc>)>,
    /// How many messages of a template a person still takes.
    accepted: HashMap<(String, String), u32>,
}

impl MiniProgram {
    #[must_use]
    pub fn new(config: MiniProgramConfig) -> Self {
        Self {
            config,
            used: HashSet::new(),
            used_order: VecDeque::new(),
            tokens: VecDeque::new(),
            accepted: HashMap::new(),
        }
    }

    pub fn revoke(&mut self) {
        self.tokens.clear();
    }

    pub fn accept(&mut self, openid: &str, template: &str) {
        *self.accepted.entry((openid.to_owned(), template.to_owned())).or_default() += 1;
    }

    /// Uses up one acceptance.
    pub fn spend(&mut self, openid: &str, template: &str) -> Result<(), Refused> {
        match self.accepted.get_mut(&(openid.to_owned(), template.to_owned())) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Ok(())
            }
            _ => Err(Refused::errcode(43101, "user refuse to accept the msg, rid: sandbox")),
        }
    }

    fn check_app(&self, app_id: &str, secret: &str) -> Result<(), Refused> {
        let wanted = self.config.app_secret.expose_secret();
        if !self.config.app_id.is_empty() && self.config.app_id != app_id {
            return Err(says(Said::UnknownKey));
        }
        if !wanted.is_empty() && !crypto::same(wanted.as_bytes(), secret.as_bytes()) {
            return Err(says(Said::WrongSign));
        }
        Ok(())
    }

    /// The person or phone behind a code, the first time.
    fn redeem(&mut self, prefix: &str, code: &str, again: Refused) -> Result<String, Refused> {
        let name =
            code.strip_prefix(prefix).and_then(|rest| rest.split('~').next()).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refused::errcode(40029, "invalid code, rid: sandbox"))?;
        if !self.used.insert(code.to_owned()) {
            return Err(again);
        }
        self.used_order.push_back(code.to_owned());
        if self.used_order.len() > CODES_KEPT
            && let Some(oldest) = self.used_order.pop_front()
        {
            self.used.remove(&oldest);
        }
        Ok(name.to_owned())
    }

    fn login(&mut self, query: &Login) -> Result<Value, Refused> {
        self.check_app(&query.appid, &query.secret)?;
        if query.grant_type != "authorization_code" {
            return Err(Refused::errcode(40002, "invalid grant_type, rid: sandbox"));
        }
        let again = Refused::errcode(40163, "code been used, rid: sandbox");
        let openid = self.redeem("demo-", &query.js_code, again)?;
        let digest = crypto::sha256(openid.as_bytes());
        let session_key = STANDARD.encode(digest.get(..16).unwrap_or_default());
        Ok(json!({ "openid": openid, "session_key": session_key, "unionid": format!("u-{openid}") }))
    }

    fn token(&mut self, request: &TokenRequest, now: DateTime<Utc>) -> Result<Value, Refused> {
        self.check_app(&request.appid, &request.secret)?;
        if request.grant_type != "client_credential" {
            return Err(Refused::errcode(40002, "invalid grant_type, rid: sandbox"));
        }
        self.tokens.retain(|(_, until)| *until > now);
        let left = self.tokens.back().map(|(_, until)| (*until - now).num_seconds());
        if request.force_refresh {
            self.tokens.clear();
        }
        if request.force_refresh || left.is_none_or(|left| left <= TOKEN_OVERLAP) {
            self.tokens.push_back((crypto::random_token(), now + TimeDelta::seconds(TOKEN_LIFE)));
        }
        let newest = self.tokens.back().map(|(token, until)| (token.as_str(), (*until - now).num_seconds()));
        let (token, left) = newest.unwrap_or_default();
        Ok(json!({ "access_token": token, "expires_in": left }))
    }

    pub fn check_token(&self, token: &str, now: DateTime<Utc>) -> Result<(), Refused> {
        let known = self.tokens.iter().find(|(known, _)| crypto::same(known.as_bytes(), token.as_bytes()));
        match known {
            None => {
                let text = "invalid credential, access_token is invalid or not latest, rid: sandbox";
                Err(Refused::errcode(40001, text))
            }
            Some((_, until)) if *until <= now => {
                Err(Refused::errcode(42001, "access_token expired, rid: sandbox"))
            }
            Some(_) => Ok(()),
        }
    }

    fn phone(&mut self, token: &str, code: &str, now: DateTime<Utc>) -> Result<Value, Refused> {
        self.check_token(token, now)?;
        let again = Refused::errcode(40029, "invalid code, rid: sandbox");
        let mobile = self.redeem("phone-", code, again)?;
        let watermark = json!({ "timestamp": now.timestamp(), "appid": self.config.app_id });
        Ok(json!({ "errcode": 0, "errmsg": "ok", "phone_info": {
            "phoneNumber": mobile, "purePhoneNumber": mobile, "countryCode": "86", "watermark": watermark,
        } }))
    }
}

pub fn says(said: Said) -> Refused {
    match said {
        Said::Taken => Refused::errcode(0, "ok"),
        Said::UnknownKey => Refused::errcode(40013, "invalid appid, rid: sandbox"),
        Said::Busy => Refused::errcode(-1, "system error"),
        Said::TooFast => Refused::errcode(45011, "api minute-quota reach limit, rid: sandbox"),
        Said::Gone => Refused::errcode(48004, "api forbidden, rid: sandbox"),
        Said::WrongSign => Refused::errcode(40125, "invalid appsecret, rid: sandbox"),
        Said::BadMessage => Refused::errcode(47001, "data format error, rid: sandbox"),
    }
}

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/sns/jscode2session", web::get().to(login))
        .route("/cgi-bin/stable_token", web::post().to(token))
        .route("/wxa/business/getuserphonenumber", web::post().to(phone))
        .route("/sandbox/wechat/subscriptions", web::post().to(accept));
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    appid: String,
    secret: String,
    js_code: String,
    grant_type: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRequest {
    grant_type: String,
    appid: String,
    secret: String,
    force_refresh: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AccessToken {
    access_token: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PhoneRequest {
    code: String,
}

async fn login(sandbox: web::Data<Sandbox>, query: web::Query<Login>) -> HttpResponse {
    exchange(&sandbox, |program, _| program.login(&query)).await
}

async fn token(sandbox: web::Data<Sandbox>, body: web::Bytes) -> HttpResponse {
    exchange(&sandbox, |program, now| program.token(&parsed(&body)?, now)).await
}

async fn phone(
    sandbox: web::Data<Sandbox>,
    query: web::Query<AccessToken>,
    body: web::Bytes,
) -> HttpResponse {
    exchange(&sandbox, |program, now| {
        let request: PhoneRequest = parsed(&body)?;
        program.phone(&query.access_token, &request.code, now)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acceptance {
    openid: String,
    template_id: String,
}

/// The person's tap in the mini-program, of which WeChat tells the service where it was asked to.
async fn accept(sandbox: web::Data<Sandbox>, body: web::Json<Acceptance>) -> HttpResponse {
    sandbox.accept_subscription(&body.openid, &body.template_id);
    match sandbox.push_subscription(&body.openid, &body.template_id, "accept").await {
        Ok(()) | Err(NotCalled::NoAddress | NotCalled::NoApplication) => HttpResponse::NoContent().finish(),
        Err(error) => HttpResponse::BadGateway().json(json!({ "error": error.to_string() })),
    }
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|_| says(Said::BadMessage))
}

/// A switched-on failure, or the interface's own answer; always HTTP 200.
async fn exchange(
    sandbox: &Sandbox,
    deal: impl FnOnce(&mut MiniProgram, DateTime<Utc>) -> Result<Value, Refused>,
) -> HttpResponse {
    let fault = sandbox.rooms().take_fault(WECHAT);
    if let Some(fault) = fault.as_ref().filter(|fault| fault.mode != Mode::LostAnswer) {
        return fault.mode.answer(ChannelKind::WechatSubscribe, fault.seconds).await;
    }
    let now = sandbox.clock.now();
    let answer = deal(&mut sandbox.mini_program(), now);
    match (fault, answer) {
        (Some(fault), _) => fault.mode.answer(ChannelKind::WechatSubscribe, fault.seconds).await,
        (None, Ok(answer)) => HttpResponse::Ok().json(answer),
        (None, Err(refused)) => refused.respond(),
    }
}
