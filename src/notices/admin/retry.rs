//! Send again (重发): a notice that was given up, or that waits for its next attempt, is sent now.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::json;

use super::Administrator;
use super::error::NoticeCode;
use super::list::{NoticeDetail, detail};
use crate::ledger::Fact;
use crate::notices::fallback;
use crate::notices::model::{ChannelState, NoticeId, NoticeState};
use crate::notices::store::{admin, register, stranded};
use crate::platform::db::Db;
use crate::platform::http::problem::Problem;

/// Sends a notice again. An alarm that could be addressed to nobody, or whose channel is not in use, is addressed anew, by the channels
/// there are now.
///
/// # Errors
/// 404; 409 when it has left, when nobody waits for it any more, or when its channel is not in use and there is no other for it.
pub async fn retry(
    db: &Db,
    administrator: &Administrator,
    id: NoticeId,
    now: DateTime<Utc>,
) -> Result<NoticeDetail, Problem> {
    let mut tx = db.begin(administrator.scope()).await?;
    let outcome = retry_in(&mut tx, administrator, id, now).await;
    tx.finish(outcome).await
}

async fn retry_in(
    conn: &mut AsyncPgConnection,
    administrator: &Administrator,
    id: NoticeId,
    now: DateTime<Utc>,
) -> Result<NoticeDetail, Problem> {
    stranded::lock(conn, &[id], &[id]).await?;
    let row = admin::lock(conn, id).await?.ok_or_else(|| NoticeCode::NoticeNotFound.problem())?;
    if row.answered {
        return Err(NoticeCode::Answered.into());
    }
    if !matches!(row.state, NoticeState::Dead | NoticeState::Expired | NoticeState::Retry) {
        return Err(NoticeCode::NotToSend.problem().with("state", row.state.as_str()));
    }
    let channel = match row.channel {
        Some(channel) => register::find(conn, channel).await?,
        None => None,
    };
    if channel.is_some_and(|channel| channel.state == ChannelState::Active) {
        admin::send_again(conn, id, now).await?;
        admin::let_follow(conn, id, now).await?;
    } else if fallback::carry_on(conn, administrator.county, &[id], now).await? == 0 {
        return Err(if row.channel.is_some() { NoticeCode::ChannelUnused } else { NoticeCode::Nobody }.into());
    }
    let fact = Fact::new("notice.retried", json!({"state": row.state, "reason": row.reason}));
    administrator.note_notice(conn, id, fact, now).await?;
    let row = admin::find(conn, id).await?.ok_or_else(|| NoticeCode::NoticeNotFound.problem())?;
    let attempts = admin::attempts(conn, id).await?;
    Ok(detail(row, attempts))
}
