//! Compares what the files say with what stands in a table, and writes the difference.

use std::collections::HashMap;
use std::hash::Hash;

use super::super::report::Counts;

/// A row that the files describe.
pub trait Stored: PartialEq {
    /// By what a row is recognised within its county.
    type Key: Eq + Hash;

    fn key(&self) -> Self::Key;

    /// Takes over from the stored row what the files do not decide, its id first of all.
    fn adopt(&mut self, stored: &Self);
}

/// What must be written so that a table says what the files say.
#[derive(Debug)]
pub struct Diff<R> {
    /// New and changed rows.
    pub write: Vec<R>,
    /// Every row the files describe, with the id it has from now on.
    pub rows: Vec<R>,
    /// Stored rows that the files do not mention.
    pub gone: Vec<R>,
    pub counts: Counts,
}

impl<R> Diff<R> {
    /// Rows that are gone stay.
    pub fn keep_gone(&mut self) {
        self.counts.kept = self.gone.len();
    }
}

/// Compares. Rows that are gone are not counted: whether they end or stay depends on the table.
pub fn diff<R: Stored + Clone>(stored: Vec<R>, wanted: Vec<R>) -> Diff<R> {
    let mut stored: HashMap<R::Key, R> = stored.into_iter().map(|row| (row.key(), row)).collect();
    let mut diff = Diff {
        write: Vec::new(),
        rows: Vec::with_capacity(wanted.len()),
        gone: Vec::new(),
        counts: Counts::default(),
    };
    for mut row in wanted {
        match stored.remove(&row.key()) {
            None => {
                diff.counts.new += 1;
                diff.write.push(row.clone());
            }
            Some(before) => {
                row.adopt(&before);
                if row == before {
                    diff.counts.unchanged += 1;
                } else {
                    diff.counts.changed += 1;
                    diff.write.push(row.clone());
                }
            }
        }
        diff.rows.push(row);
    }
    diff.gone = stored.into_values().collect();
    diff
}

/// Postgres takes at most this many parameters in one statement.
pub const MOST_PARAMETERS: usize = 65_535;

/// Declares `load` (all rows of the county) and `write` (insert, or update by the key of the table) for a row type.
/// The number is that of the columns.
macro_rules! table_io {
    ($row:ty, $table:ident, $columns:literal, ($($key:ident),+), { $($column:ident),* $(,)? }) => {
        impl $row {
            pub async fn load(conn: &mut ::diesel_async::AsyncPgConnection, county: ::uuid::Uuid) -> ::diesel::QueryResult<Vec<Self>> {
                use ::diesel::prelude::*;
                use $crate::schema::$table;
                let rows = $table::table.filter($table::county_id.eq(county)).select(Self::as_select());
                ::diesel_async::RunQueryDsl::load(rows, conn).await
            }

            pub async fn write(conn: &mut ::diesel_async::AsyncPgConnection, rows: &[Self]) -> ::diesel::QueryResult<()> {
                use ::diesel::prelude::*;
                use ::diesel::upsert::excluded;
                use $crate::schema::$table;
                for chunk in rows.chunks($crate::organisation::import::store::diff::MOST_PARAMETERS / $columns) {
                    let upsert = ::diesel::insert_into($table::table)
                        .values(chunk)
                        .on_conflict(($($table::$key),+))
                        .do_update()
                        .set(($($table::$column.eq(excluded($table::$column)),)*));
                    ::diesel_async::RunQueryDsl::execute(upsert, conn).await?;
                }
                Ok(())
            }
        }
    };
}
pub(super) use table_io;
