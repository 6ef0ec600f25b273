//! Percentiles and medians.

use std::time::Duration;

/// A count as a number to calculate with; exact below 2³².
#[must_use]
pub fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Durations in the order of their length.
#[derive(Clone, Debug, Default)]
pub struct Sorted(Vec<Duration>);

impl Sorted {
    #[must_use]
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest one that `percent` of all do not exceed, in milliseconds; nothing of nothing.
    #[must_use]
    pub fn ms(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

/// The middle one; of an even number the lower of the two.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let times = Sorted::new((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!((times.ms(50), times.ms(99), times.ms(100)), (100.0, 198.0, 200.0));
        assert_eq!(Sorted::new(vec![Duration::from_millis(7)]).ms(99), 7.0);
        assert!(Sorted::default().ms(50).is_nan());
    }

    #[test]
    fn the_median_ignores_an_outlier() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 1.0);
    }
}
