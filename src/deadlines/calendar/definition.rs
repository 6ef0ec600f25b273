//! A calendar as an administrator writes it, and what makes it one that can be counted with. Everything wrong is told at once, each
//! fault with the path of the line it stands in.

use std::collections::{BTreeMap, HashSet};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::Hours;
use super::plan::{Exception, Plan, Range, Season};
use crate::platform::http::problem::FieldError;

/// Years that a calendar may speak of.
const YEARS: std::ops::RangeInclusive<i32> = 1992..=2120;
/// Published years at most.
const MOST_YEARS: i32 = 60;
/// Kinds of working day at most.
const MOST_HOURS: usize = super::table::MOST_SHAPES;
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A whole calendar. A department leaves out what it has in common with its county.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Definition {
    /// Working weekdays, `mon` to `sun`; a county: Monday to Friday when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["mon", "tue", "wed", "thu", "fri"]))]
    pub weekdays: Option<Vec<String>>,
    /// Office hours of a working day, in order: `HH:MM-HH:MM` of China, up to 24:00. A county must give them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["09:00-12:00", "14:00-18:00"]))]
    pub hours: Option<Vec<String>>,
    /// Parts of the year with other hours (夏季作息).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seasons: Option<Vec<SeasonDefinition>>,
    /// Days that are not what their weekday says. A department's are added to its county's, and stand above them.
    pub exceptions: Vec<ExceptionDefinition>,
    /// First year whose holidays are listed; the year of the first exception when not given. Not for a department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_from: Option<i32>,
    /// Last year whose holidays are published; results beyond it are provisional. A county must give it; not for a department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_through: Option<i32>,
}

/// Other hours from a day through a day: `MM-DD` every year, or `YYYY-MM-DD` once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeasonDefinition {
    #[schema(example = "夏季作息")]
    pub name: String,
    #[schema(example = "06-01")]
    pub from: String,
    #[schema(example = "09-30")]
    pub through: String,
    #[schema(example = json!(["09:00-12:00", "15:00-18:00"]))]
    pub hours: Vec<String>,
}

/// One day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExceptionDefinition {
    /// `YYYY-MM-DD`
    #[schema(example = "2026-10-01")]
    pub date: String,
    /// `holiday` or `workday`
    #[schema(example = "holiday")]
    pub kind: String,
    #[serde(default)]
    #[schema(example = "国庆节")]
    pub name: String,
    /// Hours of this day alone; for a workday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Vec<String>>,
}

