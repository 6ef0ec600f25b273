//! The SQL of the catalogue.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::routing::{Aside, AsideKind, Example, ItemWords, Lessons};
use crate::organisation::{CountyId, EnterpriseId, OfficerId};
use crate::schema::{
    areas, catalogue_asides, catalogue_examples, categories, contact_cards, counties, departments,
    enterprises, members, officers, service_items,
};

/// How often the county's catalogue has changed, and its settings.
pub async fn county(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<(i32, Value)> {
    counties::table
        .find(county.0)
        .select((counties::catalogue_revision, counties::settings))
        .first(conn)
        .await
}

/// All counties.
pub async fn counties(conn: &mut AsyncPgConnection) -> QueryResult<Vec<CountyId>> {
    counties::table.order(counties::id).select(counties::id).load(conn).await
}

/// Everything the county teaches its router, in an order that is the same on every replica.
pub async fn lessons(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Lessons> {
    type ItemRow = (String, String, Vec<String>, Vec<String>, String, Vec<String>);
    let items: Vec<ItemRow> = service_items::table
        .inner_join(departments::table)
        .filter(service_items::county_id.eq(county).and(service_items::active))
        .order(service_items::code)
        .select((
            service_items::code,
            service_items::name,
            service_items::keywords,
            service_items::synonyms,
            departments::short_name,
            departments::aliases,
        ))
        .load(conn)
        .await?;
    let examples: Vec<(String, String)> = catalogue_examples::table
        .inner_join(service_items::table)
        .filter(catalogue_examples::county_id.eq(county))
        .order((service_items::code, catalogue_examples::text))
        .select((service_items::code, catalogue_examples::text))
        .load(conn)
        .await?;
    let asides: Vec<(AsideKind, String)> = catalogue_asides::table
        .filter(catalogue_asides::county_id.eq(county))
        .order((catalogue_asides::kind, catalogue_asides::text))
        .select((catalogue_asides::kind, catalogue_asides::text))
        .load(conn)
        .await?;
    let places: Vec<(String, String, Vec<String>)> = areas::table
        .filter(areas::county_id.eq(county))
        .order(areas::code)
        .select((areas::name, areas::short_name, areas::aliases))
        .load(conn)
        .await?;
    Ok(Lessons {
        items: items
            .into_iter()
            .map(|(code, name, keywords, synonyms, department, mut aliases)| {
                aliases.push(department);
                ItemWords {
                    code,
                    name,
                    department_words: aliases,
                    keywords,
                    synonyms,
                    expressions: Vec::new(),
                }
            })
            .collect(),
        examples: examples.into_iter().map(|(item, text)| Example { item, text }).collect(),
        asides: asides.into_iter().map(|(kind, text)| Aside { kind, text }).collect(),
        places: places
            .into_iter()
            .flat_map(|(name, short, aliases)| [name, short].into_iter().chain(aliases))
            .collect(),
    })
}

/// An item as people see it.
#[derive(Clone, Debug, Queryable)]
pub struct ItemRow {
    pub code: String,
    pub name: String,
    pub category_code: String,
    pub category_name: String,
    pub department_code: String,
    pub department_name: String,
    pub on_the_spot: bool,
    pub accept_working_minutes: i32,
    pub respond_working_hours: i32,
    pub resolve_working_days: i32,
}

pub async fn items(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Vec<ItemRow>> {
    service_items::table
        .inner_join(categories::table)
        .inner_join(departments::table)
        .filter(service_items::county_id.eq(county).and(service_items::active))
        .order((categories::code, service_items::code))
        .select((
            service_items::code,
            service_items::name,
            categories::code,
            categories::name,
            departments::code,
            departments::name,
            service_items::on_the_spot,
            service_items::accept_working_minutes,
            service_items::respond_working_hours,
            service_items::resolve_working_days,
        ))
        .load(conn)
        .await
}

/// A contact card: which officer answers which matter for which enterprise.
#[derive(Clone, Debug, Queryable)]
pub struct CardRow {
    pub id: Uuid,
    pub enterprise_id: EnterpriseId,
    pub enterprise_name: String,
    pub item: Option<(String, String)>,
    pub category: Option<(String, String)>,
    pub officer_id: OfficerId,
    pub officer_name: String,
    pub officer_title: String,
    pub officer_mobile: String,
    pub department_name: String,
    pub backup_id: Option<OfficerId>,
}

/// Whose cards are asked for.
#[derive(Clone, Debug)]
pub enum CardsOf {
    /// Of the enterprises that the account belongs to.
    Member(Uuid),
    /// Those on which the officer stands, as lead or backup.
    Officer(OfficerId),
}

/// Cards in a stable order, after the given id.
pub async fn cards(
    conn: &mut AsyncPgConnection,
    of: &CardsOf,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<CardRow>> {
    let mut query = contact_cards::table
        .inner_join(enterprises::table)
        .inner_join(officers::table.on(officers::id.eq(contact_cards::officer_id)))
        .inner_join(departments::table.on(departments::id.eq(officers::department_id)))
        .left_join(service_items::table)
        .left_join(categories::table.on(categories::id.nullable().eq(contact_cards::category_id)))
        .order(contact_cards::id)
        .limit(limit)
        .select((
            contact_cards::id,
            enterprises::id,
            enterprises::name,
            (service_items::code, service_items::name).nullable(),
            (categories::code, categories::name).nullable(),
            officers::id,
            officers::name,
            officers::title,
            officers::mobile,
            departments::name,
            contact_cards::backup_id,
        ))
        .into_boxed();
    query = match of {
        CardsOf::Member(account) => query.filter(
            contact_cards::enterprise_id.eq_any(
                members::table
                    .filter(members::account_id.eq(*account).and(members::left_at.is_null()))
                    .select(members::enterprise_id),
            ),
        ),
        CardsOf::Officer(officer) => query
            .filter(contact_cards::officer_id.eq(*officer).or(contact_cards::backup_id.eq(Some(*officer)))),
    };
    if let Some(after) = after {
        query = query.filter(contact_cards::id.gt(after));
    }
    query.load(conn).await
}
