//! Categories, items, their contacts and their words against each other.

use std::collections::HashMap;

use super::super::problem::{Problem, Reason};
use super::super::rows::{ExampleRow, ItemRow, OfficerRow, SayingRow, WordsRow};
use super::super::source::Source;
use super::super::table::Line;
use super::{Index, note, refuse_repeated_codes, refuse_repeats};

pub fn check<'a>(source: &'a Source, index: &Index<'a>, problems: &mut Vec<Problem>) {
    refuse_repeated_codes(&source.categories, "code", |row| &row.code, problems);
    refuse_repeated_codes(&source.items, "code", |row| &row.code, problems);
    refuse_repeated_codes(&source.words, "item_code", |row| &row.item, problems);
    let sentence = |row: &ExampleRow| Some(((row.item.clone(), row.text.clone()), row.text.clone()));
    refuse_repeats(&source.examples, "text", sentence, problems);
    refuse_repeats(&source.sayings, "text", |row| sentence(&row.0), problems);
    refuse_repeats(&source.asides, "text", |row| Some((row.text.clone(), row.text.clone())), problems);
    let mut led = contacts(source, index, problems);
    for Line { line, row } in &source.items.rows {
        item(*line, row, index, problems);
        let has_contact = led.remove(row.code.as_str()).is_some();
        if source.officers.readable && row.active && !row.code.is_empty() && !has_contact {
            note::<ItemRow>(problems, *line, "code", &row.code, Reason::ItemWithoutContact);
        }
    }
    for code in source.items_with_ladders().filter(|code| !index.items.has(code)) {
        let problem = source.of_settings(&format!("ladder.items.{code}"), code, Reason::UnknownItem);
        problems.push(Problem { column: "settings.ladder.items".to_owned(), ..problem });
    }
    for Line { line, row } in source.words.rows.iter().filter(|line| !index.items.has(&line.row.item)) {
        note::<WordsRow>(problems, *line, "item_code", &row.item, Reason::UnknownItem);
    }
    for Line { line, row } in source.examples.rows.iter().filter(|line| !index.items.has(&line.row.item)) {
        note::<ExampleRow>(problems, *line, "item_code", &row.item, Reason::UnknownItem);
    }
    for Line { line, row } in source.sayings.rows.iter().filter(|line| !index.items.has(&line.row.0.item)) {
        note::<SayingRow>(problems, *line, "item_code", &row.0.item, Reason::UnknownItem);
    }
}

/// The items that somebody leads for the whole county. An officer of an area leads items there alone.
fn contacts<'a>(
    source: &'a Source,
    index: &Index<'a>,
    problems: &mut Vec<Problem>,
) -> HashMap<&'a str, &'a str> {
    let mut leads: HashMap<(&str, Option<&str>), &str> = HashMap::new();
    for Line { line, row } in &source.officers.rows {
        let area = index.area_of(row);
        for item in &row.lead_items {
            let mut refuse = |reason| note::<OfficerRow>(problems, *line, "lead_items", item, reason);
            let first = *leads.entry((item, area)).or_insert(&row.code);
            // An officer whose unit is unknown is refused for that.
            if index.departments.get(&row.department).is_none() {
                continue;
            }
            if first != row.code {
                refuse(Reason::ItemWithTwoContacts { first: first.to_owned() });
            }
            if let Some(item) = index.items.get(item)
                && area.is_none()
                && item.department != row.department
            {
                refuse(Reason::ContactOutsideDepartment { department: item.department.clone() });
            }
        }
    }
    leads.into_iter().filter(|((_, area), _)| area.is_none()).map(|((item, _), lead)| (item, lead)).collect()
}

fn item(line: u64, row: &ItemRow, index: &Index<'_>, problems: &mut Vec<Problem>) {
    let mut refuse =
        |column: &str, value: &str, reason| note::<ItemRow>(problems, line, column, value, reason);
    if !index.categories.has(&row.category) {
        refuse("category_code", &row.category, Reason::UnknownCategory);
    }
    if !index.departments.has(&row.department) {
        refuse("department_code", &row.department, Reason::UnknownDepartment);
    }
    if row.active && index.departments.get(&row.department).is_some_and(|department| !department.active) {
        refuse("department_code", &row.department, Reason::InactiveDepartment);
    }
    for helper in &row.helpers {
        if !index.departments.has(helper) {
            refuse("helper_codes", helper, Reason::UnknownDepartment);
        } else if *helper == row.department {
            refuse("helper_codes", helper, Reason::HelperIsOwnDepartment);
        }
    }
}
