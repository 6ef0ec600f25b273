//! One query for a slice of taps: whose enterprise, which item, who could be asked.

use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel::{Queryable, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::body::{Tap, Words};
use crate::calls::model::RouteRule;
use crate::calls::store::{Candidate, DepartmentFace, ItemFace, OfficerFace};
use crate::organisation::model::{OfficerStatus, Post};
use crate::organisation::{CountyId, DepartmentId, EnterpriseId, OfficerId};

/// What is known about one tap. A tap without any row belongs to no enterprise.
#[derive(Clone, Debug)]
pub struct Context {
    /// How many enterprises fit; more than one when the tap must say which.
    pub enterprises: i64,
    pub enterprise: EnterpriseRow,
    pub settings: Value,
    /// Of the county's calendars, as this transaction sees it.
    pub calendar_revision: i32,
    pub item: Option<ItemFace>,
    pub sequence: i64,
    /// Whom the cards and contacts name, in the order of the rules.
    named: Vec<NamedRow>,
    /// The officers of the business office, the same for all taps of a slice.
    office: Arc<[NamedRow]>,
}

impl Context {
    /// Who could be asked, in the order of the rules.
    pub fn named(&self) -> impl Iterator<Item = &NamedRow> {
        self.named.iter().chain(self.office.iter())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct EnterpriseRow {
    pub id: EnterpriseId,
    pub name: String,
    pub short_name: String,
    pub address: String,
    pub contact_name: String,
    pub contact_mobile: String,
}

/// An officer whom a rule names, with everything that the call and its alarm need of him.
#[derive(Clone, Debug, Queryable)]
pub struct NamedRow {
    pub rule: RouteRule,
    pub lead: OfficerRow,
    pub backup: Option<OfficerRow>,
}

#[derive(Clone, Debug, Queryable)]
pub struct OfficerRow {
    pub id: OfficerId,
    pub name: String,
    pub title: String,
    pub post: Post,
    pub mobile: String,
    pub status: OfficerStatus,
    pub absent: bool,
    pub department: DepartmentRow,
}

#[derive(Clone, Debug, Queryable)]
pub struct DepartmentRow {
    pub id: DepartmentId,
    pub code: String,
    pub name: String,
    pub short_name: String,
}

impl OfficerRow {
    /// As somebody who may be asked.
    #[must_use]
    pub fn candidate(&self) -> Candidate {
        Candidate {
            id: self.id,
            name: self.name.clone(),
            department_id: self.department.id,
            backup_id: None,
            status: self.status,
            post: self.post,
            absent: self.absent,
        }
    }

    /// As people see him.
    #[must_use]
    pub fn face(&self) -> OfficerFace {
        OfficerFace {
            id: self.id,
            name: self.name.clone(),
            title: self.title.clone(),
            post: self.post,
            mobile: self.mobile.clone(),
        }
    }

    #[must_use]
    pub fn department_face(&self) -> DepartmentFace {
        DepartmentFace {
            id: self.department.id,
            code: self.department.code.clone(),
            name: self.department.name.clone(),
            short_name: self.department.short_name.clone(),
        }
    }
}

/// Reads the context of each tap, in order; none for a tap whose person belongs to no (such) enterprise.
pub async fn read(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    taps: &[Tap],
) -> QueryResult<Vec<Option<Context>>> {
    let mut query = ContextQuery { county, ..ContextQuery::default() };
    for (index, tap) in (0_i32..).zip(taps) {
        query.index.push(index);
        query.account.push(tap.person.account);
        query.enterprise.push(tap.enterprise.map(|enterprise| enterprise.0));
        query.on_behalf.push(tap.on_behalf.is_some());
        query.item.push(match &tap.words {
            Words::Item(code) => Some(code.clone()),
            Words::Nothing | Words::Unclear(_) => None,
        });
        query.triage_only.push(matches!(tap.words, Words::Unclear(_)));
        query.at.push(tap.now);
    }
    let rows: Vec<Row> = query.load(conn).await?;
    let (own, office): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.subject.is_some());
    let office: Arc<[NamedRow]> = office.into_iter().filter_map(|row| row.named).collect();
    let mut contexts: Vec<Option<Context>> = taps.iter().map(|_| None).collect();
    for row in own {
        let Some(subject) = row.subject else { continue };
        let Some(slot) = usize::try_from(subject.index).ok().and_then(|index| contexts.get_mut(index)) else {
            continue;
        };
        let context = slot.get_or_insert_with(|| Context {
            enterprises: subject.enterprises,
            enterprise: subject.enterprise,
            settings: subject.settings,
            calendar_revision: subject.calendar_revision,
            item: subject.item,
            sequence: subject.sequence,
            named: Vec::new(),
            office: office.clone(),
        });
        context.named.extend(row.named);
    }
    Ok(contexts)
}

/// Without a subject: an officer of the business office.
#[derive(Queryable)]
struct Row {
    subject: Option<SubjectRow>,
    named: Option<NamedRow>,
}

#[derive(Queryable)]
struct SubjectRow {
    index: i32,
    enterprises: i64,
    sequence: i64,
    settings: Value,
    calendar_revision: i32,
    enterprise: EnterpriseRow,
    item: Option<ItemFace>,
}

type EnterpriseSql = (SqlUuid, Text, Text, Text, Text, Text);
type ItemSql = (SqlUuid, Text, Text, SqlUuid, Integer, Integer, Integer);
type NamedSql = (Text, OfficerSql, Nullable<OfficerSql>);
type OfficerSql = (SqlUuid, Text, Text, Text, Text, Text, Bool, (SqlUuid, Text, Text, Text));

/// The query, kept as a prepared statement (unlike `sql_query`).
#[derive(Default)]
struct ContextQuery {
    county: CountyId,
    index: Vec<i32>,
    account: Vec<Uuid>,
    enterprise: Vec<Option<Uuid>>,
    on_behalf: Vec<bool>,
    item: Vec<Option<String>>,
    triage_only: Vec<bool>,
    at: Vec<chrono::DateTime<chrono::Utc>>,
}

impl Query for ContextQuery {
    type SqlType = (
        Nullable<(Integer, BigInt, BigInt, Jsonb, Integer, EnterpriseSql, Nullable<ItemSql>)>,
        Nullable<NamedSql>,
    );
}

impl QueryId for ContextQuery {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for ContextQuery {}

impl QueryFragment<Pg> for ContextQuery {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("with asked as (select * from unnest(");
        out.push_bind_param::<Array<Integer>, _>(&self.index)?;
        out.push_sql("::int4[], ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.account)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<Nullable<SqlUuid>>, _>(&self.enterprise)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<Bool>, _>(&self.on_behalf)?;
        out.push_sql("::bool[], ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.item)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Bool>, _>(&self.triage_only)?;
        out.push_sql("::bool[], ");
        out.push_bind_param::<Array<sql_types::Timestamptz>, _>(&self.at)?;
        out.push_sql("::timestamptz[]) as t(index, account_id, enterprise_id, on_behalf, item_code, triage_only, at)), ");
        out.push_sql(SUBJECT);
        out.push_bind_param::<SqlUuid, _>(&self.county)?;
        out.push_sql(NAMED);
        out.push_bind_param::<SqlUuid, _>(&self.county)?;
        out.push_sql(WHOLE);
        Ok(())
    }
}

/// Whose enterprise and which item, tap by tap.
const SUBJECT: &str = "subject as materialized (
    select a.index, a.at, a.triage_only, own.enterprises, e.id as enterprise_id, e.name, e.short_name, e.address, e.contact_name,
        e.contact_mobile, e.area_id, k.settings, k.calendar_revision, nextval('call_numbers') as sequence, i.id as item_id, i.code as item_code,
        i.name as item_name, i.department_id as item_department_id, i.category_id, i.accept_working_minutes, i.respond_working_hours,
        i.resolve_working_days
    from asked a
    cross join lateral (
        select m.enterprise_id, count(*) over () as enterprises from members m
        where not a.on_behalf and m.account_id = a.account_id and m.left_at is null
            and (a.enterprise_id is null or m.enterprise_id = a.enterprise_id)
        union all
        select x.id, 1 from enterprises x where a.on_behalf and x.id = a.enterprise_id
        limit 1
    ) own
    join enterprises e on e.id = own.enterprise_id
    join counties k on k.id = e.county_id
    left join service_items i on i.county_id = ";

/// Whom the rules name: the cards and contacts of each tap, and once for all of them, without an index, the business office.
/// Materialized, so that the officers are joined once and not again for every tap.
const NAMED: &str = " and i.code = a.item_code and i.active
), named as materialized (
    select s.index, s.at, n.rank, n.rule, n.officer_id, n.backup_id, n.code from subject s cross join lateral (
        select 1 as rank, 'item_card' as rule, c.officer_id, c.backup_id, '' as code from contact_cards c
            where not s.triage_only and c.enterprise_id = s.enterprise_id and c.item_id = s.item_id
        union all
        select 2, 'category_card', c.officer_id, c.backup_id, '' from contact_cards c
            where not s.triage_only and c.enterprise_id = s.enterprise_id and c.category_id = s.category_id
        union all
        select 3, 'lead_officer', c.officer_id, c.backup_id, '' from contact_cards c
            where not s.triage_only and c.enterprise_id = s.enterprise_id and c.item_id is null and c.category_id is null
        union all
        select case when c.area_id is null then 5 else 4 end, 'item_contact', c.officer_id, null, '' from item_contacts c
            where c.item_id = s.item_id and (c.area_id is null or c.area_id = s.area_id)
        union all
        select 6, 'duty_contact', d.id, null, d.code from officers d where d.department_id = s.item_department_id and d.is_duty_contact
    ) n
    union all
    select null, (select max(at) from asked), case when t.is_duty_contact then 7 else 8 end, 'triage', t.id, null, t.code
        from departments f join officers t on t.department_id = f.id
        where f.county_id = ";

const WHOLE: &str = " and f.office = 'business_office' and t.status = 'active'
)
select s.index, s.enterprises, s.sequence, s.settings, s.calendar_revision, s.enterprise_id, s.name, s.short_name, s.address, s.contact_name, s.contact_mobile,
    s.item_id, s.item_code, s.item_name, s.item_department_id, s.accept_working_minutes, s.respond_working_hours, s.resolve_working_days,
    n.rule, o.id, o.name, o.title, o.post, o.mobile, o.status, (oa.officer_id is not null), od.id, od.code, od.name, od.short_name,
    b.id, b.name, b.title, b.post, b.mobile, b.status, (ba.officer_id is not null), bd.id, bd.code, bd.name, bd.short_name
from subject s
full join named n on n.index = s.index
left join officers o on o.id = n.officer_id
left join departments od on od.id = o.department_id
left join officers b on b.id = coalesce(n.backup_id, o.backup_id)
left join departments bd on bd.id = b.department_id
left join lateral (select x.officer_id from absences x
    where x.officer_id = o.id and x.starts_at <= n.at and x.ends_at > n.at limit 1) oa on true
left join lateral (select x.officer_id from absences x
    where x.officer_id = b.id and x.starts_at <= n.at and x.ends_at > n.at limit 1) ba on true
order by s.index, n.rank, n.code, o.code";
