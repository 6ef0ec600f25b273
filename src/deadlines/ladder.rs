//! The ladder (催办→督办→约谈→通报→移交): what happens on the way to a due moment and after it was missed, step by step.
//!
//! A step's moment is counted from the start and the due moment of its clock, never from when the step before it fired. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use super::calendar::Calendar;
use super::limits::parse_limit;
use super::model::{Clock, Deadline, Limit, Unit};
use crate::text_enum;

text_enum!(
    /// Whom a step tells, resolved when it fires.
    Rank {
        /// Who is responsible for the call now.
        Holder = "holder",
        Backup = "backup",
        SectionHead = "section_head",
        Deputy = "deputy",
        /// The head of the department (一把手).
        Head = "head",
        BusinessOffice = "business_office",
        Inspectorate = "inspectorate",
    }
);

impl Rank {
    /// For people.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Holder => "责任人",
            Self::Backup => "B角",
            Self::SectionHead => "股室负责人",
            Self::Deputy => "分管负责人",
            Self::Head => "主要负责人",
            Self::BusinessOffice => "营商办",
            Self::Inspectorate => "督查室",
        }
    }
}

text_enum!(
    /// A card (蓝牌、黄牌、红牌): how grave a missed promise is.
    CardColour { Blue = "blue", Yellow = "yellow", Red = "red" }
);

impl CardColour {
    /// For people.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Blue => "蓝牌",
            Self::Yellow => "黄牌",
            Self::Red => "红牌",
        }
    }
}

/// When a step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// When so much of the limit is over, in percent.
    Share(u8),
    /// So long after the due moment; zero minutes: at it.
    After(Limit),
}

impl At {
    /// For putting steps in order: what a limit of nominal days and hours would make of it.
    fn nominal_minutes(self) -> i64 {
        match self {
            Self::Share(percent) => i64::from(percent) - 100,
            Self::After(limit) => {
                let amount = i64::from(limit.amount);
                if limit.unit == Unit::WorkingDay { amount * NOMINAL_DAY } else { amount }
            }
        }
    }
}

/// The working minutes of an ordinary day, to compare delays in different units.
const NOMINAL_DAY: i64 = 7 * 60;

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(percent) => write!(f, "{percent}%"),
            Self::After(Limit { amount: 0, .. }) => f.write_str("due"),
            Self::After(limit) => write!(f, "+{limit}"),
        }
    }
}

impl FromStr for At {
    type Err = String;

    /// Reads `50%`, `due`, `+15wm`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "due" {
            return Ok(Self::After(Limit::minutes(0)));
        }
        if let Some(percent) = text.strip_suffix('%') {
            return match percent.parse() {
                Ok(share @ 1..=99) => Ok(Self::Share(share)),
                _ => Err(format!("`{text}`: a share is between 1% and 99%")),
            };
        }
        let delay = text
            .strip_prefix('+')
            .ok_or_else(|| format!("`{text}` is neither a share (50%), `due`, nor a delay (+15wm)"))?;
        parse_limit(delay, 1).map(Self::After)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One step of a ladder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// DOMAIN §3: 0 the responsible officer himself … 6 the draft of a hand-over.
    pub rung: i16,
    pub at: At,
    /// Whom it tells; of none of them there, the step is recorded and the next one fires at once.
    pub to: Vec<Rank>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardColour>,
    /// Issues a supervision order to the department.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub order: bool,
    /// Freezes the evidence and drafts a hand-over, which a named person may sign.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hand_over: bool,
}

/// Up to which rung anybody lifts a ladder: a hand-over is drafted by the clock alone.
pub const HIGHEST_LIFT: i16 = 5;

type ByClock = BTreeMap<Clock, Vec<Step>>;

/// The ladders of a county. A change holds for clocks that start after it: what runs already climbs to its end by the ladder it started
/// under, so a step's number means the same as long as its clock lives and no step fires twice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written")]
pub struct Ladders {
    /// The last step fires again after each such span until somebody acts.
    pub repeat: Limit,
    /// Up to which rung an enterprise's urge lifts.
    pub urge_lifts_to: i16,
    /// Up to which rung an alarm that reached nobody lifts, where [`Self::unheard_lifts_to`] says nothing else.
    pub unreached_lifts_to: i16,
    pub clocks: ByClock,
    /// Ladders of single items, by the item's code; a clock that an item does not name climbs as in `clocks`.
    pub items: BTreeMap<String, ByClock>,
    /// What held before, the oldest first; as long as a clock climbs by it.
    #[serde(skip)]
    pub past: Vec<Past>,
}

/// Ladders that clocks still climb by which started before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Of clocks that started before.
    pub until: DateTime<Utc>,
    pub ladders: Ladders,
}

