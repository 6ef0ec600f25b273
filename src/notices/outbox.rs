//! Posting notices in the transaction of the fact they tell.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::address::{Reach, Room, Routes};
use super::channels::ChannelKind;
use super::model::{ChannelId, ChannelState, NewNotice, Priority, SubjectKind};
use super::redraw;
use super::store::may_have_arrived;
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::notices;

pub use super::address::address;
pub use super::redraw::Done;

/// A notice before it has a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    /// `subject.verb`, names the template and the webhook's type, e.g. `call.dispatched`.
    pub event: &'static str,
    /// The department whose room hears it; none: only the county's own channels.
    pub department: Option<DepartmentId>,
    /// The officer whose action is awaited.
    pub officer: Option<OfficerId>,
    pub priority: Priority,
    pub params: Value,
}

/// The channels that hear the matters of these departments: their own rooms, the business office's, the county's channels, and the
/// applications that reach these officers. A paused one is among them: what is posted to it waits there, visibly, until it is active
/// again, and alarms nobody meanwhile. A dead one is not.
pub async fn routes(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    departments: &[DepartmentId],
    officers: &[OfficerId],
) -> QueryResult<Routes> {
    let asked = AskRoutes {
        county: county.0,
        departments: departments.iter().map(|id| id.0).collect(),
        officers: officers.iter().map(|id| id.0).collect(),
    };
    let mut routes = Routes::default();
    for RouteRow { channel, state, department, office, officer, user_id } in asked.load(conn).await? {
        let paused = state == ChannelState::Paused;
        match officer.zip(user_id) {
            Some((officer, user_id)) => routes.people.push(Reach { channel, officer, user_id, paused }),
            None => routes.rooms.push(Room { channel, department, office, paused }),
        }
    }
    Ok(routes)
}

#[derive(Queryable)]
struct RouteRow {
    channel: ChannelId,
    state: ChannelState,
    department: Option<DepartmentId>,
    office: bool,
    officer: Option<OfficerId>,
    user_id: Option<String>,
}

struct AskRoutes {
    county: Uuid,
    departments: Vec<Uuid>,
    officers: Vec<Uuid>,
}

impl QueryFragment<Pg> for AskRoutes {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        use sql_types::{Array, Uuid};
        out.push_sql(
            "select c.id, c.state, c.department_id, coalesce(d.office = 'business_office', false), a.officer_id, a.user_id \
             from channels c left join departments d on d.id = c.department_id \
             left join officer_addresses a on a.channel_id = c.id and a.officer_id = any(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.officers)?;
        out.push_sql(
            ") left join officers o on o.id = a.officer_id \
             left join department_channels p on p.channel_id = c.id and p.department_id = o.department_id \
             where c.state <> 'dead' and c.county_id = ",
        );
        out.push_bind_param::<Uuid, _>(&self.county)?;
        out.push_sql(
            " and case when c.kind in ('wecom_app', 'dingtalk_app', 'feishu_app') then a.officer_id is not null \
             when c.kind = 'wechat_subscribe' then false \
             else c.department_id is null or d.office = 'business_office' or c.department_id = any(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.departments)?;
        out.push_sql(") end order by a.preference nulls last, p.preference nulls last, c.code");
        Ok(())
    }
}

impl QueryId for AskRoutes {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for AskRoutes {
    type SqlType = (
        sql_types::Uuid,
        sql_types::Text,
        sql_types::Nullable<sql_types::Uuid>,
        sql_types::Bool,
        sql_types::Nullable<sql_types::Uuid>,
        sql_types::Nullable<sql_types::Text>,
    );
}

/// Rows in one statement: Postgres counts its parameters in 16 bits, and a row has some twenty.
const ROWS: usize = 1000;

/// Writes notices; they leave when the transaction has committed.
pub async fn post(conn: &mut AsyncPgConnection, rows: &[NewNotice]) -> QueryResult<()> {
    for rows in rows.chunks(ROWS) {
        diesel::insert_into(notices::table).values(rows).execute(conn).await?;
    }
    Ok(())
}

/// What was awaited has happened: alarms that left were acted on, alarms that did not leave stay behind. One that is on the wire at
/// this moment ends acted or superseded when its sender settles. Those that were given up are marked as well, so that whatever takes
/// their place at this moment finds that nothing is awaited any more. The cards that were sent, or are being sent, are redrawn; so are
/// those that may have arrived where it is we who name them (DingTalk).
pub async fn settle_alarms(conn: &mut AsyncPgConnection, subject: Uuid, done: &Done<'_>) -> QueryResult<()> {
    let cards = SettleAlarms { subject, kinds: redrawable() }.load(conn).await?;
    post(conn, &redraw::rows(cards, done)).await
}

/// The same for those alarms only that said that one of these clocks is late, or soon will be.
pub async fn settle_reminders(
    conn: &mut AsyncPgConnection,
    subject: Uuid,
    clocks: &[&str],
    done: &Done<'_>,
) -> QueryResult<()> {
    let cards =
        SettleReminders { alarms: SettleAlarms { subject, kinds: redrawable() }, clocks }.load(conn).await?;
    post(conn, &redraw::rows(cards, done)).await
}

/// The kinds of channels whose cards can be redrawn.
fn redrawable() -> Vec<ChannelKind> {
    ChannelKind::ALL.iter().copied().filter(|kind| kind.redrawn_within().is_some()).collect()
}

/// Settles the alarms of a subject and answers the cards to be redrawn.
struct SettleAlarms {
    subject: Uuid,
    kinds: Vec<ChannelKind>,
}

/// [`SettleAlarms`] for those of some clocks.
struct SettleReminders<'a> {
    alarms: SettleAlarms,
    clocks: &'a [&'a str],
}

