//! Every kind of contradiction is refused by name. The database of these tests does not exist: what is refused never reaches it.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::table::Row as _;
use super::*;

/// A copy of the small county that a test may spoil.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let to = std::env::temp_dir().join(format!("yijiao-import-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&to).unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/small_county");
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        Self(to)
    }

    fn edit(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.0.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let edited = edit(text.clone());
        assert_ne!(text, edited, "the edit of {file} found nothing to change");
        std::fs::write(path, edited).unwrap();
    }

    async fn import(&self, options: ImportOptions) -> ImportError {
        let nowhere = Db::lazy(&SecretString::from("postgres://nobody@127.0.0.1:9/nowhere"), 1).unwrap();
        let vault = Vault::new(&SecretString::from("a master key for tests, 32 characters"));
        import(&nowhere, &vault, &self.0, options, DateTime::UNIX_EPOCH).await.unwrap_err()
    }

    async fn refused(&self) -> Refused {
        match self.import(sandbox()).await {
            ImportError::Refused(refused) => refused,
            other => panic!("expected a refusal, got {other}"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn sandbox() -> ImportOptions {
    ImportOptions { sandbox_url: Some("http://127.0.0.1:8090".to_owned()), ..ImportOptions::default() }
}

/// `line column code` of each problem in `file`.
fn named(refused: &Refused, file: &str) -> Vec<String> {
    let problems = refused.problems.iter().filter(|problem| problem.file == file);
    problems.map(|p| format!("{} {} {}", p.line, p.column, p.reason.code())).collect()
}

#[tokio::test]
async fn a_sound_folder_reaches_the_database() {
    assert!(matches!(Folder::new().import(sandbox()).await, ImportError::Db(_)));
}

#[tokio::test]
async fn each_contradiction_is_refused_by_line_column_and_reason() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        // Cells.
        ("areas.csv", "东镇,东镇", ",东镇", &["2 name empty"]),
        ("areas.csv", "A1,", "A 1,", &["2 code malformed_code"]),
        ("areas.csv", "镇,,Y", "村,,Y", &["2 kind unknown_word"]),
        ("areas.csv", "镇,,Y", "镇,,y", &["2 active unknown_word"]),
        ("departments.csv", "电力局|供电局", "供电局|供电局", &["3 aliases repeated_in_list"]),
        ("departments.csv", "0913-0000100", "09130000100转8", &["2 hotline malformed_phone"]),
        ("officers.csv", "16900000001", "1690000001", &["2 mobile malformed_mobile"]),
        ("officers.csv", "16900000001", "12900000001", &["2 mobile malformed_mobile"]),
        ("officers.csv", "16900000001", "", &["2 mobile empty"]),
        ("officers.csv", "2026-07-01,2026-07-03", "2026-07-04,2026-07-03", &["4 leave_to leave_reversed"]),
        ("officers.csv", "2026-07-01,2026-07-03", "2026-07-01,", &["4 leave_from leave_incomplete"]),
        ("officers.csv", "2026-07-01,2026-07-03", ",", &["4 leave_from leave_incomplete"]),
        ("officers.csv", "2026-07-01", "2026-02-30", &["4 leave_from malformed_date"]),
        ("officers.csv", "2026-07-01", "2026/7/1", &["4 leave_from malformed_date"]),
        ("officers.csv", "O6,袁壬午,T1", "O6,袁壬午,", &["7 department_code empty"]),
        ("officers.csv", "于甲申", "于\u{7}甲申", &["2 name control_character"]),
        ("catalogue.csv", "N,15,1,1,停电", "N,0,1,1,停电", &["2 accept_working_minutes malformed_number"]),
        ("catalogue.csv", "N,15,1,1,停电", "N,15,1.5,1,停电", &["2 respond_working_hours malformed_number"]),
        ("catalogue.csv", "N,15,1,1,停电", "N,15,1,,停电", &["2 resolve_working_days empty"]),
        ("enterprises.csv", "91610528XXPRGL6M3X", "91610528XXPRGL6M3", &["2 uscc uscc_length"]),
        ("enterprises.csv", "91610528XXPRGL6M3X", "91610528OXPRGL6M3X", &["2 uscc uscc_character"]),
        ("enterprises.csv", "91610528XXPRGL6M3X", "91610528XXPRGL6M3Y", &["2 uscc uscc_check"]),
        ("enterprises.csv", "91610528XXPRGL6M3X", "9161A528XXPRGL6M3X", &["2 uscc uscc_region"]),
        ("enterprises.csv", "91610528XXPRGL6M3X", "01610528XXPRGL6M3X", &["2 uscc uscc_authority"]),
        ("catalogue_examples.csv", "没电了", &"没电了".repeat(200), &["2 text too_long"]),
        // Rows.
        ("contact_cards.csv", "E1,I1,,", "E1,I1,C1,", &["3 category_code item_and_category"]),
        ("contact_cards.csv", "E1,I1,,", "E1,,,", &["3 item_code empty"]),
        ("channels.csv", "sandbox-token", "", &["2 token token_missing"]),
        ("channels.csv", "whsec_c2FuZGJveC1vbmx5LXNhbmRib3gtb25seQ==", "", &["3 secrets secret_missing"]),
        ("channels.csv", "https://example.org/hook", "example.org", &["3 base_url malformed_url"]),
        ("channels.csv", "wecom_bot", "sms", &["2 kind unknown_word"]),
        (
            "channels.csv",
            "wecom_bot",
            "wecom_app",
            &["2 secrets secret_missing", "2 settings channel_settings"],
        ),
        ("areas.csv", "A1,东镇,东镇,镇,,Y", "A1,东镇,东镇", &["2  wrong_cell_count"]),
        // Rows against rows.
        ("areas.csv", "A2,旧", "A1,旧", &["3 code duplicate"]),
        ("catalogue_asides.csv", "昨天那个事咋样了", "家里暖气不热", &["3 text duplicate"]),
        ("catalogue_sayings.csv", "机器全停了没有电", "厂里突然没电了", &["3 text duplicate"]),
        ("contact_cards.csv", "E2,,C1,O4,O3", "E1,I1,,O4,O3", &["4  duplicate"]),
        ("enterprises.csv", "91610528XXT7G5NX75", "91610528XXPRGL6M3X", &["3 uscc duplicate"]),
        ("departments.csv", "责任办理", "统筹协调", &["3 mechanism_roles office_twice"]),
        ("departments.csv", "统筹协调", "责任办理", &["0 mechanism_roles no_business_office"]),
        ("departments.csv", "否,否,,,N", "否,否,,,Y", &["4 code department_without_duty_contact"]),
        ("officers.csv", "O7,萧癸巳,D2", "O7,萧癸巳,D9", &["8 department_code unknown_department"]),
        ("officers.csv", "O2,曾乙酉,D1", "O2,曾乙酉,D9", &["3 department_code unknown_department"]),
        ("officers.csv", "承办人,O4,I1", "承办人,O9,I1", &["4 backup_code unknown_officer"]),
        ("officers.csv", "承办人,O4,I1", "承办人,O3,I1", &["4 backup_code backup_is_self"]),
        ("officers.csv", "承办人,O4,I1", "承办人,O2,I1", &["4 backup_code backup_of_another_unit"]),
        ("officers.csv", "承办人,O4,I1", "承办人,O4,I1|I9", &["4 lead_items unknown_item"]),
        ("officers.csv", "承办人,O3,,", "承办人,O3,I1,", &["5 lead_items item_with_two_contacts"]),
        ("officers.csv", "受理员,,,", "受理员,,I2,", &["3 lead_items contact_outside_department"]),
        (
            "officers.csv",
            "冯辛亥,D2,科员,承办人,,,",
            "冯辛亥,D2,科员,承办人,,I2,",
            &["6 lead_items contact_outside_department", "6 lead_items nobody_reachable"],
        ),
        ("officers.csv", "O8,", "E1,", &["9 code login_taken"]),
        ("admins.csv", "O2,", "O9,", &["3 officer_code unknown_officer"]),
        ("admins.csv", "O2,", "O5,", &["3 officer_code officer_has_left"]),
        ("admins.csv", "O2,", "O1,", &["3 officer_code two_admin_roles"]),
        ("catalogue.csv", "I1,C1", "I1,C9", &["2 category_code unknown_category"]),
        ("catalogue.csv", "用电故障,D2,D1", "用电故障,D2,D2", &["2 helper_codes helper_is_own_department"]),
        ("catalogue.csv", "用电故障,D2,D1", "用电故障,D2,D9", &["2 helper_codes unknown_department"]),
        (
            "catalogue.csv",
            "N,15,1,1,,,N",
            "N,15,1,1,,,Y",
            &["3 code item_without_contact", "3 department_code inactive_department"],
        ),
        ("catalogue_words.csv", "I1,", "I9,", &["2 item_code unknown_item"]),
        ("catalogue_examples.csv", "I1,", "I9,", &["2 item_code unknown_item"]),
        ("catalogue_sayings.csv", "I1,", "I9,", &["2 item_code unknown_item"]),
        ("catalogue_asides.csv", "outside", "inside", &["2 kind unknown_word"]),
        ("departments.csv", "镇人民政府,A1", "镇人民政府,A9", &["5 area_code unknown_area"]),
        ("departments.csv", "公用企业,", "公用企业,A1", &["5 area_code area_twice"]),
        ("enterprises.csv", "34.75,109.18", "34.75,", &["2 latitude place_incomplete"]),
        ("enterprises.csv", "34.75,109.18", "91,109.18", &["2 latitude malformed_degrees"]),
        ("enterprises.csv", "34.75,109.18", "34.75,NaN", &["2 longitude malformed_degrees"]),
        ("enterprises.csv", "服装,A1", "服装,A2", &["2 area_code inactive_area"]),
        ("enterprises.csv", "服装,A1", "服装,A9", &["2 area_code unknown_area"]),
        ("enterprises.csv", "在建,D2", "在建,D9", &["2 authority_code unknown_department"]),
        ("contact_cards.csv", "E1,*", "E9,*", &["2 enterprise_code unknown_enterprise"]),
        ("contact_cards.csv", "E1,I1", "E1,I9", &["3 item_code unknown_item"]),
        ("contact_cards.csv", "E2,,C1", "E2,,C9", &["4 category_code unknown_category"]),
        ("contact_cards.csv", "O6,", "O9,", &["2 officer_code unknown_officer"]),
        ("contact_cards.csv", "O3,O4", "O3,O2", &["3 backup_code backup_of_another_unit"]),
        ("contact_cards.csv", "O3,O4", "O5,", &["3 officer_code nobody_reachable"]),
        ("channels.csv", "供电群,D2", "供电群,D9", &["2 department_code unknown_department"]),
        // Files.
        ("areas.csv", "aliases", "alias", &["1 alias unknown_column", "1 aliases missing_column"]),
        ("areas.csv", "code,name", "name,name", &["1 code missing_column", "1 name repeated_column"]),
        ("county.toml", "\"small\"", "\"Small\"", &["1 code unknown_word"]),
        ("county.toml", "code = ", "kode = ", &["0 code settings_malformed", "1 kode settings_malformed"]),
        ("county.toml", "name = ", "name ", &["2  settings_malformed"]),
    ];
    for (file, from, to, expected) in cases {
        let folder = Folder::new();
        folder.edit(file, |text| text.replacen(from, to, 1));
        let refused = folder.refused().await;
        assert_eq!(&named(&refused, file), expected, "{file}: {from} → {to}\n{refused}");
    }
}

#[tokio::test]
async fn all_problems_are_listed_at_once_and_in_both_languages() {
    let folder = Folder::new();
    folder.edit("officers.csv", |text| {
        text.replace("16900000001", "12").replace("承办人,O4,I1", "承办人,O9,I1")
    });
    folder.edit("contact_cards.csv", |text| text.replace("E1,*,,O6", "E9,*,,O9"));
    let text = folder.refused().await.to_string();
    assert_eq!(
        text,
        "没有导入任何数据：4 处问题。Nothing was imported: 4 problems.\n\
         contact_cards.csv 第 2 行 enterprise_code“E9”：没有这个企业。no such enterprise. [unknown_enterprise]\n\
         contact_cards.csv 第 2 行 officer_code“O9”：没有这个人员。no such officer. [unknown_officer]\n\
         officers.csv 第 2 行 mobile“12”：不是 11 位手机号码。not a mobile number of eleven digits. [malformed_mobile]\n\
         officers.csv 第 4 行 backup_code“O9”：没有这个人员。no such officer. [unknown_officer]\n\
         officers.csv：读到 8 行，拒绝 2 行 / 8 rows read, 2 refused\n\
         contact_cards.csv：读到 3 行，拒绝 1 行 / 3 rows read, 1 refused\n"
    );
}

#[tokio::test]
async fn a_missing_file_is_named_once_and_nobody_complains_about_its_rows() {
    let folder = Folder::new();
    std::fs::remove_file(folder.0.join("officers.csv")).unwrap();
    let refused = folder.refused().await;
    assert_eq!(refused.problems.len(), 1, "{refused}");
    assert_eq!(named(&refused, "officers.csv"), ["0  file_missing"]);
}

#[tokio::test]
async fn words_and_examples_and_admins_may_be_left_out() {
    let folder = Folder::new();
    for file in [
        "catalogue_words.csv",
        "catalogue_examples.csv",
        "catalogue_sayings.csv",
        "catalogue_asides.csv",
        "admins.csv",
    ] {
        std::fs::remove_file(folder.0.join(file)).unwrap();
    }
    assert!(matches!(folder.import(sandbox()).await, ImportError::Db(_)));
}

#[tokio::test]
async fn utf8_with_a_byte_order_mark_and_windows_line_ends_is_read_and_other_encodings_are_refused() {
    let folder = Folder::new();
    folder.edit("areas.csv", |text| format!("\u{feff}{}", text.replace('\n', "\r\n")));
    assert!(matches!(folder.import(sandbox()).await, ImportError::Db(_)));

    // 县 in GBK, in the third line.
    std::fs::write(folder.0.join("areas.csv"), b"code,name\nA1,x\nA2,\xcf\xd8\n").unwrap();
    assert_eq!(named(&folder.refused().await, "areas.csv"), ["3  not_utf8"]);
    std::fs::write(folder.0.join("areas.csv"), "").unwrap();
    assert_eq!(named(&folder.refused().await, "areas.csv"), ["1  header_missing"]);
}

#[tokio::test]
async fn a_sandbox_address_is_asked_for_only_where_a_channel_needs_it() {
    let folder = Folder::new();
    let ImportError::Refused(refused) = folder.import(ImportOptions::default()).await else {
        panic!("expected a refusal")
    };
    assert_eq!(named(&refused, "channels.csv"), ["2 base_url sandbox_address_missing"]);
    let odd = ImportOptions { sandbox_url: Some("here".to_owned()), ..ImportOptions::default() };
    let ImportError::Refused(refused) = folder.import(odd).await else { panic!("expected a refusal") };
    assert_eq!(named(&refused, "channels.csv"), ["2 base_url malformed_url"]);
    folder.edit("channels.csv", |text| text.replace("{sandbox}", "https://qyapi.weixin.qq.com"));
    assert!(matches!(folder.import(ImportOptions::default()).await, ImportError::Db(_)));
}

#[tokio::test]
async fn no_report_shows_a_credential() {
    let folder = Folder::new();
    folder.edit("channels.csv", |text| {
        text.replace("sandbox-token", "sandbox\u{7}token")
            .replace("https://example.org/hook", "ftp://a/secret-path")
    });
    let refused = folder.refused().await;
    assert_eq!(named(&refused, "channels.csv"), ["2 token control_character", "3 base_url malformed_url"]);
    assert!(!refused.to_string().contains("token“sandbox"), "{refused}");
    assert!(!refused.to_string().contains("secret-path"), "{refused}");
}

proptest::proptest! {
    /// Whatever a file holds is read or refused, never the end of the program.
    #[test]
    fn any_bytes_are_read_without_a_panic(
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        text in "(O[1-9]|在岗|休假|[0-9-]{1,11}|\u{feff}|\"|,|\n|\\||\r){0,60}",
    ) {
        let header = rows::OfficerRow::COLUMNS.join(",");
        for body in [body, text.into_bytes()] {
            let mut problems = Vec::new();
            table::parse::<rows::OfficerRow>(&[header.as_bytes(), b"\n", &body].concat(), &mut problems);
            table::parse::<rows::OfficerRow>(&body, &mut problems);
        }
    }
}

#[tokio::test]
async fn settings_that_their_reader_cannot_use_are_refused() {
    let judge: Judge = |settings| match settings.pointer("/limits/accept/normal") {
        Some(limit) if limit == "20wm" => {
            let fault = |field: &str| FieldError::new(field, "slow", "太慢了", "too slow");
            vec![fault("limits.accept.normal"), fault("limits.accept.urgent")]
        }
        _ => Vec::new(),
    };
    let options = ImportOptions { judge_settings: Some(judge), ..sandbox() };
    let ImportError::Refused(refused) = Folder::new().import(options).await else {
        panic!("expected a refusal")
    };
    let expected = ["limits.accept.urgent", "limits.accept.normal"];
    let lines = [5, 6].into_iter().zip(expected);
    let expected: Vec<_> =
        lines.map(|(line, path)| format!("{line} settings.{path} settings_malformed")).collect();
    assert_eq!(named(&refused, "county.toml"), expected);
    let text = refused.to_string();
    assert!(text.contains("太慢了") && text.contains("too slow"), "{text}");
}

#[tokio::test]
async fn what_the_county_file_says_in_no_such_form_is_told_all_at_once() {
    let folder = Folder::new();
    folder.edit("county.toml", |_| {
        "code = 5\nname = 6\nlunch = 1\nsettings = 3\nuscc_exceptions = 7\n".to_owned()
    });
    let fields = ["code", "name", "lunch", "settings", "uscc_exceptions"];
    let expected = fields.iter().zip(1..).map(|(field, line)| format!("{line} {field} settings_malformed"));
    assert_eq!(named(&folder.refused().await, "county.toml"), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_ladder_for_an_item_that_the_catalogue_has_not_is_refused_by_name() {
    let folder = Folder::new();
    folder.edit("county.toml", |text| {
        let steps = r#"accept = [{ rung = 1, at = "due", to = ["head"] }]"#;
        format!("{text}\n[settings.ladder.items.I1]\n{steps}\n[settings.ladder.items.I77]\n{steps}\n")
    });
    let refused = folder.refused().await;
    assert_eq!(named(&refused, "county.toml"), ["10 settings.ladder.items unknown_item"]);
    assert!(refused.to_string().contains("“I77”"), "{refused}");
}

#[tokio::test]
async fn an_address_names_somebody_and_an_application_that_reaches_him() {
    let folder = Folder::new();
    std::fs::write(
        folder.0.join("officer_addresses.csv"),
        "officer_code,channel_code,user_id,preference\nO9,app,u,1\nO1,none,u,\nO1,room-d2,u,\nO1,app,,0\nO1,app,u,\n",
    )
    .unwrap();
    std::fs::write(
        folder.0.join("department_channels.csv"),
        "department_code,channel_code,preference\nD9,app,1\nD1,hook,1\nD1,app,\n",
    )
    .unwrap();
    folder.edit("channels.csv", |text| {
        let mut lines = text.lines().map(|line| format!("{line},"));
        let head = format!("{}settings", lines.next().unwrap());
        let app = r#"app,feishu_app,本人,,{sandbox},,secret,"{""appId"":""cli""}""#;
        let lame = r#"lame,wecom_app,本人,,{sandbox},,secret,"{""appId"":""ww"",""agent"":1}""#;
        let all: Vec<String> =
            [head].into_iter().chain(lines).chain([app, lame].map(str::to_owned)).collect();
        all.join("\n")
    });
    let refused = folder.refused().await;
    assert_eq!(
        named(&refused, "officer_addresses.csv"),
        [
            "2 officer_code unknown_officer",
            "3 channel_code unknown_channel",
            "4 channel_code channel_reaches_nobody",
            "5 preference malformed_number",
            "5 user_id empty",
            "6  duplicate",
        ]
    );
    assert_eq!(
        named(&refused, "department_channels.csv"),
        [
            "2 department_code unknown_department",
            "3 channel_code channel_reaches_nobody",
            "4 preference empty"
        ]
    );
    assert_eq!(named(&refused, "channels.csv"), ["5 settings channel_settings"]);
}
