//! An open call with everything a verb needs at hand, and the one way to save what a verb did: state, clocks, side matters, ledger
//! and notices in the same transaction.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::cards::earned;
use super::decide::LAPSED;
use super::desk::Desk;
use super::dispatch::{self, Named};
use super::error::CallCode;
use super::model::{Call, CallChange, CallId, Matter, MatterId, MatterKind, MatterState, RouteRule, State};
use super::standing::{Person, Standing};
use super::state::{Beside, Refusal, Verb, may};
use super::store::{self, Candidate, Faces, ItemFace};
use super::tell::{self, Telling};
use super::view::{CallView, view};
use crate::deadlines::calendar::{Calendar, Edition};
use crate::deadlines::calendars::renew::renew_call;
use crate::deadlines::ladder::Timing;
use crate::deadlines::limits::{ItemLimits, Rules, Urgency};
use crate::deadlines::{Clock, ClockBook, CountyCalendars, Deadline, DeadlineState, SubjectKind};
use crate::ledger::{self, Fact};
use crate::notices::outbox::{self, Done};
use crate::organisation::model::OfficerStatus;
use crate::organisation::{DepartmentId, EnterpriseId};
use crate::platform::db::{DbError, Scope};
use crate::platform::http::problem::{CommonCode, Problem};
use crate::platform::http::text::TextRule;
use crate::platform::time::china;

/// Within it the same once more is the same.
pub const AGAIN: TimeDelta = TimeDelta::minutes(5);

/// One verb with its body. Its file is named after it.
pub trait Order: Send + Sized {
    const VERB: Verb;

    /// True when the caller has done just this before: a second tap is answered, not refused.
    fn is_repetition(&self, _case: &Case<'_>) -> bool {
        false
    }

    /// The request this order decides, if it names one, and how.
    fn answer(&self) -> Option<Answer> {
        None
    }

    /// Judges the body and changes the case.
    fn apply(self, case: &mut Case<'_>) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// Which request is decided, and what it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub matter: MatterId,
    pub becomes: MatterState,
}

impl Answer {
    /// The answer of an order that may name a request and may decide.
    #[must_use]
    pub fn given(matter: Option<MatterId>, approve: Option<bool>) -> Option<Self> {
        let becomes = if approve? { MatterState::Approved } else { MatterState::Refused };
        Some(Self { matter: matter?, becomes })
    }
}

/// An open call.
pub struct Case<'a> {
    pub conn: &'a mut AsyncPgConnection,
    pub desk: &'a Desk,
    pub person: &'a Person,
    pub now: DateTime<Utc>,
    pub rules: Arc<Rules>,
    calendars: Arc<CountyCalendars>,
    pub call: Call,
    pub matters: Vec<Matter>,
    pub clocks: ClockBook,
    pub item: Option<ItemFace>,
    pub standing: Standing,
    before: Call,
    /// The latest event before this verb.
    last: Option<ledger::Event>,
    enterprises: Vec<EnterpriseId>,
    touched: Vec<MatterId>,
    decided: Vec<MatterId>,
    /// Whether nobody need answer any more who was called about this call.
    answered: bool,
    facts: Vec<Fact>,
    tellings: Vec<Telling>,
    refusal: Option<Problem>,
}

/// What the moments of a call's clocks are computed with. (Of a case, whose clocks are changed at the same time, only these parts
/// are borrowed.)
#[must_use]
pub fn timing<'t>(
    calendar: &'t Calendar,
    rules: &'t Rules,
    item: Option<&'t ItemFace>,
    urgency: Urgency,
) -> Timing<'t> {
    Timing {
        calendar,
        ladders: &rules.ladder,
        item: item.map(|item| item.code.as_str()),
        critical: urgency == Urgency::Critical,
    }
}

/// Does one verb to one call, whole or not at all.
///
/// # Errors
/// 404 when the call does not exist for the caller, 403/409 when the verb is not open to him now, what the verb itself refuses.
pub async fn perform<O: Order>(
    desk: &Desk,
    person: &Person,
    id: CallId,
    order: O,
    expected_version: Option<i32>,
    now: DateTime<Utc>,
) -> Result<CallView, Problem> {
    let mut tx = desk.db.begin(Scope::County(person.county.0)).await?;
    let outcome = perform_in(&mut tx, desk, person, id, order, expected_version, now).await;
    // A refusal that must be remembered is committed like a success.
    let done = tx.finish(outcome).await?;
    desk.wake.notices();
    if O::VERB.lifts() {
        desk.wake.deadlines();
    }
    done
}

