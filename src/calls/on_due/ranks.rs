//! Who stands on a rung at this moment. Pure.

use std::collections::HashMap;

use super::store::Member;
use crate::calls::model::Call;
use crate::deadlines::ladder::Rank;
use crate::organisation::model::Post;
use crate::organisation::{DepartmentId, OfficerId};

/// The people whom ladders may tell.
#[derive(Debug, Default)]
pub struct People {
    members: Vec<Member>,
    by_id: HashMap<OfficerId, usize>,
    pub business_office: Option<DepartmentId>,
    pub inspectorate: Option<DepartmentId>,
}

impl People {
    #[must_use]
    pub fn new(
        members: Vec<Member>,
        business_office: Option<DepartmentId>,
        inspectorate: Option<DepartmentId>,
    ) -> Self {
        let by_id = members.iter().enumerate().map(|(index, member)| (member.id, index)).collect();
        Self { members, by_id, business_office, inspectorate }
    }

    /// The departments of all of them: whose rooms may hear something.
    #[must_use]
    pub fn departments(&self) -> Vec<DepartmentId> {
        let mut departments: Vec<_> = self.members.iter().map(|member| member.department).collect();
        departments.sort_unstable();
        departments.dedup();
        departments
    }

    /// All of them: whose applications may reach them.
    #[must_use]
    pub fn officers(&self) -> Vec<OfficerId> {
        self.members.iter().map(|member| member.id).collect()
    }

    pub(super) fn member(&self, id: OfficerId) -> Option<&Member> {
        self.by_id.get(&id).and_then(|index| self.members.get(*index))
    }

    /// Whom these ranks of a call mean now, each person once, in the order of the ranks. `department` is the one that owes: the
    /// call's, or the one that was asked to help (then its contact stands for the holder).
    #[must_use]
    pub fn on(&self, ranks: &[Rank], call: &Call, department: DepartmentId) -> Vec<(Rank, &Member)> {
        let mut told: Vec<(Rank, &Member)> = Vec::new();
        for rank in ranks {
            let found = self.of_rank(*rank, call, department);
            if let Some(member) = found.filter(|member| told.iter().all(|(_, known)| known.id != member.id)) {
                told.push((*rank, member));
            }
        }
        told
    }

    fn of_rank(&self, rank: Rank, call: &Call, department: DepartmentId) -> Option<&Member> {
        let own = department == call.department_id;
        match rank {
            Rank::Holder if own => self.present(self.member(call.holder_id)?, call.backup_id),
            Rank::Holder => self.contact(department),
            Rank::Backup if own => {
                let backup = call.backup_id.or_else(|| self.member(call.holder_id)?.backup)?;
                self.member(backup).filter(|backup| backup.is_reachable())
            }
            Rank::Backup => None,
            Rank::SectionHead => {
                let who = if own { self.member(call.holder_id) } else { self.contact(department) };
                self.section_head(department, who)
            }
            Rank::Deputy => self.of_post(department, Post::Deputy),
            Rank::Head => self.of_post(department, Post::Head),
            Rank::BusinessOffice => self.contact(self.business_office?),
            Rank::Inspectorate => self.contact(self.inspectorate?),
        }
    }

    /// Somebody, or his backup when he is away.
    fn present<'a>(&'a self, member: &'a Member, backup: Option<OfficerId>) -> Option<&'a Member> {
        if member.is_reachable() {
            return Some(member);
        }
        let backup = self.member(backup.or(member.backup)?)?;
        backup.is_reachable().then_some(backup)
    }

    fn of_post(&self, department: DepartmentId, post: Post) -> Option<&Member> {
        let holders = || self.members.iter().filter(|m| m.department == department && m.post == post);
        let away = holders().find_map(|member| self.present(member, None));
        holders().find(|member| member.is_reachable()).or(away)
    }

    /// Who heads the section of somebody who owes something; nobody when he does himself. Lists name no sections: of his is whoever
    /// stands in for him or he for them, else the department's first.
    fn section_head(&self, department: DepartmentId, who: Option<&Member>) -> Option<&Member> {
        if who.is_some_and(|who| who.post == Post::SectionHead) {
            return None;
        }
        let is_of_his = |head: &&Member| {
            who.is_some_and(|who| head.backup == Some(who.id) || who.backup == Some(head.id))
                && head.is_reachable()
        };
        let mut heads =
            self.members.iter().filter(|m| m.department == department && m.post == Post::SectionHead);
        let first = || self.of_post(department, Post::SectionHead);
        heads.find(is_of_his).or_else(first).filter(|head| who.is_none_or(|who| who.id != head.id))
    }

    /// Who answers for a department: its duty contact, his backup, else whoever leads it and is there.
    fn contact(&self, department: DepartmentId) -> Option<&Member> {
        let here = || self.members.iter().filter(|member| member.department == department);
        let on_duty = here().filter(|member| member.on_duty).find_map(|member| self.present(member, None));
        let leader = || {
            [Post::SectionHead, Post::Deputy, Post::Head]
                .into_iter()
                .find_map(|post| here().find(|member| member.post == post && member.is_reachable()))
        };
        on_duty.or_else(leader)
    }
}
