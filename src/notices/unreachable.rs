//! What a subject does when nobody can be told of it: each kind names itself in `worker.rs`, as it does for its deadlines, because
//! notices call nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;

use super::model::SubjectKind;
pub use super::store::follow::Unheard;
use crate::platform::db::DbError;

/// A kind of subject whose alarm reached nobody.
pub trait OnUnreachable: Send + Sync + std::fmt::Debug {
    /// Lets whatever waits for `alarm` go a step higher, and records it. No row of `notices` is locked yet, so the subject may be.
    /// Everything it does stands or falls with the transaction.
    ///
    /// # Errors
    /// It is tried again after a while.
    fn climb<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        alarm: &'a Unheard,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), FollowError>>;
}

/// Who acts for which kind of subject. For a kind that is not there, an administrator is told.
pub type Climbers = Arc<BTreeMap<SubjectKind, Arc<dyn OnUnreachable>>>;

/// Why an alarm could not be followed up.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("refused: {0}")]
    Refused(String),
    /// Somebody acted meanwhile: nothing is to be done, and nothing has been.
    #[error("somebody acted meanwhile")]
    Overtaken,
}

impl From<diesel::result::Error> for FollowError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}
