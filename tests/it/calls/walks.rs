//! Many people do whatever comes to their mind: no walk leads to a state that the rules do not know, what a call says is allowed is
//! allowed and nothing else is, and the books are right at the end.

use std::collections::HashMap;

use serde_json::{Value, json};
use yijiao::calls::check::broken_invariants;
use yijiao::calls::state::Verb;
use yijiao::ledger::audit;
use yijiao::platform::db::{DbError, Scope};

use crate::kit::{Client, County, Spans as _, View};

/// DOMAIN §3 as a table: whether a verb may lead from one state to another.
fn is_legal(verb: Verb, from: &str, to: &str) -> bool {
    let in_hand = matches!(from, "accepted" | "arrived");
    let open = in_hand || matches!(from, "triage" | "dispatched" | "resolved");
    match verb {
        Verb::Accept => (from, to) == ("dispatched", "accepted"),
        Verb::Arrive => (from, to) == ("accepted", "arrived"),
        Verb::Contacted | Verb::Leave | Verb::Note | Verb::Promise => in_hand && from == to,
        Verb::Assist | Verb::Pause | Verb::Resume | Verb::Extension => in_hand && from == to,
        Verb::Return => matches!(from, "dispatched" | "accepted") && from == to,
        Verb::Ruling => (in_hand || from == "dispatched") && (from == to || to == "dispatched"),
        Verb::Transfer => (in_hand || from == "dispatched") && to == "dispatched",
        Verb::Assign => open && from != "resolved" && to == "dispatched",
        Verb::Refuse => (from, to) == ("triage", "refused"),
        Verb::Resolve => in_hand && to == "resolved",
        Verb::Confirm => (from, to) == ("resolved", "closed"),
        Verb::Reject => (from, to) == ("resolved", "accepted"),
        Verb::Reopen => (from, to) == ("closed", "accepted"),
        Verb::Urge | Verb::Escalate => open && from == to,
        Verb::Withdraw => matches!(from, "triage" | "dispatched" | "accepted") && to == "withdrawn",
        Verb::Merge => matches!(from, "triage" | "dispatched") && (from == to || to == "merged"),
    }
}

/// A random number that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

struct Walk<'a> {
    county: &'a County,
    dice: Dice,
    officers: Vec<String>,
    elder: View,
}

impl Walk<'_> {
    /// A body that makes sense more often than not.
    fn body(&mut self, verb: Verb, call: &View) -> Value {
        let dice = &mut self.dice;
        let department = *dice.one(&["POWER", "ENV", "MARKET"]);
        let decides = dice.below(2) == 0;
        let reason = "走一步看一步";
        match verb {
            Verb::Accept
            | Verb::Leave
            | Verb::Contacted
            | Verb::Resume
            | Verb::Urge
            | Verb::Withdraw
            | Verb::Confirm => json!({}),
            Verb::Arrive => json!({"position": {"latitude": 34.7512, "longitude": 109.18}}),
            Verb::Note => json!({"text": reason}),
            Verb::Promise => {
                json!({"until": self.county.now() + i64::try_from(dice.below(2000)).unwrap().minutes()})
            }
            Verb::Assist => {
                let asked = call["matters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .rfind(|matter| matter["kind"] == "assistance" && matter["state"] == "asked");
                match asked {
                    Some(matter) if decides => json!({"matterId": matter["id"], "result": reason}),
                    _ => json!({"departmentCode": department, "reason": reason}),
                }
            }
            Verb::Pause | Verb::Extension if decides => json!({"approve": dice.below(3) > 0}),
            Verb::Pause => {
                json!({"reasonCode": "litigation", "workingDays": 1 + dice.below(5), "evidence": reason})
            }
            Verb::Extension => json!({"workingDays": 1 + dice.below(3), "reason": reason}),
            Verb::Return => json!({"departmentCode": department, "reason": reason}),
            Verb::Ruling => json!({"approve": decides, "reason": reason}),
            Verb::Transfer => json!({"officerId": dice.one(&self.officers), "reason": reason}),
            Verb::Assign => json!({"departmentCode": department, "reason": reason}),
            Verb::Refuse => json!({"reasonCode": "no_content"}),
            Verb::Resolve => json!({"result": reason}),
            Verb::Reject | Verb::Reopen | Verb::Escalate => json!({"reason": reason}),
            Verb::Merge if decides => json!({"into": self.elder.id()}),
            Verb::Merge => json!({"approve": dice.below(2) == 0}),
        }
    }

    /// One person does one thing; the call as the office sees it afterwards.
    async fn step(&mut self, client: &Client<'_>, call: View) -> View {
        let office = self.county.office();
        let allowed = client.allowed_or_unseen(&call).await;
        let open: Vec<Verb> = allowed.iter().flatten().filter_map(|verb| Verb::parse(verb)).collect();
        // What ends a story or tears it apart happens too, only more rarely.
        let rare = [Verb::Withdraw, Verb::Assign, Verb::Transfer, Verb::Urge, Verb::Escalate, Verb::Refuse];
        let usual: Vec<Verb> = open.iter().copied().filter(|verb| !rare.contains(verb)).collect();
        let verb = match self.dice.below(10) {
            0 => *self.dice.one(Verb::ALL),
            1 if !open.is_empty() => *self.dice.one(&open),
            _ if !usual.is_empty() => *self.dice.one(&usual),
            _ => return call,
        };
        let body = self.body(verb, &call);
        let (status, answer) = client.tries(verb.as_str(), &call, body.clone()).await;
        let after = office.sees(&call).await;
        let (from, to) = (call.state(), after.state());
        let told = format!("{} {verb} {body}: {from} → {to}, {status} {answer}", client.login);
        let open = open.contains(&verb);
        if status == 200 && after.version() > call.version() {
            assert!(open && is_legal(verb, from, to), "{told}");
            assert_eq!(after.version(), call.version() + 1, "{told}");
        } else {
            assert_eq!(
                (after.version(), from),
                (call.version(), to),
                "refused, yet something changed: {told}"
            );
            let code = answer["code"].as_str().unwrap_or_default();
            let said_twice = [Verb::Contacted, Verb::Leave, Verb::Note, Verb::Assign, Verb::Transfer];
            if allowed.is_none() {
                assert_eq!((status, code), (404, "call_not_found"), "{told}");
            } else if open && !(status == 200 && said_twice.contains(&verb)) {
                assert!(
                    (400..500).contains(&status) && !["call_wrong_state", "call_not_found"].contains(&code),
                    "{told}"
                );
            } else {
                // Only what he has done already is answered as done.
                assert!((400..500).contains(&status) || status == 200, "{told}");
            }
        }
        if matches!(to, "withdrawn" | "refused" | "merged") {
            assert!(after.running().is_empty() && self.county.mill().may(&after).await.is_empty(), "{told}");
        }
        after
    }
}

