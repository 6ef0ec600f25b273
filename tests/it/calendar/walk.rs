//! A slow calendar that is obviously right: it reads the definition anew for each day and walks, day by day or minute by minute.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use chrono::{
    DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday,
};
use yijiao::deadlines::calendar::definition::Definition;

type Open = Rc<[(NaiveDateTime, NaiveDateTime)]>;

/// The walker.
pub struct Walk {
    definition: Definition,
    /// What was read of a day before.
    read: RefCell<HashMap<NaiveDate, Open>>,
}

fn zone() -> FixedOffset {
    FixedOffset::east_opt(8 * 3600).unwrap()
}

pub fn local(t: DateTime<Utc>) -> NaiveDateTime {
    t.with_timezone(&zone()).naive_local()
}

pub fn moment(t: NaiveDateTime) -> DateTime<Utc> {
    t.and_local_timezone(zone()).unwrap().to_utc()
}

impl Walk {
    pub fn new(definition: &Definition) -> Self {
        Self { definition: definition.clone(), read: RefCell::default() }
    }

    /// The office hours of a day.
    pub fn open(&self, date: NaiveDate) -> Open {
        self.read.borrow_mut().entry(date).or_insert_with(|| self.read(date)).clone()
    }

    fn read(&self, date: NaiveDate) -> Open {
        let it = &self.definition;
        let exception = it.exceptions.iter().find(|exception| exception.date == date.to_string());
        let weekday = date.weekday().to_string().to_lowercase();
        let usual = match &it.weekdays {
            Some(days) => days.contains(&weekday),
            None => !matches!(date.weekday(), Weekday::Sat | Weekday::Sun),
        };
        let works = exception.map_or(usual, |exception| exception.kind == "workday");
        if !works {
            return Rc::default();
        }
        let season = it.seasons.iter().flatten().find(|season| {
            let day = if season.from.len() == 5 { date.format("%m-%d") } else { date.format("%Y-%m-%d") }
                .to_string();
            if season.from <= season.through {
                season.from <= day && day <= season.through
            } else {
                day >= season.from || day <= season.through
            }
        });
        let hours = exception
            .and_then(|exception| exception.hours.as_ref())
            .or(season.map(|season| &season.hours))
            .or(it.hours.as_ref());
        let hours = hours.unwrap().iter().map(|interval| {
            let (open, close) = interval.split_once('-').unwrap();
            (clock(date, open), clock(date, close))
        });
        hours.collect()
    }

    pub fn works(&self, date: NaiveDate) -> bool {
        !self.open(date).is_empty()
    }

    pub fn closing(&self, date: NaiveDate) -> NaiveDateTime {
        self.open(date).last().unwrap().1
    }

    /// The earliest moment at or after `t` in office hours.
    pub fn next_open(&self, t: NaiveDateTime) -> NaiveDateTime {
        let mut date = t.date();
        loop {
            for &(open, close) in self.open(date).iter() {
                if t < close {
                    return t.max(open);
                }
            }
            date = date + Days::new(1);
        }
    }

    /// So much office time after `t`.
    pub fn add(&self, t: NaiveDateTime, span: TimeDelta) -> NaiveDateTime {
        if span.is_zero() {
            return self.next_open(t);
        }
        let (mut rest, mut date) = (span, t.date());
        loop {
            for &(open, close) in self.open(date).iter() {
                let from = t.max(open);
                if from < close {
                    if rest <= close - from {
                        return from + rest;
                    }
                    rest -= close - from;
                }
            }
            date = date + Days::new(1);
        }
    }

    /// The same, one minute after the other; `t` and `span` in whole minutes.
    pub fn add_by_minutes(&self, t: NaiveDateTime, span: TimeDelta) -> NaiveDateTime {
        let (mut at, mut counted) = (t, TimeDelta::zero());
        while counted < span {
            let open = self.open(at.date()).iter().any(|(open, close)| *open <= at && at < *close);
            at += TimeDelta::minutes(1);
            if open {
                counted += TimeDelta::minutes(1);
            }
        }
        at
    }

    /// Office time between two moments.
    pub fn between(&self, from: NaiveDateTime, to: NaiveDateTime) -> TimeDelta {
        let (mut sum, mut date) = (TimeDelta::zero(), from.date());
        while date <= to.date() {
            for &(open, close) in self.open(date).iter() {
                sum += (close.min(to) - open.max(from)).max(TimeDelta::zero());
            }
            date = date + Days::new(1);
        }
        sum
    }

    /// The closing of the n-th working day after the day of receipt.
    pub fn days(&self, t: NaiveDateTime, n: u32) -> NaiveDateTime {
        let mut date = self.next_open(t).date();
        let mut counted = 0;
        while counted < n {
            date = date + Days::new(1);
            counted += u32::from(self.works(date));
        }
        self.closing(date)
    }

    /// The closing of the n-th working day before a date.
    pub fn days_before(&self, date: NaiveDate, n: u32) -> NaiveDateTime {
        let (mut date, mut counted) = (date, 0);
        while counted < n {
            date = date - Days::new(1);
            counted += u32::from(self.works(date));
        }
        self.closing(date)
    }

    /// The closing of the day a week before a date, or of the working day before that.
    pub fn week_before(&self, date: NaiveDate) -> NaiveDateTime {
        let mut date = date - Days::new(7);
        while !self.works(date) {
            date = date - Days::new(1);
        }
        self.closing(date)
    }

    /// First and last published year.
    pub fn years(&self) -> (i32, i32) {
        let first = self.definition.exceptions.iter().map(|it| it.date[..4].parse().unwrap()).min().unwrap();
        (first, self.definition.published_through.unwrap())
    }

    pub fn is_published(&self, t: NaiveDateTime) -> bool {
        let (first, last) = self.years();
        (first..=last).contains(&t.year())
    }
}

fn clock(date: NaiveDate, text: &str) -> NaiveDateTime {
    match text {
        "24:00" => (date + Days::new(1)).and_time(NaiveTime::MIN),
        text => date.and_time(NaiveTime::parse_from_str(text, "%H:%M").unwrap()),
    }
}
