//! A send that is no notice: the same path to the provider, nothing leased and nothing settled.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Leased, Sender, Tried};
use crate::notices::model::{AttemptOutcome, NoticeId, NoticeState, Priority};
use crate::notices::store::register::Channel;

/// The event of a test text.
const TEST: &str = "channel.test";

/// How a test went.
#[derive(Clone, Debug)]
pub struct Probe {
    pub outcome: AttemptOutcome,
    pub http_status: Option<u16>,
    /// The beginning of the answer, or why there was none.
    pub excerpt: String,
    pub took: Duration,
}

impl Sender {
    /// Sends a test text by a channel to `recipient` (empty for a room), in `actor`'s name.
    pub async fn probe(
        &self,
        channel: &Channel,
        recipient: String,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Probe {
        let leased = Leased {
            notice: NoticeId::fresh(),
            county: channel.county_id,
            state: NoticeState::Sending,
            reason: String::new(),
            attempt: 1,
            priority: Priority::Normal,
            event: TEST.to_owned(),
            params: json!({"title": channel.name, "actor": actor}),
            created_at: now,
            alarms: false,
            channel: channel.id,
            recipient,
            kind: channel.kind,
            base_url: channel.base_url.clone(),
            credentials_sealed: channel.credentials_sealed.clone(),
            settings: channel.settings.clone(),
            language: channel.language,
        };
        let Tried { outcome, http_status, excerpt, detail, took, .. } = self.try_once(&leased, now).await;
        let excerpt = if excerpt.is_empty() { detail.unwrap_or_default() } else { excerpt };
        Probe { outcome, http_status, excerpt, took }
    }
}
