//! HTTP conventions of every route: problems, language, cursors, idempotency keys, middleware.

pub mod lang;
pub mod problem;
pub mod text;
