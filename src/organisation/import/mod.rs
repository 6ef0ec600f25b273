//! Loads a county from a folder of plain tables: one call brings a county into being or up to date.
//!
//! Always holds: all of a folder is loaded in one transaction or nothing is; a row that contradicts another is refused by file, line,
//! column and reason, and all such rows are listed at once; importing the same folder again changes nothing; a row is recognised by
//! its code within the county and keeps its id. What the files no longer mention: links (helpers, contacts, cards, sentences, an
//! officer's roles and addresses) go; leave that an import brought ends; areas, departments, officers, items, enterprises, channels and
//! accounts stay, but hold no post, duty or office any more. Settings that an administrator has changed since stay as he put them.
//! No password is set here, and nobody's account is opened again once it is closed.
//!
//! The demo county's folder, `config/counties/demo`, explains each file. Calls nobody but `platform`, and `notices` for how a channel keeps its secrets.

mod check;
mod lines;
mod posts;
mod problem;
mod report;
mod rows;
mod source;
mod store;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use chrono::{DateTime, Utc};

pub use self::problem::{Problem, Reason};
pub use self::report::{Counts, ImportReport, Kind};

use self::posts::Posts;
use self::source::Source;
use crate::platform::crypto::{SealError, Vault};
use crate::platform::db::{Db, DbError};
use crate::platform::http::problem::FieldError;

/// Says everything that is wrong with settings, each fault at its path in them.
pub type Judge = fn(&serde_json::Value) -> Vec<FieldError>;

/// Makes the next settings of those that stand and of what a file chooses; or says why it cannot be chosen now.
pub type Succession =
    fn(&serde_json::Value, serde_json::Value, DateTime<Utc>) -> Result<serde_json::Value, String>;

/// What an operator may say beside the folder.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// What `{sandbox}` in a channel's address stands for, e.g. `http://127.0.0.1:8090`.
    pub sandbox_url: Option<String>,
    /// Judges the county's settings, which other features read; none: they are stored as they stand.
    pub judge_settings: Option<Judge>,
    /// Makes of the settings that stand and of the file's those that are stored, at this moment; none: the file's as they stand.
    pub succeed_settings: Option<Succession>,
}

/// Why a county was not imported. Nothing of it is stored then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Refused(Refused),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<diesel::result::Error> for ImportError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// The rows that were refused, and all reasons.
#[derive(Debug)]
pub struct Refused {
    /// Sorted by file and line.
    pub problems: Vec<Problem>,
    /// File, rows read, rows refused.
    pub files: Vec<(&'static str, usize, usize)>,
}

impl Refused {
    fn new(mut problems: Vec<Problem>, source: &Source) -> Self {
        problems.sort();
        problems.dedup();
        let refused = |file: &str| {
            let lines = problems.iter().filter(|problem| problem.file == file && problem.line > 0);
            lines.map(|problem| problem.line).collect::<HashSet<_>>().len()
        };
        let files = source.rows_by_file().map(|(file, rows)| (file, rows, refused(file))).to_vec();
        Self { problems, files }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        writeln!(f, "没有导入任何数据：{count} 处问题。Nothing was imported: {count} problems.")?;
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for (file, rows, refused) in self.files.iter().filter(|(_, _, refused)| *refused > 0) {
            writeln!(f, "{file}：读到 {rows} 行，拒绝 {refused} 行 / {rows} rows read, {refused} refused")?;
        }
        Ok(())
    }
}

/// Brings the county of `dir` into `db`. `now` is when new members join and accounts come into being.
///
/// # Errors
/// [`ImportError::Refused`] with every problem when the files are not sound; the database is then untouched.
pub async fn import(
    db: &Db,
    vault: &Vault,
    dir: &Path,
    options: ImportOptions,
    now: DateTime<Utc>,
) -> Result<ImportReport, ImportError> {
    let mut problems = Vec::new();
    let source = Source::read(dir, &mut problems);
    let posts = Posts::assign(&source.officers);
    if let Some(judge) = options.judge_settings {
        problems.extend(source.settings_faults(judge));
    }
    problems.extend(check::check(&source, &posts, &options));
    if !problems.is_empty() {
        return Err(ImportError::Refused(Refused::new(problems, &source)));
    }
    store::store(db, vault, &source, &posts, &options, now).await
}
