//! Who decides on what an officer asks beside a call (a pause, an extension, a return, another department's help), how he is called to
//! it, and what became of it.

use serde_json::json;

use super::case::{Answer, Case};
use super::error::CallCode;
use super::model::{Matter, MatterKind, MatterState};
use super::standing::Standing;
use super::store::{self, Candidate};
use super::tell::Telling;
use crate::deadlines::limits::CallRules;
use crate::organisation::model::{Office, OfficerStatus, Post};
use crate::organisation::{DepartmentId, OfficerId};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// What stands as the decision of a request that nobody decided.
pub const LAPSED: &str = "诉求已有新的进展，申请自动失效";

/// Whether somebody of this standing decides on a request, as far as his post goes; nobody decides his own.
///
/// A pause of some days and an extension are the head's or his deputy's. A longer pause is the business office's; so is an extension
/// where no leader was there to be asked.
#[must_use]
pub fn decides(matter: &Matter, standing: &Standing, rules: &CallRules) -> bool {
    match matter.kind {
        MatterKind::Pause if is_long(matter.working_days, rules) => standing.office,
        MatterKind::Pause => standing.leader || standing.office,
        MatterKind::Extension => standing.leader || (standing.office && is_the_offices(matter)),
        MatterKind::Return => standing.office,
        _ => false,
    }
}

/// Whether a pause is too long for the head to grant.
#[must_use]
pub fn is_long(working_days: Option<i16>, rules: &CallRules) -> bool {
    working_days.unwrap_or(0) > rules.pause_head_working_days
}

/// Whether the business office was asked because no leader of the department was there.
#[must_use]
pub fn is_the_offices(extension: &Matter) -> bool {
    extension.department_id.is_some()
}

/// What became of a decided request, to stand after a name in Chinese and before one in English; none when it lapsed.
#[must_use]
pub fn outcome(matter: &Matter) -> Option<(&'static str, &'static str)> {
    if matter.decision.as_deref() == Some(LAPSED) {
        return None;
    }
    match (matter.kind, matter.state) {
        (_, MatterState::Asked) => None,
        (MatterKind::Assistance, _) => Some(("完成协助", "assistance was given")),
        (MatterKind::Return, MatterState::Refused) => Some(("裁定不予转办", "the return was not granted")),
        (MatterKind::Return, _) => Some(("裁定转办", "the return was granted")),
        (_, MatterState::Refused) => Some(("不同意", "not approved")),
        (_, _) => Some(("同意", "approved")),
    }
}

