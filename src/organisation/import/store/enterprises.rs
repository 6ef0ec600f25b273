//! Enterprises and their contact cards.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::problem::{Problem, Reason};
use super::super::report::Kind;
use super::super::rows::EnterpriseRow;
use super::super::table::{Line, Row as _};
use super::super::{ImportError, Refused};
use super::diff::{Stored, diff, table_io};
use super::{Load, find, find_optional};
use crate::organisation::model::EnterpriseStatus;
use crate::schema::{contact_cards, enterprises};

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = enterprises)]
struct Enterprise {
    id: Uuid,
    county_id: Uuid,
    code: String,
    uscc: String,
    name: String,
    short_name: String,
    kind: String,
    industry_code: String,
    industry_name: String,
    area_id: Uuid,
    address: String,
    scale: String,
    employees: Option<i32>,
    annual_revenue_wan: Option<i64>,
    established_on: Option<NaiveDate>,
    qualifications: Vec<String>,
    need_tags: Vec<String>,
    stage: String,
    authority_id: Option<Uuid>,
    credit_class: String,
    contact_name: String,
    contact_mobile: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    status: EnterpriseStatus,
}
table_io!(Enterprise, enterprises, 25, (id), {
    uscc, name, short_name, kind, industry_code, industry_name, area_id, address, scale, employees, annual_revenue_wan,
    established_on, qualifications, need_tags, stage, authority_id, credit_class, contact_name, contact_mobile, latitude, longitude, status,
});

impl Stored for Enterprise {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
        // A place found on the spot is not lost because the file has none.
        if self.latitude.is_none() {
            (self.latitude, self.longitude) = (stored.latitude, stored.longitude);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = contact_cards)]
struct ContactCard {
    id: Uuid,
    county_id: Uuid,
    enterprise_id: Uuid,
    item_id: Option<Uuid>,
    category_id: Option<Uuid>,
    officer_id: Uuid,
    backup_id: Option<Uuid>,
}
table_io!(ContactCard, contact_cards, 7, (id), { officer_id, backup_id });

impl Stored for ContactCard {
    type Key = (Uuid, Option<Uuid>, Option<Uuid>);
    fn key(&self) -> Self::Key {
        (self.enterprise_id, self.item_id, self.category_id)
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

pub async fn store(load: &mut Load<'_>) -> Result<(), ImportError> {
    store_enterprises(load).await?;
    store_cards(load).await?;
    Ok(())
}

async fn store_enterprises(load: &mut Load<'_>) -> Result<(), ImportError> {
    let mut wanted = Vec::with_capacity(load.source.enterprises.rows.len());
    for Line { row, .. } in &load.source.enterprises.rows {
        wanted.push(Enterprise {
            id: Uuid::now_v7(),
            county_id: load.county,
            code: row.code.clone(),
            uscc: row.uscc.clone(),
            name: row.name.clone(),
            short_name: row.short_name.clone(),
            kind: row.kind.clone(),
            industry_code: row.industry_code.clone(),
            industry_name: row.industry_name.clone(),
            area_id: find(&load.ids.areas, &row.area)?,
            address: row.address.clone(),
            scale: row.scale.clone(),
            employees: row.employees,
            annual_revenue_wan: row.annual_revenue_wan,
            established_on: row.established_on,
            qualifications: row.qualifications.clone(),
            need_tags: row.need_tags.clone(),
            stage: row.stage.clone(),
            authority_id: find_optional(&load.ids.departments, row.authority.as_deref())?,
            credit_class: row.credit_class.clone(),
            contact_name: row.contact_name.clone(),
            contact_mobile: row.contact_mobile.clone(),
            latitude: row.place.map(|(latitude, _)| latitude),
            longitude: row.place.map(|(_, longitude)| longitude),
            status: row.status,
        });
    }
    let mut diff = diff(Enterprise::load(load.conn, load.county).await?, wanted);
    diff.keep_gone();
    refuse_held_usccs(load, &diff.gone)?;
    Enterprise::write(load.conn, &diff.write).await?;
    load.ids.enterprises = diff.rows.into_iter().map(|row| (row.code, row.id)).collect();
    load.counts.push((Kind::Enterprises, diff.counts));
    Ok(())
}

/// An enterprise under a new code whose credit code belongs to one that the county already has under another.
fn refuse_held_usccs(load: &Load<'_>, others: &[Enterprise]) -> Result<(), ImportError> {
    let held: HashMap<&str, &str> =
        others.iter().map(|other| (other.uscc.as_str(), other.code.as_str())).collect();
    let rows = load.source.enterprises.rows.iter();
    let problems: Vec<Problem> = rows
        .filter_map(|Line { line, row }| {
            let code = held.get(row.uscc.as_str())?;
            Some(Problem {
                file: EnterpriseRow::FILE.to_owned(),
                line: *line,
                column: "uscc".to_owned(),
                value: row.uscc.clone(),
                reason: Reason::UsccHeldBy { code: (*code).to_owned() },
            })
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(ImportError::Refused(Refused::new(problems, load.source))) }
}

async fn store_cards(load: &mut Load<'_>) -> QueryResult<()> {
    let mut wanted = Vec::with_capacity(load.source.cards.rows.len());
    for Line { row, .. } in &load.source.cards.rows {
        wanted.push(ContactCard {
            id: Uuid::now_v7(),
            county_id: load.county,
            enterprise_id: find(&load.ids.enterprises, &row.enterprise)?,
            item_id: find_optional(&load.ids.items, row.item())?,
            category_id: find_optional(&load.ids.categories, row.category())?,
            officer_id: find(&load.ids.officers, &row.officer)?,
            backup_id: find_optional(&load.ids.officers, row.backup.as_deref())?,
        });
    }
    let mut diff = diff(ContactCard::load(load.conn, load.county).await?, wanted);
    if !diff.gone.is_empty() {
        let gone: Vec<Uuid> = diff.gone.iter().map(|row| row.id).collect();
        let gone = contact_cards::table.filter(contact_cards::id.eq_any(gone));
        diff.counts.ended = diesel::delete(gone).execute(load.conn).await?;
    }
    ContactCard::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::Cards, diff.counts));
    Ok(())
}
