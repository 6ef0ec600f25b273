//! The vocabulary of notices.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::organisation::{CountyId, OfficerId};
use crate::{id_type, schema, text_enum};

id_type!(
    /// A notice; also the id the receiver sees, the same on every attempt.
    NoticeId
);
id_type!(
    /// A channel: a room of a chat platform, or a system's webhook.
    ChannelId
);

text_enum!(
    /// What a notice is about.
    SubjectKind { Call = "call", SideMatter = "side_matter" }
);

text_enum!(
    /// How urgent a notice is. First alarms are never bundled or held.
    Priority { FirstAlarm = "first_alarm", Normal = "normal", Low = "low" }
);

text_enum!(
    /// Where a notice stands (DOMAIN §9).
    NoticeState {
        Queued = "queued",
        Held = "held",
        Sending = "sending",
        Retry = "retry",
        Sent = "sent",
        Acted = "acted",
        Superseded = "superseded",
        Expired = "expired",
        Dead = "dead",
        Fallback = "fallback",
    }
);

text_enum!(
    /// Whether a channel is used.
    ChannelState { Active = "active", Paused = "paused", Dead = "dead" }
);

/// A row of `notices`, as it is when posted.
#[derive(Clone, Debug, PartialEq, Insertable, serde::Serialize)]
#[diesel(table_name = schema::notices)]
pub struct NewNotice {
    pub id: NoticeId,
    pub county_id: CountyId,
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    pub event: String,
    pub channel_id: ChannelId,
    pub officer_id: Option<OfficerId>,
    pub priority: Priority,
    pub params: Value,
    pub state: NoticeState,
    pub attempt: i32,
    pub due_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub reason: String,
}
