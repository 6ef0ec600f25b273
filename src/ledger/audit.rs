//! Verifies every chain.

use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::chain::{Broken, Head, hash_of};
use super::store;
use crate::platform::db::DbError;

/// Events read at a time.
const PAGE: i64 = 2000;

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    pub events: u64,
    pub subjects: u64,
    /// One line per broken chain, at its first broken event.
    pub broken: Vec<String>,
}

/// Walks all chains that the transaction sees, page by page.
pub async fn verify_all(conn: &mut AsyncPgConnection) -> Result<Audit, DbError> {
    let mut audit = Audit::default();
    let mut at: Option<(Uuid, i32)> = None;
    let (mut head, mut broken_here) = (Head::START, false);
    loop {
        let events = store::page(conn, at, PAGE).await?;
        let Some(last) = events.last().map(|event| (event.subject_id, event.seq)) else { return Ok(audit) };
        for event in &events {
            if at.is_none_or(|(subject, _)| subject != event.subject_id) {
                (head, broken_here) = (Head::START, false);
                audit.subjects += 1;
            }
            at = Some((event.subject_id, event.seq));
            audit.events += 1;
            let seq = head.seq + 1;
            let hash = hash_of(event);
            let fault = if event.seq != seq {
                Some(Broken::Gap { seq })
            } else if event.prev_hash != head.hash {
                Some(Broken::Link { seq })
            } else if event.hash != hash {
                Some(Broken::Content { seq })
            } else {
                None
            };
            if let Some(fault) = fault.filter(|_| !broken_here) {
                broken_here = true;
                audit.broken.push(format!("ledger of {} {}: {fault}", event.subject_kind, event.subject_id));
            }
            head = Head { seq: event.seq, hash };
        }
        at = Some(last);
    }
}
