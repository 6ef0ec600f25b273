//! Law 11: no Debug print shows a secret, whatever it is part of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use secrecy::SecretString;
use serde_json::json;
use yijiao::app::App;
use yijiao::notices::admin::change_callback::ChangeCallback;
use yijiao::notices::callbacks::Application;
use yijiao::notices::channels::callback::Callback;
use yijiao::notices::channels::{ChannelKind, Credentials, Settings, Target};
use yijiao::notices::deliver::Leased;
use yijiao::notices::model::{ChannelId, ChannelLanguage, NoticeId, NoticeState, Priority, SubjectKind};
use yijiao::organisation::CountyId;
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::crypto::Vault;

const MASTER: &str = "SECRET-master-key-of-thirty-two-bytes";

fn config() -> Config {
    let mut config = Config::defaults().unwrap();
    config.database.url = "postgres://yijiao:SECRET-database@127.0.0.1:1/none".into();
    config.database.owner_url = "postgres://owner:SECRET-owner@127.0.0.1:1/none".into();
    config.redis.url = "redis://:SECRET-redis@127.0.0.1:1/0".into();
    config.wechat.app_id = "wx0".into();
    config.wechat.app_secret = "SECRET-wechat".into();
    config.secrets.master_key = MASTER.into();
    config
}

/// Both Debug prints of a thing, without any secret that was put in as text or as bytes.
fn shows_no_secret(name: &str, thing: &dyn std::fmt::Debug, keys: &[&[u8]]) {
    let shown = format!("{thing:?} {thing:#?}");
    assert!(!shown.contains("SECRET"), "{name}: {shown}");
    for key in keys {
        let bytes: Vec<String> = key.iter().take(8).map(u8::to_string).collect();
        assert!(!shown.contains(&bytes.join(", ")), "{name} shows a key's bytes: {shown}");
        assert!(!shown.contains(&hex::encode(&key[..8])), "{name} shows a key in hexadecimal: {shown}");
    }
}

#[tokio::test]
async fn no_part_of_the_application_shows_a_secret() {
    let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    shows_no_secret("Config", &config(), &[]);
    let app = App::new(config(), clock).unwrap();
    let worker = app.for_worker().unwrap();
    let keys =
        ["call-number", "action-link", "arrival-code", "seal"].map(|purpose| app.vault.derive(purpose));
    let keys = keys.each_ref().map(<[u8; 32]>::as_slice);
    shows_no_secret("App", &app, &keys);
    shows_no_secret("App", &worker, &keys);
    shows_no_secret("Desk", &app.calls, &keys);
    shows_no_secret("Writer", &app.taps, &keys);
    shows_no_secret("Db", &app.db, &keys);
    shows_no_secret("Redis", &app.redis, &keys);
    shows_no_secret("KeyRing", &app.keys, &keys);
    shows_no_secret("Wechat", &app.wechat, &keys);
    shows_no_secret("Vault", &app.vault, &keys);
}

#[test]
fn no_channel_shows_what_opens_it() {
    let vault = Vault::new(&SecretString::from(MASTER));
    shows_no_secret("Vault", &vault, &[&vault.derive("seal")]);
    let credentials = Credentials::new("SECRET-token", &["SECRET-sign", "SECRET-older"]);
    shows_no_secret("Credentials", &credentials, &[]);
    let url = "https://SECRET-user:SECRET-word@hooks.example.org/SECRET-path?key=SECRET-query";
    let target = Target {
        kind: ChannelKind::Webhook,
        base_url: url.parse().unwrap(),
        credentials: credentials.at(url),
        settings: Settings::default(),
        calls_back: false,
    };
    shows_no_secret("Target", &target, &[]);
    shows_no_secret("Credentials", &target.credentials, &[]);
    for echoed in [
        url,
        "/SECRET-path?key=SECRET-query",
        "key=SECRET-query",
        "SECRET-query",
        "SECRET-path",
        "SECRET-word",
    ] {
        let shown = target.excerpt(format!("no such hook: {echoed} (SECRET-sign)").as_bytes());
        assert!(shown.contains("no such hook") && !shown.contains("SECRET"), "{echoed}: {shown}");
    }
    let leased = Leased {
        notice: NoticeId::fresh(),
        county: CountyId::fresh(),
        state: NoticeState::Sending,
        reason: String::new(),
        attempt: 1,
        until: None,
        priority: Priority::Normal,
        event: "call.accepted".to_owned(),
        params: json!({"actPath": "/a/SECRET-link", "contactPhone": "SECRET-phone"}),
        created_at: DateTime::UNIX_EPOCH,
        alarms: false,
        channel: ChannelId::fresh(),
        recipient: String::new(),
        kind: ChannelKind::Webhook,
        base_url: "https://SECRET-host.example.org".to_owned(),
        credentials_sealed: b"SECRET-sealed".to_vec(),
        settings: json!({}),
        interactive_refused_at: None,
        language: ChannelLanguage::Chinese,
        own_version: None,
        own_words: None,
        room_of: None,
        subject_kind: SubjectKind::Call,
        mention: None,
        redraws: None,
        calls_back: false,
    };
    shows_no_secret("Leased", &leased, &[b"SECRET-sealed"]);
}

#[test]
fn no_callback_shows_by_what_the_platform_is_known() {
    let callback = Callback { token: "SECRET-token".into(), key: format!("SECRET{}", "a".repeat(37)).into() };
    shows_no_secret("Callback", &callback, &[]);
    let envelope = callback.envelope("corp").unwrap();
    let opened = STANDARD.decode("SECRETaaaaaa").unwrap();
    shows_no_secret("Envelope", &envelope, &[&opened]);
    let given = ChangeCallback { token: callback.token.clone(), key: callback.key.clone() };
    shows_no_secret("ChangeCallback", &given, &[]);
    let application = Application {
        channel: ChannelId::fresh(),
        kind: ChannelKind::WecomApp,
        county: CountyId::fresh(),
        language: ChannelLanguage::Chinese,
        settings: Settings::default(),
        callback,
        secret: "SECRET-application".into(),
        called_at: None,
    };
    shows_no_secret("Application", &application, &[]);
}
