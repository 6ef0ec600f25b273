//! The SQL of what is owed. First the few rows that are asked for, by an index of whoever owes them; then, of these alone, what they are
//! about.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::deadlines::Clock;
use crate::deadlines::ladder::HIGHEST_LIFT;
use crate::organisation::{CountyId, DepartmentId, OfficerId};

/// Of whom it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Officer(OfficerId),
    Department(DepartmentId),
    /// Everybody in the county.
    County,
}

// Who owes: of a call its holder; a ruling and an assignment out of triage the business office; help the department that was asked.
// An order is signed for and answered by the head of the ordered department (a deputy where there is none), and closed by the unit of
// who issued it, the business office when it was the clock. Silence of an enterprise and the end of a pause are nobody's debt.
// That is said twice below, from whoever owes to the promise and from the promise to whoever owes; a test holds both together.

/// The running promises of officer `$4`: id, due moment, clock.
const OF_OFFICER: &str = "
    select d.id, d.due_at, d.clock from calls c join deadlines d on d.subject_id = c.id
        where c.holder_id = $4 and c.ended_at is null and d.state = 'running'
    union all
    select d.id, d.due_at, d.clock from side_matters m join deadlines d on d.subject_id = m.id
        where m.officer_id = $4 and m.state = 'asked' and d.state = 'running'
    union all
    select d.id, d.due_at, d.clock from accounts a join supervision_orders so on so.issued_by = a.id
        join deadlines d on d.subject_id = so.id
        where a.officer_id = $4 and so.state <> 'closed' and d.state = 'running' and d.clock = 'order_close'
    union all
    select d.id, d.due_at, d.clock from officers me join supervision_orders so on so.department_id = me.department_id
        join deadlines d on d.subject_id = so.id
        where me.id = $4 and so.state <> 'closed' and d.state = 'running' and d.clock in ('order_sign', 'order_reply')
            and me.id = (select x.id from officers x
                where x.department_id = me.department_id and x.status = 'active' and x.post in ('head', 'deputy')
                order by x.post = 'head' desc, x.code limit 1)";

/// Those of department `$4` of county `$1`.
const OF_DEPARTMENT: &str = "
    select d.id, d.due_at, d.clock from calls c join deadlines d on d.subject_id = c.id
        where c.department_id = $4 and c.ended_at is null and d.state = 'running' and d.clock <> 'triage'
    union all
    select d.id, d.due_at, d.clock from side_matters m join deadlines d on d.subject_id = m.id
        where m.department_id = $4 and m.state = 'asked' and d.state = 'running' and d.clock = 'assistance'
    union all
    select d.id, d.due_at, d.clock from supervision_orders so join deadlines d on d.subject_id = so.id
        where so.department_id = $4 and so.state <> 'closed' and d.state = 'running' and d.clock in ('order_sign', 'order_reply')
    union all
    select d.id, d.due_at, d.clock from deadlines d
        left join supervision_orders so on d.clock = 'order_close' and so.id = d.subject_id
        left join accounts ia on ia.id = so.issued_by
        left join officers io on io.id = ia.officer_id
        where d.county_id = $1 and d.state = 'running' and d.clock in ('triage', 'return_ruling', 'order_close')
            and coalesce(io.department_id, (select b.id from departments b where b.county_id = $1 and b.office = 'business_office')) = $4";

/// Those of county `$1`, the one due first first.
const OF_COUNTY: &str = "
    select d.id, d.due_at, d.clock from deadlines d where d.county_id = $1 and d.state = 'running' and $4::uuid is null";

/// The page that is asked for.
const PAGE: &str = "
    select p.id from promised p where p.due_at < $2 and p.clock not in ('confirm', 'pause') and ($5::text is null or p.clock = $5)
        and ($6::smallint is null or $6 =
            (select max(f.rung) from firings f where f.deadline_id = p.id and f.outcome = 'fired' and f.rung <= $3))
        and ($7::timestamptz is null or (p.due_at, p.id) > ($7, $8))
    order by p.due_at, p.id limit $9";

/// All of them.
const ALL: &str = "
    select p.id from promised p where p.due_at < $2 and p.clock not in ('confirm', 'pause')";

/// What the promises are about, and who owes them.
const OWED: &str = "
    select d.id, d.clock, d.started_at, d.due_at, d.fires_at,
        c.id as call_id, c.number as call_number, c.title, c.urgency, e.name as enterprise,
        so.number as order_number, u.id as department_id, u.code as department_code, u.name as department,
        o.id as officer_id, o.name as officer,
        h.starts_at as held_since,
        (select max(f.rung) from firings f where f.deadline_id = d.id and f.outcome = 'fired' and f.rung <= $3) as rung
    from ids join deadlines d on d.id = ids.id
    left join side_matters m on d.subject_kind = 'side_matter' and m.id = d.subject_id
    left join supervision_orders so on d.subject_kind = 'supervision_order' and so.id = d.subject_id
    left join calls c on c.id =
        case d.subject_kind when 'call' then d.subject_id when 'side_matter' then m.call_id else so.call_id end
    left join enterprises e on e.id = c.enterprise_id
    left join accounts ia on ia.id = so.issued_by
    left join officers io on io.id = ia.officer_id
    left join departments b on b.county_id = d.county_id and b.office = 'business_office'
    left join departments u on u.id = case
        when d.clock in ('triage', 'return_ruling') then b.id
        when d.clock = 'order_close' then coalesce(io.department_id, b.id)
        when d.clock = 'assistance' then m.department_id
        when so.id is not null then so.department_id
        else c.department_id end
    left join officers o on o.id = case
        when d.subject_kind = 'side_matter' then m.officer_id
        when d.clock = 'order_close' then io.id
        when d.clock in ('order_sign', 'order_reply') then
            (select x.id from officers x
            where x.department_id = so.department_id and x.status = 'active' and x.post in ('head', 'deputy')
            order by x.post = 'head' desc, x.code limit 1)
        when d.subject_kind = 'call' then c.holder_id end
    left join holder_spans h on d.subject_kind = 'call' and h.call_id = c.id and h.ends_at is null";