impl Ladders {
    /// The longest ladder of one clock, in steps.
    pub const MOST_STEPS: usize = 24;

    /// Up to which rung an alarm about this clock that reached nobody lifts. What others owe beside the call only tells: no rung of it
    /// gives a card, orders or hands over, and the office that owes a ruling stands on the fourth. So there it is told to the top.
    #[must_use]
    pub const fn unheard_lifts_to(&self, clock: Clock) -> i16 {
        if clock.is_of_others() { HIGHEST_LIFT } else { self.unreached_lifts_to }
    }

    /// Those that held when a clock started.
    #[must_use]
    pub fn of_start(&self, started_at: DateTime<Utc>) -> &Self {
        self.past.iter().find(|past| started_at < past.until).map_or(self, |past| &past.ladders)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "repeat")]
    repeat: Limit,
    urge_lifts_to: i16,
    unreached_lifts_to: i16,
    clocks: ByClock,
    #[serde(default)]
    items: BTreeMap<String, ByClock>,
}

impl TryFrom<Written> for Ladders {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { repeat, urge_lifts_to, unreached_lifts_to, clocks, items } = written;
        for (name, to) in [("urge_lifts_to", urge_lifts_to), ("unreached_lifts_to", unreached_lifts_to)] {
            if !(0..=HIGHEST_LIFT).contains(&to) {
                return Err(format!("{name} = {to} is not between 0 and {HIGHEST_LIFT}"));
            }
        }
        for (clock, steps) in &clocks {
            check(*clock, steps).map_err(|why| format!("clocks.{clock}{why}"))?;
        }
        for (item, clocks) in &items {
            for (clock, steps) in clocks {
                check(*clock, steps).map_err(|why| format!("items.{item}.{clock}{why}"))?;
            }
        }
        Ok(Self { repeat, urge_lifts_to, unreached_lifts_to, clocks, items, past: Vec::new() })
    }
}

/// DOMAIN §3.
pub const RUNGS: RangeInclusive<i16> = 0..=6;

fn repeat<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    parse_repeat(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// Reads how often the last step fires: a limit that is over some time, so that nobody is called without a pause.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_repeat(text: &str) -> Result<Limit, String> {
    const SHORTEST_MINUTES: i32 = 15;
    let limit = parse_limit(text, 1)?;
    if limit.unit != Unit::WorkingDay && limit.amount < SHORTEST_MINUTES {
        return Err(format!("`{text}`: the last step repeats after {SHORTEST_MINUTES} minutes or more"));
    }
    Ok(limit)
}

/// What makes no sense about the steps of one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFault {
    /// Which step, counted from zero; none: the ladder as a whole.
    pub step: Option<usize>,
    pub field: &'static str,
    pub code: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

/// The first thing that makes no sense, with its step counted from one.
fn check(clock: Clock, steps: &[Step]) -> Result<(), String> {
    let sketches: Vec<Sketch> = steps.iter().map(Sketch::of).collect();
    match faults(clock, &sketches).first() {
        None => Ok(()),
        Some(StepFault { step: Some(index), en, .. }) => Err(format!(", step {}: {en}", index + 1)),
        Some(StepFault { en, .. }) => Err(format!(": {en}")),
    }
}

/// A step as far as it can be read: what is unreadable about it does not hide what else makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    pub rung: i16,
    pub at: Option<At>,
    /// The posts that there are.
    pub to: Vec<Rank>,
    /// Whether it names anybody, be it a post that there is not.
    pub tells: bool,
    /// It gives a card, orders or hands over.
    pub acts: bool,
}

impl Sketch {
    fn of(step: &Step) -> Self {
        Self {
            rung: step.rung,
            at: Some(step.at),
            to: step.to.clone(),
            tells: !step.to.is_empty(),
            acts: step.card.is_some() || step.order || step.hand_over,
        }
    }
}

/// Everything that makes no sense about the steps of a clock.
#[must_use]
pub fn faults(clock: Clock, steps: &[Sketch]) -> Vec<StepFault> {
    let mut found = Vec::new();
    let whole = |code, zh, en| StepFault { step: None, field: "", code, zh, en };
    if steps.is_empty() {
        found.push(whole("empty", "阶梯至少要有一级", "a ladder has at least one step"));
    }
    if steps.len() > Ladders::MOST_STEPS {
        found.push(whole("too_long", "阶梯最多 24 级", "a ladder has at most 24 steps"));
    }
    let mut before = Before::default();
    for (index, step) in steps.iter().enumerate() {
        for (field, code, zh, en) in step_faults(clock, step, before) {
            found.push(StepFault { step: Some(index), field, code, zh, en });
        }
        before = Before { rung: Some(step.rung), at: step.at.or(before.at) };
    }
    let last = steps.len().checked_sub(1).filter(|_| !clock.acts_by_itself());
    if last.and_then(|last| steps.get(last)).is_some_and(|last| matches!(last.at, Some(At::Share(_)))) {
        let (code, zh) = ("never_late", "最后一级须在到期时或到期后");
        let en = "the last step fires when the promise is broken, or later";
        found.push(StepFault { step: last, field: "at", code, zh, en });
    }
    found
}

