//! From what a county writes about its officers to what the product needs: the post, who is on duty for a unit, and the roles of
//! his account.
//!
//! | role in the file | post |
//! |---|---|
//! | 单位分管领导 | the highest-ranking leader of the unit: head; the others: deputy |
//! | 承办人, 镇办专员, 园区专员, 代办员 | lead |
//! | 联络员, 受理员 | dispatcher |
//! | 督办员, 检查备案员, 纪检监察员 | section head when the title says so (股长, 主任), else lead |
//! | 执法人员 | enforcement |
//! | 县级分管领导 | county leader |
//!
//! Among leaders a title without 副 ranks before 常务副, and that before 副; at the same rank the earlier row ranks first. So a
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
    /// 园区专员, else its highest leader, else whoever comes first. Who has left or is suspended is passed over.
    pub fn assign(officers: &'a Sheet<OfficerRow>) -> Self {
        let mut units: HashMap<&str, Vec<&OfficerRow>> = HashMap::new();
        for Line { row, .. } in &officers.rows {
            units.entry(&row.department).or_default().push(row);
        }
        let mut assigned = Self::default();
        for (unit, members) in units {
            let head = members
                .iter()
                .filter(|officer| officer.role == Role::UnitLeader && officer.status != OfficerStatus::Left)
                .min_by_key(|officer| rank(&officer.title))
                .map(|officer| officer.code.as_str());
            for officer in &members {
                assigned.posts.insert(&officer.code, post(officer, head));
            }
            let on_duty = members
                .iter()
                .filter(|officer| officer.status == OfficerStatus::Active)
                .min_by_key(|officer| duty_order(officer, head));
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
            Post::Dispatcher => roles.push("dispatcher"),
            Post::Enforcement => roles.push("enforcement"),
            Post::CountyLeader => roles.push("county_leader"),
            Post::SectionHead | Post::Lead => {}
        }
        if self.is_on_duty(&officer.code) && !roles.contains(&"dispatcher") {
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
        Role::UnitLeader if head == Some(officer.code.as_str()) => Post::Head,
        Role::UnitLeader => Post::Deputy,
        Role::Handler | Role::TownOfficer | Role::ParkOfficer | Role::Agent => Post::Lead,
        Role::Liaison | Role::Intake => Post::Dispatcher,
        Role::Supervisor | Role::FilingClerk | Role::DisciplineInspector => {
            let heads_section = ["股长", "主任"].iter().any(|title| officer.title.ends_with(title));
            if heads_section { Post::SectionHead } else { Post::Lead }
        }
        Role::Enforcement => Post::Enforcement,
        Role::CountyLeader => Post::CountyLeader,
    }
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
fn duty_order(officer: &OfficerRow, head: Option<&str>) -> u8 {
    match officer.role {
        Role::Liaison => 0,
        Role::Intake => 1,
        Role::TownOfficer | Role::ParkOfficer => 2,
        _ if head == Some(officer.code.as_str()) => 3,
        Role::CountyLeader => 4,
        _ => 5,
    }
}