async fn walk(seed: u64, steps: usize) {
    let county = County::open();
    let mill = county.mill();
    let elder = mill.raises(json!({"itemCode": "CAPACITY"})).await;
    let officers =
        county.texts("select id::text from officers where code like 'POWER-%' order by code").await;
    let names: HashMap<String, String> = county
        .texts("select login || ' ' || name from accounts")
        .await
        .iter()
        .map(|row| row.split_once(' ').map(|(login, name)| (login.to_owned(), name.to_owned())).unwrap())
        .collect();
    let mut walk = Walk { county: &county, dice: Dice(seed), officers, elder };
    let crew = [
        mill,
        county.lead(),
        county.backup(),
        county.head(),
        county.deputy(),
        county.dispatcher(),
        county.office(),
        county.office_head(),
        county.inspector(),
        county.environment(),
        county.environment_head(),
        county.stranger(),
    ];
    let mut raised = 0;
    let mut call: Option<View> = None;
    for _ in 0..steps {
        let open = match call.take() {
            Some(call) if !matches!(call.state(), "withdrawn" | "refused" | "merged") => call,
            _ => {
                raised += 1;
                let body = *walk.dice.one(&["OUTAGE", "CAPACITY", ""]);
                let body = if body.is_empty() {
                    json!({"text": "有个事想问一下你们"})
                } else {
                    json!({"itemCode": body})
                };
                let own = county.mill().raises(body).await;
                county.office().sees(&own).await
            }
        };
        county.pass(i64::try_from(walk.dice.below(90)).unwrap().minutes());
        // Mostly those whose turn it is.
        let client = match walk.dice.below(4) {
            0 => walk.dice.one(&crew),
            1 => &crew[0],
            2 => &crew[6],
            _ => crew.iter().find(|client| names[&client.login] == open.holder()).unwrap_or(&crew[0]),
        };
        call = Some(walk.step(client, open).await);
    }
    assert!(raised > 1, "the walk was too short to end a call");
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let (ledger, invariants) =
        (audit::verify_all(&mut tx).await.unwrap(), broken_invariants(&mut tx).await.unwrap());
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
    assert_eq!((ledger.broken, invariants.broken), (Vec::new(), Vec::new()));
    let overlaps = "select count(*) from (select starts_at, lag(ends_at) over (partition by call_id order by starts_at, id) as last from holder_spans) s
        where last > starts_at";
    assert_eq!(county.count(overlaps).await, 0, "two people were responsible at once");
    let moved = "select count(*) from calls c where (select min(started_at) from deadlines d where d.subject_id = c.id and d.clock = 'resolve') <> c.raised_at";
    assert_eq!(county.count(moved).await, 0, "the start of T5 has moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_walk() {
    walk(0x5eed_0001, 160).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_walk() {
    walk(0xbeef_cafe_f00d, 160).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_walk() {
    walk(0x1234_5678_9abc_def0, 160).await;
}
