//! The bell between a commit and the relay of the same process. It is a hint only: unheard, the relay finds the row by itself.

use std::sync::Arc;

use tokio::sync::Notify;

/// A bell; clones ring the same one.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Says that notices were committed.
    pub fn notices(&self) {
        self.0.notify_one();
    }

    /// Waits until somebody rings; a ring while nobody waited is not lost.
    pub async fn heard(&self) {
        self.0.notified().await;
    }
}
