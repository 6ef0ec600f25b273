//! What an import did, for people: counts by kind.

use std::fmt;

use crate::organisation::model::CountyId;

/// A kind of rows in the database, in the order they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Areas,
    Departments,
    Officers,
    Absences,
    Categories,
    Items,
    ItemHelpers,
    ItemContacts,
    Examples,
    Asides,
    Enterprises,
    Cards,
    Channels,
    Addresses,
    DepartmentChannels,
    Accounts,
    AccountRoles,
    Members,
}

impl Kind {
    /// The Chinese name and the table.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Areas => ("镇办园区", "areas"),
            Self::Departments => ("部门", "departments"),
            Self::Officers => ("人员", "officers"),
            Self::Absences => ("请假", "absences"),
            Self::Categories => ("事项类别", "categories"),
            Self::Items => ("服务事项", "service_items"),
            Self::ItemHelpers => ("协办部门", "item_helpers"),
            Self::ItemContacts => ("事项联系人", "item_contacts"),
            Self::Examples => ("诉求例句", "catalogue_examples"),
            Self::Asides => ("非诉求例句", "catalogue_asides"),
            Self::Enterprises => ("企业", "enterprises"),
            Self::Cards => ("联系服务卡", "contact_cards"),
            Self::Channels => ("消息通道", "channels"),
            Self::Addresses => ("人员应用账号", "officer_addresses"),
            Self::DepartmentChannels => ("部门首选通道", "department_channels"),
            Self::Accounts => ("账号", "accounts"),
            Self::AccountRoles => ("账号角色", "account_roles"),
            Self::Members => ("企业成员", "members"),
        }
    }
}

/// What happened to the rows of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub new: usize,
    pub changed: usize,
    pub unchanged: usize,
    /// What the files no longer mention and so is over: links are removed, leave ends.
    pub ended: usize,
    /// What the files no longer mention and stays all the same, because cases refer to it. It is closed by its `status` or `active`.
    pub kept: usize,
}

impl Counts {
    /// Whether nothing was written.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.new == 0 && self.changed == 0 && self.ended == 0
    }
}

/// A finished import. Prints as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    pub county: CountyId,
    pub code: String,
    pub name: String,
    pub counts: Vec<(Kind, Counts)>,
    /// Tables in the folder that nobody reads.
    pub unread: Vec<String>,
}

impl ImportReport {
    /// The counts of one kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Counts {
        self.counts.iter().find(|(known, _)| *known == kind).map(|(_, counts)| *counts).unwrap_or_default()
    }

    /// Whether the county already stood as its files say.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.counts.iter().all(|(_, counts)| counts.is_still())
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}（{}）导入完成 / imported", self.name, self.code)?;
        writeln!(f, "    新增    变更    未变    结束    留存")?;
        writeln!(f, "     new changed    same   ended    kept")?;
        for (kind, counts) in &self.counts {
            let Counts { new, changed, unchanged, ended, kept } = counts;
            let (name, table) = kind.names();
            writeln!(f, "{new:8}{changed:8}{unchanged:8}{ended:8}{kept:8}  {name} {table}")?;
        }
        if self.counts.iter().any(|(_, counts)| counts.kept > 0) {
            writeln!(f, "留存：表里已没有、系统里仍保留；要停用请改 active 或 status")?;
            writeln!(f, "kept: no longer in the files, still in the county; close them by active or status")?;
        }
        for file in &self.unread {
            writeln!(f, "未读取 / not read: {file}")?;
        }
        Ok(())
    }
}
