//! What a system administrator does with channels and notices: look, test, pause, give another secret, send again, cancel.
//!
//! Whatever he does is an event of the ledger, of the channel or of the notice. No answer shows a secret, nor the whole address of a
//! webhook, which is one.

pub mod cancel;
pub mod change_callback;
pub mod change_secret;
pub mod create;
pub mod error;
pub mod health;
pub mod list;
pub mod pause;
pub mod retry;
pub mod routes;
pub mod test_send;
pub mod words;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::model::{ChannelId, NoticeId};
use super::store::register::{self, Channel};
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, Fact, SubjectKind};
use crate::organisation::CountyId;
use crate::platform::db::Scope;
use crate::platform::http::problem::Problem;
use error::NoticeCode;

/// Who does it, and in which county.
#[derive(Clone, Debug)]
pub struct Administrator {
    pub county: CountyId,
    pub account: Uuid,
    pub name: String,
}

impl Administrator {
    pub(super) fn scope(&self) -> Scope {
        Scope::County(self.county.0)
    }

    /// Notes in the ledger what he did to a channel, whose row the caller holds.
    async fn note_channel(
        &self,
        conn: &mut AsyncPgConnection,
        channel: ChannelId,
        fact: Fact,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        self.note(conn, SubjectKind::Channel, channel.0, fact, now).await
    }

    /// Notes in the ledger what he did to a notice, whose row the caller holds.
    async fn note_notice(
        &self,
        conn: &mut AsyncPgConnection,
        notice: NoticeId,
        fact: Fact,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        self.note(conn, SubjectKind::Notice, notice.0, fact, now).await
    }

    async fn note(
        &self,
        conn: &mut AsyncPgConnection,
        kind: SubjectKind,
        id: Uuid,
        fact: Fact,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let subject = Subject { county_id: self.county.0, kind, id };
        let at = ledger::store::last_at(conn, id).await?.map_or(now, |last| last.max(now));
        let actor = Actor::account(self.account, self.name.clone());
        Ok(ledger::store::append(conn, subject, &actor, at, vec![fact]).await?)
    }
}

/// The channel of this id, locked.
async fn lock(conn: &mut AsyncPgConnection, id: ChannelId) -> Result<Channel, Problem> {
    register::lock(conn, id).await?.ok_or_else(|| NoticeCode::ChannelNotFound.problem())
}
