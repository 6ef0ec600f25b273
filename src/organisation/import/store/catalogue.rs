//! Categories, items, their helpers, contacts and example sentences.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::report::Kind;
use super::super::table::Line;
use super::diff::{Stored, diff, table_io};
use super::{Load, find, find_optional};
use crate::schema::{
    catalogue_asides, catalogue_examples, categories, item_contacts, item_helpers, service_items,
};

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = categories)]
struct Category {
    id: Uuid,
    county_id: Uuid,
    code: String,
    name: String,
    description: String,
}
table_io!(Category, categories, 5, (id), { name, description });

impl Stored for Category {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = service_items)]
struct Item {
    id: Uuid,
    county_id: Uuid,
    category_id: Uuid,
    code: String,
    name: String,
    department_id: Uuid,
    on_the_spot: bool,
    accept_working_minutes: i32,
    respond_working_hours: i32,
    resolve_working_days: i32,
    keywords: Vec<String>,
    synonyms: Vec<String>,
    active: bool,
}
table_io!(Item, service_items, 13, (id), {
    category_id, name, department_id, on_the_spot, accept_working_minutes, respond_working_hours, resolve_working_days,
    keywords, synonyms, active,
});

impl Stored for Item {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = item_helpers)]
struct ItemHelper {
    item_id: Uuid,
    department_id: Uuid,
    county_id: Uuid,
    rank: i16,
}
table_io!(ItemHelper, item_helpers, 4, (item_id, department_id), { rank });

impl Stored for ItemHelper {
    type Key = (Uuid, Uuid);
    fn key(&self) -> Self::Key {
        (self.item_id, self.department_id)
    }
    fn adopt(&mut self, _stored: &Self) {}
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = item_contacts)]
struct ItemContact {
    id: Uuid,
    county_id: Uuid,
    item_id: Uuid,
    officer_id: Uuid,
    area_id: Option<Uuid>,
}
table_io!(ItemContact, item_contacts, 5, (id), { officer_id });

impl Stored for ItemContact {
    type Key = (Uuid, Option<Uuid>);
    fn key(&self) -> Self::Key {
        (self.item_id, self.area_id)
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = catalogue_examples)]
struct Example {
    id: Uuid,
    county_id: Uuid,
    item_id: Uuid,
    text: String,
}
table_io!(Example, catalogue_examples, 4, (id), { text });

impl Stored for Example {
    type Key = (Uuid, String);
    fn key(&self) -> Self::Key {
        (self.item_id, self.text.clone())
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = catalogue_asides)]
struct Aside {
    id: Uuid,
    county_id: Uuid,
    kind: String,
    text: String,
}
table_io!(Aside, catalogue_asides, 4, (id), { kind });

impl Stored for Aside {
    type Key = String;
    fn key(&self) -> String {
        self.text.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

pub async fn store(load: &mut Load<'_>) -> QueryResult<()> {
    store_categories(load).await?;
    store_items(load).await?;
    store_helpers(load).await?;
    store_contacts(load).await?;
    store_examples(load).await?;
    store_asides(load).await
}

async fn store_categories(load: &mut Load<'_>) -> QueryResult<()> {
    let wanted = load.source.categories.rows.iter().map(|Line { row, .. }| Category {
        id: Uuid::now_v7(),
        county_id: load.county,
        code: row.code.clone(),
        name: row.name.clone(),
        description: row.description.clone(),
    });
    let mut diff = diff(Category::load(load.conn, load.county).await?, wanted.collect());
    diff.keep_gone();
    Category::write(load.conn, &diff.write).await?;
    load.ids.categories = diff.rows.into_iter().map(|row| (row.code, row.id)).collect();
    load.counts.push((Kind::Categories, diff.counts));
    Ok(())
}

async fn store_items(load: &mut Load<'_>) -> QueryResult<()> {
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.items.rows {
        let mut synonyms = row.synonyms.clone();
        let more = load.source.words.rows.iter().filter(|line| line.row.item == row.code);
        for word in more.flat_map(|line| &line.row.words) {
            if !row.keywords.contains(word) && !synonyms.contains(word) {
                synonyms.push(word.clone());
            }
        }
        wanted.push(Item {
            id: Uuid::now_v7(),
            county_id: load.county,
            category_id: find(&load.ids.categories, &row.category)?,
            code: row.code.clone(),
            name: row.name.clone(),
            department_id: find(&load.ids.departments, &row.department)?,
            on_the_spot: row.on_the_spot,
            accept_working_minutes: row.accept_working_minutes,
            respond_working_hours: row.respond_working_hours,
            resolve_working_days: row.resolve_working_days,
            keywords: row.keywords.clone(),
            synonyms,
            active: row.active,
        });
    }
    let mut diff = diff(Item::load(load.conn, load.county).await?, wanted);
    diff.keep_gone();
    Item::write(load.conn, &diff.write).await?;
    load.ids.items = diff.rows.into_iter().map(|row| (row.code, row.id)).collect();
    load.counts.push((Kind::Items, diff.counts));
    Ok(())
}

async fn store_helpers(load: &mut Load<'_>) -> QueryResult<()> {
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.items.rows {
        for (rank, helper) in (1..).zip(&row.helpers) {
            wanted.push(ItemHelper {
                item_id: find(&load.ids.items, &row.code)?,
                department_id: find(&load.ids.departments, helper)?,
                county_id: load.county,
                rank,
            });
        }
    }
    let mut diff = diff(ItemHelper::load(load.conn, load.county).await?, wanted);
    for gone in &diff.gone {
        let row = item_helpers::table.find((gone.item_id, gone.department_id));
        diff.counts.ended += diesel::delete(row).execute(load.conn).await?;
    }
    ItemHelper::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::ItemHelpers, diff.counts));
    Ok(())
}

