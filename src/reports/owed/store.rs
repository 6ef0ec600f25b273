//! The SQL of what is owed. One index leads to what is due first, whatever is open besides.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::deadlines::Clock;
use crate::deadlines::ladder::HIGHEST_LIFT;
use crate::organisation::{CountyId, DepartmentId, OfficerId};

/// Who owes: of a call its holder; a ruling and an assignment out of triage the business office; help the department that was asked.
/// An order is signed for and answered by the head of the ordered department (a deputy where there is none), and closed by the unit of
/// who issued it, the business office when it was the clock. Silence of an enterprise and the end of a pause are nobody's debt.
macro_rules! owed {
    ($rest:literal) => {
        concat!(
            "with owed as (
                select d.id, d.clock, d.started_at, d.due_at, d.step, d.fires_at,
                    c.id as call_id, c.number as call_number, c.title, c.urgency, e.name as enterprise,
                    so.number as order_number, u.id as department_id, u.code as department_code, u.name as department,
                    o.id as officer_id, o.name as officer,
                    h.starts_at as held_since,
                    (select max(f.rung) from firings f where f.deadline_id = d.id and f.outcome = 'fired' and f.rung <= $3) as rung
                from deadlines d
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
                left join holder_spans h on d.subject_kind = 'call' and h.call_id = c.id and h.ends_at is null
                where d.county_id = $1 and d.state = 'running' and d.due_at < $2 and d.clock not in ('confirm', 'pause'))
            ",
            $rest
        )
    };
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
    pub shown: Shown,
    /// Only what is due before.
    pub before: DateTime<Utc>,
    pub officer: Option<OfficerId>,
    pub department: Option<DepartmentId>,
    pub department_code: Option<String>,
    pub clock: Option<Clock>,
    pub rung: Option<i16>,
    /// Where the page before ended.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

impl Filter {
    /// Everything that is due before a moment.
    #[must_use]
    pub const fn before(before: DateTime<Utc>, shown: Shown) -> Self {
        Self {
            shown,
            before,
            officer: None,
            department: None,
            department_code: None,
            clock: None,
            rung: None,
            after: None,
        }
    }
}

/// What is due first comes first.
pub async fn page(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    filter: &Filter,
    limit: i64,
) -> QueryResult<Vec<Owed>> {
    let (after_at, after_id) = filter.after.unzip();
    let page = owed!(
        "select * from owed where ($4::uuid is null or officer_id = $4) and ($5::uuid is null or department_id = $5)
            and ($6::text is null or department_code = $6) and ($7::text is null or clock = $7)
            and ($8::smallint is null or rung = $8) and ($9::timestamptz is null or (due_at, id) > ($9, $10))
        order by due_at, id limit $11"
    );
    sql_query(page)
        .bind::<SqlUuid, _>(county.0)
        .bind::<Timestamptz, _>(filter.before)
        .bind::<Int2, _>(filter.shown.0)
        .bind::<Nullable<SqlUuid>, _>(filter.officer.map(|officer| officer.0))
        .bind::<Nullable<SqlUuid>, _>(filter.department.map(|department| department.0))
        .bind::<Nullable<Text>, _>(filter.department_code.as_deref())
        .bind::<Nullable<Text>, _>(filter.clock.map(Clock::as_str))
        .bind::<Nullable<Int2>, _>(filter.rung)
        .bind::<Nullable<Timestamptz>, _>(after_at)
        .bind::<Nullable<SqlUuid>, _>(after_id)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await
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

/// Counts what was due before `now`, of one department or of all. `ages`: how old in seconds, rising.
pub async fn counts(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    now: DateTime<Utc>,
    department: Option<DepartmentId>,
    shown: Shown,
    ages: &[f64],
) -> QueryResult<Vec<Count>> {
    let counts = owed!(
        "select department_code, department, rung, clock,
            width_bucket(extract(epoch from $2 - due_at)::float8, $5) as age, count(*) as count
        from owed where $4::uuid is null or department_id = $4 group by 1, 2, 3, 4, 5"
    );
    sql_query(counts)
        .bind::<SqlUuid, _>(county.0)
        .bind::<Timestamptz, _>(now)
        .bind::<Int2, _>(shown.0)
        .bind::<Nullable<SqlUuid>, _>(department.map(|department| department.0))
        .bind::<diesel::sql_types::Array<diesel::sql_types::Double>, _>(ages)
        .load(conn)
        .await
}
