//! A send that is no notice: the same path to the provider, nothing leased and nothing settled.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Leased, Sender, Went};
use crate::notices::bundle::Parcel;
use crate::notices::gate::asking;
use crate::notices::model::{AttemptOutcome, NoticeId, NoticeState, Priority, SubjectKind};
use crate::notices::store::register::Channel;
use crate::notices::throttle::{Full, Leave, Spacing, Standing};

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

impl Probe {
    /// The provider was not asked.
    const fn unasked(outcome: AttemptOutcome, excerpt: String) -> Self {
        Self { outcome, http_status: None, excerpt, took: Duration::ZERO }
    }
}

impl Sender {
    /// Sends a test text by a channel to `recipient` (empty for a room), in `actor`'s name. It counts against the channel's limits. A
    /// channel that is left alone because it failed is asked all the same, for whether it works again is what a test is to find out; so is
    /// one of which nobody can say how much was sent.
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
            until: None,
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
            interactive_refused_at: None,
            language: channel.language,
            own_version: None,
            own_words: None,
            room_of: None,
            subject_kind: SubjectKind::Call,
            mention: None,
            redraws: None,
            calls_back: false,
        };
        let asked = asking(&leased, Spacing::None);
        let standing = match self.throttle.take(&asked, now).await {
            Leave::Go(standing) => standing,
            Leave::Wait { why: Full::Blocked | Full::Unknown, .. } => Standing::Failing,
            Leave::Wait { why, .. } => {
                self.throttle.leave_line(&asked, &[leased.notice]).await;
                return Probe::unasked(AttemptOutcome::RateLimited, why.code().to_owned());
            }
        };
        let attempted = self.attempt(Parcel::alone(leased), standing, None, now).await;
        let attempted = if let Went::Attempted(mut attempted) = attempted { attempted.pop() } else { None };
        let Some(attempted) = attempted else {
            return Probe::unasked(AttemptOutcome::Unrenderable, String::new());
        };
        let tried = attempted.tried;
        let excerpt = if tried.excerpt.is_empty() { tried.detail.unwrap_or_default() } else { tried.excerpt };
        Probe { outcome: tried.outcome, http_status: tried.http_status, excerpt, took: tried.took }
    }
}
