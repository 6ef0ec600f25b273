//! TLS to both stores: the right certificate is believed, a wrong one is refused in clear words that hold no secret.

use secrecy::{ExposeSecret as _, SecretString};
use yijiao::platform::config;
use yijiao::platform::db::{Db, DbError, Scope};
use yijiao::platform::redis::Redis;

use super::wire::{Authority, Store, place, tls_door, via};
use crate::kit_db::TestDb;

async fn answers(url: &SecretString) -> Result<(), DbError> {
    let tx = Db::lazy(url, 1)?.begin(Scope::AllCounties).await?;
    tx.finish(Ok(())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_believed_as_far_as_its_certificate_goes() {
    let (ours, others) = (Authority::new(), Authority::new());
    let store = TestDb::create();
    let at = tls_door(Store::Postgres, place(&store.url()), &ours, &["localhost"]).await;
    let (ours, others) = (ours.file.display(), others.file.display());
    for (host, options, reason) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={ours}"), None),
        // The certificate is for another name.
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ours}"), Some("not valid for name")),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={ours}"), None),
        // Another authority issued it.
        ("localhost", format!("sslmode=verify-full&sslrootcert={others}"), Some("UnknownIssuer")),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={others}"), Some("UnknownIssuer")),
        ("localhost", format!("sslmode=require&sslrootcert={others}"), Some("UnknownIssuer")),
        ("localhost", "sslmode=require".to_owned(), None),
        ("localhost", "sslmode=prefer".to_owned(), None),
    ] {
        let url = via(&store.url(), host, at, &options);
        match (answers(&url).await, reason) {
            (Ok(()), None) => {}
            (Err(error), Some(reason)) => {
                let text = error.to_string();
                assert!(matches!(error, DbError::Unavailable(_)), "{text}");
                assert!(text.contains("TLS handshake") && text.contains(reason), "{host} {options}: {text}");
                let password = url::Url::parse(url.expose_secret()).unwrap().password().map(str::to_owned);
                assert!(password.is_none_or(|password| !text.contains(&password)), "{text}");
            }
            (outcome, reason) => panic!("{host} {options}: {outcome:?} instead of {reason:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_called_by_tls_and_a_strangers_certificate_refused() {
    let (ours, others) = (Authority::new(), Authority::new());
    let plain = SecretString::from(std::env::var("REDIS_URL").expect("`make test` sets REDIS_URL"));
    let at = tls_door(Store::Redis, place(&plain), &ours, &["127.0.0.1"]).await;
    let handle = |authority: &Authority| {
        let url = via(&plain, "127.0.0.1", at, &format!("sslrootcert={}", authority.file.display()));
        let url = url.expose_secret().replacen("redis://", "rediss://", 1);
        Redis::lazy(&config::Redis { url: url.into(), prefix: "test".into() }).unwrap()
    };
    let ping = redis::cmd("PING");
    assert_eq!(handle(&ours).query::<String>(&ping).await.unwrap(), "PONG");
    let error = handle(&others).query::<String>(&ping).await.unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
    let mut blocking = handle(&ours).blocking().await.unwrap();
    assert_eq!(ping.query_async::<String>(&mut blocking).await.unwrap(), "PONG");
}
