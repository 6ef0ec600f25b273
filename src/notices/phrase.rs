//! Times as people read them.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Asia::Shanghai;

use crate::platform::http::lang::Lang;

/// A moment in the county's time, with the day as one would say it: `今天 14:05`, `11月24日 09:00`.
pub fn when(at: DateTime<Utc>, now: DateTime<Utc>, lang: Lang) -> String {
    let (at, today) = (at.with_timezone(&Shanghai), now.with_timezone(&Shanghai).date_naive());
    let (date, clock) = (at.date_naive(), at.format("%H:%M"));
    let day = match (date.signed_duration_since(today).num_days(), lang) {
        (-1, Lang::Zh) => "昨天".to_owned(),
        (0, Lang::Zh) => "今天".to_owned(),
        (1, Lang::Zh) => "明天".to_owned(),
        (-1, Lang::En) => "yesterday".to_owned(),
        (0, Lang::En) => "today".to_owned(),
        (1, Lang::En) => "tomorrow".to_owned(),
        _ => day_of(date, date.year() != today.year(), lang),
    };
    format!("{day} {clock}")
}

fn day_of(date: NaiveDate, with_year: bool, lang: Lang) -> String {
    let (year, month, day) = (date.year(), date.month(), date.day());
    match (lang, with_year) {
        (Lang::Zh, true) => format!("{year}年{month}月{day}日"),
        (Lang::Zh, false) => format!("{month}月{day}日"),
        (Lang::En, true) => format!("{} {day}, {year}", date.format("%b")),
        (Lang::En, false) => format!("{} {day}", date.format("%b")),
    }
}

/// So many working minutes, as one says it: `不到 1 分钟`, `25 分钟`, `3 小时 10 分钟`.
pub fn span(minutes: u32, lang: Lang) -> String {
    match (minutes / 60, minutes % 60, lang) {
        (0, 0, Lang::Zh) => "不到 1 分钟".to_owned(),
        (0, 0, Lang::En) => "less than a minute".to_owned(),
        (0, minutes, Lang::Zh) => format!("{minutes} 分钟"),
        (hours, 0, Lang::Zh) => format!("{hours} 小时"),
        (hours, minutes, Lang::Zh) => format!("{hours} 小时 {minutes} 分钟"),
        (0, minutes, Lang::En) => format!("{minutes} min"),
        (hours, 0, Lang::En) => format!("{hours} h"),
        (hours, minutes, Lang::En) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn a_moment_is_told_as_one_says_it() {
        let now = at("2026-11-23T23:30:00+08:00");
        for (moment, zh, en) in [
            ("2026-11-23T14:05:00+08:00", "今天 14:05", "today 14:05"),
            ("2026-11-24T00:00:00+08:00", "明天 00:00", "tomorrow 00:00"),
            ("2026-11-22T09:07:00+08:00", "昨天 09:07", "yesterday 09:07"),
            ("2026-12-01T09:00:00+08:00", "12月1日 09:00", "Dec 1 09:00"),
            ("2027-01-04T18:00:00+08:00", "2027年1月4日 18:00", "Jan 4, 2027 18:00"),
        ] {
            assert_eq!(when(at(moment), now, Lang::Zh), zh);
            assert_eq!(when(at(moment), now, Lang::En), en);
        }
    }
}
