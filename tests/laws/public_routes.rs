//! Law 6: a route says who may call it. Here: every described operation asks for a token, or says openly that it is for everybody.

use yijiao::platform::http::openapi::{BEARER, document, operations};
use yijiao::router;

#[test]
fn every_operation_asks_for_a_token_or_is_openly_public() {
    let mut document = document(router::configure);
    let mut silent = Vec::new();
    let mut seen = 0;
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            seen += 1;
            let asked = serde_json::to_value(&operation.security).unwrap();
            let says = asked.as_array().is_some_and(|asked| {
                !asked.is_empty()
                    && asked.iter().all(|one| {
                        one.as_object().is_some_and(|one| one.is_empty() || one.contains_key(BEARER))
                    })
            });
            if !says {
                silent.push(format!("{method} {path}"));
            }
        }
    }
    assert!(seen >= 5, "the walk saw only {seen} operations");
    assert!(silent.is_empty(), "neither security((\"bearer\" = [])) nor security(()): {silent:#?}");
}

#[test]
fn only_operation_routes_are_public_outside_the_api() {
    let mut document = document(router::configure);
    for (path, item) in &mut document.paths.paths {
        let inside = ["/api/v1/", "/bots/"].iter().any(|root| path.starts_with(root));
        let operation = yijiao::platform::http::operation::is_operation(path);
        assert!(inside || operation, "{path} stands neither in the API nor among the operation routes");
        assert!(!operations(item).is_empty(), "{path} has no operation");
    }
}

#[test]
fn the_description_is_the_same_every_time() {
    let print = || yijiao::platform::http::openapi::print(&document(router::configure)).unwrap();
    assert_eq!(print(), print());
}
