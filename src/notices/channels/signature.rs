//! What the signature checks have in common: the reasons to refuse, and the time window.

use chrono::{DateTime, TimeDelta, Utc};

/// Why a signed request is refused. Verified before anything in the body is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefusal {
    #[error("a signature header is missing")]
    MissingHeader,
    #[error("the timestamp is not a number")]
    BadTimestamp,
    #[error("the timestamp is too old")]
    TooOld,
    #[error("the timestamp lies in the future")]
    TooNew,
    #[error("the signature does not match")]
    Mismatch,
    #[error("the signing secret itself cannot be read")]
    BadSecret,
}

/// Reads a timestamp (`unit` = its ticks a second) and refuses it outside `now ± tolerance`, both ends included.
pub(super) fn within(
    timestamp: &str,
    ticks_per_second: i64,
    now: DateTime<Utc>,
    tolerance: TimeDelta,
) -> Result<i64, SignatureRefusal> {
    let ticks: i64 = timestamp.parse().map_err(|_| SignatureRefusal::BadTimestamp)?;
    let scale = |seconds: i64| seconds.saturating_mul(ticks_per_second);
    let now = scale(now.timestamp()).saturating_add(if ticks_per_second == 1000 {
        i64::from(now.timestamp_subsec_millis())
    } else {
        0
    });
    let tolerance = scale(tolerance.num_seconds());
    if ticks < now.saturating_sub(tolerance) {
        Err(SignatureRefusal::TooOld)
    } else if ticks > now.saturating_add(tolerance) {
        Err(SignatureRefusal::TooNew)
    } else {
        Ok(ticks)
    }
}
