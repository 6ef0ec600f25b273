//! A migrated database of a test's own, on the server named by TEST_DATABASE_URL, e.g. `postgres://postgres@127.0.0.1:5432/postgres`.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use secrecy::SecretString;
use yijiao::platform::db::{Db, migrate};

pub struct ScratchDb {
    pub db: Db,
    server: String,
    name: String,
}

impl ScratchDb {
    /// Creates and migrates the database. Needs a multi-threaded runtime.
    pub async fn new() -> Self {
        let server = std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL names a Postgres server");
        let name = format!("import_{}", uuid::Uuid::now_v7().simple());
        let mut maintenance = AsyncPgConnection::establish(&server).await.unwrap();
        maintenance.batch_execute(&format!("create database {name}")).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = SecretString::from(format!("{base}/{name}"));
        migrate(&url).await.unwrap();
        Self { db: Db::lazy(&url, 4).unwrap(), server, name }
    }

    /// Removes the database.
    pub async fn remove(self) {
        drop(self.db);
        let mut maintenance = AsyncPgConnection::establish(&self.server).await.unwrap();
        maintenance.batch_execute(&format!("drop database {} with (force)", self.name)).await.unwrap();
    }
}