/// [`perform`] in a transaction that is open already.
pub(super) async fn perform_in<O: Order>(
    conn: &mut AsyncPgConnection,
    desk: &Desk,
    person: &Person,
    id: CallId,
    order: O,
    expected_version: Option<i32>,
    now: DateTime<Utc>,
) -> Result<Result<CallView, Problem>, Problem> {
    let mut case = Case::open(conn, desk, person, id, now).await?;
    if order.is_repetition(&case) {
        return case.show().await.map(Ok);
    }
    if let Some(decided) = order.answer().and_then(|answer| case.decided_before(answer)) {
        return match decided {
            Ok(()) => case.show().await.map(Ok),
            Err(matter) => Err(case.explain_decided(&matter).await?),
        };
    }
    if expected_version.is_some_and(|expected| expected != case.call.version) {
        return Err(Problem::from(CommonCode::StaleVersion)
            .with("version", case.call.version)
            .with("state", case.call.state.as_str()));
    }
    if let Err(refusal) = may(O::VERB, &case.call, &case.standing, Beside(&case.matters)) {
        return Err(case.explain(refusal).await?);
    }
    order.apply(&mut case).await?;
    if let Some(refusal) = case.refusal.take() {
        case.append_facts().await?;
        return Ok(Err(refusal));
    }
    case.save().await?;
    case.show().await.map(Ok)
}

impl<'a> Case<'a> {
    /// Locks the call and reads what belongs to it.
    async fn open(
        conn: &'a mut AsyncPgConnection,
        desk: &'a Desk,
        person: &'a Person,
        id: CallId,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let Some(call) = store::lock(conn, id).await? else { return Err(CallCode::CallNotFound.problem()) };
        // Somebody who waited for the lock, or whose clock is behind another replica's, does not act before what has happened.
        let last = ledger::store::last(conn, id.0).await?;
        let now = last.as_ref().map_or(now, |last| last.at.max(now));
        let matters = store::matters_of(conn, &[id]).await?;
        let enterprises = store::enterprises_of(conn, person.account).await?;
        let standing = Standing::of(person, &enterprises, &call, &matters);
        if !standing.sees() {
            return Err(CallCode::CallNotFound.problem());
        }
        let (settings, revision) = store::settings(conn, call.county_id).await?;
        let calendars = desk.calendars.at(conn, call.county_id, revision).await?;
        let mut clocks = ClockBook::read(conn, call.county_id, SubjectKind::Call, id.0).await?;
        if clocks.all().any(|clock| calendars.moves(clock, call.department_id, now)) {
            renew_call(conn, &desk.calendars, call.county_id, id.0, now).await?;
            clocks = ClockBook::read(conn, call.county_id, SubjectKind::Call, id.0).await?;
        }
        let item = match call.item_id {
            Some(item) => store::item(conn, item).await?,
            None => None,
        };
        let rules = desk.rules(&settings)?;
        Ok(Self {
            conn,
            desk,
            person,
            now,
            rules,
            calendars,
            before: call.clone(),
            last,
            call,
            matters,
            clocks,
            item,
            standing,
            enterprises,
            touched: Vec::new(),
            decided: Vec::new(),
            answered: false,
            facts: Vec::new(),
            tellings: Vec::new(),
            refusal: None,
        })
    }

    /// The item's own limits, when the call has an item.
    #[must_use]
    pub fn item_limits(&self) -> Option<ItemLimits> {
        self.item.as_ref().map(ItemFace::limits)
    }

    /// The calendar of the department responsible now: what begins now counts by it.
    #[must_use]
    pub fn calendar(&self) -> Arc<Calendar> {
        self.calendars.of(Some(self.call.department_id))
    }

    /// The calendar of another department: what that one promises counts by it.
    #[must_use]
    pub fn calendar_in(&self, department: DepartmentId) -> Arc<Calendar> {
        self.calendars.of(Some(department))
    }

    /// The calendar that a live clock counts by, also after the call went to a department with another one.
    #[must_use]
    pub fn calendar_of(&self, clock: Clock) -> Arc<Calendar> {
        match self.clocks.live(clock) {
            Some(live) => self.calendar_as(live.edition()),
            None => self.calendar(),
        }
    }

    /// The calendar that a clock of this edition counts by.
    #[must_use]
    pub fn calendar_as(&self, edition: Edition) -> Arc<Calendar> {
        self.calendars.for_clock(edition, Some(self.call.department_id))
    }

