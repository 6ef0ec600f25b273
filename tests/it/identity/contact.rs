//! An enterprise names another contact person: its calls go on with him, and the one before him is out, token in hand or not.

use std::path::{Path, PathBuf};

use serde_json::json;
use yijiao::identity::{operator, refresh};
use yijiao::organisation::import::{ImportOptions, import};

use crate::kit::{County, Spans as _};

/// The small county with another line for the mill's contact.
fn folder_with(contact: &str) -> PathBuf {
    let to = std::env::temp_dir().join(format!("yijiao-it-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&to).unwrap();
    for entry in
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clear_county")).unwrap()
    {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        std::fs::write(to.join(entry.file_name()), text.replace("吕己未,16900010001", contact)).unwrap();
    }
    to
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_contact_no_more_is_out_whatever_he_still_holds() {
    let county = County::open();
    let former = county.mill();
    let call = former.raises(json!({"itemCode": "OUTAGE"})).await;
    let (db, keys) = (&county.app.db, &county.app.keys);
    let tokens = operator::issue_for(db, keys, county.code, "MILL", county.now()).await.unwrap();
    county
        .alter(
            "insert into platform_logins (id, county_id, account_id, platform, app_id, external_id, bound_at)
            select gen_random_uuid(), county_id, id, 'wechat', 'wx', 'openid', now() from accounts where login = 'MILL'",
        )
        .await;

    county.pass(1.minutes());
    let folder = folder_with("郑新任,16900010009");
    let options =
        ImportOptions { sandbox_url: Some("http://127.0.0.1:8090/".to_owned()), ..ImportOptions::default() };
    import(db, &county.app.vault, &folder, options, county.now()).await.unwrap();
    std::fs::remove_dir_all(&folder).ok();

    // His access token is good for some minutes more, and reaches nothing of the enterprise.
    former.does_not_see(&call).await;
    former.may_not("withdraw", &call, json!({})).await.is(404, "call_not_found");
    former.may_not_raise(json!({"itemCode": "OUTAGE"})).await.is(403, "no_enterprise");
    assert_eq!(former.lists("scope=mine").await, Vec::<String>::new());
    let refused = refresh::refresh(db, keys, &tokens.refresh_token, county.now()).await.unwrap_err();
    assert_eq!(refused.code(), "refresh_invalid");
    // Neither his WeChat nor his number leads to an account that is open.
    assert_eq!(county.count("select count(*) from platform_logins").await, 0);
    let open = "select count(*) from accounts where mobile = '16900010001' and status = 'active'";
    assert_eq!(county.count(open).await, 0);

    let successor = county.mill();
    assert_eq!(successor.sees(&call).await.state(), "dispatched");
    assert_eq!(successor.lists("scope=mine").await, [call.id()]);
    successor.does("urge", &call, json!({})).await;
    let told = "select string_agg(actor_name, ' ' order by seq) from ledger_events where kind in ('call.raised', 'call.urged')";
    assert_eq!(county.texts(told).await, ["吕己未 郑新任"]);
}
