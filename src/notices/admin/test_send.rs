//! A real send of a test text, at once and without a notice: whether a channel works, in the provider's words and in ours.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::create::fault;
use super::error::NoticeCode;
use super::{Administrator, lock, words};
use crate::ledger::Fact;
use crate::notices::channels::ChannelKind;
use crate::notices::deliver::{Probe, Sender};
use crate::notices::model::{AttemptOutcome, ChannelId};
use crate::notices::store;
use crate::notices::store::register::{self, Channel};
use crate::organisation::OfficerId;
use crate::platform::db::Db;
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::Problem;

/// To whom, when the channel reaches single people: an officer it knows, or his name at the provider.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestSend {
    pub officer_id: Option<OfficerId>,
    pub user_id: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestAnswer {
    pub delivered: bool,
    pub outcome: AttemptOutcome,
    /// What that means, and what to do.
    pub words: String,
    /// None: there was no answer.
    pub http_status: Option<u16>,
    /// The beginning of the provider's answer, or why there was none; without secrets.
    pub excerpt: String,
    pub took_ms: u64,
}

/// Sends a test text by a channel, whatever its state.
///
/// # Errors
/// 404; 422 when it reaches single people and none is named, or when every message costs a consent. A provider's failure is an answer.
pub async fn test(
    db: &Db,
    sender: &Sender,
    administrator: &Administrator,
    id: ChannelId,
    given: &TestSend,
    now: DateTime<Utc>,
) -> Result<TestAnswer, Problem> {
    let mut tx = db.begin(administrator.scope()).await?;
    let found = async {
        let channel = register::find(&mut tx, id).await?;
        let channel = channel.ok_or_else(|| NoticeCode::ChannelNotFound.problem())?;
        let known = match given.officer_id {
            Some(officer) => register::user_id(&mut tx, id, officer).await?,
            None => given.user_id.as_deref().map(|name| name.trim().to_owned()),
        };
        Ok::<_, Problem>((recipient(&channel, known)?, channel))
    };
    let found = found.await;
    let (recipient, channel) = tx.finish(found).await?;
    // No transaction is open while the provider is asked.
    let probe = sender.probe(&channel, recipient, &administrator.name, now).await;
    let mut tx = db.begin(administrator.scope()).await?;
    let noted = async {
        lock(&mut tx, id).await?;
        // A test has no button. Whoever tests has changed something, perhaps with the platform: the next card tries its own.
        store::note_interactive(&mut tx, id, None).await?;
        let fact = json!({"outcome": probe.outcome, "httpStatus": probe.http_status});
        administrator.note_channel(&mut tx, id, Fact::new("channel.tested", fact), now).await
    };
    let noted = noted.await;
    tx.finish(noted).await?;
    Ok(answer(probe))
}

/// Whom it goes to; empty for a room.
fn recipient(channel: &Channel, known: Option<String>) -> Result<String, Problem> {
    match (channel.kind, known.filter(|name| !name.is_empty())) {
        (ChannelKind::WechatSubscribe, _) => Err(NoticeCode::Untestable.into()),
        (kind, Some(name)) if kind.is_personal() => Ok(name),
        (kind, None) if kind.is_personal() => Err(fault(
            "officerId",
            "required",
            "请选择一位在此应用有账号的人员",
            "name an officer whom this application reaches",
        )),
        _ => Ok(String::new()),
    }
}

fn answer(probe: Probe) -> TestAnswer {
    TestAnswer {
        delivered: probe.outcome == AttemptOutcome::Delivered,
        outcome: probe.outcome,
        words: words::outcome(probe.outcome, Lang::current()).to_owned(),
        http_status: probe.http_status,
        excerpt: probe.excerpt,
        took_ms: u64::try_from(probe.took.as_millis()).unwrap_or(u64::MAX),
    }
}
