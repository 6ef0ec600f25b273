//! Areas, departments, officers and administrators against each other.

use std::collections::HashMap;

use super::super::posts::Posts;
use super::super::problem::{Problem, Reason};
use super::super::rows::{AdminRow, DepartmentRow, OfficerRow};
use super::super::source::Source;
use super::super::table::{Line, Row as _};
use super::{Index, note, refuse_repeated_codes};
use crate::organisation::model::{Office, OfficerStatus};

pub fn check(source: &Source, index: &Index<'_>, posts: &Posts<'_>, problems: &mut Vec<Problem>) {
    refuse_repeated_codes(&source.areas, "code", |row| &row.code, problems);
    refuse_repeated_codes(&source.departments, "code", |row| &row.code, problems);
    refuse_repeated_codes(&source.officers, "code", |row| &row.code, problems);
    offices(source, problems);
    areas_served(source, index, problems);
    if source.officers.readable {
        for Line { line, row } in source.departments.rows.iter().filter(|line| line.row.active) {
            if !row.code.is_empty() && !posts.has_duty_contact(&row.code) {
                let reason = Reason::DepartmentWithoutDutyContact;
                note::<DepartmentRow>(problems, *line, "code", &row.code, reason);
            }
        }
    }
    for line in &source.officers.rows {
        officer(line, index, problems);
    }
    admins(source, index, problems);
}

fn offices(source: &Source, problems: &mut Vec<Problem>) {
    let mut holders: HashMap<Office, &str> = HashMap::new();
    for Line { line, row } in &source.departments.rows {
        let Some(office) = row.office() else { continue };
        let first = *holders.entry(office).or_insert(&row.code);
        if first != row.code {
            let reason = Reason::OfficeTwice { first: first.to_owned() };
            note::<DepartmentRow>(problems, *line, "mechanism_roles", &row.mechanism_roles.join("|"), reason);
        }
    }
    if source.departments.readable && !holders.contains_key(&Office::BusinessOffice) {
        problems.push(Problem {
            file: DepartmentRow::FILE.to_owned(),
            line: 0,
            column: "mechanism_roles".to_owned(),
            value: String::new(),
            reason: Reason::NoBusinessOffice,
        });
    }
}

fn areas_served(source: &Source, index: &Index<'_>, problems: &mut Vec<Problem>) {
    let mut servants: HashMap<&str, &str> = HashMap::new();
    for Line { line, row } in &source.departments.rows {
        let Some(area) = row.area.as_deref() else { continue };
        let mut refuse = |reason| note::<DepartmentRow>(problems, *line, "area_code", area, reason);
        if !index.areas.has(area) {
            refuse(Reason::UnknownArea);
        }
        let first = *servants.entry(area).or_insert(&row.code);
        if first != row.code {
            refuse(Reason::AreaTwice { first: first.to_owned() });
        }
    }
}

fn officer(Line { line, row }: &Line<OfficerRow>, index: &Index<'_>, problems: &mut Vec<Problem>) {
    let mut refuse =
        |column: &str, value: &str, reason| note::<OfficerRow>(problems, *line, column, value, reason);
    if !index.departments.has(&row.department) {
        refuse("department_code", &row.department, Reason::UnknownDepartment);
    }
    if let Some(backup) = row.backup.as_deref()
        && let Some(fault) = index.backup_fault(&row.code, backup)
    {
        refuse("backup_code", backup, fault);
    }
    for item in row.lead_items.iter().filter(|code| !index.items.has(code)) {
        refuse("lead_items", item, Reason::UnknownItem);
    }
    if !row.lead_items.is_empty() && !index.reachable(&row.code, row.backup.as_deref()) {
        refuse("lead_items", &row.lead_items.join("|"), Reason::NobodyReachable);
    }
    if index.enterprises.get(&row.code).is_some() {
        refuse("code", &row.code, Reason::LoginTaken);
    }
}

fn admins(source: &Source, index: &Index<'_>, problems: &mut Vec<Problem>) {
    let mut roles: HashMap<&str, &str> = HashMap::new();
    for Line { line, row } in &source.admins.rows {
        let mut refuse = |reason| note::<AdminRow>(problems, *line, "officer_code", &row.officer, reason);
        if !index.officers.has(&row.officer) {
            refuse(Reason::UnknownOfficer);
        }
        if index.officers.get(&row.officer).is_some_and(|officer| officer.status == OfficerStatus::Left) {
            refuse(Reason::OfficerHasLeft);
        }
        if let Some(first) = roles.insert(&row.officer, row.role) {
            refuse(Reason::TwoAdminRoles { first: first.to_owned() });
        }
    }
}
