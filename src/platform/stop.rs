//! The wish to stop: heard by the HTTP server, by streams to clients and by every loop.

use tokio::sync::watch;

/// Clones hear the same wish.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks everybody to finish what is in hand and start nothing new. Asking twice changes nothing.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once somebody asked; at once when somebody already did.
    pub async fn requested(&self) {
        let mut heard = self.0.subscribe();
        // The only error is a closed channel, and `self` holds it open.
        let _ = heard.wait_for(|asked| *asked).await;
    }

    /// A wish that SIGTERM or SIGINT (Ctrl-C) brings about. Needs a running tokio runtime.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = Self::default();
        let wish = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            wish.request();
        });
        Ok(stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_later_hears_it_too() {
        let stop = Stop::default();
        let twin = stop.clone();
        assert!(!twin.is_requested());
        let early = tokio::spawn(async move { twin.requested().await });
        stop.request();
        early.await.unwrap();
        stop.requested().await;
        assert!(stop.is_requested());
    }
}
