//! Cancel (取消): a notice that has not left does not leave any more. Whoever was to act is still owed his ladder; only this message goes.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Administrator;
use super::error::NoticeCode;
use super::list::{NoticeDetail, detail};
use crate::ledger::Fact;
use crate::notices::model::{NoticeId, NoticeState, Reason};
use crate::notices::store::admin;
use crate::platform::db::Db;
use crate::platform::http::problem::Problem;
use crate::platform::http::text::TextRule;

/// Characters of a reason.
pub(super) const REASON: TextRule = TextRule::line(200);

/// Why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithReason {
    pub reason: String,
}

/// Cancels a notice.
///
/// # Errors
/// 404, 422 without a reason, 409 when it has left.
pub async fn cancel(
    db: &Db,
    administrator: &Administrator,
    id: NoticeId,
    given: &WithReason,
    now: DateTime<Utc>,
) -> Result<NoticeDetail, Problem> {
    let reason = REASON.required("reason", &given.reason).map_err(|error| Problem::invalid(vec![error]))?;
    let mut tx = db.begin(administrator.scope()).await?;
    let outcome = cancel_in(&mut tx, administrator, id, &reason, now).await;
    tx.finish(outcome).await
}

async fn cancel_in(
    conn: &mut AsyncPgConnection,
    administrator: &Administrator,
    id: NoticeId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<NoticeDetail, Problem> {
    let row = admin::lock(conn, id).await?.ok_or_else(|| NoticeCode::NoticeNotFound.problem())?;
    let open = matches!(
        row.state,
        NoticeState::Queued
            | NoticeState::Held
            | NoticeState::Retry
            | NoticeState::Dead
            | NoticeState::Expired
    );
    if !open {
        return Err(NoticeCode::NotToCancel.problem().with("state", row.state.as_str()));
    }
    admin::cancel(conn, id, &format!("{}: {reason}", Reason::Cancelled)).await?;
    admin::let_follow(conn, id, now).await?;
    let fact =
        Fact::new("notice.cancelled", json!({"state": row.state, "was": row.reason, "reason": reason}));
    administrator.note_notice(conn, id, fact, now).await?;
    let row = admin::find(conn, id).await?.ok_or_else(|| NoticeCode::NoticeNotFound.problem())?;
    let attempts = admin::attempts(conn, id).await?;
    Ok(detail(row, attempts))
}
