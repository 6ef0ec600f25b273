//! Who the caller is to one call. What nobody's standing covers, he may not even know to exist.

use uuid::Uuid;

use super::model::{Call, Entrance, Matter, MatterKind, MatterState};
use crate::ledger::Actor;
use crate::organisation::{CountyId, DepartmentId, EnterpriseId, OfficerId};

/// The person who calls a verb.
#[derive(Clone, Debug)]
pub struct Person {
    pub county: CountyId,
    pub account: Uuid,
    pub name: String,
    pub officer: Option<OfficerId>,
    pub department: Option<DepartmentId>,
    pub powers: Powers,
}

/// What a person's roles let him do in his department or in the county.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Powers {
    /// Head or deputy of his department.
    pub leads: bool,
    /// Dispatcher of his department.
    pub dispatches: bool,
    pub business_office: bool,
    pub inspectorate: bool,
}

impl Powers {
    /// Whether he may record a call that reached him by phone, letter or visit.
    #[must_use]
    pub const fn records_for_others(self) -> bool {
        self.business_office || self.dispatches || self.leads
    }
}

impl Person {
    /// The clock itself: what happens because its time has come.
    #[must_use]
    pub fn clock(county: CountyId) -> Self {
        Self {
            county,
            account: Uuid::nil(),
            name: Actor::clock().name,
            officer: None,
            department: None,
            powers: Powers::default(),
        }
    }

    /// Whether it is the clock.
    #[must_use]
    pub const fn is_clock(&self) -> bool {
        self.account.is_nil()
    }

    /// His account; none of the clock.
    #[must_use]
    pub fn who(&self) -> Option<Uuid> {
        (!self.is_clock()).then_some(self.account)
    }

    /// The person as an actor of the ledger.
    #[must_use]
    pub fn actor(&self) -> Actor {
        if self.is_clock() { Actor::clock() } else { Actor::account(self.account, self.name.clone()) }
    }
}

/// What the caller is to the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Of the enterprise that raised it.
    pub member: bool,
    pub holder: bool,
    /// The holder, his backup, or anybody of the responsible department: may take the call.
    pub team: bool,
    /// Head or deputy of the responsible department.
    pub leader: bool,
    /// Dispatcher, head or deputy of the responsible department.
    pub desk: bool,
    /// Of a department that was asked to help.
    pub assisting: bool,
    pub office: bool,
    pub inspectorate: bool,
    /// Recorded it for the enterprise, by phone, letter or visit: may follow what he took in.
    pub recorder: bool,
    /// The clock, which acts when its time has come.
    pub clock: bool,
}

impl Standing {
    /// The standing of `person`, who is a member of `enterprises`, to `call`.
    #[must_use]
    pub fn of(person: &Person, enterprises: &[EnterpriseId], call: &Call, matters: &[Matter]) -> Self {
        let own_department = person.department == Some(call.department_id);
        let holder = person.officer == Some(call.holder_id);
        let backup = person.officer.is_some() && person.officer == call.backup_id;
        let assisting = matters.iter().any(|matter| {
            matter.kind == MatterKind::Assistance
                && matter.state != MatterState::Refused
                && matter.department_id.is_some()
                && matter.department_id == person.department
        });
        Self {
            member: enterprises.contains(&call.enterprise_id),
            holder,
            team: person.officer.is_some() && (holder || backup || own_department),
            leader: own_department && person.powers.leads,
            desk: own_department && (person.powers.leads || person.powers.dispatches),
            assisting,
            office: person.powers.business_office,
            inspectorate: person.powers.inspectorate,
            recorder: call.entrance != Entrance::Enterprise && call.raised_by == person.account,
            clock: person.is_clock(),
        }
    }

    /// Close enough to call those concerned by phone: the enterprise, and the officers in charge.
    #[must_use]
    pub const fn reads_phones(&self) -> bool {
        self.member || self.team || self.assisting
    }

    /// Whether the call exists for the caller at all.
    #[must_use]
    pub const fn sees(&self) -> bool {
        self.member || self.clock || self.official()
    }

    /// Whether the caller is on the officials' side.
    #[must_use]
    pub const fn official(&self) -> bool {
        self.team || self.assisting || self.office || self.inspectorate || self.recorder
    }
}
