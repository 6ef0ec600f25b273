//! Moments as people in China read them.

use chrono::{DateTime, FixedOffset, Utc};

/// The moment with China's offset, +08:00 (no summer time since 1991).
#[must_use]
pub fn china(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
    match FixedOffset::east_opt(8 * 3600) {
        Some(offset) => moment.with_timezone(&offset),
        None => moment.fixed_offset(),
    }
}