impl Case<'_> {
    /// The deputy or head of the responsible department who is there and has not asked himself.
    pub async fn leader(&mut self) -> Result<Option<Candidate>, Problem> {
        let people = store::department_candidates(self.conn, self.call.department_id, None, self.now).await?;
        let present = |post: Post| {
            people.iter().find(|officer| {
                officer.post == post && officer.is_reachable() && Some(officer.id) != self.person.officer
            })
        };
        Ok(present(Post::Deputy).or_else(|| present(Post::Head)).cloned())
    }

    /// Whoever answers for a department in this call's matter, other than who asks.
    pub async fn contact_of(&mut self, department: DepartmentId) -> Result<Option<Candidate>, Problem> {
        let people = store::department_candidates(self.conn, department, self.call.item_id, self.now).await?;
        Ok(contact(&people, self.person.officer).cloned())
    }

    /// The business office's contact on duty.
    pub async fn office_contact(&mut self) -> Result<Option<Candidate>, Problem> {
        match store::office(self.conn, self.call.county_id, Office::BusinessOffice).await? {
            Some(office) => self.contact_of(office.id).await,
            None => Ok(None),
        }
    }

    /// Calls somebody to decide on a request, in his department's room; when there is nobody to name, the room that `else_in` names
    /// is told.
    pub async fn call_to_decide(
        &mut self,
        event: &'static str,
        matter: &Matter,
        decider: Option<&Candidate>,
        else_in: DepartmentId,
    ) -> Result<Telling, Problem> {
        let Some(decider) = decider else { return Ok(Telling::news(event, else_in)) };
        let face = store::officer_face(self.conn, decider.id).await?;
        let telling = Telling::alarm(event, decider.department_id, decider.id).about(matter.id);
        // The room calls him by name, not the call's holder.
        Ok(telling.with("holderMobile", face.map(|face| face.mobile)))
    }

    /// Whether the named request has been decided: by this person in just this way, which makes it a second tap, or otherwise.
    pub(super) fn decided_before(&self, answer: Answer) -> Option<Result<(), Matter>> {
        let matter = self.matters.iter().find(|matter| matter.id == answer.matter)?;
        if matter.state == MatterState::Asked {
            return None;
        }
        let mine = matter.decided_by == Some(self.person.account) && outcome(matter).is_some();
        // An approved pause is over some day, and was approved all the same.
        let same = answer.becomes == matter.state
            || (answer.becomes == MatterState::Approved && matter.state == MatterState::Done);
        Some(if mine && same { Ok(()) } else { Err(matter.clone()) })
    }

    /// A refusal that tells who decided, when and how.
    pub(super) async fn explain_decided(&mut self, matter: &Matter) -> Result<Problem, Problem> {
        let names = store::names_of(self.conn, matter.decided_by.as_slice()).await?;
        let name = names.into_iter().next().map(|(_, name)| name).unwrap_or_default();
        let (zh, en) = match outcome(matter) {
            Some((zh, en)) => (format!("{name}已{zh}"), format!("{en} by {name}")),
            None => (LAPSED.to_owned(), "the request lapsed because the call went on".to_owned()),
        };
        Ok(CallCode::AlreadyDecided
            .problem()
            .detail(zh, en)
            .with("state", self.call.state.as_str())
            .with("matterState", matter.state.as_str())
            .with("decidedBy", name)
            .with("decidedAt", json!(matter.decided_at.map(china)))
            .with("version", self.call.version))
    }
}

/// The first who is there, himself or by his backup in the same department; else the first at all, who is told although he is away.
fn contact(people: &[Candidate], asker: Option<OfficerId>) -> Option<&Candidate> {
    let others = || people.iter().filter(|one| one.status == OfficerStatus::Active && Some(one.id) != asker);
    let backup = |one: &Candidate| others().find(|other| Some(other.id) == one.backup_id);
    let there = others()
        .find_map(|one| std::iter::once(one).chain(backup(one)).find(|candidate| candidate.is_reachable()));
    there.or_else(|| others().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn officer(name: &str, backup: Option<&Candidate>, absent: bool) -> Candidate {
        Candidate {
            id: OfficerId::fresh(),
            name: name.to_owned(),
            department_id: DepartmentId::fresh(),
            backup_id: backup.map(|backup| backup.id),
            status: OfficerStatus::Active,
            post: Post::Lead,
            absent,
        }
    }

    #[test]
    fn the_contact_is_there_and_never_who_asks() {
        let backup = officer("乙", None, false);
        let duty = officer("甲", Some(&backup), true);
        let third = officer("丙", None, false);
        let left = Candidate { status: OfficerStatus::Left, ..officer("丁", None, false) };
        let name = |people: &[&Candidate], asker: Option<&Candidate>| {
            let people: Vec<_> = people.iter().map(|one| (*one).clone()).collect();
            contact(&people, asker.map(|asker| asker.id)).map(|found| found.name.clone())
        };
        assert_eq!(name(&[&left, &duty, &third, &backup], None).as_deref(), Some("乙"));
        assert_eq!(name(&[&duty, &third, &backup], Some(&backup)).as_deref(), Some("丙"));
        assert_eq!(name(&[&duty], None).as_deref(), Some("甲"), "away, and still told");
        assert_eq!(name(&[&third], Some(&third)), None);
        assert_eq!(name(&[&left], None), None);
    }
}
