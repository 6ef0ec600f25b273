//! Law 7: one county cannot see another, even in a query that forgets to say which; and what the server's role may not do.

use diesel::prelude::*;
use diesel::result::Error;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;
use yijiao::platform::db::{ROLE, Scope};
use yijiao::schema::{accounts, ledger_events, sessions};

use super::town::{OFFICER, OWNER, PASSWORD, Town, log_in, settle};

async fn logins(town: &Town, scope: Scope) -> Vec<(Uuid, String)> {
    let mut tx = town.store.db().begin(scope).await.unwrap();
    let rows = accounts::table
        .select((accounts::county_id, accounts::login))
        .order(accounts::login)
        .load(&mut *tx)
        .await
        .map_err(yijiao::platform::db::DbError::from);
    tx.finish(rows).await.unwrap()
}

#[actix_web::test]
async fn a_query_without_where_sees_its_own_county_only() {
    let town = Town::found().await;
    let other = settle(&town.app, "other").await;
    let seen = |county: Uuid| vec![(county, OWNER.to_owned()), (county, OFFICER.to_owned())];
    assert_eq!(logins(&town, Scope::County(town.county.0)).await, seen(town.county.0));
    assert_eq!(logins(&town, Scope::County(other.0)).await, seen(other.0));
    assert_eq!(logins(&town, Scope::County(Uuid::nil())).await, []);
    assert_eq!(logins(&town, Scope::AllCounties).await.len(), 4);
}

/// A connection of the server's role in which no transaction ever said a county.
async fn plain(town: &Town) -> AsyncPgConnection {
    let mut connection = town.store.owner().await;
    connection.batch_execute(&format!("set role {ROLE}")).await.unwrap();
    connection
}

#[actix_web::test]
async fn without_a_county_there_are_no_rows_and_none_can_be_written() {
    let town = Town::found().await;
    let mut connection = plain(&town).await;
    let seen: i64 = accounts::table.count().get_result(&mut connection).await.unwrap();
    assert_eq!(seen, 0);
    let changed = diesel::update(accounts::table).set(accounts::name.eq("x")).execute(&mut connection).await;
    assert_eq!(changed, Ok(0));
    let inserted = diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(Uuid::now_v7()),
            sessions::county_id.eq(town.county),
            sessions::account_id.eq(Uuid::now_v7()),
            sessions::started_at.eq(town.now()),
            sessions::expires_at.eq(town.now()),
        ))
        .execute(&mut connection)
        .await;
    assert!(inserted.unwrap_err().to_string().contains("row-level security"));
}

#[actix_web::test]
async fn a_row_cannot_be_moved_into_another_county() {
    let town = Town::found().await;
    let other = settle(&town.app, "other").await;
    let mut tx = town.app.db.begin(Scope::County(town.county.0)).await.unwrap();
    let moved = diesel::update(accounts::table.filter(accounts::login.eq(OWNER)))
        .set(accounts::county_id.eq(other))
        .execute(&mut *tx)
        .await;
    assert!(moved.unwrap_err().to_string().contains("row-level security"));
}

#[actix_web::test]
async fn the_servers_role_can_neither_change_nor_delete_the_ledger() {
    let town = Town::found().await;
    let denied = |outcome: Result<usize, Error>| {
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains("permission denied"), "{text}");
    };
    let mut connection = plain(&town).await;
    denied(
        diesel::update(ledger_events::table).set(ledger_events::kind.eq("x")).execute(&mut connection).await,
    );
    denied(diesel::delete(ledger_events::table).execute(&mut connection).await);
    denied(diesel::sql_query("truncate ledger_events").execute(&mut connection).await);
    let switched_off = diesel::sql_query("alter table accounts disable row level security");
    let refused = switched_off.execute(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("must be owner"), "{refused}");
    town.app.db.require_isolation().await.unwrap();
}

#[actix_web::test]
async fn the_same_login_in_two_counties_is_two_people() {
    let town = Town::found().await;
    let other = settle(&town.app, "other").await;
    for (code, county) in [("demo", town.county), ("other", other)] {
        let tokens = log_in(&town.app, code, OFFICER, PASSWORD).await.unwrap();
        let caller = town.app.keys.verify(&town.app.db, &tokens.access_token, town.now()).await.unwrap();
        assert_eq!(caller.county, county);
    }
}

#[actix_web::test]
async fn a_refresh_token_moved_to_another_county_buys_nothing() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let town = Town::found().await;
    let other = settle(&town.app, "other").await;
    let token = town.tokens(OFFICER).await.refresh_token;
    let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    bytes[..16].copy_from_slice(other.0.as_bytes());
    let moved = URL_SAFE_NO_PAD.encode(bytes);
    assert_eq!(town.refresh(&moved).await.unwrap_err().code(), "refresh_invalid");
    town.refresh(&token).await.unwrap();
}