type CardColumns = (
    sql_types::Uuid,
    sql_types::Uuid,
    sql_types::Text,
    sql_types::Uuid,
    sql_types::Uuid,
    sql_types::Text,
    sql_types::Uuid,
    sql_types::Jsonb,
);

impl QueryFragment<Pg> for SettleAlarms {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk(out, None)
    }
}

impl SettleAlarms {
    /// Of all clocks, or of these alone.
    fn walk<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>, clocks: Option<&'b [&'b str]>) -> QueryResult<()> {
        // Locked in the order of their ids, as everybody does: or two who want the same rows would wait for each other.
        out.push_sql("with alarms as (select id from notices where subject_id = ");
        out.push_bind_param::<sql_types::Uuid, _>(&self.subject)?;
        out.push_sql(" and officer_id is not null and not answered");
        if let Some(clocks) = clocks {
            out.push_sql(" and params->>'clock' = any(");
            out.push_bind_param::<sql_types::Array<sql_types::Text>, _>(clocks)?;
            out.push_sql(")");
        }
        out.push_sql(
            " order by id for no key update), settled as (update notices n set answered = true, \
             state = case when n.state = 'sent' or n.state = 'fallback' and n.sent_at is not null then 'acted' \
             when n.state in ('queued', 'held', 'retry') then 'superseded' else n.state end, \
             due_at = case n.state when 'sending' then n.due_at end, follow_at = null, \
             reason = case when n.state not in ('queued', 'held', 'retry') then n.reason \
             when n.attempt > 0 and ",
        );
        out.push_sql(may_have_arrived!("n.id"));
        out.push_sql(
            " then 'superseded: may_have_arrived' else 'superseded' end from alarms where n.id = alarms.id \
             returning n.id, n.county_id, n.subject_kind, n.subject_id, n.channel_id, n.recipient, n.officer_id, n.params, n.state, n.attempt, n.handle) \
             select s.id, s.county_id, s.subject_kind, s.subject_id, s.channel_id, s.recipient, s.officer_id, s.params \
             from settled s join channels c on c.id = s.channel_id \
             where (s.state = 'sending' or s.state = 'acted' and s.handle is not null \
             or c.kind = 'dingtalk_app' and s.handle is null and s.attempt > 0 and ",
        );
        out.push_sql(may_have_arrived!("s.id"));
        out.push_sql(") and c.kind = any(");
        out.push_bind_param::<sql_types::Array<sql_types::Text>, _>(&self.kinds)?;
        out.push_sql(") order by s.id");
        Ok(())
    }
}

impl QueryId for SettleAlarms {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for SettleAlarms {
    type SqlType = CardColumns;
}

impl QueryFragment<Pg> for SettleReminders<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.alarms.walk(out, Some(self.clocks))
    }
}

impl QueryId for SettleReminders<'_> {
    type QueryId = SettleReminders<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for SettleReminders<'_> {
    type SqlType = CardColumns;
}
