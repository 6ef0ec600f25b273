//! The other direction: the platforms call the service back. An address is saved as in a platform's console, which checks it first; a tap on a
//! card's button, or an answer to a subscription, then goes there, sealed and signed as the platform does it.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Sandbox;
use super::apps::subscribe::message_id;
use super::config::RoomConfig;
use super::rooms::Received;
use crate::notices::channels::ChannelKind;
use crate::notices::channels::callback::{Callback, Envelope, Signed, dingtalk, feishu, field, wecom};
use crate::platform::crypto;
use crate::platform::outbound::{HeaderName, HeaderValue, Hosts, OutboundRequest, Url};

/// What the checks of an address ask to be said again.
const ECHO: &str = "1616140317555161061";

/// Why the service was not called, or its answer is none.
#[derive(Debug, thiserror::Error)]
pub enum NotCalled {
    #[error("no such application, or no token and key for it")]
    NoApplication,
    #[error("no address was saved for it")]
    NoAddress,
    #[error("no such message, or no such button on it")]
    NoButton,
    #[error("no such subscription message")]
    NoMessage,
    #[error("the sandbox was started without a way out")]
    NoWayOut,
    #[error("{0}")]
    Unreachable(String),
    #[error("the service answered {status}: {body}")]
    Refused { status: u16, body: String },
    #[error("the service's answer is not what the platform wants to read")]
    WrongAnswer,
}

/// What who tapped sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub says: String,
}

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/sandbox/rooms/{room}/callback", web::put().to(save))
        .route("/sandbox/messages/{id}/buttons/{button}", web::post().to(press))
        .route("/sandbox/messages/{id}/undelivered", web::post().to(undeliver));
}

#[derive(Deserialize)]
struct Address {
    url: String,
}

async fn save(
    sandbox: web::Data<Sandbox>,
    room: web::Path<String>,
    body: web::Json<Address>,
) -> HttpResponse {
    let Ok(url) = body.url.parse::<Url>() else {
        return HttpResponse::UnprocessableEntity().json(json!({ "error": "url is no address" }));
    };
    match sandbox.save_callback(&room, url).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => not_called(&error),
    }
}

async fn press(sandbox: web::Data<Sandbox>, at: web::Path<(u64, usize)>) -> HttpResponse {
    let (message, button) = at.into_inner();
    match sandbox.tap(message, button, None).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => not_called(&error),
    }
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
}

async fn undeliver(
    sandbox: web::Data<Sandbox>,
    message: web::Path<u64>,
    body: web::Json<Failure>,
) -> HttpResponse {
    match sandbox.push_undelivered(*message, body.code).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => not_called(&error),
    }
}

fn not_called(error: &NotCalled) -> HttpResponse {
    let mut answer = match error {
        NotCalled::NoApplication | NotCalled::NoButton | NotCalled::NoMessage => HttpResponse::NotFound(),
        NotCalled::NoAddress | NotCalled::NoWayOut => HttpResponse::Conflict(),
        NotCalled::Unreachable(_) | NotCalled::Refused { .. } | NotCalled::WrongAnswer => {
            HttpResponse::BadGateway()
        }
    };
    answer.json(json!({ "error": error.to_string() }))
}

/// An application that the service has set up to be called back.
struct Line {
    room: RoomConfig,
    callback: Callback,
}

impl Line {
    fn envelope(&self) -> Result<Envelope, NotCalled> {
        self.callback.envelope(&self.room.key).ok_or(NotCalled::NoApplication)
    }

