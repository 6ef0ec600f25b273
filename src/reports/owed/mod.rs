//! What is owed: every running promise with who owes it. `overdue` shows what is late to those who supervise; `mine` and `department`
//! tell an officer and the leaders of a department what they owe today.

mod list;
mod overdue;
pub mod routes;
mod store;
mod view;
