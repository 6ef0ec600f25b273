//! Beginning a drill: the rows of its messages and what will be reported are written in one transaction.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Asia::Shanghai;
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::error::DrillCode;
use super::store::{self, Holder, NewContact, NewDrill};
use super::{ContactId, DrillId};
use crate::calls::link::Link;
use crate::calls::model::CallId;
use crate::deadlines::calendars::Calendars;
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, Fact};
use crate::notices::address::{Routes, blank};
use crate::notices::model::{ChannelId, NewNotice, NoticeState, Priority, SubjectKind};
use crate::notices::outbox::{self, Draft};
use crate::notices::params::CallParams;
use crate::organisation::CountyId;
use crate::platform::db::{Db, DbError, Scope};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Its event.
pub const CALLED: &str = "drill.called";
/// How many working days its readers have to answer.
pub const DAYS: i64 = 3;
/// Stands where a person begins one.
const BY_ITSELF: &str = "按月自动";
/// Nobody is drilled twice in so long by hand.
const ONCE_IN: TimeDelta = TimeDelta::days(1);

/// What begins a drill.
#[derive(Clone)]
pub struct Drills {
    pub db: Db,
    pub calendars: Calendars,
    /// Seals the links in its messages.
    pub link_key: [u8; 32],
}

impl std::fmt::Debug for Drills {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drills").field("db", &self.db).finish_non_exhaustive()
    }
}

impl Drills {
    /// Begins one by hand.
    ///
    /// # Errors
    /// 409 when there was one within a day.
    pub async fn start(
        &self,
        county: CountyId,
        author: &Actor,
        now: DateTime<Utc>,
    ) -> Result<DrillId, Problem> {
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let started = async {
            store::lock_county(&mut tx, county).await?;
            if store::started_since(&mut tx, county, now - ONCE_IN).await? {
                return Err(DrillCode::TooSoon.problem());
            }
            Ok(self.start_in(&mut tx, county, None, author, now).await?)
        };
        let started = started.await;
        tx.finish(started).await
    }

    /// Begins the one of this month, in its first working hours, unless the county had one this month or was not there when the month began: whoever
    /// has just set up a county tries its channels himself, and nobody is to be woken by a list that is still being filled in.
    ///
    /// # Errors
    /// Postgres only.
    pub async fn start_monthly(
        &self,
        county: CountyId,
        now: DateTime<Utc>,
    ) -> Result<Option<DrillId>, DbError> {
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let started = async {
            let since = month_start(now);
            let open = self.calendars.of(&mut tx, county, None).await?.next_open(now) == now;
            if !open || store::founded_at(&mut tx, county).await? > since {
                return Ok(None);
            }
            if store::started_since(&mut tx, county, since).await? {
                return Ok(None);
            }
            // Replicas take turns from here on; whoever comes second finds it begun.
            store::lock_county(&mut tx, county).await?;
            if store::started_since(&mut tx, county, since).await? {
                return Ok(None);
            }
            let month = china(now).date_naive().with_day(1);
            self.start_in(&mut tx, county, month, &Actor::clock(), now).await.map(Some)
        };
        let started = started.await;
        tx.finish(started).await
    }

