//! The routes of identity: `/api/v1/auth/…` and `/api/v1/me`.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::caller::Caller;
use super::extract::Public;
use super::log_in::log_in;
use super::me::{Me, show_me};
use super::refresh::refresh;
use super::sessions::{Tokens, log_out};
use super::wechat_log_in::{Codes, wechat_log_in};
use crate::app::App;
use crate::platform::http::body::Json;
use crate::platform::http::problem::Problem;

/// Mounts the routes; paths are complete.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(auth_wechat).service(auth_password).service(auth_refresh).service(auth_logout).service(me);
}

/// Sign-in from the mini-program.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WechatLogin {
    /// From `wx.login`.
    #[schema(example = "0a3Xyz")]
    pub code: String,
    /// From `getPhoneNumber`; needed once, to bind this WeChat user to the account with that number.
    pub phone_code: Option<String>,
    /// Which account, when the number belongs to several.
    pub login: Option<String>,
}

/// Sign-in with a password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordLogin {
    #[schema(example = "demo")]
    pub county: String,
    #[schema(example = "O0001")]
    pub login: String,
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// A refresh token to be exchanged.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshRequest {
    #[schema(value_type = String)]
    pub refresh_token: SecretString,
}

/// Signs in from the WeChat mini-program
#[utoipa::path(
    tag = "auth",
    security(()),
    responses(
        (status = 200, description = "Signed in", body = Tokens),
        (status = 400, description = "`wechat_code_invalid`"),
        (status = 403, description = "`account_disabled`, `wechat_user_blocked`"),
        (status = 404, description = "`account_not_bound`: send `phoneCode`; `phone_not_registered`"),
        (status = 409, description = "`account_ambiguous`: send `login`, one of `accounts[]`"),
        (status = 429, description = "`wechat_rate_limited`"),
        (status = 503, description = "`wechat_unavailable`"),
    )
)]
#[post("/api/v1/auth/wechat")]
pub async fn auth_wechat(
    _: Public,
    app: Data<App>,
    body: Json<WechatLogin>,
) -> Result<Json<Tokens>, Problem> {
    let codes = Codes {
        code: &body.0.code,
        phone_code: body.0.phone_code.as_deref(),
        login: body.0.login.as_deref(),
    };
    wechat_log_in(&app, codes, app.clock.now()).await.map(Json)
}

/// Signs in with a password
#[utoipa::path(
    tag = "auth",
    security(()),
    responses(
        (status = 200, description = "Signed in", body = Tokens),
        (status = 401, description = "`login_failed`: login or password is wrong, or the login is unknown"),
        (status = 403, description = "`account_disabled`"),
        (status = 429, description = "`account_locked`: too many failures; `Retry-After` tells for how long"),
    )
)]
#[post("/api/v1/auth/password")]
pub async fn auth_password(
    _: Public,
    app: Data<App>,
    body: Json<PasswordLogin>,
) -> Result<Json<Tokens>, Problem> {
    log_in(&app, &body.0.county, &body.0.login, &body.0.password, app.clock.now()).await.map(Json)
}

/// Exchanges a refresh token for a new pair of tokens
#[utoipa::path(
    tag = "auth",
    security(()),
    responses(
        (status = 200, description = "The next pair; the token sent is used up", body = Tokens),
        (status = 401, description = "`refresh_invalid`; `refresh_reused`: used before, the session is ended"),
        (status = 403, description = "`account_disabled`"),
        (status = 409, description = "`refresh_raced`: another request exchanged it at the same moment"),
    )
)]
#[post("/api/v1/auth/refresh")]
pub async fn auth_refresh(
    _: Public,
    app: Data<App>,
    body: Json<RefreshRequest>,
) -> Result<Json<Tokens>, Problem> {
    refresh(&app.db, &app.keys, body.0.refresh_token.expose_secret(), app.clock.now()).await.map(Json)
}

/// Ends the session
#[utoipa::path(
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Ended; its refresh token works no more"),
        (status = 401, description = "`token_missing`, `token_invalid`, `token_expired`"),
    )
)]
#[post("/api/v1/auth/logout")]
pub async fn auth_logout(caller: Caller, app: Data<App>) -> Result<HttpResponse, Problem> {
    log_out(&app.db, &caller, app.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who is signed in, and for whom
#[utoipa::path(
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The account behind the token", body = Me),
        (status = 401, description = "`token_missing`, `token_invalid`, `token_expired`"),
    )
)]
#[get("/api/v1/me")]
pub async fn me(caller: Caller, app: Data<App>) -> Result<Json<Me>, Problem> {
    show_me(&app.db, &caller).await.map(Json)
}
