//! Feishu's callbacks: the check of the address, and taps on cards. Every other event is taken note of and no more.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde_json::{Value, json};

use super::callback::{application, refuse};
use super::tap::{Tap, tap};
use crate::app::App;
use crate::identity::Public;
use crate::notices::callbacks::Application;
use crate::notices::channels::callback::feishu::{self, Heard};
use crate::notices::channels::callback::{Refusal, field};
use crate::notices::channels::{ChannelKind, feishu_app};
use crate::notices::model::ChannelId;
use crate::platform::http::body::RawBody;
use crate::platform::http::params::Path;
use crate::platform::http::problem::Problem;

const TAPPED: &str = "card.action.trigger";

/// Feishu checks the address, or tells of a tap on a card. Who tapped sees at once what came of it.
#[utoipa::path(
    tag = "bots", security(()), params(("channel" = ChannelId, Path)), request_body = Object,
    responses(
        (status = 200, body = Object), (status = 401, description = "`callback_refused`"),
        (status = 404, description = "`callback_unknown`"),
    ),
)]
#[post("/bots/feishu/{channel}")]
pub async fn hear_feishu(
    app: web::Data<App>,
    _public: Public,
    channel: Path<ChannelId>,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let of = application(&app, channel.0, ChannelKind::FeishuApp).await?;
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let heard = feishu::open(&of.callback, header, &body.0).map_err(|refusal| refuse(&of, refusal))?;
    of.note_called(&app.db, app.clock.now()).await?;
    let answer = match heard {
        Heard::Challenge(challenge) => json!({ "challenge": challenge }),
        Heard::Event { kind, event, .. } if kind == TAPPED => tapped(&app, &of, &event).await?,
        Heard::Event { .. } => json!({}),
    };
    Ok(HttpResponse::Ok().json(answer))
}

async fn tapped(app: &App, of: &Application, event: &Value) -> Result<Value, Problem> {
    let tapped = feishu::tapped(event).map_err(|refusal| refuse(of, refusal))?;
    // What the people of the application are known by here.
    let id_type = of.settings.user_id_type.as_deref().unwrap_or(feishu_app::ID_TYPE);
    let user_id = field(&tapped.operator, id_type);
    if user_id.is_empty() {
        return Err(refuse(of, Refusal::BadEvent));
    }
    let (notice, verb) = (field(&tapped.value, "notice"), field(&tapped.value, "verb"));
    let told = tap(app, of, Tap { user_id: &user_id, notice: &notice, verb: &verb, handle: None }).await?;
    Ok(feishu::toast(told.is_done, &told.says))
}