impl Whose {
    /// The statement that chooses `ids` among what is owed, and makes `rest` of it.
    fn statement(self, ids: &str, rest: &str) -> String {
        let promised = match self {
            Self::Officer(_) => OF_OFFICER,
            Self::Department(_) => OF_DEPARTMENT,
            Self::County => OF_COUNTY,
        };
        format!("with promised as ({promised}), ids as ({ids}), owed as ({OWED}) {rest}")
    }

    const fn id(self) -> Option<Uuid> {
        match self {
            Self::Officer(officer) => Some(officer.0),
            Self::Department(department) => Some(department.0),
            Self::County => None,
        }
    }
}

/// A running promise.
#[derive(Clone, Debug, QueryableByName)]
pub struct Owed {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub clock: Clock,
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub fires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub call_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    pub call_number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub title: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub urgency: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub enterprise: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub order_number: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub department_id: Option<DepartmentId>,
    #[diesel(sql_type = Nullable<Text>)]
    pub department_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub department: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub officer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    pub officer: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub held_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Int2>)]
    pub rung: Option<i16>,
}

/// Up to which rung somebody is shown how far a ladder has climbed. That discipline may hear of it is not for those concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown(i16);

impl Shown {
    /// For whoever supervises the county.
    pub const ALL: Self = Self(i16::MAX);
    /// For everybody else: as far as people are told.
    pub const TOLD: Self = Self(HIGHEST_LIFT);
}

/// Which of them.
#[derive(Clone, Debug)]
pub struct Filter {
    pub whose: Whose,
    pub shown: Shown,
    /// Only what is due before.
    pub before: DateTime<Utc>,
    pub clock: Option<Clock>,
    pub rung: Option<i16>,
    /// Where the page before ended.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

/// What is due first comes first.
pub async fn page(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    filter: &Filter,
    limit: i64,
) -> QueryResult<Vec<Owed>> {
    let (after_at, after_id) = filter.after.unzip();
    sql_query(filter.whose.statement(PAGE, "select * from owed order by due_at, id"))
        .bind::<SqlUuid, _>(county.0)
        .bind::<Timestamptz, _>(filter.before)
        .bind::<Int2, _>(filter.shown.0)
        .bind::<Nullable<SqlUuid>, _>(filter.whose.id())
        .bind::<Nullable<Text>, _>(filter.clock.map(Clock::as_str))
        .bind::<Nullable<Int2>, _>(filter.rung)
        .bind::<Nullable<Timestamptz>, _>(after_at)
        .bind::<Nullable<SqlUuid>, _>(after_id)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await
}

/// A department of the county by its code.
pub async fn department(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    code: &str,
) -> QueryResult<Option<DepartmentId>> {
    let found = sql::<Nullable<SqlUuid>>("(select id from departments where county_id = ")
        .bind::<SqlUuid, _>(county.0)
        .sql(" and code = ")
        .bind::<Text, _>(code)
        .sql(")");
    let id: Option<Uuid> = diesel::select(found).get_result(conn).await?;
    Ok(id.map(DepartmentId))
}

/// How many promises of a department stand on a rung, for a clock, so late.
#[derive(Clone, Debug, QueryableByName)]
pub struct Count {
    #[diesel(sql_type = Nullable<Text>)]
    pub department_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub department: Option<String>,
    #[diesel(sql_type = Nullable<Int2>)]
    pub rung: Option<i16>,
    #[diesel(sql_type = Text)]
    pub clock: Clock,
    /// Index of the age among those asked for; as many as there are: older than all.
    #[diesel(sql_type = Int4)]
    pub age: i32,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Counts what was due before `now`. `ages`: how old in seconds, rising.
pub async fn counts(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    now: DateTime<Utc>,
    whose: Whose,
    shown: Shown,
    ages: &[f64],
) -> QueryResult<Vec<Count>> {
    let counts = "select department_code, department, rung, clock,
            width_bucket(extract(epoch from $2 - due_at)::float8, $5) as age, count(*) as count
        from owed group by 1, 2, 3, 4, 5";
    sql_query(whose.statement(ALL, counts))
        .bind::<SqlUuid, _>(county.0)
        .bind::<Timestamptz, _>(now)
        .bind::<Int2, _>(shown.0)
        .bind::<Nullable<SqlUuid>, _>(whose.id())
        .bind::<diesel::sql_types::Array<diesel::sql_types::Double>, _>(ages)
        .load(conn)
        .await
}
