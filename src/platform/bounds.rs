//! A number that somebody chooses within bounds: one wording for whoever went beyond them.

use std::fmt;

/// A choice by its name, and what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    pub name: &'static str,
    pub value: i64,
    pub least: i64,
    pub most: i64,
}

impl Bounded {
    #[must_use]
    pub const fn new(name: &'static str, value: i64, (least, most): (i64, i64)) -> Self {
        Self { name, value, least, most }
    }

    /// A count or length, which is never negative.
    #[must_use]
    pub fn count(name: &'static str, value: usize, (least, most): (usize, usize)) -> Self {
        let [value, least, most] = [value, least, most].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        Self::new(name, value, (least, most))
    }

    /// The first of them that lies beyond its bounds.
    #[must_use]
    pub fn first_beyond(choices: impl IntoIterator<Item = Self>) -> Option<Self> {
        choices.into_iter().find(|choice| !(choice.least..=choice.most).contains(&choice.value))
    }

    /// What it may be, for a field that is named beside it.
    #[must_use]
    pub fn zh(&self) -> String {
        format!("须在 {} 到 {} 之间", self.least, self.most)
    }
}

impl fmt::Display for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, least, most } = self;
        write!(f, "{name} = {value} is not between {least} and {most}")
    }
}
