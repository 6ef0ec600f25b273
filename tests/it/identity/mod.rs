//! Identity: who may sign in, what his tokens are worth, and what he sees.

mod contact;
mod isolation;
mod log_in;
mod permissions;
mod refresh;
mod routes;
mod tokens;
mod town;
mod wechat;
