//! Reading the evidence of a hand-over, which leaves a trace, and the story of who did and read what.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::json;

use super::model::HandOverId;
use super::view::{HandOverPack, views};
use super::{open, pack};
use crate::identity::Caller;
use crate::ledger::{self, Actor, Fact};
use crate::platform::http::problem::Problem;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::view::SupervisionStory;

/// A hand-over with its evidence; that the caller read it stands in the ledger before he has it.
///
/// # Errors
/// 404 when it does not exist for the caller.
pub async fn show(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: HandOverId,
    now: DateTime<Utc>,
) -> Result<HandOverPack, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = show_in(&mut tx, caller, id, now).await;
    tx.finish(outcome).await
}

async fn show_in(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    id: HandOverId,
    now: DateTime<Utc>,
) -> Result<HandOverPack, Problem> {
    let mut row = open::lock(conn, caller, id).await?;
    let now = open::moment(conn, &row, now).await?;
    let actor = Actor::account(caller.account.0, &*caller.name);
    let fact = Fact::new("hand_over.read", json!({"state": row.state}));
    ledger::store::append(conn, open::subject(&row), &actor, now, vec![fact]).await?;
    let evidence = row.pack.take();
    let verified = pack::hash(&evidence).as_slice() == row.pack_hash.as_slice();
    let mut views = views(conn, caller, vec![row]).await?;
    let hand_over = views.pop().ok_or_else(|| SupervisionCode::HandOverNotFound.problem())?;
    Ok(HandOverPack { hand_over, pack: evidence, verified })
}

/// All events of a hand-over, in order, with the chain verified.
///
/// # Errors
/// 404 when it does not exist for the caller.
pub async fn story(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: HandOverId,
) -> Result<SupervisionStory, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = async {
        open::lock(&mut tx, caller, id).await?;
        Ok(SupervisionStory::of(ledger::store::of_subject(&mut tx, id.0).await?))
    }
    .await;
    tx.finish(outcome).await
}
