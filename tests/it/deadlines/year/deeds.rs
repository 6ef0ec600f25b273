//! What people do in the course of the year: the product's own verbs, by whoever is responsible at that moment.

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;
use futures_util::StreamExt as _;
use uuid::Uuid;
use yijiao::calls::accept::{Accept, Door};
use yijiao::calls::assign::Assign;
use yijiao::calls::case::{Order, perform};
use yijiao::calls::confirm::{Confirm, Reject};
use yijiao::calls::extension::Extension;
use yijiao::calls::model::CallId;
use yijiao::calls::pause::Pause;
use yijiao::calls::progress::{Contacted, Note, Promise};
use yijiao::calls::resolve::Resolve;
use yijiao::calls::routes::person;
use yijiao::calls::standing::Person;
use yijiao::calls::urge::{Urge, Withdraw};

use yijiao::identity::Caller;
use yijiao::supervision::orders::OrderId;
use yijiao::supervision::orders::close::CloseOrder;
use yijiao::supervision::orders::open as orders;
use yijiao::supervision::orders::reply::ReplyToOrder;
use yijiao::supervision::orders::sign::Sign;

use super::super::stage::signed_in;
use crate::kit::{County, Spans as _};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// So many calls at once.
    Raise(usize),
    AnswerOrders,
    Accept,
    Backup,
    Contact,
    Note,
    Promise,
    AskPause,
    Pause,
    AskExtension,
    Extend,
    Resolve,
    Confirm,
    Reject,
    Urge,
    Withdraw,
    Assign,
}

pub struct People {
    persons: HashMap<String, Person>,
    callers: HashMap<String, Caller>,
}

/// Who has a call: holder, backup, department.
struct Hands([String; 3]);

impl People {
    pub async fn of(county: &County) -> Self {
        let mut logins = county.texts("select code from officers where status = 'active'").await;
        logins.push("MILL".to_owned());
        let (mut persons, mut callers) = (HashMap::new(), HashMap::new());
        for login in logins {
            let caller = signed_in(county, &login).await;
            persons.insert(login.clone(), person(&caller));
            callers.insert(login, caller);
        }
        Self { persons, callers }
    }

    pub fn mill(&self) -> &Person {
        &self.persons["MILL"]
    }

    /// Does all that; how many deeds were done, and how many refused.
    pub async fn do_all(
        &self,
        county: &County,
        auditor: &mut AsyncPgConnection,
        deeds: Vec<(Option<Uuid>, Deed)>,
    ) -> (usize, usize) {
        let (calls, others): (Vec<_>, Vec<_>) = deeds.into_iter().partition(|(call, _)| call.is_some());
        if others.contains(&(None, Deed::AnswerOrders)) {
            answer_orders(county, &self.callers, auditor).await;
        }
        let hands = hands(county, auditor, &calls).await;
        let deeds = calls.into_iter().filter_map(|(call, deed)| Some((call?, deed)));
        let all = deeds.map(|(call, deed)| self.does(county, call, deed, &hands[&call]));
        let done: Vec<bool> = futures_util::stream::iter(all).buffer_unordered(6).collect().await;
        let well = done.iter().filter(|done| **done).count();
        (well, done.len() - well)
    }

