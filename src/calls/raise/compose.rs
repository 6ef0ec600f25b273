//! From a tap and its context to a call with everything that belongs to it. Pure.

use serde_json::{Value, json};
use uuid::Uuid;

use super::body::{Tap, Words};
use super::context::{Context, NamedRow, OfficerRow};
use crate::calls::case::timing;
use crate::calls::desk::Desk;
use crate::calls::dispatch::{Named, Route, choose, zh};
use crate::calls::error::CallCode;
use crate::calls::model::{Call, CallId, Entrance, RouteRule, State};
use crate::calls::number::number;
use crate::calls::store::{EnterpriseFace, Faces, ItemFace};
use crate::calls::tell::{Scene, Telling};
use crate::deadlines::calendar::Calendar;
use crate::deadlines::limits::Rules;
use crate::deadlines::{Clock, ClockBook, CountyCalendars, Deadline, SubjectKind};
use crate::ledger::{self, Event, Fact, chain};
use crate::notices::outbox::Draft;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// A composed call.
#[derive(Clone, Debug)]
pub struct Composed {
    pub call: Call,
    pub faces: Faces,
    pub clocks: Vec<Deadline>,
    pub events: Vec<Event>,
    pub alarm: Draft,
    /// What the enterprise is told of a call that somebody else recorded for it.
    pub recorded: Option<Draft>,
}

/// Composes the call of a tap.
///
/// # Errors
/// What the context refuses: no enterprise, several, an unknown item; what the county's rules refuse.
pub fn compose(
    desk: &Desk,
    calendars: &CountyCalendars,
    tap: &Tap,
    context: Option<&Context>,
) -> Result<Composed, Problem> {
    let Some(context) = context else {
        return Err(match (tap.on_behalf, tap.enterprise) {
            (None, None) => CallCode::NoEnterprise.into(),
            _ => CallCode::UnknownEnterprise.into(),
        });
    };
    if context.enterprises > 1 {
        return Err(CallCode::EnterpriseRequired.into());
    }
    if let (Words::Item(code), None) = (&tap.words, &context.item) {
        return Err(CallCode::UnknownItem.problem().with("itemCode", code.as_str()));
    }
    let rules = desk.rules(&context.settings)?;
    tap.check(&rules.calls)?;
    let (route, holder) = route(context)?;
    let call = new_call(desk, tap, context, &route);
    let faces = Faces {
        call_id: call.id,
        enterprise: EnterpriseFace {
            id: context.enterprise.id,
            name: context.enterprise.name.clone(),
            short_name: context.enterprise.short_name.clone(),
            address: context.enterprise.address.clone(),
        },
        department: holder.department_face(),
        holder: holder.face(),
        item: context.item.clone(),
    };
    let clocks = clocks(&calendars.of(Some(call.department_id)), &call, &rules, context.item.as_ref());
    let events = events(tap, &call, &faces);
    let event = if call.state == State::Triage { "call.raised" } else { "call.dispatched" };
    let mut telling = Telling::alarm(event, call.department_id, call.holder_id);
    if call.state == State::Triage {
        let names: Vec<&Value> =
            call.suggestions.as_array().into_iter().flatten().filter_map(|s| s.get("name")).collect();
        telling = telling.with("suggestions", json!(names));
    }
    let scene = Scene {
        desk,
        rules: &rules.calls,
        call: &call,
        faces: &faces,
        clocks: &clocks,
        actor: &tap.person.name,
        now: tap.now,
    };
    let alarm = scene.draft(telling);
    let recorded = tap.on_behalf.map(|_| scene.draft(Telling::quiet("call.recorded")));
    Ok(Composed { call, faces, clocks, events, alarm, recorded })
}

/// Who is responsible. Never nobody: when even the business office has no one on duty, its first officer is asked all the same.
fn route(context: &Context) -> Result<(Route, &OfficerRow), Problem> {
    let named: Vec<Named> = context.named().map(named).collect();
    let chosen = choose(&named).or_else(|| {
        let last = named.iter().find(|named| named.rule == RouteRule::Triage)?;
        Some(Route {
            rule: RouteRule::Triage,
            holder: last.lead.clone(),
            backup: None,
            reason: format!("责任人员均不在岗，转{}，请{}尽快安排", zh(RouteRule::Triage), last.lead.name),
            detour: true,
        })
    });
    let route = chosen.ok_or_else(|| CallCode::NobodyReachable.problem())?;
    let holder = context
        .named()
        .flat_map(|row| std::iter::once(&row.lead).chain(&row.backup))
        .find(|officer| officer.id == route.holder.id)
        .ok_or_else(|| CallCode::NobodyReachable.problem())?;
    Ok((route, holder))
}

fn named(row: &NamedRow) -> Named {
    Named {
        rule: row.rule,
        lead: row.lead.candidate(),
        backup: row.backup.as_ref().map(OfficerRow::candidate),
    }
}