    /// Words that must be given, within the county's length.
    pub fn required(&self, field: &str, text: &str) -> Result<String, Problem> {
        let rule = TextRule::block(self.rules.calls.text_length);
        rule.required(field, text).map_err(|error| Problem::invalid(vec![error]))
    }

    /// Words that may be given, within the county's length; empty when not.
    pub fn optional(&self, field: &str, text: Option<&str>) -> Result<String, Problem> {
        let rule = TextRule::block(self.rules.calls.text_length);
        let words = rule.optional(field, text).map_err(|error| Problem::invalid(vec![error]))?;
        Ok(words.unwrap_or_default())
    }

    /// The open request that is being decided, `named` or the only one; the one who asked does not decide.
    pub fn to_decide(&self, kind: MatterKind, named: Option<MatterId>) -> Result<Matter, Problem> {
        let matter = Beside(&self.matters)
            .asked(kind)
            .filter(|matter| named.is_none_or(|named| matter.id == named))
            .ok_or_else(|| Refusal::NothingOpen.problem(self.call.state))?;
        if matter.asked_by == self.person.account {
            return Err(CallCode::OwnRequest.into());
        }
        Ok(matter.clone())
    }

    /// When the present department got the call: the last ruling or reassignment, else the first dispatch.
    #[must_use]
    pub fn dispatched_here(&self) -> DateTime<Utc> {
        let moved = self.matters.iter().filter(|matter| match matter.kind {
            MatterKind::Return => matter.state == MatterState::Approved,
            kind => kind == MatterKind::Reassign,
        });
        let moved = moved.filter_map(|matter| matter.decided_at).max();
        moved.or(self.call.dispatched_at).unwrap_or(self.call.raised_at)
    }

    /// The room of the department responsible now.
    #[must_use]
    pub fn room(&self) -> DepartmentId {
        self.call.department_id
    }

    /// Who can be asked in a department for this call's item, best first: the item's contact, the duty contact, then by code.
    pub async fn choose_in(
        &mut self,
        department: DepartmentId,
        rule: RouteRule,
    ) -> Result<Option<dispatch::Route>, Problem> {
        let officers =
            store::department_candidates(self.conn, department, self.call.item_id, self.now).await?;
        let backups: Vec<_> = officers.iter().filter_map(|officer| officer.backup_id).collect();
        let backups = store::candidates(self.conn, &backups, self.now).await?;
        let named: Vec<Named> = officers
            .into_iter()
            .filter(|officer| officer.status == OfficerStatus::Active)
            .map(|lead| Named {
                rule,
                backup: backups.iter().find(|backup| Some(backup.id) == lead.backup_id).cloned(),
                lead,
            })
            .collect();
        Ok(dispatch::choose(&named))
    }

    /// Whether the latest thing that happened to the call is that the caller did just this, a moment ago: then he only tapped twice,
    /// or his request was sent again. Who says the same tomorrow means it.
    pub fn just_recorded(&self, kind: &str, same: impl FnOnce(&Value) -> bool) -> bool {
        let own = |event: &&ledger::Event| {
            event.kind == kind && event.actor_id == self.person.who() && self.now - event.at < AGAIN
        };
        self.last.as_ref().filter(own).is_some_and(|event| same(&event.data))
    }

    /// Notes an event for the ledger.
    pub fn record(&mut self, kind: &'static str, data: Value) {
        self.facts.push(Fact::new(kind, data));
    }

    /// The caller is refused, but what was recorded stays.
    pub fn refuse_and_keep(&mut self, refusal: Problem) {
        self.refusal = Some(refusal);
    }

    /// Plans a notice.
    pub fn tell(&mut self, telling: Telling) {
        self.tellings.push(telling);
    }

    /// Adds or replaces a side matter.
    pub fn put(&mut self, matter: Matter) {
        self.touched.push(matter.id);
        let known = self.matters.iter().find(|known| known.id == matter.id);
        if known.is_some_and(|known| known.state == MatterState::Asked) && matter.state != MatterState::Asked
        {
            self.decided.push(matter.id);
        }
        match self.matters.iter_mut().find(|known| known.id == matter.id) {
            Some(known) => *known = matter,
            None => self.matters.push(matter),
        }
    }

