//! Areas, departments (the offices of towns and parks among them), and their officers.

use chrono::NaiveDate;

use super::super::problem::Reason;
use super::super::table::{Cells, Row};
use super::{LONG, NAME};
use crate::organisation::model::{AreaKind, Office, OfficerStatus};

/// A line of `areas.csv`.
#[derive(Clone, Debug)]
pub struct AreaRow {
    pub code: String,
    pub name: String,
    pub short_name: String,
    pub kind: AreaKind,
    pub aliases: Vec<String>,
    pub active: bool,
}

impl Row for AreaRow {
    const FILE: &'static str = "areas.csv";
    const COLUMNS: &'static [&'static str] = &["code", "name", "short_name", "kind", "aliases", "active"];

    fn read(cells: &mut Cells<'_>) -> Self {
        let kinds = [("镇", AreaKind::Town), ("街道", AreaKind::Street), ("园区", AreaKind::Park)];
        Self {
            code: cells.code("code"),
            name: cells.text("name", NAME),
            short_name: cells.text("short_name", NAME),
            kind: cells.word("kind", &kinds, AreaKind::Town),
            aliases: cells.list("aliases", LONG),
            active: cells.flag("active"),
        }
    }
}

/// A line of `departments.csv`.
#[derive(Clone, Debug)]
pub struct DepartmentRow {
    pub code: String,
    pub name: String,
    pub short_name: String,
    pub aliases: Vec<String>,
    pub kind: String,
    /// The area it serves, when it is the office of a town or park.
    pub area: Option<String>,
    pub enforces: bool,
    pub joint_inspection: bool,
    pub mechanism_roles: Vec<String>,
    pub hotline: Option<String>,
    pub active: bool,
}

impl Row for DepartmentRow {
    const FILE: &'static str = "departments.csv";
    const COLUMNS: &'static [&'static str] = &[
        "code",
        "name",
        "short_name",
        "aliases",
        "kind",
        "area_code",
        "enforces",
        "joint_inspection",
        "mechanism_roles",
        "hotline",
        "active",
    ];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self {
            code: cells.code("code"),
            name: cells.text("name", NAME),
            short_name: cells.text("short_name", NAME),
            aliases: cells.list("aliases", LONG),
            kind: cells.text("kind", NAME),
            area: cells.optional_code("area_code"),
            enforces: cells.flag("enforces"),
            joint_inspection: cells.flag("joint_inspection"),
            mechanism_roles: cells.list("mechanism_roles", LONG),
            hotline: cells.phone("hotline"),
            active: cells.flag("active"),
        }
    }
}

impl DepartmentRow {
    /// The organ of the mechanism that this department is, by the one role that makes it so.
    pub fn office(&self) -> Option<Office> {
        let offices = [
            ("统筹协调", Office::BusinessOffice),
            ("执纪问责", Office::Discipline),
            ("督办落实", Office::Inspectorate),
            ("县级领导审批", Office::CountyGovernment),
        ];
        let holds = |role: &str| self.mechanism_roles.iter().any(|held| held == role);
        offices.into_iter().find(|(role, _)| holds(role)).map(|(_, office)| office)
    }
}

/// What an officer does in his unit, in the words of the county's own lists. `posts` derives the post from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// 单位主要负责人: the head of the unit (一把手).
    UnitHead,
    /// 单位分管领导: the leader who is in charge of the matter; without a head, the highest of them is the unit's.
    UnitLeader,
    /// 承办人: answers for items.
    Handler,
    /// 联络员: takes what has no card.
    Liaison,
    /// 受理员: takes in calls and complaints.
    Intake,
    /// 督办员: supervises.
    Supervisor,
    /// 检查备案员: files inspections.
    FilingClerk,
    /// 纪检监察员: discipline inspection.
    DisciplineInspector,
    /// 执法人员: inspects enterprises.
    Enforcement,
    /// 县级分管领导: a county leader in charge of departments.
    CountyLeader,
    /// 镇办专员: the town's officer for enterprises.
    TownOfficer,
    /// 园区专员: the park's officer for enterprises.
    ParkOfficer,
    /// 代办员: walks the steps for the enterprise.
    Agent,
}

const ROLES: [(&str, Role); 13] = [
    ("单位主要负责人", Role::UnitHead),
    ("单位分管领导", Role::UnitLeader),
    ("承办人", Role::Handler),
    ("联络员", Role::Liaison),
    ("受理员", Role::Intake),
    ("督办员", Role::Supervisor),
    ("检查备案员", Role::FilingClerk),
    ("纪检监察员", Role::DisciplineInspector),
    ("执法人员", Role::Enforcement),
    ("县级分管领导", Role::CountyLeader),
    ("镇办专员", Role::TownOfficer),
    ("园区专员", Role::ParkOfficer),
    ("代办员", Role::Agent),
];

/// A line of `officers.csv`.
#[derive(Clone, Debug)]
pub struct OfficerRow {
    pub code: String,
    pub name: String,
    /// The unit he belongs to: a department, or the office of a town or park.
    pub department: String,
    pub title: String,
    pub role: Role,
    pub backup: Option<String>,
    pub lead_items: Vec<String>,
    pub mobile: String,
    pub office_phone: Option<String>,
    pub certificate_no: Option<String>,
    pub status: OfficerStatus,
    /// First and last day of leave.
    pub leave: Option<(NaiveDate, NaiveDate)>,
}

impl Row for OfficerRow {
    const FILE: &'static str = "officers.csv";
    const COLUMNS: &'static [&'static str] = &[
        "code",
        "name",
        "department_code",
        "title",
        "role",
        "backup_code",
        "lead_items",
        "mobile",
        "office_phone",
        "certificate_no",
        "status",
        "leave_from",
        "leave_to",
    ];

    fn read(cells: &mut Cells<'_>) -> Self {
        // On leave is not a status: such a person is active and has an absence.
        let statuses = [
            ("在岗", OfficerStatus::Active),
            ("休假", OfficerStatus::Active),
            ("停职", OfficerStatus::Suspended),
            ("离岗", OfficerStatus::Left),
        ];
        let certificate_no = cells.optional("certificate_no", NAME);
        Self {
            code: cells.code("code"),
            name: cells.text("name", NAME),
            department: cells.code("department_code"),
            title: cells.text("title", NAME),
            role: cells.word("role", &ROLES, Role::Handler),
            backup: cells.optional_code("backup_code"),
            lead_items: cells.list("lead_items", LONG),
            mobile: cells.mobile("mobile"),
            office_phone: cells.phone("office_phone"),
            certificate_no: Some(certificate_no).filter(|number| !number.is_empty()),
            status: cells.word("status", &statuses, OfficerStatus::Active),
            leave: leave(cells),
        }
    }
}

fn leave(cells: &mut Cells<'_>) -> Option<(NaiveDate, NaiveDate)> {
    let missing = ["leave_from", "leave_to"].map(|column| cells.raw(column).is_empty());
    match (missing, cells.date("leave_from"), cells.date("leave_to")) {
        ([true, true], ..) if cells.raw("status") != "休假" => None,
        ([true, _] | [_, true], ..) => {
            cells.refuse("leave_from", "", Reason::LeaveIncomplete);
            None
        }
        (_, Some(from), Some(to)) if from > to => {
            cells.refuse("leave_to", &to.to_string(), Reason::LeaveReversed);
            None
        }
        (_, Some(from), Some(to)) => Some((from, to)),
        _ => None,
    }
}