    /// A POST of a sealed text, in XML (WeCom) or JSON.
    fn sealed(&self, mut url: Url, text: &str, timestamp: &str) -> Result<OutboundRequest, NotCalled> {
        let nonce = crypto::random_token();
        let sealed = self.envelope()?.seal(text, timestamp, &nonce, rand::random());
        url.query_pairs_mut()
            .append_pair("msg_signature", &sealed.signature)
            .append_pair("timestamp", timestamp)
            .append_pair("nonce", &nonce);
        let body = match self.room.kind {
            ChannelKind::WecomApp => format!("<xml><Encrypt><![CDATA[{}]]></Encrypt></xml>", sealed.encrypt),
            ChannelKind::WechatSubscribe => {
                url.query_pairs_mut().append_pair("encrypt_type", "aes");
                json!({ "ToUserName": "gh_sandbox", "Encrypt": sealed.encrypt }).to_string()
            }
            _ => json!({ "encrypt": sealed.encrypt }).to_string(),
        };
        Ok(OutboundRequest::post_json(url, body.into_bytes(), Hosts::Any))
    }

    /// A signed and sealed event of Feishu; the check of an address is not signed.
    fn of_feishu(&self, url: Url, event: &Value, now: DateTime<Utc>) -> OutboundRequest {
        let key = self.callback.key.expose_secret();
        let body = json!({ "encrypt": feishu::seal(key, &event.to_string(), rand::random()) }).to_string();
        let mut request = OutboundRequest::post_json(url, body.into_bytes(), Hosts::Any);
        let (timestamp, nonce) = (now.timestamp().to_string(), crypto::random_token());
        let signature = feishu::sign(key, &timestamp, &nonce, &request.body);
        for (name, value) in
            [(feishu::TIMESTAMP, timestamp), (feishu::NONCE, nonce), (feishu::SIGNATURE, signature)]
        {
            if let Ok(value) = HeaderValue::from_str(&value) {
                request.headers.insert(HeaderName::from_static(name), value);
            }
        }
        request
    }
}

impl Sandbox {
    /// Saves where the platform of an application calls the service, as an administrator does in its console; the platform checks it.
    ///
    /// # Errors
    /// [`NotCalled`]; nothing is saved then.
    pub async fn save_callback(&self, room: &str, url: Url) -> Result<(), NotCalled> {
        let line = self.line(room)?;
        let now = self.clock.now();
        let is_right = match line.room.kind {
            ChannelKind::FeishuApp => self.checked_by_feishu(&line, url.clone(), now).await,
            ChannelKind::DingtalkApp => self.checked_by_dingtalk(&line, url.clone(), now).await,
            ChannelKind::WecomApp => self.checked_by_wecom(&line, url.clone(), now).await,
            _ => self.checked_by_wechat(&line, url.clone(), now).await,
        };
        if !is_right? {
            return Err(NotCalled::WrongAnswer);
        }
        self.rooms().set_callback(room, url);
        Ok(())
    }

    /// A challenge in a sealed event that nobody signed.
    async fn checked_by_feishu(&self, line: &Line, url: Url, now: DateTime<Utc>) -> Result<bool, NotCalled> {
        let check = json!({
            "type": "url_verification", "challenge": ECHO, "token": line.callback.token.expose_secret(),
        });
        let mut request = line.of_feishu(url, &check, now);
        request.headers.remove(feishu::SIGNATURE);
        let answer: Value = serde_json::from_slice(&self.call(request).await?).unwrap_or_default();
        Ok(field(&answer, "challenge") == ECHO)
    }

