//! A local stand-in for WeCom, DingTalk, Feishu and WeChat: real wire formats, real signatures, a page to look at.
//!
//! Owns its rooms, their latest messages and the failures switched on for them, all in memory and bounded. Judges every request
//! as the real platform does: unknown key, signature, rate, size, shape; HTTP 200 with an error inside where they do so.
//! Used by `yijiao sandbox` and, in-process, by tests. Calls only `notices::channels` (for the verifying half of each
//! signature) and `platform`. It is no place for real secrets: whoever reaches its port reads everything.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use tokio::sync::watch;
use uuid::Uuid;

use crate::notices::channels::{ChannelKind, Settings, Target};
use crate::platform::clock::Clock;
use crate::platform::outbound::{Outbound, Url};

mod apps;
mod config;
mod console;
mod dingtalk;
mod exchange;
mod fault;
mod feishu;
mod hooks;
mod page;
mod rooms;
mod shown;
mod slack;
#[cfg(test)]
mod tests;
mod throttle;
mod wechat;
mod wecom;

pub use config::{MiniProgramConfig, RoomConfig, SandboxConfig, SandboxConfigError};
pub use console::{Answer, NotCalled};
pub use fault::{Fault, Mode};
pub use rooms::Received;
pub use shown::{Shown, ShownButton, ShownLink};

/// Bytes of a request the sandbox reads at all; each platform's own limit lies far below.
const BODY_LIMIT: usize = 1 << 20;

/// The stand-in. Clones share everything.
#[derive(Clone)]
pub struct Sandbox {
    clock: Clock,
    rooms: Arc<Mutex<rooms::Rooms>>,
    mini_program: Arc<Mutex<wechat::MiniProgram>>,
    apps: Arc<Mutex<apps::Apps>>,
    /// The number of the newest message; wakes pages and waiting tests.
    news: watch::Sender<u64>,
    /// Tells an open page that the sandbox was restarted and counts from one again.
    boot: Uuid,
    /// The way to the service that is called back.
    outbound: Option<Outbound>,
}

impl Sandbox {
    /// Builds the rooms; refuses two rooms with one name or key.
    pub fn new(config: SandboxConfig, clock: Clock) -> Result<Self, SandboxConfigError> {
        let mini_program = wechat::MiniProgram::new(config.wechat.clone());
        Ok(Self {
            clock,
            rooms: Arc::new(Mutex::new(rooms::Rooms::new(config)?)),
            mini_program: Arc::new(Mutex::new(mini_program)),
            apps: Arc::default(),
            news: watch::Sender::new(0),
            boot: Uuid::new_v4(),
            outbound: None,
        })
    }

    /// The same, with a way to the service, so that its platforms can call it back.
    #[must_use]
    pub fn calling(self, outbound: Outbound) -> Self {
        Self { outbound: Some(outbound), ..self }
    }

    /// Registers every route, for an application of one's own.
    pub fn configure(&self, service: &mut web::ServiceConfig) {
        service
            .app_data(web::Data::new(self.clone()))
            .app_data(web::PayloadConfig::new(BODY_LIMIT))
            .configure(exchange::routes)
            .configure(wechat::routes)
            .configure(apps::routes)
            .configure(slack::routes)
            .configure(console::routes)
            .configure(page::routes);
    }

    /// The latest messages of a room, oldest first; empty for an unknown room.
    #[must_use]
    pub fn messages(&self, room: &str) -> Vec<Received> {
        in_order(self.rooms().since(Some(room), 0))
    }

    /// The latest messages of all rooms, in the order of arrival.
    #[must_use]
    pub fn all_messages(&self) -> Vec<Received> {
        in_order(self.rooms().since(None, 0))
    }

    /// Waits until a message of the room satisfies `wanted`; those that are there already count. `None` when time is up.
    pub async fn wait_for(
        &self,
        room: &str,
        wanted: impl Fn(&Received) -> bool,
        timeout: Duration,
    ) -> Option<Received> {
        let mut news = self.news.subscribe();
        let arrival = async {
            loop {
                news.mark_unchanged();
                if let Some(found) = self.messages(room).into_iter().find(&wanted) {
                    return Some(found);
                }
                news.changed().await.ok()?;
            }
        };
        tokio::time::timeout(timeout, arrival).await.ok().flatten()
    }

    /// Waits until so many messages have arrived in all rooms together; false when time is up first.
    pub async fn has_heard(&self, count: u64, timeout: Duration) -> bool {
        let mut news = self.news.subscribe();
        let arrival = news.wait_for(|last| *last >= count);
        matches!(tokio::time::timeout(timeout, arrival).await, Ok(Ok(_)))
    }

    /// Switches a failure on for a room (or `wechat`); false for an unknown room.
    pub fn set_fault(&self, room: &str, fault: Fault) -> bool {
        self.rooms().set_fault(room, Some(fault))
    }

    /// Back to normal; false for an unknown room.
    pub fn clear_fault(&self, room: &str) -> bool {
        self.rooms().set_fault(room, None)
    }

    /// Forgets all messages.
    pub fn clear(&self) {
        self.rooms().clear();
    }

    /// Makes all access tokens of an application worthless from now on.
    pub fn revoke_tokens(&self, room: &str) {
        self.apps().revoke(room);
        self.mini_program().revoke();
    }

    /// How often an application has asked for an access token.
    #[must_use]
    pub fn tokens_asked(&self, room: &str) -> u64 {
        self.apps().asked(room)
    }

    /// The person taps "accept" once: the mini-program may send one message of this template.
    pub fn accept_subscription(&self, openid: &str, template: &str) {
        self.mini_program().accept(openid, template);
    }

    /// How a channel reaches a room of the sandbox that listens at `base`; `None` for an unknown room.
    #[must_use]
    pub fn target(&self, room: &str, base: &Url) -> Option<Target> {
        let rooms = self.rooms();
        let config = rooms.config(room)?;
        let base_url = match config.kind {
            ChannelKind::Webhook => base.join(&format!("hooks/{}", config.name)).ok()?,
            _ => base.clone(),
        };
        let settings = Settings { keyword: config.keyword.clone(), ..config.app.clone() };
        let credentials = match config.kind {
            ChannelKind::Webhook => config.credentials().at(base_url.as_str()),
            _ => config.credentials(),
        };
        Some(Target {
            kind: config.kind,
            base_url,
            credentials,
            settings,
            calls_back: config.callback_url.is_some(),
        })
    }

    fn rooms(&self) -> MutexGuard<'_, rooms::Rooms> {
        // A poisoned lock means a panic in a test; the data are still whole lists.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apps(&self) -> MutexGuard<'_, apps::Apps> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mini_program(&self) -> MutexGuard<'_, wechat::MiniProgram> {
        self.mini_program.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As they came, whenever they were redrawn.
fn in_order(mut messages: Vec<Received>) -> Vec<Received> {
    messages.sort_by_key(|message| message.id);
    messages
}

/// Serves the sandbox on a listener until the returned server is stopped; it runs only while it is polled.
pub fn serve(sandbox: Sandbox, listener: TcpListener) -> io::Result<Server> {
    let server = HttpServer::new(move || App::new().configure(|service| sandbox.configure(service)))
        .workers(1)
        .disable_signals()
        // Open event streams never end by themselves.
        .shutdown_timeout(1)
        .listen(listener)?;
    Ok(server.run())
}
