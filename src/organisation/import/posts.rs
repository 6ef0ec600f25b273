//! From what a county writes about its officers to what the product needs: the post, who is on duty for a unit, and the roles of
//! his account.
//!
//! | role in the file | post |
//! |---|---|
//! | 单位主要负责人 | head |
//! | 单位分管领导 | deputy; in a unit without 主要负责人 the highest-ranking of them: head |
//! | 执法人员 | enforcement |
//! | 县级分管领导 | county leader |
//! | any other, with the title of somebody who heads a section (股长, 科长, 所长, 站长, 办公室主任 …) | section head |
//! | 联络员, 受理员 | dispatcher |
//! | 承办人, 镇办专员, 园区专员, 代办员, 督办员, 检查备案员, 纪检监察员 | lead |
//!
//! What somebody may do follows his role, whatever his post: a 股长 who is 联络员 dispatches. Among leaders a title without 副 ranks before 常务副, and that before 副; at the same rank the earlier row ranks first. So a
//! department that names only a deputy director as its leader has that deputy as its head: somebody must answer for it.

use std::collections::{HashMap, HashSet};

use super::rows::{DepartmentRow, OfficerRow, Role};
use super::table::{Line, Sheet};
use crate::organisation::model::{Office, OfficerStatus, Post};

/// Posts and duty by officer code.
#[derive(Debug, Default)]
pub struct Posts<'a> {
    posts: HashMap<&'a str, Post>,
    on_duty: HashSet<&'a str>,
    units_with_duty: HashSet<&'a str>,
}

impl<'a> Posts<'a> {
    /// Assigns posts, and to each unit one duty contact: its first 联络员, else its first 受理员, else its first 镇办专员 or
    /// 园区专员, else its highest 分管领导, else its 主要负责人, else whoever comes first. Who has left or is suspended is passed over.
    pub fn assign(officers: &'a Sheet<OfficerRow>) -> Self {
        let mut units: HashMap<&str, Vec<&OfficerRow>> = HashMap::new();
        for Line { row, .. } in &officers.rows {
            units.entry(&row.department).or_default().push(row);
        }
        let mut assigned = Self::default();
        for (unit, members) in units {
            let highest = |role: Role| {
                let there = members.iter().filter(|o| o.role == role && o.status != OfficerStatus::Left);
                there.min_by_key(|officer| rank(&officer.title)).map(|officer| officer.code.as_str())
            };
            let leader = highest(Role::UnitLeader);
            let head = highest(Role::UnitHead).or(leader);
            for officer in &members {
                assigned.posts.insert(&officer.code, post(officer, head));
            }
            let on_duty = members
                .iter()
                .filter(|officer| officer.status == OfficerStatus::Active)
                .min_by_key(|officer| duty_order(officer, leader));
            if let Some(officer) = on_duty {
                assigned.on_duty.insert(&officer.code);
                assigned.units_with_duty.insert(unit);
            }
        }
        assigned
    }

    /// An officer's post.
    pub fn post(&self, officer: &str) -> Post {
        self.posts.get(officer).copied().unwrap_or(Post::Lead)
    }

    /// Whether an officer takes what reaches his unit without a card.
    pub fn is_on_duty(&self, officer: &str) -> bool {
        self.on_duty.contains(officer)
    }

    /// Whether a unit has anybody on duty.
    pub fn has_duty_contact(&self, unit: &str) -> bool {
        self.units_with_duty.contains(unit)
    }

    /// The roles of an officer's account; none when he has left.
    pub fn roles(&self, officer: &OfficerRow, office: Option<Office>) -> Vec<&'static str> {
        if officer.status == OfficerStatus::Left {
            return Vec::new();
        }
        let mut roles = vec!["officer"];
        match self.post(&officer.code) {
            Post::Head => roles.push("head"),
            Post::Deputy => roles.push("deputy"),
            Post::Enforcement => roles.push("enforcement"),
            Post::CountyLeader => roles.push("county_leader"),
            Post::Dispatcher | Post::SectionHead | Post::Lead => {}
        }
        if matches!(officer.role, Role::Liaison | Role::Intake) || self.is_on_duty(&officer.code) {
            roles.push("dispatcher");
        }
        match office {
            Some(Office::BusinessOffice) => roles.push("business_office"),
            Some(Office::Inspectorate) => roles.push("inspectorate"),
            Some(Office::Discipline) => roles.push("discipline"),
            Some(Office::CountyGovernment) | None => {}
        }
        roles
    }
}