impl Definition {
    /// A county's calendar, checked.
    ///
    /// # Errors
    /// Every fault with its path.
    pub fn county(&self) -> Result<Plan, Vec<FieldError>> {
        let mut faults = Vec::new();
        let hours = match &self.hours {
            Some(hours) => Hours::read(hours, "hours", &mut faults),
            None => {
                faults.push(FieldError::new("hours", "required", "必填", "required"));
                Hours::default()
            }
        };
        let weekdays = match &self.weekdays {
            Some(names) => weekdays(names, &mut faults),
            None => [true, true, true, true, true, false, false],
        };
        let first = self.exceptions.iter().filter_map(|exception| date(&exception.date)).min();
        let through = self.published_through.unwrap_or_default();
        let from = self.published_from.or(first.map(|date| date.year())).unwrap_or(through);
        if self.published_through.is_none() {
            faults.push(FieldError::new("publishedThrough", "required", "必填", "required"));
        } else if !YEARS.contains(&through) || !YEARS.contains(&from) || through - from >= MOST_YEARS {
            faults.push(FieldError::new(
                "publishedThrough",
                "out_of_range",
                "年份不合理",
                "not a sensible year",
            ));
        } else if from > through {
            faults.push(FieldError::new(
                "publishedFrom",
                "out_of_range",
                "起始年份晚于截止年份",
                "after the last year",
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut plan = Plan {
            weekdays,
            hours,
            seasons: Vec::new(),
            exceptions: BTreeMap::new(),
            published: (from, through),
        };
        plan.seasons = self.read_seasons(&mut faults);
        plan.exceptions = self.read_exceptions(&plan, true, &mut faults);
        require_every_year(&plan, &mut faults);
        self.require_few_hours(&plan, &BTreeMap::new(), &mut faults);
        if faults.is_empty() { Ok(plan) } else { Err(faults) }
    }

    /// A department's calendar over its county's, checked.
    ///
    /// # Errors
    /// Every fault with its path.
    pub fn department(&self, county: &Plan) -> Result<Plan, Vec<FieldError>> {
        let mut faults = Vec::new();
        for (field, given) in
            [("publishedFrom", self.published_from), ("publishedThrough", self.published_through)]
        {
            if given.is_some() {
                let (zh, en) = ("由县级日历统一规定", "is the county's matter");
                faults.push(FieldError::new(field, "not_here", zh, en));
            }
        }
        let mut plan = county.clone();
        if let Some(names) = &self.weekdays {
            plan.weekdays = weekdays(names, &mut faults);
        }
        if let Some(hours) = &self.hours {
            plan.hours = Hours::read(hours, "hours", &mut faults);
            // Whoever has hours of its own has them all year, unless it says otherwise.
            plan.seasons = Vec::new();
        }
        if self.seasons.is_some() {
            plan.seasons = self.read_seasons(&mut faults);
        }
        let own = self.read_exceptions(&plan, false, &mut faults);
        let inherited = std::mem::replace(&mut plan.exceptions, own);
        self.require_few_hours(&plan, &inherited, &mut faults);
        let own = std::mem::replace(&mut plan.exceptions, inherited);
        plan.exceptions.extend(own);
        if faults.is_empty() { Ok(plan) } else { Err(faults) }
    }

    /// Whether a checked calendar of a county knows this year: it may end with the year before, whose successor is not published yet.
    ///
    /// # Errors
    /// The year that is out of reach, with its path.
    pub fn require_year(&self, plan: &Plan, now: i32) -> Result<(), Vec<FieldError>> {
        let (from, through) = plan.published;
        let fault = |field, zh: String, en: String| Err(vec![FieldError::new(field, "out_of_range", zh, en)]);
        if through < now - 1 {
            let zh = format!("{through} 年早已过去，至少须公布到 {} 年", now - 1);
            return fault(
                "publishedThrough",
                zh,
                format!("is long over: at least {} must be published", now - 1),
            );
        }
        if from > now {
            let zh = format!("自 {from} 年起，不含今年（{now} 年）");
            let field = if self.published_from.is_some() { "publishedFrom" } else { "exceptions" };
            return fault(field, zh, format!("begins with {from}: this year ({now}) is missing"));
        }
        Ok(())
    }

    /// True when a department has nothing of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A table tells no more than so many kinds of working day apart; the first line too many is told. `plan` holds what this definition
    /// says, beside what a department inherits.
    fn require_few_hours(
        &self,
        plan: &Plan,
        inherited: &BTreeMap<NaiveDate, Exception>,
        faults: &mut Vec<FieldError>,
    ) {
        let mut kinds: HashSet<&Hours> =
            inherited.values().filter_map(|exception| exception.hours.as_ref()).collect();
        kinds.insert(&plan.hours);
        let seasons = plan.seasons.iter().enumerate();
        let seasons = seasons.map(|(index, season)| (format!("seasons[{index}].hours"), &season.hours));
        let days = self.exceptions.iter().enumerate().filter_map(|(index, given)| {
            let hours = plan.exceptions.get(&date(&given.date)?)?.hours.as_ref()?;
            Some((format!("exceptions[{index}].hours"), hours))
        });
        let too_many =
            seasons.chain(days).find(|(_, hours)| kinds.insert(*hours) && kinds.len() > MOST_HOURS);
        if let Some((path, _)) = too_many {
            let zh = format!("不同的办公时段超过 {MOST_HOURS} 种");
            let en = format!("more than {MOST_HOURS} different office hours");
            faults.push(FieldError::new(path, "too_many", zh, en));
        }
    }

    fn read_seasons(&self, faults: &mut Vec<FieldError>) -> Vec<Season> {
        let mut seasons: Vec<Season> = Vec::new();
        for (index, season) in self.seasons.iter().flatten().enumerate() {
            let path = format!("seasons[{index}]");
            let hours = Hours::read(&season.hours, &format!("{path}.hours"), faults);
            match range(&season.from, &season.through) {
                Err((field, code, zh, en)) => {
                    faults.push(FieldError::new(format!("{path}.{field}"), code, zh, en));
                }
                Ok(range) => {
                    if let Some(other) = seasons.iter().find(|other| overlap(other.range, range)) {
                        let zh = format!("与“{}”的日期重叠", other.name);
                        let en = format!("overlaps the days of {}", other.name);
                        faults.push(FieldError::new(format!("{path}.from"), "overlaps", zh, en));
                    }
                    seasons.push(Season { name: season.name.clone(), range, hours });
                }
            }
        }
        seasons
    }

    fn read_exceptions(
        &self,
        plan: &Plan,
        is_county: bool,
        faults: &mut Vec<FieldError>,
    ) -> BTreeMap<NaiveDate, Exception> {
        let mut read = BTreeMap::new();
        for (index, given) in self.exceptions.iter().enumerate() {
            let path = format!("exceptions[{index}]");
            let mut fault = |field: &str, code, zh: &str, en: &str| {
                faults.push(FieldError::new(format!("{path}.{field}"), code, zh, en));
            };
            let Some(date) = date(&given.date) else {
                fault("date", "wrong_value", "须写成 2026-10-01", "written as 2026-10-01");
                continue;
            };
            if !(plan.published.0..=plan.published.1).contains(&date.year()) {
                fault("date", "out_of_range", "不在已公布的年份之内", "not within the published years");
            }
            let works = match given.kind.as_str() {
                "holiday" => false,
                "workday" => true,
                _ => {
                    fault("kind", "wrong_value", "只能是 holiday 或 workday", "neither holiday nor workday");
                    continue;
                }
            };
            if given.hours.is_some() && !works {
                fault("hours", "not_here", "放假日没有办公时段", "a holiday has no office hours");
                continue;
            }
            let weekday = usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
            let usual = plan.weekdays.get(weekday).copied().unwrap_or(false);
            // For a department it may mean that it works on a holiday of the county.
            if works && usual && is_county && given.hours.is_none() {
                fault("kind", "not_exceptional", "这一天本来就是工作日", "the day is a working day anyway");
            }
            let hours =
                given.hours.as_ref().map(|hours| Hours::read(hours, &format!("{path}.hours"), faults));
            let exception = Exception { works, name: given.name.trim().to_owned(), hours };
            if read.insert(date, exception).is_some() {
                let (zh, en) = ("这一天出现了两次", "the day stands twice");
                faults.push(FieldError::new(format!("{path}.date"), "duplicate", zh, en));
            }
        }
        read
    }
}

/// A published year has holidays (全国年节及纪念日放假办法 §2); one without any was forgotten, and would be silently wrong.
fn require_every_year(plan: &Plan, faults: &mut Vec<FieldError>) {
    for year in plan.published.0..=plan.published.1 {
        if !plan.exceptions.iter().any(|(date, exception)| date.year() == year && !exception.works) {
            let zh = format!("{year} 年没有任何放假日，是否漏填");
            let en = format!("{year} has no holiday at all: is the year missing?");
            faults.push(FieldError::new("exceptions", "year_missing", zh, en));
        }
    }
}

fn weekdays(names: &[String], faults: &mut Vec<FieldError>) -> [bool; 7] {
    let mut week = [false; 7];
    if names.is_empty() {
        let (zh, en) = ("一周中没有工作日", "the week has no working day");
        faults.push(FieldError::new("weekdays", "empty", zh, en));
    }
    for (index, name) in names.iter().enumerate() {
        let path = || format!("weekdays[{index}]");
        match WEEKDAYS.iter().position(|known| known == name).and_then(|day| week.get_mut(day)) {
            None => {
                faults.push(FieldError::new(path(), "wrong_value", "须为 mon 至 sun", "neither mon … sun"))
            }
            Some(day) if *day => faults.push(FieldError::new(path(), "duplicate", "重复填写", "given twice")),
            Some(day) => *day = true,
        }
    }
    week
}

type Told = (&'static str, &'static str, &'static str, &'static str);

fn range(from: &str, through: &str) -> Result<Range, Told> {
    const WORDS: (&str, &str) = ("须写成 06-01 或 2026-06-01", "written as 06-01 or 2026-06-01");
    let wrong = |field| (field, "wrong_value", WORDS.0, WORDS.1);
    match (date(from), date(through)) {
        (Some(from), Some(through)) if from > through => {
            Err(("through", "out_of_range", "截止日早于起始日", "before the first day"))
        }
        (Some(from), Some(through)) => Ok(Range::Once(from, through)),
        (Some(_), None) => Err(wrong("through")),
        (None, _) => {
            let from = day_of_year(from).ok_or_else(|| wrong("from"))?;
            let through = day_of_year(through).ok_or_else(|| wrong("through"))?;
            Ok(Range::EveryYear(from, through))
        }
    }
}

/// Whether there is a day in both. Ranges that return every year are compared over a leap year.
fn overlap(one: Range, other: Range) -> bool {
    let leap = |month, day| NaiveDate::from_ymd_opt(2024, month, day).unwrap_or_default();
    let (from, through) = match (one, other) {
        (Range::Once(from, through), Range::Once(others, last)) => return from <= last && others <= through,
        (Range::Once(from, through), _) | (_, Range::Once(from, through)) => (from, through),
        _ => (leap(1, 1), leap(12, 31)),
    };
    // In so many days every day of the year has come, 29 February too.
    let mut dates = from.iter_days().take_while(|date| *date <= through).take(366 * 9);
    dates.any(|date| one.contains(date) && other.contains(date))
}

fn date(text: &str) -> Option<NaiveDate> {
    let plain = text.len() == 10 && text.is_ascii();
    if plain { NaiveDate::parse_from_str(text, "%Y-%m-%d").ok() } else { None }
}

fn day_of_year(text: &str) -> Option<(u32, u32)> {
    let date = date(&format!("2024-{text}"))?;
    Some((date.month(), date.day()))
}