    async fn start_in(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
        month: Option<NaiveDate>,
        author: &Actor,
        now: DateTime<Utc>,
    ) -> Result<DrillId, DbError> {
        let answer_by = self.calendars.of(conn, county, None).await?.closing_after(now, DAYS);
        let id = DrillId::fresh();
        let drill = NewDrill {
            id,
            county_id: county,
            month,
            started_at: now,
            answer_by,
            started_by: if month.is_some() { BY_ITSELF.to_owned() } else { author.name.clone() },
        };
        store::add(conn, &drill).await?;
        let holders = store::holders(conn, county).await?;
        let departments: Vec<_> = holders.iter().map(|holder| holder.department).collect();
        let officers: Vec<_> = holders.iter().map(|holder| holder.officer).collect();
        let routes = outbox::routes(conn, county, &departments, &officers).await?;
        let (mut contacts, mut notices) = (Vec::new(), Vec::new());
        for holder in &holders {
            let (contact, rows) = self.call(&drill, holder, &routes, now);
            contacts.push(contact);
            notices.extend(rows);
        }
        outbox::post(conn, &notices).await?;
        store::add_contacts(conn, &contacts).await?;
        let unaddressed = contacts.iter().filter(|contact| contact.message_id.is_none()).count();
        let told = json!({ "drill": id, "holders": contacts.len(), "unaddressed": unaddressed });
        let subject = Subject { county_id: county.0, kind: ledger::SubjectKind::County, id: county.0 };
        let at = ledger::store::last_at(conn, county.0).await?.map_or(now, |last| last.max(now));
        let fact = Fact::new("county.drill_started", told);
        ledger::store::append(conn, subject, author, at, vec![fact]).await?;
        Ok(id)
    }

    /// What is written for one holder: what will be reported of him, what stands in his inbox, and the message, if there is a way to him.
    fn call(
        &self,
        drill: &NewDrill,
        holder: &Holder,
        routes: &Routes,
        now: DateTime<Utc>,
    ) -> (NewContact, Vec<NewNotice>) {
        let id = ContactId::fresh();
        let draft = Draft {
            subject_kind: SubjectKind::Drill,
            subject_id: drill.id.0,
            event: CALLED,
            department: Some(holder.department),
            officer: Some(holder.officer),
            priority: Priority::Low,
            params: self.params(drill, holder, id),
        };
        let inbox = NewNotice {
            state: NoticeState::Sent,
            due_at: None,
            answered: true,
            sent_at: Some(now),
            ..blank(&draft, drill.county_id, now)
        };
        // Nobody's action is awaited: what fails is to be seen, not to be carried elsewhere.
        let message = way_to(holder, routes).map(|(channel, recipient)| NewNotice {
            channel_id: Some(channel),
            recipient,
            officer_id: None,
            posting_id: inbox.id,
            ..blank(&draft, drill.county_id, now)
        });
        let contact = NewContact {
            id,
            county_id: drill.county_id,
            drill_id: drill.id,
            officer_id: holder.officer,
            department_id: holder.department,
            inbox_id: inbox.id,
            message_id: message.as_ref().map(|message| message.id),
        };
        (contact, std::iter::once(inbox).chain(message).collect())
    }

    fn params(&self, drill: &NewDrill, holder: &Holder, contact: ContactId) -> Value {
        let link = Link::new(drill.county_id, CallId(contact.0), holder.officer, drill.answer_by + ONCE_IN);
        let path = link.path(&self.link_key).replacen("/a/", "/a/drill/", 1);
        let params = CallParams {
            number: Some(drill.started_at.with_timezone(&Shanghai).format("%Y%m%d").to_string()),
            holder: Some(holder.name.clone()),
            department: Some(holder.department_name.clone()),
            until: Some(drill.answer_by),
            act_path: Some(path),
            ..CallParams::default()
        };
        params.to_json()
    }
}

/// How a first alarm would reach him first: by his first application, else in the room of his department.
fn way_to(holder: &Holder, routes: &Routes) -> Option<(ChannelId, String)> {
    let mut own = routes.people.iter().filter(|reach| reach.officer == holder.officer && !reach.paused);
    let room = || routes.rooms.iter().find(|room| room.department == Some(holder.department) && !room.paused);
    own.next()
        .map(|reach| (reach.channel, reach.user_id.clone()))
        .or_else(|| room().map(|room| (room.channel, String::new())))
}

/// When the county's month began.
fn month_start(now: DateTime<Utc>) -> DateTime<Utc> {
    let first = china(now).date_naive().with_day(1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let first = first.and_then(|first| first.and_local_timezone(Shanghai).single());
    first.map_or(now, |first| first.to_utc())
}
