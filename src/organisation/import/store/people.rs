//! Areas, departments, officers and their absences.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone as _, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::report::Kind;
use super::super::table::Line;
use super::diff::{MOST_PARAMETERS, Stored, diff, table_io};
use super::{Load, find, find_optional};
use crate::organisation::model::{AbsenceSource, AreaKind, Office, OfficerStatus, Post};
use crate::schema::{absences, areas, departments, officers};

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = areas)]
struct Area {
    id: Uuid,
    county_id: Uuid,
    code: String,
    name: String,
    short_name: String,
    kind: AreaKind,
    aliases: Vec<String>,
    active: bool,
}
table_io!(Area, areas, 8, (id), { name, short_name, kind, aliases, active });

impl Stored for Area {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = departments)]
struct Department {
    id: Uuid,
    county_id: Uuid,
    code: String,
    name: String,
    short_name: String,
    aliases: Vec<String>,
    kind: String,
    hotline: Option<String>,
    enforces: bool,
    joint_inspection: bool,
    mechanism_roles: Vec<String>,
    area_id: Option<Uuid>,
    office: Option<Office>,
    active: bool,
}
table_io!(Department, departments, 14, (id), {
    name, short_name, aliases, kind, hotline, enforces, joint_inspection, mechanism_roles, area_id, office, active,
});

impl Stored for Department {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = officers)]
struct Officer {
    id: Uuid,
    county_id: Uuid,
    code: String,
    name: String,
    department_id: Uuid,
    title: String,
    post: Post,
    backup_id: Option<Uuid>,
    is_duty_contact: bool,
    mobile: String,
    office_phone: Option<String>,
    certificate_no: Option<String>,
    status: OfficerStatus,
}
table_io!(Officer, officers, 13, (id), {
    name, department_id, title, post, backup_id, is_duty_contact, mobile, office_phone, certificate_no, status,
});

impl Stored for Officer {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = absences)]
struct Absence {
    id: Uuid,
    county_id: Uuid,
    officer_id: Uuid,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    reason: String,
    source: AbsenceSource,
}
table_io!(Absence, absences, 7, (id), { ends_at });

impl Stored for Absence {
    type Key = (Uuid, DateTime<Utc>);
    fn key(&self) -> Self::Key {
        (self.officer_id, self.starts_at)
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
        self.reason.clone_from(&stored.reason);
    }
}

pub async fn store(load: &mut Load<'_>) -> QueryResult<()> {
    store_areas(load).await?;
    store_departments(load).await?;
    store_officers(load).await?;
    store_absences(load).await
}

async fn store_areas(load: &mut Load<'_>) -> QueryResult<()> {
    let wanted = load.source.areas.rows.iter().map(|Line { row, .. }| Area {
        id: Uuid::now_v7(),
        county_id: load.county,
        code: row.code.clone(),
        name: row.name.clone(),
        short_name: row.short_name.clone(),
        kind: row.kind,
        aliases: row.aliases.clone(),
        active: row.active,
    });
    let mut diff = diff(Area::load(load.conn, load.county).await?, wanted.collect());
    diff.keep_gone();
    Area::write(load.conn, &diff.write).await?;
    load.ids.areas = diff.rows.into_iter().map(|row| (row.code, row.id)).collect();
    load.counts.push((Kind::Areas, diff.counts));
    Ok(())
}

async fn store_departments(load: &mut Load<'_>) -> QueryResult<()> {
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.departments.rows {
        wanted.push(Department {
            id: Uuid::now_v7(),
            county_id: load.county,
            code: row.code.clone(),
            name: row.name.clone(),
            short_name: row.short_name.clone(),
            aliases: row.aliases.clone(),
            kind: row.kind.clone(),
            hotline: row.hotline.clone(),
            enforces: row.enforces,
            joint_inspection: row.joint_inspection,
            mechanism_roles: row.mechanism_roles.clone(),
            area_id: find_optional(&load.ids.areas, row.area.as_deref())?,
            office: row.office(),
            active: row.active,
        });
    }
    let stored = Department::load(load.conn, load.county).await?;
    free_offices(load, &stored, &wanted).await?;
    let mut diff = diff(stored, wanted);
    diff.keep_gone();
    Department::write(load.conn, &diff.write).await?;
    load.ids.departments = diff.rows.into_iter().map(|row| (row.code, row.id)).collect();
    load.counts.push((Kind::Departments, diff.counts));
    Ok(())
}

