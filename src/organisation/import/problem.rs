//! What is wrong with a county's files: where, what stands there, and why it is refused, in Chinese and in English.

use std::fmt;

use crate::organisation::uscc::UsccFault;

/// One reason to refuse the import. Sorted by file and line when printed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Name inside the folder, e.g. `officers.csv`.
    pub file: String,
    /// Line in the file, the header being line 1; 0 when the whole file is meant.
    pub line: u64,
    /// Column by its header; empty when the whole row is meant.
    pub column: String,
    /// What stands in the cell, shortened; credentials are shown as `***`.
    pub value: String,
    pub reason: Reason,
}

/// Why a row or a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    // The file.
    FileMissing,
    FileUnreadable { why: String },
    NotUtf8,
    HeaderMissing,
    MissingColumn,
    UnknownColumn,
    RepeatedColumn,
    WrongCellCount { expected: usize, found: usize },
    SettingsMalformed { zh: String, en: String },
    SettingsNotNow { why: String },
    // One cell.
    Empty,
    TooLong { most: usize },
    ControlCharacter,
    MalformedCode,
    MalformedMobile,
    MalformedPhone,
    MalformedDate,
    MalformedNumber { least: i64, most: i64 },
    MalformedUrl,
    MalformedDegrees { most: u8 },
    MalformedUscc(UsccFault),
    UnknownWord { allowed: String },
    RepeatedInList { entry: String },
    // One row.
    LeaveIncomplete,
    LeaveReversed,
    PlaceIncomplete,
    ItemAndCategory,
    BackupIsSelf,
    HelperIsOwnDepartment,
    TokenMissing,
    SecretMissing,
    SandboxAddressMissing,
    ChannelSettings { why: String },
    ChannelCallback { zh: &'static str, en: &'static str },
    // Rows against rows.
    Duplicate { first_line: u64 },
    UnknownArea,
    UnknownDepartment,
    UnknownOfficer,
    UnknownEnterprise,
    UnknownItem,
    UnknownCategory,
    UnknownChannel,
    ChannelReachesNobody,
    InactiveArea,
    InactiveDepartment,
    BackupOfAnotherUnit { unit: String, other: String },
    ContactOutsideDepartment { department: String },
    ItemWithoutContact,
    ItemWithTwoContacts { first: String },
    NobodyReachable,
    DepartmentWithoutDutyContact,
    NoBusinessOffice,
    OfficeTwice { first: String },
    AreaTwice { first: String },
    LoginTaken,
    OfficerHasLeft,
    TwoAdminRoles { first: String },
    // Rows against what the county already has.
    UsccHeldBy { code: String },
    LoginHeldByAnother,
}