/// The office of each department by its code.
pub fn offices(departments: &Sheet<DepartmentRow>) -> HashMap<&str, Office> {
    let rows = departments.rows.iter();
    rows.filter_map(|Line { row, .. }| Some((row.code.as_str(), row.office()?))).collect()
}

fn post(officer: &OfficerRow, head: Option<&str>) -> Post {
    match officer.role {
        Role::UnitHead | Role::UnitLeader if head == Some(officer.code.as_str()) => Post::Head,
        Role::UnitHead | Role::UnitLeader => Post::Deputy,
        Role::Enforcement => Post::Enforcement,
        Role::CountyLeader => Post::CountyLeader,
        _ if heads_section(&officer.title) => Post::SectionHead,
        Role::Liaison | Role::Intake => Post::Dispatcher,
        Role::Handler
        | Role::TownOfficer
        | Role::ParkOfficer
        | Role::Agent
        | Role::Supervisor
        | Role::FilingClerk
        | Role::DisciplineInspector => Post::Lead,
    }
}

/// How the titles of those end who head a section, the longer before what they end with.
const SECTION_HEADS: [&str; 15] = [
    "大队长",
    "中队长",
    "支队长",
    "队长",
    "股长",
    "科长",
    "处长",
    "部长",
    "所长",
    "站长",
    "主任",
    "股负责人",
    "科负责人",
    "室负责人",
    "所负责人",
];

/// Whether a title is that of whoever heads a section: not his deputy (副股长), unless he stands in for a head who is missing
/// (主持工作的副股长); nor a rank that only sounds so (主任科员).
fn heads_section(title: &str) -> bool {
    let title = title.trim();
    // What stands in brackets, like 受理股股长（兼）, says more of him but is not the title.
    let bare = title.split(['（', '(']).next().unwrap_or(title).trim_end();
    let of = SECTION_HEADS.iter().find_map(|end| bare.strip_suffix(end));
    of.is_some_and(|of| !of.ends_with('副') || title.contains("主持"))
}

/// Lower ranks first.
fn rank(title: &str) -> u8 {
    if title.contains("常务副") {
        1
    } else if title.contains('副') {
        2
    } else {
        0
    }
}

/// Lower comes first.
fn duty_order(officer: &OfficerRow, leader: Option<&str>) -> u8 {
    match officer.role {
        Role::Liaison => 0,
        Role::Intake => 1,
        Role::TownOfficer | Role::ParkOfficer => 2,
        _ if leader == Some(officer.code.as_str()) => 3,
        Role::UnitHead => 4,
        Role::CountyLeader => 5,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::heads_section;

    #[test]
    fn who_heads_a_section_is_told_by_his_title_as_lists_write_it() {
        let heads = [
            "股长",
            "受理股股长",
            "所长",
            "营商环境科科长",
            "办公室主任",
            "室主任",
            "站长",
            "秩序管理中队长",
            "客户服务部部长",
            "审批股负责人",
            "股室负责人",
            "受理股股长（兼）",
            "副科级所长",
            " 股长 ",
            "副股长（主持工作）",
            "主持工作的副所长",
        ];
        for title in heads {
            assert!(heads_section(title), "{title}");
        }
        let others = [
            "副股长",
            "副主任",
            "副大队长",
            "常务副站长",
            "科员",
            "四级主任科员",
            "窗口负责人",
            "窗口人员",
            "业务主管",
            "副所长（正股级）",
            "检查备案岗",
            "",
        ];
        for title in others {
            assert!(!heads_section(title), "{title}");
        }
    }
}