type Found = (&'static str, &'static str, &'static str, &'static str);

/// How far the steps before have come.
#[derive(Clone, Copy, Default)]
struct Before {
    rung: Option<i16>,
    at: Option<At>,
}

/// Field, code and texts of what makes no sense about one step after those before.
fn step_faults(clock: Clock, step: &Sketch, before: Before) -> Vec<Found> {
    let at = |at: Option<At>| at.map(At::nominal_minutes);
    let acts = step.acts;
    let all: [(bool, Found); 8] = [
        (!RUNGS.contains(&step.rung), ("rung", "out_of_range", "级别为 0 至 6", "a rung is between 0 and 6")),
        (
            before.rung.is_some_and(|before| step.rung < before),
            ("rung", "falls", "级别不得低于前一级", "the ladder climbs: its rungs do not fall"),
        ),
        (
            at(step.at).zip(at(before.at)).is_some_and(|(at, before)| at < before),
            ("at", "falls", "时点不得早于前一级", "the delays do not fall"),
        ),
        (!step.tells, ("to", "empty", "没有通知任何人", "it tells nobody")),
        (Ranks(&step.to).has_twice(), ("to", "duplicate", "同一岗位写了两次", "it names a post twice")),
        (
            clock.acts_by_itself() && matches!(step.at, Some(At::After(_))),
            (
                "at",
                "ends_by_itself",
                "该时限到期自动生效，没有到期后的级别",
                "this clock ends at its due moment by itself",
            ),
        ),
        (
            clock.is_of_others() && acts,
            (
                "",
                "owed_by_others",
                "由其他单位负责的时限不给诉求责任人发牌，不下督办单、不移交",
                "what others owe beside the call gives the call's holder no card, order or hand-over",
            ),
        ),
        (
            clock.is_of_order() && acts,
            (
                "",
                "only_tells",
                "督办单时限只通知，不发牌、不下督办单、不移交",
                "the clocks of a supervision order only tell",
            ),
        ),
    ];
    all.into_iter().filter_map(|(wrong, found)| wrong.then_some(found)).collect()
}

struct Ranks<'a>(&'a [Rank]);

impl Ranks<'_> {
    fn has_twice(&self) -> bool {
        self.0.iter().enumerate().any(|(at, rank)| self.0.iter().take(at).any(|known| known == rank))
    }
}

/// What is to be done at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// A step of the ladder; of the last one, how often it has fired before.
    Climb(&'a Step, i16),
    /// The clock's own consequence: silence confirms, a pause ends.
    Act,
}

/// What the moments of a subject's clocks are computed with.
#[derive(Clone, Copy, Debug)]
pub struct Timing<'a> {
    pub calendar: &'a Calendar,
    pub ladders: &'a Ladders,
    /// The code of the call's item: by its ladder climbs what starts now. What runs climbs by the one it started under.
    pub item: Option<&'a str>,
    /// 特急: its ladder climbs round the clock.
    pub critical: bool,
}

