//! `yijiao openapi`: prints the description of the API. Needs neither settings nor a database.

use std::error::Error;
use std::io::Write as _;

use crate::platform::http::openapi;
use crate::router;

pub(super) fn run() -> Result<(), Box<dyn Error>> {
    let text = openapi::print(&openapi::document(router::configure))?;
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
