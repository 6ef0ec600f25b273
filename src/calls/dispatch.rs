//! Who is asked (DOMAIN §3): the order of rules, absence and backup included. Pure; never nobody.

use super::model::RouteRule;
use super::store::Candidate;

/// One officer whom a rule names, with his backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub rule: RouteRule,
    pub lead: Candidate,
    pub backup: Option<Candidate>,
}

/// The outcome: who is responsible, who stands behind him, by which rule and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub rule: RouteRule,
    pub holder: Candidate,
    pub backup: Option<Candidate>,
    pub reason: String,
    /// Somebody who should have been asked first was passed over; the reason says who.
    pub detour: bool,
}

impl Route {
    /// Why, when a person decided for `reason`: his words, and who of those he named was passed over.
    #[must_use]
    pub fn because(&self, reason: &str) -> String {
        let decided = format!("{}：{reason}", zh(self.rule));
        if self.detour { format!("{decided}；{}", self.reason) } else { decided }
    }
}

/// The first of the named officers, in order, who can be reached himself or through his backup.
#[must_use]
pub fn choose(named: &[Named]) -> Option<Route> {
    let mut passed: Vec<String> = Vec::new();
    for Named { rule, lead, backup } in named {
        let reachable_backup = backup.as_ref().filter(|backup| backup.is_reachable());
        if lead.is_reachable() {
            let reason = explain(*rule, &lead.name, None, &passed);
            return Some(Route {
                rule: *rule,
                holder: lead.clone(),
                backup: reachable_backup.cloned(),
                reason,
                detour: !passed.is_empty(),
            });
        }
        if let Some(backup) = reachable_backup {
            let reason = explain(*rule, &backup.name, Some(&lead.name), &passed);
            return Some(Route { rule: *rule, holder: backup.clone(), backup: None, reason, detour: true });
        }
        passed.push(format!("{}{}不在岗且无人可替", zh(*rule), lead.name));
    }
    None
}

/// The rule's name for people.
#[must_use]
pub const fn zh(rule: RouteRule) -> &'static str {
    match rule {
        RouteRule::ItemCard => "联系服务卡（事项）",
        RouteRule::CategoryCard => "联系服务卡（类别）",
        RouteRule::LeadOfficer => "企业首接联系人",
        RouteRule::ItemContact => "事项责任部门联系人",
        RouteRule::DutyContact => "责任部门值班联系人",
        RouteRule::Triage => "营商办分派",
        RouteRule::Assigned => "营商办指派",
        RouteRule::Transferred => "部门内转办",
        RouteRule::Ruled => "营商办裁定",
    }
}

fn explain(rule: RouteRule, name: &str, instead_of: Option<&str>, passed: &[String]) -> String {
    let mut reason = match instead_of {
        Some(lead) => format!("按{}应由{lead}负责，其不在岗，由B角{name}代为负责", zh(rule)),
        None => format!("按{}由{name}负责", zh(rule)),
    };
    if !passed.is_empty() {
        reason.push_str(&format!("（{}）", passed.join("；")));
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::model::{OfficerStatus, Post};
    use crate::organisation::{DepartmentId, OfficerId};
    use uuid::Uuid;

    fn officer(name: &str, absent: bool, status: OfficerStatus) -> Candidate {
        Candidate {
            id: OfficerId::fresh(),
            name: name.into(),
            department_id: DepartmentId(Uuid::nil()),
            backup_id: None,
            status,
            post: Post::Lead,
            absent,
        }
    }

    #[test]
    fn an_absent_lead_is_replaced_by_the_backup_and_a_dead_rule_by_the_next() {
        let here = |name| officer(name, false, OfficerStatus::Active);
        let away = |name| officer(name, true, OfficerStatus::Active);
        let left = officer("丁", false, OfficerStatus::Left);
        let card = Named { rule: RouteRule::ItemCard, lead: away("甲"), backup: Some(here("乙")) };
        let route = choose(std::slice::from_ref(&card)).unwrap();
        assert_eq!((route.holder.name.as_str(), route.backup), ("乙", None));
        assert!(route.reason.contains('甲') && route.reason.contains("不在岗"));

        let dead = Named { rule: RouteRule::ItemCard, lead: left, backup: Some(away("戊")) };
        let contact = Named { rule: RouteRule::ItemContact, lead: here("己"), backup: Some(here("庚")) };
        let route = choose(&[dead.clone(), contact]).unwrap();
        assert_eq!(route.rule, RouteRule::ItemContact);
        assert_eq!(route.backup.unwrap().name, "庚");
        assert!(route.reason.contains("丁"));
        assert_eq!(choose(&[dead]), None);
    }
}