    /// What was asked beside the call and is still open lapses, its clock with it.
    pub async fn lapse(&mut self, kinds: &[MatterKind]) -> Result<(), Problem> {
        let open = |matter: &&Matter| match matter.state {
            MatterState::Asked => true,
            MatterState::Approved => matter.kind == MatterKind::Pause && self.call.state.is_end(),
            MatterState::Refused | MatterState::Done => false,
        };
        let lapsing: Vec<Matter> =
            self.matters.iter().filter(|matter| kinds.contains(&matter.kind)).filter(open).cloned().collect();
        for mut matter in lapsing {
            if matter.state == MatterState::Approved || matter.kind == MatterKind::Assistance {
                matter.finish(self.person.who(), self.now);
                if matter.kind == MatterKind::Assistance {
                    matter.decision = Some(LAPSED.to_owned());
                }
            } else {
                matter.decide(false, self.person.who(), self.now, LAPSED.to_owned());
            }
            let mut clock =
                ClockBook::read(self.conn, self.call.county_id, SubjectKind::SideMatter, matter.id.0).await?;
            clock.cancel_all(self.now);
            clock.save(self.conn).await?;
            self.record("call.request_lapsed", json!({"matterId": matter.id, "kind": matter.kind}));
            self.put(matter);
        }
        Ok(())
    }

    /// Starts a clock with the county's, the item's and the urgency's limit.
    pub fn start(&mut self, clock: Clock) {
        let limit = self.rules.limit(clock, self.call.urgency, self.item_limits());
        let calendar = self.calendar();
        let timing = timing(&calendar, &self.rules, self.item.as_ref(), self.call.urgency);
        self.clocks.start(&timing, clock, self.now, limit);
    }

    /// Makes somebody responsible who has not accepted yet: new T1, and with `full` new T2 and T3 as well; an agreed hour that is
    /// still to come stands for all three. T4 and T5 stay.
    pub fn dispatch_to(
        &mut self,
        officer: &Candidate,
        backup: Option<&Candidate>,
        rule: RouteRule,
        reason: String,
        full: bool,
    ) {
        let now = self.now;
        self.call.state = State::Dispatched;
        self.call.department_id = officer.department_id;
        self.call.holder_id = officer.id;
        self.call.backup_id = backup.map(|backup| backup.id);
        self.call.route_rule = rule;
        self.call.route_reason = reason;
        self.call.dispatched_at.get_or_insert(now);
        self.call.accepted_at = None;
        self.call.arrived_at = None;
        self.clocks.settle_unneeded(Clock::Stall, now);
        if self.clocks.live(Clock::Appointment).is_some_and(|agreed| now <= agreed.due_at) {
            return;
        }
        self.start(Clock::Accept);
        if full {
            self.start(Clock::Contact);
            if self.call.wants_visit {
                self.start(Clock::Arrive);
            }
        }
    }

    /// What was asked of somebody about this call is done, by whomever.
    pub const fn settle_alarms(&mut self) {
        self.answered = true;
    }

    /// Ends the call: nothing is promised or asked any more, nobody holds it.
    pub async fn end(&mut self, state: State) -> Result<(), Problem> {
        self.call.state = state;
        self.call.ended_at = Some(self.now);
        self.clocks.cancel_all(self.now);
        self.lapse(MatterKind::ALL).await
    }

    async fn save(&mut self) -> Result<(), Problem> {
        self.call.version += 1;
        let call = &self.call;
        let change = CallChange {
            state: call.state,
            item_id: call.item_id,
            title: &call.title,
            department_id: call.department_id,
            holder_id: call.holder_id,
            backup_id: call.backup_id,
            route_rule: call.route_rule,
            route_reason: &call.route_reason,
            dispatched_at: call.dispatched_at,
            accepted_at: call.accepted_at,
            arrived_at: call.arrived_at,
            resolved_at: call.resolved_at,
            ended_at: call.ended_at,
            outcome_text: call.outcome_text.as_deref(),
            closing: call.closing,
            merged_into: call.merged_into,
            version: call.version,
        };
        if !store::save(self.conn, call.id, self.before.version, &change).await? {
            return Err(CommonCode::StaleVersion.into());
        }
        self.save_holder().await?;
        for id in std::mem::take(&mut self.touched) {
            if let Some(matter) = self.matters.iter().find(|matter| matter.id == id) {
                store::put_matter(self.conn, matter).await?;
            }
        }
        let faces = self.faces().await?;
        self.settle(&faces).await?;
        self.give_cards().await?;
        self.clocks.save(self.conn).await?;
        self.append_facts().await?;
        let tellings = std::mem::take(&mut self.tellings);
        tell::post(self, &faces, tellings).await
    }