async fn store_contacts(load: &mut Load<'_>) -> QueryResult<()> {
    // Officers of a town's or park's office answer there alone.
    let departments = load.source.departments.rows.iter();
    let areas: HashMap<&str, &str> =
        departments.filter_map(|line| Some((line.row.code.as_str(), line.row.area.as_deref()?))).collect();
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.officers.rows {
        for item in &row.lead_items {
            wanted.push(ItemContact {
                id: Uuid::now_v7(),
                county_id: load.county,
                item_id: find(&load.ids.items, item)?,
                officer_id: find(&load.ids.officers, &row.code)?,
                area_id: find_optional(&load.ids.areas, areas.get(row.department.as_str()).copied())?,
            });
        }
    }
    let mut diff = diff(ItemContact::load(load.conn, load.county).await?, wanted);
    if !diff.gone.is_empty() {
        let gone: Vec<Uuid> = diff.gone.iter().map(|row| row.id).collect();
        let gone = item_contacts::table.filter(item_contacts::id.eq_any(gone));
        diff.counts.ended = diesel::delete(gone).execute(load.conn).await?;
    }
    ItemContact::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::ItemContacts, diff.counts));
    Ok(())
}

/// Sentences of files that a county leaves out stay as they are.
async fn store_examples(load: &mut Load<'_>) -> QueryResult<()> {
    let source = load.source;
    if !source.examples.present && !source.sayings.present {
        return Ok(());
    }
    let examples = source.examples.rows.iter().map(|line| &line.row);
    let sayings = source.sayings.rows.iter().map(|line| &line.row.0);
    let mut seen = HashSet::new();
    let mut wanted = Vec::new();
    for row in examples.chain(sayings).filter(|row| seen.insert((&row.item, &row.text))) {
        wanted.push(Example {
            id: Uuid::now_v7(),
            county_id: load.county,
            item_id: find(&load.ids.items, &row.item)?,
            text: row.text.clone(),
        });
    }
    let mut diff = diff(Example::load(load.conn, load.county).await?, wanted);
    if !diff.gone.is_empty() {
        let gone: Vec<Uuid> = diff.gone.iter().map(|row| row.id).collect();
        let gone = catalogue_examples::table.filter(catalogue_examples::id.eq_any(gone));
        diff.counts.ended = diesel::delete(gone).execute(load.conn).await?;
    }
    Example::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::Examples, diff.counts));
    Ok(())
}

async fn store_asides(load: &mut Load<'_>) -> QueryResult<()> {
    if !load.source.asides.present {
        return Ok(());
    }
    let wanted = load.source.asides.rows.iter().map(|Line { row, .. }| Aside {
        id: Uuid::now_v7(),
        county_id: load.county,
        kind: row.kind.to_owned(),
        text: row.text.clone(),
    });
    let mut diff = diff(Aside::load(load.conn, load.county).await?, wanted.collect());
    if !diff.gone.is_empty() {
        let gone: Vec<Uuid> = diff.gone.iter().map(|row| row.id).collect();
        let gone = catalogue_asides::table.filter(catalogue_asides::id.eq_any(gone));
        diff.counts.ended = diesel::delete(gone).execute(load.conn).await?;
    }
    Aside::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::Asides, diff.counts));
    Ok(())
}