    async fn does(
        &self,
        county: &County,
        call: Uuid,
        deed: Deed,
        Hands([holder, backup, department]): &Hands,
    ) -> bool {
        let now = county.now();
        let (holder, backup) =
            (&self.persons[holder], self.persons.get(backup).unwrap_or(&self.persons[holder]));
        let head = &self.persons[&format!("{department}-HEAD")];
        let words = || Some("材料待补".to_owned());
        match deed {
            Deed::Raise(_) | Deed::AnswerOrders => true,
            Deed::Accept => run(county, holder, call, Accept { door: Door::Account }).await,
            Deed::Backup => run(county, backup, call, Accept { door: Door::Account }).await,
            Deed::Contact => run(county, holder, call, Contacted::default()).await,
            Deed::Note => run(county, holder, call, Note { text: "在办".to_owned() }).await,
            Deed::Promise => run(county, holder, call, Promise { until: now + 3.hours(), text: None }).await,
            Deed::AskPause => {
                let code = Some("enterprise_materials".to_owned());
                let asked =
                    Pause { reason_code: code, working_days: Some(2), evidence: words(), ..Pause::default() };
                run(county, holder, call, asked).await
            }
            Deed::Pause => run(county, head, call, Pause { approve: Some(true), ..Pause::default() }).await,
            Deed::AskExtension => {
                let asked = Extension { working_days: Some(2), reason: words(), ..Extension::default() };
                run(county, holder, call, asked).await
            }
            Deed::Extend => {
                run(county, head, call, Extension { approve: Some(true), ..Extension::default() }).await
            }
            Deed::Resolve => run(county, holder, call, Resolve { result: "已办结".to_owned() }).await,
            Deed::Confirm => run(county, self.mill(), call, Confirm::default()).await,
            Deed::Reject => run(county, self.mill(), call, Reject { reason: "没有解决".to_owned() }).await,
            Deed::Urge => run(county, self.mill(), call, Urge::default()).await,
            Deed::Withdraw => run(county, self.mill(), call, Withdraw { reason: None }).await,
            Deed::Assign => {
                let to = if department == "ENV" { "POWER" } else { "ENV" };
                let order = Assign {
                    department_code: Some(to.to_owned()),
                    reason: "改派".to_owned(),
                    ..Assign::default()
                };
                run(county, &self.persons["OFFICE-DESK"], call, order).await
            }
        }
    }
}

async fn run<O: Order>(county: &County, person: &Person, call: Uuid, order: O) -> bool {
    match perform(&county.app.calls, person, CallId(call), order, None, county.now()).await {
        Ok(_) => true,
        // What came in between is no fault of the plan's.
        Err(problem) if (400..500).contains(&problem.status().as_u16()) => false,
        Err(problem) => panic!("{problem}"),
    }
}

async fn hands(
    county: &County,
    auditor: &mut AsyncPgConnection,
    deeds: &[(Option<Uuid>, Deed)],
) -> HashMap<Uuid, Hands> {
    let ids: Vec<String> = deeds.iter().filter_map(|(call, _)| Some(format!("'{}'", (*call)?))).collect();
    if ids.is_empty() {
        return HashMap::new();
    }
    let query = format!(
        "select concat_ws(' ', c.id, h.code, coalesce(b.code, '-'), d.code) from calls c join officers h on h.id = c.holder_id
        join departments d on d.id = c.department_id left join officers b on b.id = c.backup_id where c.id in ({})",
        ids.join(",")
    );
    let rows = county.texts_by(auditor, &query).await;
    rows.iter()
        .map(|row| {
            let words: Vec<&str> = row.split(' ').collect();
            (words[0].parse().unwrap(), Hands([words[1], words[2], words[3]].map(str::to_owned)))
        })
        .collect()
}

/// Whoever was ordered signs and answers, and the office is content.
async fn answer_orders(county: &County, people: &HashMap<String, Caller>, auditor: &mut AsyncPgConnection) {
    let open = "select o.id || ' ' || d.code || '-HEAD' from supervision_orders o join departments d on d.id = o.department_id
        where o.state <> 'closed'";
    let (desk, now) = (&county.app.supervision, county.now());
    for order in county.texts_by(auditor, open).await {
        let (id, head) = order.split_once(' ').unwrap();
        let (id, head) = (OrderId(id.parse().unwrap()), &people[head]);
        orders::perform(desk, head, id, Sign, None, now).await.unwrap();
        let reply = ReplyToOrder { text: "已安排".to_owned() };
        orders::perform(desk, head, id, reply, None, now).await.unwrap();
        let close = CloseOrder { verdict: "同意".to_owned() };
        orders::perform(desk, &people["OFFICE-DESK"], id, close, None, now).await.unwrap();
    }
}