    /// Nobody need act any more who was called about what this verb did, and his cards say so.
    async fn settle(&mut self, faces: &Faces) -> Result<(), Problem> {
        let told = self.tellings.first();
        let event = told.map(|told| told.event).or_else(|| self.facts.first().map(|fact| fact.kind));
        let mut facts = told.map(|told| told.extra.clone()).unwrap_or_default();
        facts.insert("holder".to_owned(), json!(faces.holder.name));
        facts.insert("department".to_owned(), json!(faces.department.short_name));
        let done = Done {
            event: event.unwrap_or_default(),
            at: self.now,
            actor: &self.person.name,
            officer: self.person.officer,
            facts,
        };
        // Whoever was called to decide.
        for id in std::mem::take(&mut self.decided) {
            outbox::settle_alarms(self.conn, id.0, &done).await?;
        }
        if self.answered {
            outbox::settle_alarms(self.conn, self.call.id.0, &done).await?;
            return Ok(());
        }
        // Or was told that a clock was late which has stopped now.
        let stopped: Vec<&str> = self.clocks.stopped().map(|row| row.clock.as_str()).collect();
        if !stopped.is_empty() {
            outbox::settle_reminders(self.conn, self.call.id.0, &stopped, &done).await?;
        }
        Ok(())
    }

    /// The cards of promises that ended broken before any step could give them: one fired early, or the engine was away.
    async fn give_cards(&mut self) -> Result<(), Problem> {
        let broken: Vec<Deadline> =
            self.clocks.stopped().filter(|row| row.state == DeadlineState::Missed).cloned().collect();
        if broken.is_empty() {
            return Ok(());
        }
        let holders =
            store::holders(self.conn, &[self.call.id]).await?.remove(&self.call.id).unwrap_or_default();
        let mut cards = Vec::new();
        for row in &broken {
            let calendar = self.calendar_as(row.edition());
            let timing = timing(&calendar, &self.rules, self.item.as_ref(), self.call.urgency);
            let until = row.stopped_at.unwrap_or(self.now);
            cards.extend(earned(&self.call, row, &timing, &holders, until, self.now));
        }
        crate::supervision::cards::issue(self.conn, &cards).await?;
        Ok(())
    }

    async fn append_facts(&mut self) -> Result<(), Problem> {
        let subject = ledger::chain::Subject {
            county_id: self.call.county_id.0,
            kind: ledger::SubjectKind::Call,
            id: self.call.id.0,
        };
        let facts = std::mem::take(&mut self.facts);
        ledger::store::append(self.conn, subject, &self.person.actor(), self.now, facts).await?;
        Ok(())
    }

    async fn faces(&mut self) -> Result<Faces, Problem> {
        let faces = store::faces(self.conn, &[self.call.id]).await?;
        faces.into_iter().next().ok_or_else(|| DbError::from(diesel::result::Error::NotFound).into())
    }

    async fn save_holder(&mut self) -> Result<(), Problem> {
        let call = &self.call;
        let ended = call.ended_at.is_some() && self.before.ended_at.is_none();
        let moved =
            call.holder_id != self.before.holder_id || call.department_id != self.before.department_id;
        let reopened = call.ended_at.is_none() && self.before.ended_at.is_some();
        if ended {
            store::hand_over(self.conn, call, self.now, None).await?;
        } else if moved || reopened {
            let next = Some((call.holder_id, call.department_id));
            store::hand_over(self.conn, call, self.now, next).await?;
        }
        Ok(())
    }

    /// The call as the caller sees it now.
    async fn show(&mut self) -> Result<CallView, Problem> {
        let faces = self.faces().await?;
        self.standing = Standing::of(self.person, &self.enterprises, &self.call, &self.matters);
        let clocks: Vec<_> = self.clocks.all().cloned().collect();
        Ok(view(self.desk, &self.call, faces, &self.matters, &clocks, &self.standing, self.now))
    }

    /// A refusal that tells who did what when.
    async fn explain(&mut self, refusal: Refusal) -> Result<Problem, Problem> {
        let problem = refusal.problem(self.call.state);
        if refusal != Refusal::Taken {
            return Ok(problem.with("version", self.call.version));
        }
        let winner = store::officer_face(self.conn, self.call.holder_id).await?;
        let name = winner.map(|officer| officer.name).unwrap_or_default();
        Ok(problem
            .detail(format!("已由{name}接单"), format!("{name} has accepted the call"))
            .with("acceptedBy", json!({"id": self.call.holder_id, "name": name}))
            .with("acceptedAt", json!(self.call.accepted_at.map(china)))
            .with("version", self.call.version))
    }
}