impl Reason {
    /// The stable name of the reason, the Chinese text and the English text.
    fn texts(&self) -> (&'static str, String, String) {
        let plain = |code, zh: &str, en: &str| (code, zh.to_owned(), en.to_owned());
        match self {
            Self::FileMissing => plain("file_missing", "缺少这个文件", "the file is missing"),
            Self::FileUnreadable { why } => (
                "file_unreadable",
                format!("文件无法读取（{why}）"),
                format!("the file cannot be read ({why})"),
            ),
            Self::NotUtf8 => plain(
                "not_utf8",
                "不是 UTF-8 编码，请另存为“CSV UTF-8”后再导入",
                "not UTF-8; save it as “CSV UTF-8” and import again",
            ),
            Self::HeaderMissing => {
                plain("header_missing", "第一行应为列名", "the first line must name the columns")
            }
            Self::MissingColumn => plain("missing_column", "缺少这一列", "the column is missing"),
            Self::UnknownColumn => plain("unknown_column", "不认识这一列", "no such column is known"),
            Self::RepeatedColumn => plain("repeated_column", "这一列出现了两次", "the column stands twice"),
            Self::WrongCellCount { expected, found } => (
                "wrong_cell_count",
                format!("应有 {expected} 个单元格，实有 {found} 个"),
                format!("{expected} cells expected, {found} found"),
            ),
            Self::SettingsMalformed { zh, en } => (
                "settings_malformed",
                format!("县配置有误（{zh}）"),
                format!("the settings are malformed ({en})"),
            ),
            Self::SettingsNotNow { why } => (
                "settings_not_now",
                format!("县配置现在不能修改（{why}）"),
                format!("the settings cannot be changed now ({why})"),
            ),
            Self::Empty => plain("empty", "不能为空", "must not be empty"),
            Self::TooLong { most } => (
                "too_long",
                format!("太长，最多 {most} 个字"),
                format!("too long, at most {most} characters"),
            ),
            Self::ControlCharacter => {
                plain("control_character", "含有不可见的控制字符", "holds a control character")
            }
            Self::MalformedCode => plain(
                "malformed_code",
                "编码只能由字母、数字、“-”和“_”组成，最多 32 位",
                "a code consists of letters, digits, - and _, at most 32 of them",
            ),
            Self::MalformedMobile => {
                plain("malformed_mobile", "不是 11 位手机号码", "not a mobile number of eleven digits")
            }
            Self::MalformedPhone => plain("malformed_phone", "不是电话号码", "not a telephone number"),
            Self::MalformedDate => plain(
                "malformed_date",
                "不是日期，应写成 2026-06-30 的样子",
                "not a date; write it like 2026-06-30",
            ),
            Self::MalformedNumber { least, most } => (
                "malformed_number",
                format!("应为 {least} 到 {most} 之间的整数"),
                format!("must be a whole number from {least} to {most}"),
            ),
            Self::MalformedUrl => plain(
                "malformed_url",
                "不是 http(s) 地址，或把密钥写进了地址（密钥请填 token 一列）",
                "not an http(s) address, or one that holds the key (it belongs into token)",
            ),
            Self::MalformedDegrees { most } => (
                "malformed_degrees",
                format!("应为 -{most} 到 {most} 之间的度数"),
                format!("must be degrees from -{most} to {most}"),
            ),
            Self::MalformedUscc(fault) => uscc_texts(*fault),
            Self::UnknownWord { allowed } => {
                ("unknown_word", format!("只能是：{allowed}"), format!("must be one of: {allowed}"))
            }
            Self::RepeatedInList { entry } => {
                ("repeated_in_list", format!("“{entry}”写了两次"), format!("“{entry}” is listed twice"))
            }
            Self::LeaveIncomplete => plain(
                "leave_incomplete",
                "休假要同时写明起止日期",
                "leave needs both its first and its last day",
            ),
            Self::LeaveReversed => {
                plain("leave_reversed", "休假结束日期早于开始日期", "leave ends before it begins")
            }
            Self::PlaceIncomplete => plain(
                "place_incomplete",
                "经度和纬度要同时填写",
                "give both latitude and longitude, or neither",
            ),
            Self::ItemAndCategory => plain(
                "item_and_category",
                "事项和类别只能填一个（“*”表示首接人）",
                "give an item or a category, not both (`*` is the lead officer)",
            ),
            Self::BackupIsSelf => plain("backup_is_self", "B角不能是本人", "nobody is his own backup"),
            Self::HelperIsOwnDepartment => plain(
                "helper_is_own_department",
                "协办部门不能是责任部门自己",
                "the responsible department cannot be its own helper",
            ),
            Self::TokenMissing => plain("token_missing", "群机器人要填 token", "a robot needs its token"),
            Self::SecretMissing => plain(
                "secret_missing",
                "webhook 要填签名密钥，应用要填应用密钥",
                "a webhook needs a signing secret, an application its own",
            ),
            Self::SandboxAddressMissing => plain(
                "sandbox_address_missing",
                "地址里写了 {sandbox}，导入时却没有给出沙箱地址",
                "the address says {sandbox}, but no sandbox address was given",
            ),
            Self::Duplicate { first_line } => {
                ("duplicate", format!("与第 {first_line} 行重复"), format!("repeats line {first_line}"))
            }
            Self::UnknownArea => plain("unknown_area", "没有这个镇办或园区", "no such area"),
            Self::UnknownDepartment => plain("unknown_department", "没有这个部门", "no such department"),
            Self::UnknownOfficer => plain("unknown_officer", "没有这个人员", "no such officer"),
            Self::UnknownEnterprise => plain("unknown_enterprise", "没有这个企业", "no such enterprise"),
            Self::UnknownItem => plain("unknown_item", "没有这个事项", "no such service item"),
            Self::UnknownCategory => plain("unknown_category", "没有这个类别", "no such category"),
            Self::ChannelSettings { why } => {
                ("channel_settings", format!("通道设置不对：{why}"), format!("the channel's settings: {why}"))
            }
            Self::ChannelCallback { zh, en } => plain("channel_callback", zh, en),
            Self::UnknownChannel => plain("unknown_channel", "没有这个消息通道", "no such channel"),
            Self::ChannelReachesNobody => plain(
                "channel_reaches_nobody",
                "这个通道不是发给个人的应用",
                "the channel is no application that reaches a single officer",
            ),
            Self::InactiveArea => plain("inactive_area", "这个镇办或园区已停用", "the area is not active"),
            Self::InactiveDepartment => {
                plain("inactive_department", "这个部门已停用", "the department is not active")
            }
            Self::BackupOfAnotherUnit { unit, other } => (
                "backup_of_another_unit",
                format!("B角在 {other}，不在同一单位 {unit}"),
                format!("the backup belongs to {other}, not to the same unit {unit}"),
            ),
            Self::ContactOutsideDepartment { department } => (
                "contact_outside_department",
                format!("事项由 {department} 负责，联系人却在别的部门"),
                format!("the item belongs to {department}, its contact to another department"),
            ),
            Self::ItemWithoutContact => plain(
                "item_without_contact",
                "没有人把这个事项列为承办（officers.csv 的 lead_items）",
                "no officer leads this item (lead_items in officers.csv)",
            ),
            Self::ItemWithTwoContacts { first } => (
                "item_with_two_contacts",
                format!("这个事项的 A角 已经是 {first}"),
                format!("{first} leads this item already"),
            ),
            Self::NobodyReachable => plain(
                "nobody_reachable",
                "此人已离岗，也没有在岗的 B角",
                "the officer has left and there is no active backup",
            ),
            Self::DepartmentWithoutDutyContact => plain(
                "department_without_duty_contact",
                "部门里没有一个在岗的人可以值守",
                "the department has no active officer who could be on duty",
            ),
            Self::NoBusinessOffice => plain(
                "no_business_office",
                "没有一个部门的职责里有“统筹协调”，派不出去的诉求无人分派",
                "no department has the role 统筹协调, so nobody could triage",
            ),
            Self::OfficeTwice { first } => (
                "office_twice",
                format!("这项职责全县只有一家，{first} 已经写了"),
                format!("only one department of a county has this role, and {first} has it"),
            ),
            Self::AreaTwice { first } => (
                "area_twice",
                format!("这个镇办或园区已由 {first} 服务"),
                format!("{first} serves this area already"),
            ),
            Self::LoginTaken => plain(
                "login_taken",
                "人员编码同时是登录名，不能与企业编码相同",
                "officer codes are login names and must differ from enterprise codes",
            ),
            Self::OfficerHasLeft => plain("officer_has_left", "此人已离岗", "the officer has left"),
            Self::TwoAdminRoles { first } => (
                "two_admin_roles",
                format!("三类管理员须由三个人担任，此人已是 {first}"),
                format!("the three administrators are three people; this one is {first} already"),
            ),
            Self::UsccHeldBy { code } => (
                "uscc_held_by",
                format!("库中企业 {code} 已用这个信用代码"),
                format!("enterprise {code} of this county has this credit code already"),
            ),
            Self::LoginHeldByAnother => plain(
                "login_held_by_another",
                "这个登录名已属于另外一个人",
                "the login name belongs to somebody else",
            ),
        }
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.texts().0
    }
}

