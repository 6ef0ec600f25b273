//! Accounts, sessions, tokens, roles, platform logins, and the extractors that prove who calls (law 6).
//!
//! Owns who somebody is and what he may do. Always: only hashes of refresh tokens and passwords are kept; a refresh token works
//! once; an access token says one county and nothing is ever read outside of it (law 7); no secret appears in a log line.
//! Accounts themselves are made by the import. Calls `platform` and reads the organisation's tables.

pub mod caller;
pub mod error;
pub mod extract;
pub mod keys;
pub mod log_in;
pub mod me;
pub mod model;
pub mod officer;
pub mod operator;
pub mod password;
pub mod refresh;
pub mod routes;
pub mod sessions;
pub mod set_password;
mod store;
pub mod token;
mod verified;
pub mod wechat;
pub mod wechat_log_in;

pub use caller::Caller;
pub use error::IdentityCode;
pub use extract::{As, Public, Staff};
pub use keys::KeyRing;
pub use model::{AccountId, MemberId, Role, RoleSet, SessionId};
pub use sessions::Tokens;