    /// An event, which is to be answered by a sealed word.
    async fn checked_by_dingtalk(
        &self,
        line: &Line,
        url: Url,
        now: DateTime<Utc>,
    ) -> Result<bool, NotCalled> {
        let at = now.timestamp_millis().to_string();
        let request = line.sealed(url, r#"{"EventType":"check_url"}"#, &at)?;
        let answer: Value = serde_json::from_slice(&self.call(request).await?).unwrap_or_default();
        let of = |name: &str| field(&answer, name);
        let (signature, timestamp, nonce) = (of("msg_signature"), of("timeStamp"), of("nonce"));
        let signed = Signed { signature: &signature, timestamp: &timestamp, nonce: &nonce };
        Ok(line.envelope()?.open(signed, &of("encrypt")).is_ok_and(|text| text == dingtalk::TAKEN))
    }

    /// A sealed echo.
    async fn checked_by_wecom(&self, line: &Line, url: Url, now: DateTime<Utc>) -> Result<bool, NotCalled> {
        let (timestamp, nonce) = (now.timestamp().to_string(), crypto::random_token());
        let sealed = line.envelope()?.seal(ECHO, &timestamp, &nonce, rand::random());
        let signed = ("msg_signature", sealed.signature.as_str());
        self.echoes(url, [signed, ("timestamp", &timestamp), ("nonce", &nonce), ("echostr", &sealed.encrypt)])
            .await
    }

    /// An open echo, signed by the token alone.
    async fn checked_by_wechat(&self, line: &Line, url: Url, now: DateTime<Utc>) -> Result<bool, NotCalled> {
        let (timestamp, nonce) = (now.timestamp().to_string(), crypto::random_token());
        let signature = line.envelope()?.signature(&timestamp, &nonce, "");
        let signed = ("signature", signature.as_str());
        self.echoes(url, [signed, ("timestamp", &timestamp), ("nonce", &nonce), ("echostr", ECHO)]).await
    }

    async fn echoes(&self, mut url: Url, query: [(&str, &str); 4]) -> Result<bool, NotCalled> {
        url.query_pairs_mut().extend_pairs(query);
        Ok(self.call(OutboundRequest::get(url, Hosts::Any)).await? == ECHO.as_bytes())
    }

    /// Somebody taps a button of a message: its own reader, or whom he passed it on to. Answers what he sees.
    ///
    /// # Errors
    /// [`NotCalled`].
    pub async fn tap(&self, message: u64, button: usize, by: Option<&str>) -> Result<Answer, NotCalled> {
        let message = self.rooms().message(message).cloned().ok_or(NotCalled::NoButton)?;
        let line = self.line(&message.room)?;
        let value = message.buttons.get(button).map(|button| button.value.clone());
        let value = value.ok_or(NotCalled::NoButton)?;
        let person = by.or(message.mentions.first().map(String::as_str)).unwrap_or_default();
        let url = line.room.callback_url.clone().ok_or(NotCalled::NoAddress)?;
        let now = self.clock.now();
        let says = match line.room.kind {
            ChannelKind::WecomApp => {
                let event = self.tapped_in_wecom(&message, person, &value, now);
                let request = line.sealed(url, &event, &now.timestamp().to_string())?;
                let answer = self.call(request).await?;
                let answer =
                    wecom::open_reply(&line.envelope()?, &answer).map_err(|_| NotCalled::WrongAnswer)?;
                answer.pointer("/Button/ReplaceName").and_then(Value::as_str).map(str::to_owned)
            }
            _ => {
                let event = tapped_in_feishu(&line, person, &value, now);
                let answer = self.call(line.of_feishu(url, &event, now)).await?;
                let answer: Value = serde_json::from_slice(&answer).map_err(|_| NotCalled::WrongAnswer)?;
                answer.pointer("/toast/content").and_then(Value::as_str).map(str::to_owned)
            }
        };
        let says = says.ok_or(NotCalled::WrongAnswer)?;
        if line.room.kind == ChannelKind::WecomApp {
            let seq = self.rooms().replace_buttons(message.id, &says);
            self.news.send_modify(|last| *last = (*last).max(seq.unwrap_or(0)));
        }
        Ok(Answer { says })
    }

    /// The event, with a fresh code by which the card can be redrawn.
    fn tapped_in_wecom(&self, message: &Received, person: &str, key: &Value, now: DateTime<Utc>) -> String {
        let task = message.raw.pointer("/template_card/task_id").and_then(Value::as_str).unwrap_or_default();
        let code = self.apps().fresh_code(&message.room, person, now);
        self.rooms().add_handle(message.id, &code);
        let key = key.as_str().unwrap_or_default();
        format!(
            "<xml><ToUserName>sandbox</ToUserName><FromUserName><![CDATA[{person}]]></FromUserName>\
             <CreateTime>{}</CreateTime><MsgType>event</MsgType><Event>template_card_event</Event>\
             <EventKey><![CDATA[{key}]]></EventKey><TaskId><![CDATA[{task}]]></TaskId>\
             <CardType>button_interaction</CardType><ResponseCode><![CDATA[{code}]]></ResponseCode></xml>",
            now.timestamp()
        )
    }

    /// Tells the service that a person answered when the mini-program asked him; nothing where no address is saved.
    ///
    /// # Errors
    /// [`NotCalled`].
    pub async fn push_subscription(&self, openid: &str, template: &str, said: &str) -> Result<(), NotCalled> {
        let room =
            self.rooms().only(ChannelKind::WechatSubscribe).cloned().ok_or(NotCalled::NoApplication)?;
        let line = self.line(&room.name)?;
        let told = json!({ "TemplateId": template, "SubscribeStatusString": said, "PopupScene": "0" });
        self.push(&line, openid, "subscribe_msg_popup_event", &told).await
    }

    /// Tells the service that a subscription message which was taken, by its number here, did not arrive.
    ///
    /// # Errors
    /// [`NotCalled`].
    pub async fn push_undelivered(&self, message: u64, code: i64) -> Result<(), NotCalled> {
        let message = self.rooms().message(message).cloned().ok_or(NotCalled::NoMessage)?;
        let line = self.line(&message.room)?;
        if line.room.kind != ChannelKind::WechatSubscribe {
            return Err(NotCalled::NoMessage);
        }
        let openid = message.mentions.first().map(String::as_str).unwrap_or_default();
        let told = json!({
            "TemplateId": message.raw.get("template_id"), "MsgID": message_id(message.at, message.id).to_string(),
            "ErrorCode": code.to_string(), "ErrorStatus": if code == 43101 { "user refuse" } else { "failed" },
        });
        self.push(&line, openid, "subscribe_msg_sent_event", &told).await
    }

    /// An event of WeChat about one template.
    async fn push(&self, line: &Line, openid: &str, event: &str, told: &Value) -> Result<(), NotCalled> {
        let url = line.room.callback_url.clone().ok_or(NotCalled::NoAddress)?;
        let now = self.clock.now().timestamp();
        let event = json!({
            "ToUserName": "gh_sandbox", "FromUserName": openid, "CreateTime": now, "MsgType": "event",
            "Event": event, "List": [told],
        });
        let request = line.sealed(url, &event.to_string(), &now.to_string())?;
        self.call(request).await.map(drop)
    }

    fn line(&self, room: &str) -> Result<Line, NotCalled> {
        let room = self.rooms().config(room).cloned().ok_or(NotCalled::NoApplication)?;
        let callback = room.callback.clone().ok_or(NotCalled::NoApplication)?;
        Ok(Line { room, callback })
    }

    async fn call(&self, request: OutboundRequest) -> Result<Vec<u8>, NotCalled> {
        let outbound = self.outbound.as_ref().ok_or(NotCalled::NoWayOut)?;
        let answer =
            outbound.send(request).await.map_err(|error| NotCalled::Unreachable(error.to_string()))?;
        if answer.status.as_u16() == 200 {
            return Ok(answer.body);
        }
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Err(NotCalled::Refused { status: answer.status.as_u16(), body })
    }
}

fn tapped_in_feishu(line: &Line, person: &str, value: &Value, now: DateTime<Utc>) -> Value {
    let id_type = line.room.app.user_id_type.as_deref().unwrap_or("open_id");
    json!({
        "schema": "2.0",
        "header": {
            "event_id": crypto::random_token(), "token": line.callback.token.expose_secret(),
            "create_time": now.timestamp_millis().to_string(), "event_type": "card.action.trigger",
            "app_id": line.room.key,
        },
        "event": { "operator": { id_type: person }, "action": { "tag": "button", "value": value } },
    })
}
