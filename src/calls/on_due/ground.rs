//! What firing needs to know about the calls it fires for: read once for all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use super::ranks::People;
use super::store;
use crate::calls::cards::Holder;
use crate::calls::desk::Desk;
use crate::calls::model::{Call, CallId, Matter};
use crate::calls::store::{self as calls, Faces};
use crate::deadlines::limits::Rules;
use crate::deadlines::on_due::FireError;
use crate::deadlines::store as deadlines;
use crate::deadlines::{CountyCalendars, Deadline, SubjectKind};
use crate::ledger;
use crate::ledger::chain::Head;
use crate::notices::address::Routes;
use crate::notices::outbox;
use crate::organisation::model::Office;
use crate::organisation::{CountyId, DepartmentId, OfficerId};

/// Everything read.
#[derive(Debug)]
pub struct Ground {
    pub rules: Arc<Rules>,
    /// Of the county, as this transaction sees them.
    pub calendars: Arc<CountyCalendars>,
    pub people: People,
    pub routes: Routes,
    /// Without the county's own channels: what may end at discipline is for those it names.
    pub sealed: Routes,
    faces: HashMap<CallId, Faces>,
    clocks: HashMap<CallId, Vec<Deadline>>,
    holders: HashMap<CallId, Vec<Holder>>,
    /// What is asked beside the calls, and what the departments are called that owe it.
    matters: HashMap<uuid::Uuid, Matter>,
    names: HashMap<DepartmentId, String>,
    heads: HashMap<uuid::Uuid, (Head, DateTime<Utc>)>,
}

impl Ground {
    pub async fn read(
        conn: &mut AsyncPgConnection,
        desk: &Desk,
        county: CountyId,
        calls_due: &BTreeMap<CallId, Call>,
        matters: &HashMap<uuid::Uuid, Matter>,
        now: DateTime<Utc>,
    ) -> Result<Self, FireError> {
        let ids: Vec<CallId> = calls_due.keys().copied().collect();
        let subjects: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
        let (settings, revision) = calls::settings(conn, county).await?;
        let calendars = desk.calendars.at(conn, county, revision).await?;
        let rules = desk.rules(&settings).map_err(|problem| FireError::Refused(problem.to_string()))?;
        let faces = calls::faces(conn, &ids).await?.into_iter().map(|faces| (faces.call_id, faces)).collect();
        let mut clocks: HashMap<CallId, Vec<Deadline>> = HashMap::new();
        for row in deadlines::of_subjects(conn, &subjects).await? {
            if row.subject_kind == SubjectKind::Call {
                clocks.entry(CallId(row.subject_id)).or_default().push(row);
            }
        }
        let people = people(conn, county, calls_due, matters, now).await?;
        let (rooms, officers) = (people.departments(), people.officers());
        let routes = outbox::routes(conn, county, &rooms, &officers).await?;
        let names =
            if matters.is_empty() { HashMap::new() } else { store::department_names(conn, &rooms).await? };
        let mut sealed = routes.clone();
        sealed.rooms.retain(|room| room.department.is_some());
        Ok(Self {
            rules,
            calendars,
            routes,
            sealed,
            people,
            faces,
            clocks,
            holders: calls::holders(conn, &ids).await?,
            matters: matters.clone(),
            names,
            heads: ledger::store::heads(conn, &subjects).await?,
        })
    }

    #[must_use]
    pub fn faces(&self, call: CallId) -> Option<&Faces> {
        self.faces.get(&call)
    }

    /// The clocks of a call.
    #[must_use]
    pub fn clocks(&self, call: CallId) -> &[Deadline] {
        self.clocks.get(&call).map_or(&[], Vec::as_slice)
    }

    /// Since when the present holder has it.
    #[must_use]
    pub fn held_since(&self, call: &Call) -> DateTime<Utc> {
        let now = self.holders(call.id).iter().rev().find(|holder| holder.until.is_none());
        now.map_or(call.raised_at, |holder| holder.since)
    }

    /// The request that a row is about; none: it is about the call itself.
    #[must_use]
    pub fn matter(&self, row: &Deadline) -> Option<&Matter> {
        self.matters.get(&row.subject_id)
    }

    /// Who was asked: his name, or what else is known, and his department's.
    #[must_use]
    pub fn asked(&self, matter: &Matter) -> (Option<&str>, Option<&str>) {
        let officer = matter.officer_id.and_then(|officer| self.people.member(officer));
        let department = officer.map(|officer| officer.department).or(matter.department_id);
        let name = department.and_then(|department| self.names.get(&department));
        (officer.map(|officer| officer.name.as_str()), name.map(String::as_str))
    }

    /// Who held it from when to when.
    #[must_use]
    pub fn holders(&self, call: CallId) -> &[Holder] {
        self.holders.get(&call).map_or(&[], Vec::as_slice)
    }

    /// Where the call's chain of events ends, and when that was.
    #[must_use]
    pub fn head(&self, call: CallId) -> Option<&(Head, DateTime<Utc>)> {
        self.heads.get(&call.0)
    }
}

/// Who leads the departments that owe something, the offices, the holders and everybody's backups.
async fn people(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    calls_due: &BTreeMap<CallId, Call>,
    matters: &HashMap<uuid::Uuid, Matter>,
    now: DateTime<Utc>,
) -> Result<People, FireError> {
    let offices = store::offices(conn, county).await?;
    let office = |which: Office| {
        offices.iter().find(|(_, office)| office == which.as_str()).map(|(department, _)| *department)
    };
    let mut departments: Vec<DepartmentId> = offices.iter().map(|(department, _)| *department).collect();
    departments.extend(calls_due.values().map(|call| call.department_id));
    departments.extend(matters.values().filter_map(|matter| matter.department_id));
    departments.sort_unstable();
    departments.dedup();
    let mut named: Vec<OfficerId> =
        calls_due.values().flat_map(|call| std::iter::once(call.holder_id).chain(call.backup_id)).collect();
    named.sort_unstable();
    named.dedup();
    let mut members = store::members(conn, &departments, &named, now).await?;
    let missing: Vec<OfficerId> = members
        .iter()
        .filter_map(|member| member.backup)
        .filter(|backup| members.iter().all(|member| member.id != *backup))
        .collect();
    if !missing.is_empty() {
        members.extend(store::members(conn, &[], &missing, now).await?);
    }
    Ok(People::new(members, office(Office::BusinessOffice), office(Office::Inspectorate)))
}
