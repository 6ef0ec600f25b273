//! The vocabulary of identity: ids, the words of its columns, and the set of roles.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{id_type, text_enum};

id_type!(
    /// Somebody who can sign in.
    AccountId
);
id_type!(
    /// One sign-in and everything renewed from it.
    SessionId
);
id_type!(
    /// The tie between an account and an enterprise.
    MemberId
);

text_enum!(
    /// What an account may do (DOMAIN §2). Being a member of an enterprise is not a role: see [`Standing`].
    Role {
        Officer = "officer",
        Dispatcher = "dispatcher",
        Head = "head",
        Deputy = "deputy",
        BusinessOffice = "business_office",
        Inspectorate = "inspectorate",
        Discipline = "discipline",
        CountyLeader = "county_leader",
        Enforcement = "enforcement",
        SpecialSupervisor = "special_supervisor",
        SystemAdmin = "system_admin",
        SecurityAdmin = "security_admin",
        AuditAdmin = "audit_admin",
    }
);

text_enum!(
    /// A member's standing in the enterprise: the owner invites the others.
    Standing { Owner = "owner", Member = "member" }
);

text_enum!(
    /// Whether an account may be used.
    AccountStatus { Active = "active", Disabled = "disabled" }
);

text_enum!(
    /// Where an identity comes from when it is not ours.
    Platform { Wechat = "wechat", Wecom = "wecom", Dingtalk = "dingtalk", Feishu = "feishu" }
);

text_enum!(
    /// Why a session is over.
    EndReason {
        Logout = "logout",
        /// A refresh token came a second time: somebody has a copy.
        Reuse = "reuse",
        Expired = "expired",
        /// The account was disabled, its officer left, or its last membership ended.
        Disabled = "disabled",
        PasswordChanged = "password_changed",
        /// The enterprise named another contact, or another number of his.
        ContactChanged = "contact_changed",
    }
);

/// A set of roles; in JSON the list of their words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleSet(u16);

impl RoleSet {
    /// No role.
    pub const EMPTY: Self = Self(0);

    /// The set of one role.
    #[must_use]
    pub const fn only(role: Role) -> Self {
        Self(match role {
            Role::Officer => 1,
            Role::Dispatcher => 1 << 1,
            Role::Head => 1 << 2,
            Role::Deputy => 1 << 3,
            Role::BusinessOffice => 1 << 4,
            Role::Inspectorate => 1 << 5,
            Role::Discipline => 1 << 6,
            Role::CountyLeader => 1 << 7,
            Role::Enforcement => 1 << 8,
            Role::SpecialSupervisor => 1 << 9,
            Role::SystemAdmin => 1 << 10,
            Role::SecurityAdmin => 1 << 11,
            Role::AuditAdmin => 1 << 12,
        })
    }

    /// The roles of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when the sets share a role.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.meets(Self::only(role))
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::EMPTY, |set, role| set.union(Self::only(role)))
    }
}

impl Serialize for RoleSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for RoleSet {
    /// A word this version does not know is left out: during an upgrade a newer replica may have issued the token.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(words.iter().filter_map(|word| Role::parse(word)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_a_place_of_its_own() {
        for role in Role::ALL {
            let others: RoleSet = Role::ALL.iter().copied().filter(|other| other != role).collect();
            assert!(RoleSet::only(*role).contains(*role));
            assert!(!others.contains(*role), "{role} shares its bit");
        }
        assert_eq!(Role::ALL.iter().copied().collect::<RoleSet>().iter().count(), Role::ALL.len());
    }

    #[test]
    fn a_set_reads_as_its_words_and_skips_unknown_ones() {
        let set: RoleSet = [Role::Head, Role::Officer].into_iter().collect();
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["officer","head"]"#);
        let read: RoleSet = serde_json::from_str(r#"["head","emperor"]"#).unwrap();
        assert_eq!(read, RoleSet::only(Role::Head));
    }
}
