//! Postings as their reader finds them in his inbox: the first row of each stands for all.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::notices::inbox::Reader;
use crate::notices::model::{NoticeId, SubjectKind};
use crate::schema::notices;

/// Unread postings are counted up to here.
const COUNTED: i64 = 100;

/// One posting.
#[derive(Clone, Debug, Queryable)]
pub struct Posting {
    pub id: NoticeId,
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    pub event: String,
    pub params: Value,
    pub created_at: DateTime<Utc>,
    /// Whether an action is asked for at all.
    pub asks: bool,
    pub answered: bool,
    pub read_at: Option<DateTime<Utc>>,
}

type Mine = Box<
    dyn diesel::BoxableExpression<
            notices::table,
            diesel::pg::Pg,
            SqlType = diesel::sql_types::Nullable<diesel::sql_types::Bool>,
        >,
>;

/// An officer has what was posted to him, anybody else what was posted to his account.
fn mine(reader: &Reader) -> Mine {
    match reader.officer {
        Some(officer) => Box::new(notices::officer_id.eq(Some(officer))),
        None => Box::new(notices::account_id.eq(Some(reader.account))),
    }
}

/// Newest first, below `before`.
pub async fn page(
    conn: &mut AsyncPgConnection,
    reader: &Reader,
    before: Option<NoticeId>,
    limit: i64,
) -> QueryResult<Vec<Posting>> {
    let mut rows = notices::table
        .filter(mine(reader))
        .filter(notices::id.eq(notices::posting_id))
        .order(notices::id.desc())
        .limit(limit)
        .select((
            notices::id,
            notices::subject_kind,
            notices::subject_id,
            notices::event,
            notices::params,
            notices::created_at,
            notices::officer_id.is_not_null(),
            notices::answered,
            notices::read_at,
        ))
        .into_boxed();
    if let Some(before) = before {
        rows = rows.filter(notices::id.lt(before));
    }
    rows.load(conn).await
}

/// How many are unread; no more than a hundred are counted.
pub async fn unread(conn: &mut AsyncPgConnection, reader: &Reader) -> QueryResult<i64> {
    let unread = notices::table
        .filter(mine(reader))
        .filter(notices::id.eq(notices::posting_id))
        .filter(notices::read_at.is_null())
        .select(notices::id)
        .limit(COUNTED);
    let ids: Vec<NoticeId> = unread.load(conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(COUNTED))
}

/// Marks one as read, the first time; false when the reader has none of this id.
pub async fn mark_read(
    conn: &mut AsyncPgConnection,
    reader: &Reader,
    id: NoticeId,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let own = || notices::table.find(id).filter(mine(reader)).filter(notices::id.eq(notices::posting_id));
    let known: i64 = own().select(count_star()).get_result(conn).await?;
    diesel::update(notices::table.find(id))
        .filter(notices::read_at.is_null())
        .filter(notices::id.eq(notices::posting_id))
        .filter(mine(reader))
        .set(notices::read_at.eq(Some(now)))
        .execute(conn)
        .await?;
    Ok(known > 0)
}