fn new_call(desk: &Desk, tap: &Tap, context: &Context, route: &Route) -> Call {
    let triage = route.rule == RouteRule::Triage;
    let reason = match (&tap.words, triage) {
        (Words::Unclear(_), true) => format!("诉求内容未能明确对应到事项，{}", route.reason),
        _ => route.reason.clone(),
    };
    Call {
        id: CallId::fresh(),
        county_id: tap.person.county,
        number: number(&desk.number_key, u64::try_from(context.sequence).unwrap_or(0)),
        state: if triage { State::Triage } else { State::Dispatched },
        urgency: tap.urgency,
        wants_visit: tap.visit || tap.appointment_at.is_some(),
        enterprise_id: context.enterprise.id,
        item_id: context.item.as_ref().map(|item| item.id),
        title: title(tap, context.item.as_ref()),
        text: tap.text.clone(),
        place: tap.place.clone().unwrap_or_default(),
        contact_name: tap.contact_name.clone().unwrap_or_else(|| context.enterprise.contact_name.clone()),
        contact_phone: tap.contact_phone.clone().unwrap_or_else(|| context.enterprise.contact_mobile.clone()),
        appointment_at: tap.appointment_at,
        entrance: tap.on_behalf.unwrap_or(Entrance::Enterprise),
        raised_by: tap.person.account,
        raised_at: tap.now,
        department_id: route.holder.department_id,
        holder_id: route.holder.id,
        backup_id: route.backup.as_ref().map(|backup| backup.id),
        route_rule: route.rule,
        route_reason: reason,
        suggestions: match &tap.words {
            Words::Unclear(suggestions) => suggestions.clone(),
            Words::Nothing | Words::Item(_) => json!([]),
        },
        dispatched_at: (!triage).then_some(tap.now),
        accepted_at: None,
        arrived_at: None,
        resolved_at: None,
        ended_at: None,
        outcome_text: None,
        closing: None,
        merged_into: None,
        version: 1,
    }
}

/// The first words of the text, else the item's name.
fn title(tap: &Tap, item: Option<&ItemFace>) -> String {
    const LENGTH: usize = 30;
    let line = tap.text.lines().map(str::trim).find(|line| !line.is_empty());
    match (line, item) {
        (Some(line), _) if line.chars().count() > LENGTH => {
            let start: String = line.chars().take(LENGTH).collect();
            format!("{start}…")
        }
        (Some(line), _) => line.to_owned(),
        (None, Some(item)) => item.name.clone(),
        (None, None) => "一键呼叫（请联系企业了解诉求）".to_owned(),
    }
}

fn clocks(calendar: &Calendar, call: &Call, rules: &Rules, item: Option<&ItemFace>) -> Vec<Deadline> {
    let now = call.raised_at;
    let mut book = ClockBook::empty(call.county_id, SubjectKind::Call, call.id.0);
    let timing = timing(calendar, rules, item, call.urgency);
    let mut start =
        |clock| book.start(&timing, clock, now, rules.limit(clock, call.urgency, item.map(ItemFace::limits)));
    start(Clock::Resolve);
    if call.state == State::Triage {
        start(Clock::Triage);
    } else {
        start(Clock::Plan);
        if call.appointment_at.is_none() {
            start(Clock::Accept);
            start(Clock::Contact);
            if call.wants_visit {
                start(Clock::Arrive);
            }
        }
    }
    if let Some(at) = call.appointment_at {
        book.start_until(&timing, Clock::Appointment, now, at, rules.calls.appointment_grace_minutes);
    }
    book.fresh().to_vec()
}

fn events(tap: &Tap, call: &Call, faces: &Faces) -> Vec<Event> {
    let raised = json!({
        "number": call.number,
        "enterprise": faces.enterprise.name,
        "itemCode": faces.item.as_ref().map(|item| &item.code),
        "text": call.text,
        "urgency": call.urgency,
        "visit": call.wants_visit,
        "entrance": call.entrance,
        "appointmentAt": call.appointment_at.map(|at| china(at).to_rfc3339()),
    });
    let dispatched = json!({
        "rule": call.route_rule,
        "reason": call.route_reason,
        "department": faces.department.name,
        "holder": faces.holder.name,
        "holderId": faces.holder.id,
    });
    let second = if call.state == State::Triage { "call.triaged" } else { "call.dispatched" };
    let facts = vec![Fact::new("call.raised", raised), Fact::new(second, dispatched)];
    let subject =
        chain::Subject { county_id: call.county_id.0, kind: ledger::SubjectKind::Call, id: call.id.0 };
    chain::chain(chain::Head::START, subject, &tap.person.actor(), tap.now, facts)
}

/// The span of the first holder, as a row.
#[must_use]
pub fn span_row(call: &Call) -> Value {
    json!({
        "id": Uuid::now_v7(), "county_id": call.county_id, "call_id": call.id, "officer_id": call.holder_id,
        "department_id": call.department_id, "starts_at": call.raised_at, "ends_at": null,
    })
}