/// An office, and the service of an area, is held once: what is handed on is free before anybody takes it.
async fn free_offices(load: &mut Load<'_>, stored: &[Department], wanted: &[Department]) -> QueryResult<()> {
    let keeps = |before: &&Department| {
        let after = wanted.iter().find(|after| after.code == before.code);
        let (office, area) = after.map_or((None, None), |after| (after.office, after.area_id));
        (before.office.is_none() || before.office == office)
            && (before.area_id.is_none() || before.area_id == area)
    };
    let handed_on: Vec<Uuid> =
        stored.iter().filter(|before| !keeps(before)).map(|before| before.id).collect();
    // A statement without rows would still tell every replica to learn the county anew.
    if handed_on.is_empty() {
        return Ok(());
    }
    diesel::update(departments::table.filter(departments::id.eq_any(handed_on)))
        .set((departments::office.eq(None::<Office>), departments::area_id.eq(None::<Uuid>)))
        .execute(load.conn)
        .await
        .map(drop)
}

async fn store_officers(load: &mut Load<'_>) -> QueryResult<()> {
    let stored = Officer::load(load.conn, load.county).await?;
    // Officers back each other, so every id must be known before any row is made.
    let mut ids: HashMap<String, Uuid> =
        stored.iter().map(|officer| (officer.code.clone(), officer.id)).collect();
    for Line { row, .. } in &load.source.officers.rows {
        ids.entry(row.code.clone()).or_insert_with(Uuid::now_v7);
    }
    let mut wanted = Vec::with_capacity(load.source.officers.rows.len());
    for Line { row, .. } in &load.source.officers.rows {
        wanted.push(Officer {
            id: find(&ids, &row.code)?,
            county_id: load.county,
            code: row.code.clone(),
            name: row.name.clone(),
            department_id: find(&load.ids.departments, &row.department)?,
            title: row.title.clone(),
            post: load.posts.post(&row.code),
            backup_id: find_optional(&ids, row.backup.as_deref())?,
            is_duty_contact: load.posts.is_on_duty(&row.code),
            mobile: row.mobile.clone(),
            office_phone: row.office_phone.clone(),
            certificate_no: row.certificate_no.clone(),
            status: row.status,
        });
    }
    let mut diff = diff(stored, wanted);
    diff.keep_gone();
    // Posts and duty are given to a unit as a whole: whom the files no longer mention holds neither.
    for gone in diff.gone.iter().filter(|officer| officer.is_duty_contact || officer.post == Post::Head) {
        diff.counts.changed += 1;
        diff.write.push(Officer { is_duty_contact: false, post: Post::Lead, ..gone.clone() });
    }
    load.unmentioned = diff.gone.iter().map(|officer| officer.id).collect();
    if diff.write.len() > MOST_PARAMETERS / 13 {
        // More than one statement: a backup may come in a later one, so all rows come first without.
        let lone: Vec<Officer> =
            diff.write.iter().map(|officer| Officer { backup_id: None, ..officer.clone() }).collect();
        Officer::write(load.conn, &lone).await?;
    }
    Officer::write(load.conn, &diff.write).await?;
    load.ids.officers = ids;
    load.counts.push((Kind::Officers, diff.counts));
    Ok(())
}

async fn store_absences(load: &mut Load<'_>) -> QueryResult<()> {
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.officers.rows {
        let Some((from, to)) = row.leave else { continue };
        let (Some(starts_at), Some(ends_at)) =
            (midnight(from), to.checked_add_days(Days::new(1)).and_then(midnight))
        else {
            continue;
        };
        wanted.push(Absence {
            id: Uuid::now_v7(),
            county_id: load.county,
            officer_id: find(&load.ids.officers, &row.code)?,
            starts_at,
            ends_at,
            reason: "休假".to_owned(),
            source: AbsenceSource::Import,
        });
    }
    // What somebody entered in the product is none of the files' business.
    let mut stored = Absence::load(load.conn, load.county).await?;
    stored.retain(|absence| absence.source == AbsenceSource::Import);
    let mut diff = diff(stored, wanted);
    diff.counts.ended = end_absences(load, &diff.gone).await?;
    Absence::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::Absences, diff.counts));
    Ok(())
}

/// Leave that the files no longer mention is over now, or never comes; leave that was over before stays as it was.
async fn end_absences(load: &mut Load<'_>, gone: &[Absence]) -> QueryResult<usize> {
    let ids = |of: &dyn Fn(&Absence) -> bool| -> Vec<Uuid> {
        gone.iter().filter(|absence| of(absence)).map(|absence| absence.id).collect()
    };
    let now = load.now;
    let to_come = ids(&|absence| absence.starts_at >= now);
    let running = ids(&|absence| absence.starts_at < now && absence.ends_at > now);
    let called_off =
        diesel::delete(absences::table.filter(absences::id.eq_any(to_come))).execute(load.conn).await?;
    let ended = diesel::update(absences::table.filter(absences::id.eq_any(running)))
        .set(absences::ends_at.eq(now))
        .execute(load.conn)
        .await?;
    Ok(called_off + ended)
}

/// The moment when a day begins in China.
fn midnight(day: NaiveDate) -> Option<DateTime<Utc>> {
    let local = chrono_tz::Asia::Shanghai.from_local_datetime(&day.and_time(NaiveTime::MIN));
    local.earliest().map(|moment| moment.to_utc())
}
