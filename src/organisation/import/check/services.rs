//! Enterprises, contact cards and channels against everything else.

use super::super::ImportOptions;
use super::super::problem::{Problem, Reason};
use super::super::rows::{
    AddressRow, CardRow, ChannelRow, DepartmentChannelRow, EnterpriseRow, Matter, SANDBOX, is_http,
};
use super::super::source::Source;
use super::super::table::{Line, uscc_fault};
use super::{Index, note, refuse_repeated_codes, refuse_repeats};
use crate::notices::register::reaches_officers;

pub fn check(source: &Source, index: &Index<'_>, options: &ImportOptions, problems: &mut Vec<Problem>) {
    refuse_repeated_codes(&source.enterprises, "code", |row| &row.code, problems);
    refuse_repeated_codes(&source.enterprises, "uscc", |row| &row.uscc, problems);
    for Line { line, row } in &source.enterprises.rows {
        enterprise(*line, row, source, index, problems);
    }
    let matter = |row: &CardRow| {
        let matter = row.matter.clone()?;
        let shown = match &matter {
            Matter::Any => "*",
            Matter::Item(code) | Matter::Category(code) => code,
        };
        let shown = format!("{} {shown}", row.enterprise);
        Some(((row.enterprise.clone(), matter), shown))
    };
    refuse_repeats(&source.cards, "", matter, problems);
    for Line { line, row } in &source.cards.rows {
        card(*line, row, index, problems);
    }
    refuse_repeated_codes(&source.channels, "code", |row| &row.code, problems);
    for Line { line, row } in &source.channels.rows {
        channel(*line, row, index, options, problems);
    }
    reaches(source, index, problems);
}

fn enterprise(
    line: u64,
    row: &EnterpriseRow,
    source: &Source,
    index: &Index<'_>,
    problems: &mut Vec<Problem>,
) {
    let mut refuse =
        |column: &str, value: &str, reason| note::<EnterpriseRow>(problems, line, column, value, reason);
    if let Some(fault) = uscc_fault(&row.uscc, &source.county.uscc_exceptions) {
        refuse("uscc", &row.uscc, fault);
    }
    if !index.areas.has(&row.area) {
        refuse("area_code", &row.area, Reason::UnknownArea);
    }
    if index.areas.get(&row.area).is_some_and(|area| !area.active) {
        refuse("area_code", &row.area, Reason::InactiveArea);
    }
    if let Some(authority) = row.authority.as_deref().filter(|code| !index.departments.has(code)) {
        refuse("authority_code", authority, Reason::UnknownDepartment);
    }
}

fn card(line: u64, row: &CardRow, index: &Index<'_>, problems: &mut Vec<Problem>) {
    let mut refuse =
        |column: &str, value: &str, reason| note::<CardRow>(problems, line, column, value, reason);
    if !index.enterprises.has(&row.enterprise) {
        refuse("enterprise_code", &row.enterprise, Reason::UnknownEnterprise);
    }
    if let Some(item) = row.item().filter(|code| !index.items.has(code)) {
        refuse("item_code", item, Reason::UnknownItem);
    }
    if let Some(category) = row.category().filter(|code| !index.categories.has(code)) {
        refuse("category_code", category, Reason::UnknownCategory);
    }
    if !index.officers.has(&row.officer) {
        refuse("officer_code", &row.officer, Reason::UnknownOfficer);
    }
    if let Some(backup) = row.backup.as_deref()
        && let Some(fault) = index.backup_fault(&row.officer, backup)
    {
        refuse("backup_code", backup, fault);
    }
    if !index.reachable(&row.officer, row.backup.as_deref()) {
        refuse("officer_code", &row.officer, Reason::NobodyReachable);
    }
}

fn channel(
    line: u64,
    row: &ChannelRow,
    index: &Index<'_>,
    options: &ImportOptions,
    problems: &mut Vec<Problem>,
) {
    let mut refuse =
        |column: &str, value: &str, reason| note::<ChannelRow>(problems, line, column, value, reason);
    if let Some(department) = row.department.as_deref().filter(|code| !index.departments.has(code)) {
        refuse("department_code", department, Reason::UnknownDepartment);
    }
    if row.base_url.contains(SANDBOX) {
        match options.sandbox_url.as_deref() {
            None => refuse("base_url", SANDBOX, Reason::SandboxAddressMissing),
            Some(sandbox) if !is_http(&row.address(Some(sandbox))) => {
                refuse("base_url", sandbox, Reason::MalformedUrl);
            }
            Some(_) => {}
        }
    }
}

/// What officers are called in applications, and which application their departments prefer.
fn reaches(source: &Source, index: &Index<'_>, problems: &mut Vec<Problem>) {
    let channel_fault = |code: &str| match index.channels.get(code) {
        None if !index.channels.has(code) => Some(Reason::UnknownChannel),
        Some(channel) if !reaches_officers(channel.kind) => Some(Reason::ChannelReachesNobody),
        _ => None,
    };
    let pair = |first: &str, second: &str| {
        Some(((first.to_owned(), second.to_owned()), format!("{first} {second}")))
    };
    refuse_repeats(&source.addresses, "", |row| pair(&row.officer, &row.channel), problems);
    for Line { line, row } in &source.addresses.rows {
        if !index.officers.has(&row.officer) {
            note::<AddressRow>(problems, *line, "officer_code", &row.officer, Reason::UnknownOfficer);
        }
        if let Some(fault) = channel_fault(&row.channel) {
            note::<AddressRow>(problems, *line, "channel_code", &row.channel, fault);
        }
    }
    refuse_repeats(&source.department_channels, "", |row| pair(&row.department, &row.channel), problems);
    for Line { line, row } in &source.department_channels.rows {
        if !index.departments.has(&row.department) {
            let reason = Reason::UnknownDepartment;
            note::<DepartmentChannelRow>(problems, *line, "department_code", &row.department, reason);
        }
        if let Some(fault) = channel_fault(&row.channel) {
            note::<DepartmentChannelRow>(problems, *line, "channel_code", &row.channel, fault);
        }
    }
}