fn uscc_texts(fault: UsccFault) -> (&'static str, String, String) {
    let (code, zh, en) = match fault {
        UsccFault::Length => ("uscc_length", "信用代码应为 18 位", "a credit code has eighteen characters"),
        UsccFault::Character => (
            "uscc_character",
            "信用代码只用数字和大写字母，且不用 I、O、S、V、Z",
            "a credit code uses digits and capital letters without I, O, S, V and Z",
        ),
        UsccFault::Authority => {
            ("uscc_authority", "信用代码第 1 位不对", "the first character names no authority")
        }
        UsccFault::Region => {
            ("uscc_region", "信用代码第 3 至 8 位应为数字", "characters 3 to 8 must be digits")
        }
        UsccFault::CheckCharacter => (
            "uscc_check",
            "信用代码校验位不对；确属如此核发的，请列入 county.toml 的 uscc_exceptions",
            "the check character is wrong; if it was really issued so, list it in uscc_exceptions of county.toml",
        ),
    };
    (code, zh.to_owned(), en.to_owned())
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, zh, en) = self.reason.texts();
        let Self { file, line, column, value, .. } = self;
        write!(f, "{file}")?;
        if *line > 0 {
            write!(f, " 第 {line} 行")?;
        }
        if !column.is_empty() {
            write!(f, " {column}")?;
        }
        if !value.is_empty() {
            write!(f, "“{value}”")?;
        }
        write!(f, "：{zh}。{en}. [{code}]")
    }
}
