//! The demo county and a small one, loaded for real.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bytea, Text};
use diesel_async::RunQueryDsl;
use secrecy::{ExposeSecret as _, SecretString};
use yijiao::deadlines::ladders::faults_of_settings;
use yijiao::notices::admin::Administrator;
use yijiao::notices::admin::change_secret::change_secret;
use yijiao::notices::callbacks::Application;
use yijiao::notices::channels::ChannelKind;
use yijiao::notices::model::ChannelId;
use yijiao::organisation::CountyId;
use yijiao::organisation::import::{Counts, ImportError, ImportOptions, ImportReport, Kind, import};
use yijiao::platform::crypto::Vault;
use yijiao::platform::db::{Db, DbError, Scope};

use crate::kit_db::TestDb;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A copy of a county's folder that a test may edit.
struct Folder(PathBuf);

impl Folder {
    fn copy_of(from: &str) -> Self {
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("yijiao-it-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&to).unwrap();
        for entry in std::fs::read_dir(project(from)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        Self(to)
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.0.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn lines(&self, file: &str) -> Vec<String> {
        std::fs::read_to_string(self.0.join(file)).unwrap().lines().map(str::to_owned).collect()
    }

    /// Exchanges one cell of two lines; of a table without quotes.
    fn swap_column(&self, file: &str, column: &str, one: usize, other: usize) {
        let mut cells: Vec<Vec<String>> =
            self.lines(file).iter().map(|line| line.split(',').map(str::to_owned).collect()).collect();
        let at = cells[0].iter().position(|name| name == column).unwrap();
        let (left, right) = (cells[one][at].clone(), cells[other][at].clone());
        (cells[one][at], cells[other][at]) = (right, left);
        let lines: Vec<String> = cells.iter().map(|line| line.join(",") + "\n").collect();
        std::fs::write(self.0.join(file), lines.concat()).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn vault() -> Vault {
    Vault::new(&SecretString::from("a master key for tests, 32 characters"))
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

async fn load(db: &Db, dir: &Path) -> Result<ImportReport, ImportError> {
    load_at(db, dir, now()).await
}

async fn load_at(db: &Db, dir: &Path, now: DateTime<Utc>) -> Result<ImportReport, ImportError> {
    let options =
        ImportOptions { sandbox_url: Some("http://127.0.0.1:8090/".to_owned()), ..ImportOptions::default() };
    import(db, &vault(), dir, options, now).await
}

/// One number of one county.
async fn count(db: &Db, county: CountyId, query: &str) -> i64 {
    let mut tx = db.begin(Scope::County(county.0)).await.unwrap();
    let count = diesel::select(diesel::dsl::sql::<BigInt>(&format!("({query})"))).get_result(&mut *tx).await;
    tx.finish(count.map_err(DbError::from)).await.unwrap()
}

/// Texts of one county.
async fn texts(db: &Db, county: CountyId, query: &str) -> Vec<String> {
    let mut tx = db.begin(Scope::County(county.0)).await.unwrap();
    let query = format!("(select coalesce(array_agg(x.t order by x.t), '{{}}') from ({query}) x(t))");
    let texts = diesel::select(diesel::dsl::sql::<Array<Text>>(&query)).get_result(&mut *tx).await;
    tx.finish(texts.map_err(DbError::from)).await.unwrap()
}

async fn execute(db: &Db, county: CountyId, statement: &str) {
    let mut tx = db.begin(Scope::County(county.0)).await.unwrap();
    let done = diesel::sql_query(statement).execute(&mut *tx).await;
    assert!(tx.finish(done.map_err(DbError::from)).await.unwrap() > 0, "{statement}");
}

/// Every row of every table of the county, as text.
async fn everything(db: &Db, county: CountyId) -> BTreeMap<&'static str, Vec<String>> {
    let tables = [
        "counties",
        "areas",
        "departments",
        "officers",
        "absences",
        "categories",
        "service_items",
        "item_helpers",
        "item_contacts",
        "catalogue_examples",
        "enterprises",
        "contact_cards",
        "channels",
        "officer_addresses",
        "department_channels",
        "catalogue_asides",
        "accounts",
        "account_roles",
        "members",
    ];
    let mut all = BTreeMap::new();
    for table in tables {
        all.insert(table, texts(db, county, &format!("select t::text from {table} t")).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_county_loads_whole_and_a_second_import_changes_nothing() {
    let scratch = TestDb::create();
    let db = &scratch.db();
    let first = load(db, &project("config/counties/demo")).await.unwrap_or_else(|e| panic!("{e}"));
    let new = |kind| first.of(kind).new;
    assert_eq!((new(Kind::Areas), new(Kind::Departments), new(Kind::Officers)), (19, 58, 335));
    assert_eq!((new(Kind::Categories), new(Kind::Items), new(Kind::ItemContacts)), (9, 59, 59));
    assert_eq!((new(Kind::Enterprises), new(Kind::Cards), new(Kind::Absences)), (520, 7106, 8));
    assert_eq!((new(Kind::Channels), new(Kind::Examples) > 0, new(Kind::Asides) > 0), (63, true, true));
    assert_eq!((new(Kind::Addresses), new(Kind::DepartmentChannels)), (342, 2));
    // Twelve enterprises are deregistered and have no account.
    assert_eq!((new(Kind::Accounts), new(Kind::Members)), (335 + 508, 508));
    let before = everything(db, first.county).await;

    let second = load(db, &project("config/counties/demo")).await.unwrap();
    assert!(second.is_still(), "{second}");
    assert_eq!(second.county, first.county);
    assert_eq!(second.of(Kind::Cards), Counts { unchanged: 7106, ..Counts::default() });
    assert_eq!(before, everything(db, first.county).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_enterprise_and_item_of_the_demo_county_has_somebody_to_ask() {
    let scratch = TestDb::create();
    let db = &scratch.db();
    let county = load(db, &project("config/counties/demo")).await.unwrap().county;
    let pairs = "from enterprises e cross join service_items i";
    assert_eq!(count(db, county, &format!("select count(*) {pairs}")).await, 520 * 59);
    let nobody = format!(
        "select count(*) {pairs}
         where not exists (select from contact_cards c where c.enterprise_id = e.id and c.item_id = i.id)
           and not exists (select from contact_cards c where c.enterprise_id = e.id and c.category_id = i.category_id)
           and not exists (select from contact_cards c
                           where c.enterprise_id = e.id and c.item_id is null and c.category_id is null)
           and not exists (select from item_contacts k where k.item_id = i.id and k.area_id is null)"
    );
    assert_eq!(count(db, county, &nobody).await, 0);

    // Whichever of them is asked, he or his backup is there; and behind each item stands its department's duty contact.
    let lost_card = "select count(*) from contact_cards c join officers o on o.id = c.officer_id
        left join officers b on b.id = c.backup_id where 'active' <> all (array[o.status, coalesce(b.status, '-')])";
    assert_eq!(count(db, county, lost_card).await, 0);
    let contact = "select from item_contacts k join officers o on o.id = k.officer_id
        left join officers b on b.id = o.backup_id
        where k.item_id = i.id and k.area_id is null and 'active' in (o.status, b.status)";
    let lost_item = format!("select count(*) from service_items i where not exists ({contact})");
    assert_eq!(count(db, county, &lost_item).await, 0);
    let unguarded = "select count(*) from departments d where 1 <> (
        select count(*) from officers o where o.department_id = d.id and o.is_duty_contact and o.status = 'active')";
    assert_eq!(count(db, county, unguarded).await, 0);
    // And every rung of its ladder has somebody on it.
    for (post, least) in [("head", 1), ("deputy", 1), ("section_head", 1)] {
        let missing = format!(
            "select count(*) from departments d where {least} > (
                select count(*) from officers o where o.department_id = d.id and o.post = '{post}' and o.status = 'active')"
        );
        assert_eq!(count(db, county, &missing).await, 0, "{post}");
    }
    let two_heads = "select count(*) from departments d
        where 1 < (select count(*) from officers o where o.department_id = d.id and o.post = 'head')";
    assert_eq!(count(db, county, two_heads).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_files_say_of_people_becomes_posts_roles_leave_and_accounts() {
    let scratch = TestDb::create();
    let small = Folder::copy_of("tests/data/small_county");
    let db = &scratch.db();
    let county = load(db, &small.0).await.unwrap_or_else(|error| panic!("{error}")).county;

    let posts = texts(
        db,
        county,
        "select code || ' ' || post || case when is_duty_contact then ' duty' else '' end from officers",
    );
    assert_eq!(
        posts.await,
        [
            "O1 head",
            "O2 dispatcher duty",
            "O3 section_head",
            "O4 lead",
            "O5 lead",
            "O6 lead duty",
            "O7 deputy",
            "O8 head duty"
        ]
    );
    let roles =
        "select a.login || ' ' || a.status || ' ' || string_agg(coalesce(r.role, '-'), ' ' order by r.role)
        from accounts a left join account_roles r on r.account_id = a.id group by a.login, a.status";
    assert_eq!(
        texts(db, county, roles).await,
        [
            "E1 active -",
            "E2 active -",
            "O1 active business_office head officer system_admin",
            "O2 active business_office dispatcher officer security_admin",
            "O3 active officer",
            "O4 active officer",
            "O5 disabled -",
            "O6 active dispatcher officer",
            "O7 active deputy officer",
            "O8 active dispatcher head officer",
        ]
    );
    let offices = "select code || ' ' || office from departments where office is not null";
    assert_eq!(texts(db, county, offices).await, ["D1 business_office"]);
    // Whole days in China: 1 July 00:00 to 4 July 00:00, eight hours ahead of UTC.
    let leave =
        "select o.code || ' ' || (starts_at at time zone 'UTC') || ' ' || (ends_at at time zone 'UTC')
        from absences join officers o on o.id = officer_id";
    assert_eq!(texts(db, county, leave).await, ["O3 2026-06-30 16:00:00 2026-07-03 16:00:00"]);
    let owners = "select e.code || ' ' || standing || ' ' || a.name || ' ' || a.mobile from members m
        join enterprises e on e.id = m.enterprise_id join accounts a on a.id = m.account_id";
    assert_eq!(
        texts(db, county, owners).await,
        ["E1 owner 吕己未 16900010001", "E2 owner 袁壬午 16900010002"]
    );
    // The contact of a town's office answers there alone.
    let contacts = "select i.code || ' ' || o.code || ' ' || coalesce(a.code, 'everywhere') from item_contacts k
        join service_items i on i.id = k.item_id join officers o on o.id = k.officer_id left join areas a on a.id = k.area_id";
    assert_eq!(texts(db, county, contacts).await, ["I1 O3 everywhere", "I1 O6 A1"]);
    let served = "select d.code || ' ' || a.code from departments d join areas a on a.id = d.area_id";
    assert_eq!(texts(db, county, served).await, ["T1 A1"]);
    let settings = "select settings #>> '{limits,accept,normal}' from counties";
    assert_eq!(texts(db, county, settings).await, ["20wm"]);
    let words = "select array_to_string(keywords, ',') || ';' || array_to_string(synonyms, ',') from service_items where active";
    assert_eq!(texts(db, county, words).await, ["停电,跳闸;没电了,电不通"], "words join the synonyms once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_file_changes_its_rows_and_ids_stay() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let county = load(db, &small.0).await.unwrap().county;
    let ids = "select id || ' ' || code from officers union all select id || ' ' || code from enterprises
        union all select id || ' ' || login from accounts";
    let before = texts(db, county, ids).await;

    small.edit("officers.csv", "副主任,单位分管领导", "主任,单位分管领导");
    small.edit("officers.csv", "科员,受理员", "科员,承办人");
    small.edit("enterprises.csv", "袁壬午,16900010002,停业", "袁壬午,16900010009,注销");
    small.edit("contact_cards.csv", "E2,,C1,O4,O3\n", "E2,*,,O6,\n");
    small.edit("catalogue.csv", "用电故障,D2,D1", "用电故障,D2,");
    small.edit("channels.csv", "sandbox-token", "sandbox-token-2");
    small.edit("catalogue_sayings.csv", "I1,机器全停了没有电\n", "I1,变压器冒烟了\n");
    small.edit("catalogue_asides.csv", "outside,家里暖气不热\n", "follow_up,家里暖气不热\n");
    let revision = "select max(catalogue_revision)::bigint from counties";
    let taught = count(db, county, revision).await;
    let report = load(db, &small.0).await.unwrap();

    let changed = |new, changed, unchanged, ended| Counts { new, changed, unchanged, ended, kept: 0 };
    assert_eq!(report.of(Kind::Officers), changed(0, 2, 6, 0));
    assert_eq!(report.of(Kind::Enterprises), changed(0, 1, 2, 0));
    assert_eq!(report.of(Kind::Cards), changed(1, 0, 2, 1));
    assert_eq!(report.of(Kind::ItemHelpers), changed(0, 0, 0, 1));
    assert_eq!(report.of(Kind::Channels), changed(0, 1, 1, 0));
    assert_eq!(report.of(Kind::Examples), changed(1, 0, 1, 1));
    assert_eq!(report.of(Kind::Asides), changed(0, 1, 1, 0));
    assert!(count(db, county, revision).await > taught, "replicas learn anew");
    assert_eq!(before, texts(db, county, ids).await, "ids stay");
    // O2 no longer takes calls in: the duty passes to the head, and so does the role.
    let dispatchers =
        "select a.login from account_roles join accounts a on a.id = account_id where role = 'dispatcher'";
    assert_eq!(texts(db, county, dispatchers).await, ["O1", "O6", "O8"]);
    let closed = "select login || ' ' || mobile from accounts where status = 'disabled'";
    assert_eq!(texts(db, county, closed).await, ["E2 16900010009", "O5 16900000005"]);
    assert!(load(db, &small.0).await.unwrap().is_still());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_decided_in_the_product_survives_an_import() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let county = load(db, &small.0).await.unwrap().county;
    for statement in [
        "update accounts set password_hash = 'x', status = 'disabled' where login = 'O4'",
        "update accounts set login = 'lu.jiazi' where login = 'O3'",
        "update members set left_at = now(), standing = 'member'",
        "update channels set state = 'paused', state_reason = 'by hand' where code = 'hook'",
        "insert into account_roles select id, 'special_supervisor', county_id from accounts where login = 'O1'",
        "update enterprises set latitude = 34.7, longitude = 109.2 where code = 'E2'",
        "insert into account_roles select id, 'audit_admin', county_id from accounts where login = 'O7'",
    ] {
        execute(db, county, statement).await;
    }
    let report = load(db, &small.0).await.unwrap();
    let kept = "select login || ' ' || status || ' ' || coalesce(password_hash, '-') from accounts where login in ('O4', 'lu.jiazi')";
    assert_eq!(texts(db, county, kept).await, ["O4 disabled x", "lu.jiazi active -"]);
    assert_eq!(count(db, county, "select count(*) from members where left_at is not null").await, 2);
    assert_eq!(texts(db, county, "select state from channels where code = 'hook'").await, ["paused"]);
    assert_eq!(
        count(db, county, "select count(*) from account_roles where role = 'special_supervisor'").await,
        1
    );
    assert_eq!(report.of(Kind::Enterprises), Counts { unchanged: 3, ..Counts::default() }, "the place stays");
    // A role that only the files may give is taken back.
    assert_eq!(report.of(Kind::AccountRoles).ended, 1);
    assert_eq!(count(db, county, "select count(*) from account_roles where role = 'audit_admin'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_chosen_in_the_product_survives_an_import() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let app = |kind: &str, name: &str| {
        format!("{kind},{kind},{name},,{{sandbox}},,s,\"{{\"\"appId\"\":\"\"x\"\"}}\"\n")
    };
    let apps = app("feishu_app", "飞书") + &app("dingtalk_app", "钉钉");
    let head = "code,kind,name,department_code,base_url,token,secrets,settings\n";
    let order = "department_code,channel_code,preference\nD2,feishu_app,1\nD1,feishu_app,1\n";
    let reached = "officer_code,channel_code,user_id,preference\nO1,feishu_app,o1,1\nO2,feishu_app,o2,1\n";
    for (file, text) in [
        ("channels.csv", format!("{head}{apps}")),
        ("officer_addresses.csv", reached.to_owned()),
        ("department_channels.csv", order.to_owned()),
    ] {
        std::fs::write(small.0.join(file), text).unwrap();
    }
    let county = load(db, &small.0).await.unwrap().county;
    for statement in [
        "update officer_addresses a set preference = null, chosen_at = now() from officers o where o.id = a.officer_id and o.code = 'O1'",
        "update department_channels p set channel_id = c.id, given_at = now() from departments d, channels c
            where d.id = p.department_id and d.code = 'D2' and c.code = 'dingtalk_app'",
        "update channels set interactive_refused_at = now()",
    ] {
        execute(db, county, statement).await;
    }
    // One more application reaches them both, before all others; and one of the two has another name.
    std::fs::write(
        small.0.join("officer_addresses.csv"),
        format!("{reached}O1,dingtalk_app,o1,1\nO2,dingtalk_app,o2,1\n"),
    )
    .unwrap();
    small.edit("channels.csv", "钉钉", "县钉钉");
    load(db, &small.0).await.unwrap();
    let people =
        "select o.code || ' ' || c.code || ' ' || coalesce(a.preference::text, '-') from officer_addresses a
        join officers o on o.id = a.officer_id join channels c on c.id = a.channel_id";
    let expected = ["O1 dingtalk_app -", "O1 feishu_app -", "O2 dingtalk_app 1", "O2 feishu_app 1"];
    assert_eq!(texts(db, county, people).await, expected);
    let departments = "select d.code || ' ' || c.code from department_channels p
        join departments d on d.id = p.department_id join channels c on c.id = p.channel_id";
    assert_eq!(texts(db, county, departments).await, ["D1 feishu_app", "D2 dingtalk_app"]);
    let refused = "select code from channels where interactive_refused_at is not null and code like '%app'";
    assert_eq!(texts(db, county, refused).await, ["feishu_app"], "what was changed may do what it could not");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_file_does_not_bring_back_a_secret_that_an_administrator_replaced() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let county = load(db, &small.0).await.unwrap().county;
    let one = async |query: &str| texts(db, county, query).await.remove(0).parse().unwrap();
    let account = one("select id::text from accounts where login = 'O1'").await;
    let administrator = Administrator { county, account, name: "管理员".to_owned() };
    let room = ChannelId(one("select id::text from channels where code = 'room-d2'").await);
    let given = serde_json::from_value(serde_json::json!({"token": "another-token"})).unwrap();
    change_secret(db, &vault(), &administrator, room, &given, now()).await.unwrap();
    let sealed = "select encode(credentials_sealed, 'hex') from channels where code = 'room-d2'";
    let before = texts(db, county, sealed).await;

    small.edit("channels.csv", "供电群", "供电抢修群");
    small.edit("channels.csv", "c2FuZGJveC1vbmx5", "c2FuZGJveC1vbmx4");
    assert_eq!(load(db, &small.0).await.unwrap().of(Kind::Channels).changed, 2);
    assert_eq!(texts(db, county, "select name from channels").await, ["供电抢修群", "县系统"]);
    assert_eq!(texts(db, county, sealed).await, before, "the administrator's stays");
    let opened = vault().open("channel-credentials", &hex::decode(&before[0]).unwrap()).unwrap();
    assert!(String::from_utf8(opened).unwrap().contains("another-token"));
    assert!(load(db, &small.0).await.unwrap().is_still(), "what nobody replaced is the file's, as ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn leave_that_the_files_no_longer_mention_is_over_and_what_was_entered_by_hand_stays() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let on = |day: &str| -> DateTime<Utc> { format!("{day}T09:00:00+08:00").parse().unwrap() };
    let county = load_at(db, &small.0, on("2026-06-01")).await.unwrap().county;
    execute(
        db,
        county,
        "insert into absences (id, county_id, officer_id, starts_at, ends_at)
         select gen_random_uuid(), county_id, id, '2026-06-30T16:00:00Z', '2026-07-10T16:00:00Z' from officers where code in ('O3', 'O4')",
    )
    .await;
    let leave = "select o.code || ' ' || x.source || ' ' || to_char(x.ends_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI')
        from absences x join officers o on o.id = x.officer_id";
    let by_hand = ["O3 entered 07-11 00:00", "O4 entered 07-11 00:00"];
    let with = |first: &str| -> Vec<String> {
        std::iter::once(first).chain(by_hand).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    // Longer by a day; the entry by hand that begins at the same moment is another one.
    small.edit("officers.csv", "2026-07-03", "2026-07-04");
    let report = load_at(db, &small.0, on("2026-06-02")).await.unwrap();
    assert_eq!(report.of(Kind::Absences), Counts { changed: 1, ..Counts::default() });
    let mut lines = texts(db, county, leave).await;
    lines.sort_by_key(|line| line.contains("entered"));
    assert_eq!(lines, with("O3 import 07-05 00:00"));

    // Back at work on the second day.
    small.edit("officers.csv", "休假,2026-07-01,2026-07-04", "在岗,,");
    let report = load_at(db, &small.0, on("2026-07-02")).await.unwrap();
    assert_eq!(report.of(Kind::Absences), Counts { ended: 1, ..Counts::default() });
    let mut lines = texts(db, county, leave).await;
    lines.sort_by_key(|line| line.contains("entered"));
    assert_eq!(lines, with("O3 import 07-02 09:00"));
    assert!(
        load_at(db, &small.0, on("2026-07-03")).await.unwrap().is_still(),
        "what is over stays as it was"
    );

    // Planned, then called off before it began.
    small.edit("officers.csv", "16900000004,,,在岗,,", "16900000004,,,休假,2026-09-01,2026-09-02");
    assert_eq!(load_at(db, &small.0, on("2026-08-01")).await.unwrap().of(Kind::Absences).new, 1);
    small.edit("officers.csv", "16900000004,,,休假,2026-09-01,2026-09-02", "16900000004,,,在岗,,");
    let report = load_at(db, &small.0, on("2026-08-02")).await.unwrap();
    assert_eq!(report.of(Kind::Absences), Counts { ended: 1, ..Counts::default() });
    assert_eq!(count(db, county, "select count(*) from absences").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_files_no_longer_mention_stays_but_holds_no_post_and_no_office() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let county = load(db, &small.0).await.unwrap().county;
    execute(
        db,
        county,
        "insert into account_roles select id, 'special_supervisor', county_id from accounts where login = 'O8'",
    )
    .await;
    let of_o8 = "select o.post || ' ' || o.is_duty_contact || ' ' || o.status || ' ' || a.status || ' ' || string_agg(r.role, ' ' order by r.role)
        from officers o join accounts a on a.officer_id = o.id join account_roles r on r.account_id = a.id where o.code = 'O8'
        group by o.post, o.is_duty_contact, o.status, a.status";
    assert_eq!(
        texts(db, county, of_o8).await,
        ["head true active active dispatcher head officer special_supervisor"]
    );
    // O8 is gone from the list, and the other leader of his unit steps into his place.
    small.edit("officers.csv", "O8,苏辛酉,D2,经理,单位分管领导,,,16900000008,,,在岗,,\n", "");
    small.edit(
        "enterprises.csv",
        "E3,91610528XXT7G5NX70,丙公司,丙,企业,,,A1,,,,,,,,,,,,,冯辛亥,16900010003,注销\n",
        "",
    );
    let report = load(db, &small.0).await.unwrap();
    assert_eq!(report.of(Kind::Officers), Counts { changed: 2, unchanged: 6, kept: 1, ..Counts::default() });
    assert_eq!(report.of(Kind::Enterprises), Counts { unchanged: 2, kept: 1, ..Counts::default() });
    assert!(report.to_string().contains("close them by active or status"));
    assert_eq!(texts(db, county, of_o8).await, ["lead false active active officer special_supervisor"]);
    let heads = "select code from officers where department_id = (select id from departments where code = 'D2') and post = 'head'";
    assert_eq!(texts(db, county, heads).await, ["O7"]);
    assert!(load(db, &small.0).await.unwrap().is_still());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_can_be_handed_on_to_another_department() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let county = load(db, &small.0).await.unwrap().county;
    let offices = "select code || ' ' || office from departments where office is not null";
    let before = texts(db, county, offices).await;
    let lines = small.lines("departments.csv");
    let role = "统筹协调";
    let holder = lines.iter().position(|line| line.contains(role)).unwrap();
    // To one that stands before it in the file, and to one after it.
    let heir = if holder == 1 { 2 } else { 1 };
    small.swap_column("departments.csv", "mechanism_roles", holder, heir);
    let report = load(db, &small.0).await.unwrap();
    assert_eq!(report.of(Kind::Departments).changed, 2);
    assert_ne!(texts(db, county, offices).await, before);
    small.swap_column("departments.csv", "mechanism_roles", heir, holder);
    load(db, &small.0).await.unwrap();
    assert_eq!(texts(db, county, offices).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_leaves_nothing_behind() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    small.edit("contact_cards.csv", "E1,*,,O6", "E1,*,,O9");
    assert!(matches!(load(db, &small.0).await, Err(ImportError::Refused(_))));
    assert_eq!(count(db, CountyId::fresh(), "select count(*) from counties").await, 0);

    // Refused only by what the county already holds: rolled back, whatever was written before.
    small.edit("contact_cards.csv", "E1,*,,O9", "E1,*,,O6");
    let county = load(db, &small.0).await.unwrap().county;
    let before = everything(db, county).await;
    small.edit("officers.csv", "于甲申", "于乙申");
    small.edit("enterprises.csv", "E3,", "E4,");
    let Err(ImportError::Refused(refused)) = load(db, &small.0).await else { panic!("expected a refusal") };
    assert_eq!(refused.problems.len(), 1);
    let problem = &refused.problems[0];
    assert_eq!(
        (problem.file.as_str(), problem.line, problem.reason.code()),
        ("enterprises.csv", 4, "uscc_held_by")
    );
    small.edit("enterprises.csv", "E4,", "E3,");
    assert_eq!(before, everything(db, county).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_the_settings_are_told_at_once_each_at_its_line() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let settings = r#"normal = "0wm"
soon = "5wm"

[settings.calls]
urge_per_day = 0

[settings.ladder.clocks]
accept = [
    { rung = 1, at = "due", to = ["mayor"] },
    { rung = 2, at = "+30wm", to = ["head"] },
    { rung = 3, at = "+15wm", to = ["head"] },
]
"#;
    small.edit("county.toml", "normal = \"20wm\"\n", settings);
    let options = ImportOptions {
        sandbox_url: Some("http://127.0.0.1:8090/".to_owned()),
        judge_settings: Some(faults_of_settings),
        ..ImportOptions::default()
    };
    let Err(ImportError::Refused(refused)) = import(db, &vault(), &small.0, options, now()).await else {
        panic!("expected a refusal")
    };
    let told: Vec<_> = refused.problems.iter().map(|it| format!("{} {}", it.line, it.column)).collect();
    let expected = [
        "6 settings.limits.accept.normal",
        "7 settings.limits.accept.soon",
        "10 settings.calls.urge_per_day",
        "14 settings.ladder.clocks.accept[0].to[0]",
        "16 settings.ladder.clocks.accept[2].at",
    ];
    assert_eq!(told, expected, "{refused}");
    let text = refused.to_string();
    assert!(text.contains("没有这种紧急程度：critical、urgent 或 normal"), "{text}");
    assert!(text.contains("时点不得早于前一级") && text.contains("the delays do not fall"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_county_beside_the_first_leaves_it_untouched() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let first = load(db, &small.0).await.unwrap().county;
    let before = everything(db, first).await;
    // The same codes, credit codes and logins in another county.
    small.edit("county.toml", "\"small\"", "\"other\"");
    small.edit("enterprises.csv", "甲公司,甲", "丁公司,丁");
    let report = load(db, &small.0).await.unwrap();
    assert_ne!(report.county, first);
    assert_eq!(report.of(Kind::Officers).new, 8);
    let after = everything(db, first).await;
    for (table, rows) in before {
        if table != "counties" {
            assert_eq!(Some(&rows), after.get(table), "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_sealed_for_the_channels_and_addresses_point_at_the_sandbox() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let county = load(db, &small.0).await.unwrap().county;
    let opened = async |code: &str| {
        let mut tx = db.begin(Scope::County(county.0)).await.unwrap();
        let sealed: Result<Vec<u8>, _> = diesel::select(diesel::dsl::sql::<Bytea>(&format!(
            "(select credentials_sealed from channels where code = '{code}')",
        )))
        .get_result(&mut *tx)
        .await;
        let sealed = tx.finish(sealed.map_err(DbError::from)).await.unwrap();
        let opened = vault().open("channel-credentials", &sealed).unwrap();
        serde_json::from_slice::<serde_json::Value>(&opened).unwrap()
    };
    assert_eq!(opened("room-d2").await, serde_json::json!({ "token": "sandbox-token", "secrets": [] }));
    assert_eq!(opened("hook").await["url"], "https://example.org/hook", "a webhook's address is a secret");
    let addresses = texts(db, county, "select base_url from channels").await;
    assert_eq!(addresses, ["http://127.0.0.1:8090", "https://example.org"]);
}

/// One text of one county.
async fn text(db: &Db, county: CountyId, query: &str) -> String {
    texts(db, county, query).await.join("|")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_contact_no_longer_reaches_the_enterprise() {
    let store = TestDb::create();
    let db = store.db();
    let folder = Folder::copy_of("tests/data/clear_county");
    let county = load(&db, &folder.0).await.unwrap().county;
    // Both contacts signed in, and are known to the mini-program.
    let sign_in = "insert into sessions (id, county_id, account_id, started_at, expires_at)
        select gen_random_uuid(), county_id, id, now(), now() + interval '30 days' from accounts where login in ('MILL', 'KILN')";
    let bind = "insert into platform_logins (id, county_id, account_id, platform, app_id, external_id, bound_at)
        select gen_random_uuid(), county_id, id, 'wechat', 'wx', 'openid-' || login, now() from accounts where login in ('MILL', 'KILN')";
    for statement in [sign_in, bind] {
        execute(&db, county, statement).await;
    }
    let former = text(&db, county, "select id::text from accounts where login = 'MILL'").await;
    let kept = text(&db, county, "select id::text from accounts where login = 'KILN'").await;

    let again = load(&db, &folder.0).await.unwrap();
    assert_eq!(again.counts.iter().map(|(_, counts)| counts.new + counts.changed).sum::<usize>(), 0);
    assert_eq!(count(&db, county, "select count(*) from sessions where ended_at is null").await, 2);

    folder.edit("enterprises.csv", "吕己未,16900010001", "郑新任,16900010009");
    folder.edit("enterprises.csv", "袁壬午,16900010002", "袁壬午,16900010008");
    load(&db, &folder.0).await.unwrap();

    // Another person: an account of his own, and nothing of his predecessor's.
    let owner = "select a.name || ' ' || a.mobile || ' ' || a.status from members m join accounts a on a.id = m.account_id
        join enterprises e on e.id = m.enterprise_id where e.code = 'MILL' and m.left_at is null";
    assert_eq!(text(&db, county, owner).await, "郑新任 16900010009 active");
    let login = "select name from accounts where login = 'MILL' and password_hash is null";
    assert_eq!(text(&db, county, login).await, "郑新任");
    let old = format!(
        "select name || ' ' || status || ' ' || (login like '~%') from accounts where id = '{former}'"
    );
    assert_eq!(text(&db, county, &old).await, "吕己未 disabled true");
    let left = format!("select (left_at is not null)::text from members where account_id = '{former}'");
    assert_eq!(text(&db, county, &left).await, "true");
    // The same person with another number keeps his account; he signs in anew.
    let same =
        "select a.id || ' ' || a.mobile from accounts a where a.login = 'KILN' and a.status = 'active'";
    assert_eq!(text(&db, county, same).await, format!("{kept} 16900010008"));
    let ended = "select a.name || ' ' || s.end_reason from sessions s join accounts a on a.id = s.account_id where s.ended_at is not null";
    assert_eq!(texts(&db, county, ended).await, ["吕己未 contact_changed", "袁壬午 contact_changed"]);
    assert_eq!(count(&db, county, "select count(*) from platform_logins").await, 0);

    let again = load(&db, &folder.0).await.unwrap();
    assert_eq!(again.counts.iter().map(|(_, counts)| counts.new + counts.changed).sum::<usize>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_the_files_change_must_prove_itself_anew_and_one_that_they_leave_out_stays() {
    let scratch = TestDb::create();
    let (small, db) = (Folder::copy_of("tests/data/small_county"), &scratch.db());
    let head = "code,kind,name,department_code,base_url,token,secrets,settings";
    let app = "app,feishu_app,飞书,,{sandbox},,s,\"{\"\"appId\"\":\"\"x\"\"}\"";
    let write = |text: String| std::fs::write(small.0.join("channels.csv"), text).unwrap();
    let with = |key: &str| format!("{head},callback_token,callback_key\n{app},token,{key}\n");
    for file in ["officer_addresses.csv", "department_channels.csv"] {
        let _ = std::fs::remove_file(small.0.join(file));
    }
    write(with("one"));
    let county = load(db, &small.0).await.unwrap().county;
    execute(db, county, "update channels set called_at = now() where code = 'app'").await;
    let proven = async || {
        let proven = "select count(*) from channels where code = 'app' and called_at is not null";
        count(db, county, proven).await
    };
    let key = async || {
        let id = texts(db, county, "select id::text from channels where code = 'app'").await.concat();
        let found = Application::find(db, &vault(), id.parse().unwrap(), ChannelKind::FeishuApp).await;
        found.unwrap().map(|application| application.callback.key.expose_secret().to_owned())
    };
    load(db, &small.0).await.unwrap();
    assert_eq!((proven().await, key().await.as_deref()), (1, Some("one")));
    // Files that do not know of it.
    write(format!("{head}\n{app}\n"));
    load(db, &small.0).await.unwrap();
    assert_eq!((proven().await, key().await.as_deref()), (1, Some("one")));
    write(with("two"));
    load(db, &small.0).await.unwrap();
    assert_eq!((proven().await, key().await.as_deref()), (0, Some("two")));
}
