//! All cards of one call, for its evidence.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::model::Card;
use crate::supervision::store;

/// The cards that a call has brought, struck ones too, the oldest first.
pub async fn of_call(conn: &mut AsyncPgConnection, call: Uuid) -> QueryResult<Vec<Card>> {
    store::cards::of_call(conn, call).await
}