impl<'a> Timing<'a> {
    fn steps(&self, row: &Deadline) -> &'a [Step] {
        let ladders = self.ladders.of_start(row.started_at);
        let item = row.item_code.as_ref().and_then(|item| ladders.items.get(item));
        let own = item.and_then(|own| own.get(&row.clock));
        own.or_else(|| ladders.clocks.get(&row.clock)).map_or(&[], Vec::as_slice)
    }

    /// What the `nth` moment of a clock is for, counted from zero; none after the last.
    #[must_use]
    pub fn what(&self, row: &Deadline, nth: i16) -> Option<What<'a>> {
        let steps = self.steps(row);
        let index = usize::try_from(nth).ok()?;
        if let Some(step) = steps.get(index) {
            return Some(What::Climb(step, 0));
        }
        let over = nth - i16::try_from(steps.len()).unwrap_or(i16::MAX);
        if row.clock.acts_by_itself() {
            return (over == 0).then_some(What::Act);
        }
        let last = steps.last().filter(|last| matches!(last.at, At::After(_)))?;
        Some(What::Climb(last, over + 1))
    }

    /// When that is; none when nothing is left to do.
    #[must_use]
    pub fn moment(&self, row: &Deadline, nth: i16) -> Option<DateTime<Utc>> {
        match self.what(row, nth)? {
            What::Act => Some(row.due_at),
            What::Climb(step, 0) => Some(self.at(row, step.at)),
            What::Climb(step, times) => {
                let repeat = self.ladders.of_start(row.started_at).repeat;
                let mut at = self.at(row, step.at);
                for _ in 0..times {
                    at = self.after(at, repeat);
                }
                Some(at)
            }
        }
    }

    /// Working minutes between two moments; of a critical call, minutes. Zero when `until` is not later.
    #[must_use]
    pub fn minutes(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> u32 {
        let span = if self.critical { until - from } else { self.calendar.working_between(from, until) };
        u32::try_from(span.num_minutes()).unwrap_or(0)
    }

    /// Whether the step at which `row` stands fires before its own moment, because somebody lifted it.
    #[must_use]
    pub fn is_lifted(&self, row: &Deadline) -> bool {
        self.moment(row, row.step).is_some_and(|own| row.planned_at() < own)
    }

    /// Whether the repetition at which `row` stands is of no use any more at `now`: the one after it is due as well. After an outage
    /// only the last of those that were missed is told.
    #[must_use]
    pub fn is_overtaken(&self, row: &Deadline, now: DateTime<Utc>) -> bool {
        let repeats = matches!(self.what(row, row.step), Some(What::Climb(_, 1..)));
        repeats && self.moment(row, row.step.saturating_add(1)).is_some_and(|next| next <= now)
    }

    /// Whether a lift may go on to the `nth` step where nobody is on the one before: no further than an urge or a dead channel may
    /// lift, and never to what orders or hands over.
    #[must_use]
    pub fn may_go_on(&self, row: &Deadline, nth: i16) -> bool {
        let ladders = self.ladders.of_start(row.started_at);
        let highest = ladders.urge_lifts_to.max(ladders.unheard_lifts_to(row.clock));
        let tells = |step: &Step| step.rung <= highest && !step.order && !step.hand_over;
        matches!(self.what(row, nth), Some(What::Climb(step, 0)) if tells(step))
    }

    fn at(&self, row: &Deadline, at: At) -> DateTime<Utc> {
        match at {
            At::After(Limit { amount: 0, .. }) => self.open(row.due_at),
            At::After(delay) => self.after(row.due_at, delay),
            At::Share(percent) => self.share(row, percent),
        }
    }

    /// A share of the limit itself: by as much as a pause or an extension has moved the due moment, its warnings move too. So `80%` is
    /// always a fifth of the limit before it is due. (The limit of a promised moment is the time up to it, as it was given.)
    fn share(&self, row: &Deadline, percent: u8) -> DateTime<Utc> {
        let of = |whole: TimeDelta| whole * i32::from(percent) / 100;
        let limit = Limit { amount: row.limit_amount, unit: row.limit_unit };
        let first = match row.limit_unit {
            Unit::Moment => row.promised_at.unwrap_or(row.due_at).min(row.due_at),
            _ => self.calendar.due(row.started_at, limit).at.min(row.due_at),
        };
        match row.limit_unit {
            Unit::WorkingMinute | Unit::WorkingDay => {
                let whole = self.calendar.working_between(row.started_at, first);
                let moved = self.calendar.working_between(first, row.due_at);
                self.calendar.add_working(row.started_at, of(whole) + moved).min(row.due_at)
            }
            Unit::Minute | Unit::Moment => {
                let moved = row.due_at - first;
                self.open(row.started_at + of(first - row.started_at) + moved).min(row.due_at)
            }
        }
    }

    fn after(&self, from: DateTime<Utc>, delay: Limit) -> DateTime<Utc> {
        let amount = i64::from(delay.amount);
        match (delay.unit, self.critical) {
            (Unit::WorkingDay, true) => from + TimeDelta::days(amount),
            (Unit::WorkingMinute, true) | (Unit::Minute | Unit::Moment, _) => {
                self.open(from + TimeDelta::minutes(amount))
            }
            (Unit::WorkingMinute, false) => {
                // What was due at closing is counted from there, not from the next morning; the sum is the same.
                self.calendar.add_working(from, TimeDelta::minutes(amount))
            }
            // A moment at closing belongs to the day that it closes.
            (Unit::WorkingDay, false) => {
                self.calendar.closing_after(from - TimeDelta::microseconds(1), amount)
            }
        }
    }

    /// The moment itself when it may disturb people then, else the next opening. Closing is still office time.
    pub(super) fn open(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let just_before = at - TimeDelta::microseconds(1);
        if self.critical || self.calendar.next_open(just_before) == just_before {
            return at;
        }
        self.calendar.next_open(at)
    }
}

#[cfg(test)]
mod tests;
