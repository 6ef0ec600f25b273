//! The verbs that a clock stands for: silence confirms (T6), a pause ends at its bound.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use crate::calls::case::perform_in;
use crate::calls::confirm::Silence;
use crate::calls::desk::Desk;
use crate::calls::model::CallId;
use crate::calls::pause::Resume;
use crate::calls::standing::Person;
use crate::deadlines::on_due::FireError;
use crate::deadlines::{Clock, Deadline};
use crate::organisation::CountyId;
use crate::platform::db::DbError;
use crate::platform::http::problem::{CommonCode, Problem};

/// Does, by the clock's hand and through the same verb as anybody, what the due moment of `row` means.
pub async fn perform(
    conn: &mut AsyncPgConnection,
    desk: &Desk,
    county: CountyId,
    call: CallId,
    row: &Deadline,
    now: DateTime<Utc>,
) -> Result<(), FireError> {
    let clock = Person::clock(county);
    let done = match row.clock {
        Clock::Confirm => perform_in(conn, desk, &clock, call, Silence, None, now).await,
        Clock::Pause => perform_in(conn, desk, &clock, call, Resume, None, now).await,
        other => return Err(FireError::Refused(format!("{other} does nothing by itself"))),
    };
    done.map(drop).map_err(refused)
}

/// What a verb refused; that Postgres went away meanwhile is no refusal.
fn refused(problem: Problem) -> FireError {
    let words = problem.to_string();
    if problem.code() == CommonCode::Unavailable.def().code {
        FireError::Db(DbError::Unavailable(words))
    } else {
        FireError::Refused(words)
    }
}
