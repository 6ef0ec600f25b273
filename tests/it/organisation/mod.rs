//! Organisation: a county's folder of tables, and what the import makes of it.

mod import;
