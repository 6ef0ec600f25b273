//! Who calls: what a verified access token says.

use std::sync::Arc;

use super::model::{AccountId, Role, RoleSet, SessionId};
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::platform::db::Scope;

/// A signed-in person, as of the moment the access token was issued (at most `access_token_seconds` ago).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: AccountId,
    pub county: CountyId,
    pub session: SessionId,
    /// Set for officers; members of enterprises and administrators have none.
    pub officer: Option<OfficerId>,
    /// The officer's department; officers of a park or town have none.
    pub department: Option<DepartmentId>,
    pub name: Arc<str>,
    pub roles: RoleSet,
}

impl Caller {
    /// What this caller's transactions may see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::County(self.county.0)
    }

    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(role)
    }
}
