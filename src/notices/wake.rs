//! The bells between a commit and the loops of the same process. They are hints only: unheard, the loops find the rows themselves.

use std::sync::Arc;

use tokio::sync::Notify;

/// The bells; clones ring the same ones.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Bells>);

#[derive(Debug, Default)]
struct Bells {
    notices: Notify,
    deadlines: Notify,
}

impl Wake {
    /// Says that notices were committed.
    pub fn notices(&self) {
        self.0.notices.notify_one();
    }

    /// Waits until somebody says so; a ring while nobody waited is not lost.
    pub async fn heard(&self) {
        self.0.notices.notified().await;
    }

    /// Says that a deadline was set which is due within the second.
    pub fn deadlines(&self) {
        self.0.deadlines.notify_one();
    }

    /// Waits until somebody says so.
    pub async fn deadlines_heard(&self) {
        self.0.deadlines.notified().await;
    }
}
