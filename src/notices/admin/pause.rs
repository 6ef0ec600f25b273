//! Pause (停用) and resume (恢复): what is posted to a paused channel waits there, visibly, for a day at most; alarms go to others meanwhile,
//! and where there are none, that is said aloud. Resuming also brings back a channel that a provider called dead, once it has been mended.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cancel::{REASON, WithReason};
use super::{Administrator, lock};
use crate::ledger::Fact;
use crate::notices::model::{ChannelId, ChannelState};
use crate::notices::store::{register, stranded};
use crate::platform::db::Db;
use crate::platform::http::problem::Problem;

/// Nothing leaves by the channel until it is resumed; alarms that wait for it look for another way at once. Pausing a paused one changes nothing.
///
/// # Errors
/// 404, 422 without a reason.
pub async fn pause(
    db: &Db,
    administrator: &Administrator,
    id: ChannelId,
    given: &WithReason,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let reason = REASON.required("reason", &given.reason).map_err(|error| Problem::invalid(vec![error]))?;
    let mut tx = db.begin(administrator.scope()).await?;
    let paused = async {
        let channel = lock(&mut tx, id).await?;
        if channel.state == ChannelState::Paused {
            return Ok(());
        }
        register::set_state(&mut tx, id, ChannelState::Paused, &reason).await?;
        stranded::hasten(&mut tx, id, now).await?;
        let fact = Fact::new("channel.paused", json!({"was": channel.state, "reason": reason}));
        administrator.note_channel(&mut tx, id, fact, now).await
    };
    let paused = paused.await;
    tx.finish(paused).await
}

/// The channel is used again, and what waited for it leaves. Resuming one in use changes nothing.
///
/// # Errors
/// 404
pub async fn resume(
    db: &Db,
    administrator: &Administrator,
    id: ChannelId,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let mut tx = db.begin(administrator.scope()).await?;
    let resumed = async {
        let channel = lock(&mut tx, id).await?;
        if channel.state == ChannelState::Active {
            return Ok(());
        }
        register::set_state(&mut tx, id, ChannelState::Active, "").await?;
        let released = register::release(&mut tx, id, now).await?;
        let fact = json!({"was": channel.state, "reason": channel.state_reason, "released": released});
        administrator.note_channel(&mut tx, id, Fact::new("channel.resumed", fact), now).await
    };
    let resumed = resumed.await;
    tx.finish(resumed).await
}
