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
    SubjectKind {
        Call = "call",
        SideMatter = "side_matter",
        SupervisionOrder = "supervision_order",
        Card = "card",
        HandOver = "hand_over",
        /// A reachability drill.
        Drill = "drill",
    }
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

text_enum!(
    /// The language of a channel's readers.
    ChannelLanguage { Chinese = "zh-CN", English = "en" }
);

text_enum!(
    /// How one attempt to send ended.
    AttemptOutcome {
        Delivered = "delivered",
        Retry = "retry",
        RateLimited = "rate_limited",
        RefreshToken = "refresh_token",
        DeadTarget = "dead_target",
        NeedsAdmin = "needs_admin",
        BadMessage = "bad_message",
        DropRecipient = "drop_recipient",
        Unrenderable = "unrenderable",
        /// The sender died, or was silent longer than its lease.
        Lapsed = "lapsed",
        /// The platform had taken it, and told later that it did not arrive.
        Undelivered = "undelivered",
    }
);

text_enum!(
    /// What stands first in the reason of a notice, unless it is the outcome of its last attempt. What each means to an administrator says
    /// [`super::admin::words`].
    Reason {
        ChannelPaused = "channel_paused",
        ChannelDead = "channel_dead",
        ChannelBlocked = "channel_blocked",
        Throttled = "throttled",
        /// Older news of its matter is still to come to its reader.
        InOrder = "in_order",
        Bundled = "bundled",
        RushHour = "rush_hour",
        QuietHours = "quiet_hours",
        /// It left in one message with others, the first of which follows.
        Digest = "digest",
        /// It could not be addressed to anybody; `yijiao check` looks for it.
        NobodyToAddress = "nobody_to_address",
        Superseded = "superseded",
        AttemptsUsedUp = "attempts_used_up",
        Expired = "expired",
        LapsedTooOften = "lapsed_too_often",
        SomeUnreached = "some_unreached",
        /// Its officer has not acted.
        Unacted = "unacted",
        /// Its sender died, or heard no answer: whoever it was for may have it all the same, as a card that is not redrawn, for what would
        /// redraw it was in that answer (DingTalk's is known by our own id).
        MayHaveArrived = "may_have_arrived",
        /// There is nothing that could be redrawn: it did not arrive, or nobody knows it.
        NoCard = "no_card",
        /// What stands in the chat can no longer be redrawn.
        CardFixed = "card_fixed",
        Cancelled = "cancelled",
    }
);

/// A queue of its own for first alarms, so that they never wait behind anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    First,
    Rest,
}

impl Lane {
    pub const ALL: [Self; 2] = [Self::First, Self::Rest];

    #[must_use]
    pub const fn of(priority: Priority) -> Self {
        match priority {
            Priority::FirstAlarm => Self::First,
            Priority::Normal | Priority::Low => Self::Rest,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Rest => "rest",
        }
    }
}

/// What the queue carries: enough to find the row within its county. The row decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    pub county: CountyId,
    pub notice: NoticeId,
}

/// A row of `notices`, as it is when posted.
#[derive(Clone, Debug, PartialEq, Insertable, serde::Serialize)]
#[diesel(table_name = schema::notices)]
pub struct NewNotice {
    pub id: NoticeId,
    pub county_id: CountyId,
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    pub event: String,
    /// The first row of what was posted at once.
    pub posting_id: NoticeId,
    /// None: it stands in its reader's inbox alone, or nobody could be addressed.
    pub channel_id: Option<ChannelId>,
    /// What the one person it goes to is called at the provider; empty: a room or system as a whole.
    pub recipient: String,
    pub officer_id: Option<OfficerId>,
    /// The person of an enterprise who is told.
    pub account_id: Option<Uuid>,
    pub priority: Priority,
    pub params: Value,
    pub state: NoticeState,
    pub attempt: i32,
    pub due_at: Option<DateTime<Utc>>,
    pub answered: bool,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    /// When somebody looks what follows from nobody having heard it.
    pub follow_at: Option<DateTime<Utc>>,
    pub reason: String,
    /// The alarm whose sent card it redraws.
    pub redraws: Option<NoticeId>,
}
