//! What a drill found: whom nothing reaches, by department, with the contact cards that hang on him.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::DrillId;
use super::error::DrillCode;
use super::store::{self, Drill, OnCard, Standing};
use crate::notices::admin::words;
use crate::notices::model::NoticeState;
use crate::organisation::{CountyId, OfficerId};
use crate::platform::db::{Db, Scope};
use crate::platform::http::lang::Lang;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;
use crate::text_enum;

/// Drills in the list.
const LISTED: i64 = 36;

text_enum!(
    /// How it stands with one holder.
    Reached {
        /// No channel at all leads to him.
        Unaddressed = "unaddressed",
        /// The message was given up.
        Failed = "failed",
        /// It has not left yet.
        Waiting = "waiting",
        /// It left; he has not answered, and has time to.
        Sent = "sent",
        /// It left, and he has not answered in time.
        Unanswered = "unanswered",
        Acknowledged = "acknowledged",
    }
);

/// A drill.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrillView {
    pub id: DrillId,
    /// The first day of the month of one that began by itself.
    #[schema(required)]
    pub month: Option<NaiveDate>,
    pub started_at: DateTime<FixedOffset>,
    pub started_by: String,
    /// Until when its readers have to answer: the end of the third working day.
    pub answer_by: DateTime<FixedOffset>,
}

/// The latest drills, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DrillsView {
    pub items: Vec<DrillView>,
}

/// A drill and what it found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrillReport {
    #[serde(flatten)]
    pub drill: DrillView,
    pub counts: Counts,
    pub departments: Vec<DepartmentReport>,
}

/// How many holders stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub holders: usize,
    pub unaddressed: usize,
    pub failed: usize,
    pub waiting: usize,
    pub sent: usize,
    pub unanswered: usize,
    pub acknowledged: usize,
}

/// The holders of one department.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DepartmentReport {
    pub name: String,
    pub holders: Vec<HolderReport>,
}

/// One holder.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HolderReport {
    pub officer_id: OfficerId,
    pub name: String,
    pub reached: Reached,
    /// Why it failed or waits, for people.
    #[schema(required)]
    pub why: Option<String>,
    /// By which channel.
    #[schema(required)]
    pub channel: Option<String>,
    #[schema(required)]
    pub sent_at: Option<DateTime<FixedOffset>>,
    #[schema(required)]
    pub acknowledged_at: Option<DateTime<FixedOffset>>,
    /// The contact cards on which he stands now.
    pub cards: Vec<CardOf>,
}

/// A contact card.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CardOf {
    pub enterprise: String,
    /// The item or category it is for; none: everything.
    #[schema(required)]
    pub matter: Option<String>,
}

/// The latest drills of a county.
///
/// # Errors
/// When Postgres is away.
pub async fn list(db: &Db, county: CountyId) -> Result<DrillsView, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let found = store::latest(&mut tx, county, LISTED).await.map_err(Problem::from);
    Ok(DrillsView { items: tx.finish(found).await?.into_iter().map(view).collect() })
}

/// What a drill has found by `now`.
///
/// # Errors
/// 404 when there is none of this id.
pub async fn read(
    db: &Db,
    county: CountyId,
    id: DrillId,
    now: DateTime<Utc>,
) -> Result<DrillReport, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let found = async {
        let drill = store::find(&mut tx, county, id).await?.ok_or_else(|| DrillCode::NotFound.problem())?;
        Ok::<_, Problem>((drill, store::standings(&mut tx, id).await?, store::cards(&mut tx, id).await?))
    };
    let found = found.await;
    let (drill, standings, cards) = tx.finish(found).await?;
    Ok(report(drill, standings, cards, now))
}

fn view(drill: Drill) -> DrillView {
    DrillView {
        id: drill.id,
        month: drill.month,
        started_at: china(drill.started_at),
        started_by: drill.started_by,
        answer_by: china(drill.answer_by),
    }
}

fn report(drill: Drill, standings: Vec<Standing>, on_cards: Vec<OnCard>, now: DateTime<Utc>) -> DrillReport {
    let mut cards: HashMap<OfficerId, Vec<CardOf>> = HashMap::new();
    for card in on_cards {
        let of = CardOf { enterprise: card.enterprise, matter: card.matter };
        cards.entry(card.officer).or_default().push(of);
    }
    let mut counts = Counts { holders: standings.len(), ..Counts::default() };
    let mut departments: Vec<DepartmentReport> = Vec::new();
    for standing in standings {
        let reached = reached(&standing, now > drill.answer_by);
        *counts.of(reached) += 1;
        let why =
            standing.reason.as_deref().filter(|_| matches!(reached, Reached::Failed | Reached::Waiting));
        let holder = HolderReport {
            officer_id: standing.officer,
            name: standing.name,
            reached,
            why: why
                .filter(|why| !why.is_empty())
                .map(|why| words::reason(why, Lang::current()).unwrap_or_else(|| why.to_owned())),
            channel: standing.channel,
            sent_at: standing.sent_at.map(china),
            acknowledged_at: standing.answered_at.map(china),
            cards: cards.remove(&standing.officer).unwrap_or_default(),
        };
        match departments.last_mut().filter(|last| last.name == standing.department) {
            Some(department) => department.holders.push(holder),
            None => {
                departments.push(DepartmentReport { name: standing.department, holders: vec![holder] });
            }
        }
    }
    DrillReport { drill: view(drill), counts, departments }
}

/// Whoever answered was reached, whatever else is known.
fn reached(standing: &Standing, is_over: bool) -> Reached {
    if standing.answered_at.is_some() {
        return Reached::Acknowledged;
    }
    let Some(state) = standing.state.as_deref() else { return Reached::Unaddressed };
    match NoticeState::parse(state) {
        Some(NoticeState::Sent | NoticeState::Acted) if is_over => Reached::Unanswered,
        Some(NoticeState::Sent | NoticeState::Acted) => Reached::Sent,
        Some(NoticeState::Queued | NoticeState::Held | NoticeState::Sending | NoticeState::Retry) => {
            Reached::Waiting
        }
        Some(NoticeState::Dead | NoticeState::Expired | NoticeState::Superseded | NoticeState::Fallback)
        | None => Reached::Failed,
    }
}

impl Counts {
    const fn of(&mut self, reached: Reached) -> &mut usize {
        match reached {
            Reached::Unaddressed => &mut self.unaddressed,
            Reached::Failed => &mut self.failed,
            Reached::Waiting => &mut self.waiting,
            Reached::Sent => &mut self.sent,
            Reached::Unanswered => &mut self.unanswered,
            Reached::Acknowledged => &mut self.acknowledged,
        }
    }
}
