//! The drill that nobody need remember: each county, once a month, in working hours.

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::start::Drills;
use super::store;
use crate::notices::wake::Wake;
use crate::platform::clock::Clock;
use crate::platform::db::{DbError, Scope};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(600);

/// The loop.
#[derive(Clone, Debug)]
pub struct Monthly {
    pub drills: Drills,
    pub clock: Clock,
    pub wake: Wake,
}

impl Monthly {
    /// Until `stop`.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            match self.run_once(self.clock.now()).await {
                Ok(0) => {}
                Ok(started) => tracing::info!(started, "reachability drills of the month have begun"),
                Err(error) => tracing::warn!(%error, "drills cannot begin; trying again"),
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Begins what is to begin at `now`; how many counties that were.
    ///
    /// # Errors
    /// When Postgres is away; what began goes on.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize, DbError> {
        let mut tx = self.drills.db.begin(Scope::AllCounties).await?;
        let counties = store::counties(&mut tx).await.map_err(DbError::from);
        let counties = tx.finish(counties).await?;
        let mut started = 0;
        for county in counties {
            match self.drills.start_monthly(county, now).await {
                Ok(begun) => started += usize::from(begun.is_some()),
                Err(error @ DbError::Unavailable(_)) => return Err(error),
                // The other counties need not wait for what is wrong with this one.
                Err(error) => tracing::error!(%error, %county, "the drill of the month cannot begin"),
            }
        }
        if started > 0 {
            self.wake.notices();
        }
        Ok(started)
    }
}
