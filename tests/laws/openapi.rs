//! DESIGN §5 and law 6: the description of the API is committed and true, and every operation says who may call it.

use std::collections::BTreeSet;

use serde_json::Value;
use yijiao::platform::http::openapi::{BEARER, document, print};
use yijiao::router;

use crate::tree::{self, only_exceptions};

/// What anybody may call, and why. A further line here is a decision about security.
pub const PUBLIC: [(&str, &str); 18] = [
    ("GET /a/{token}", "the signed link in a message is the proof"),
    ("GET /a/drill/{token}", "the signed link in a message is the proof"),
    ("POST /a/drill/{token}", "the signed link in a message is the proof"),
    ("POST /a/{token}/{verb}", "the signed link in a message is the proof"),
    ("POST /api/v1/auth/password", "whoever signs in has no token yet"),
    ("POST /api/v1/auth/refresh", "the refresh token in the body is the proof"),
    ("POST /api/v1/auth/wechat", "whoever signs in has no token yet"),
    ("GET /bots/wechat/{channel}", "the platform's signature is the proof"),
    ("GET /bots/wecom/{channel}", "the platform's signature is the proof"),
    ("POST /bots/dingtalk/{channel}", "the platform's signature is the proof"),
    ("POST /bots/feishu/{channel}", "the platform's signature is the proof"),
    ("POST /bots/wechat/{channel}", "the platform's signature is the proof"),
    ("POST /bots/wecom/{channel}", "the platform's signature is the proof"),
    ("GET /docs", "the description of the API is no secret"),
    ("GET /openapi.json", "the description of the API is no secret"),
    ("GET /healthz", "asked by what keeps the process alive"),
    ("GET /readyz", "asked by what sends traffic"),
    ("GET /metrics", "asked by what watches; counts only, and a proxy closes it to the outside"),
];

/// One operation of the description.
pub struct Described {
    pub method: String,
    pub path: String,
    pub says: Value,
}

impl Described {
    /// `METHOD path`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn is_public(&self) -> bool {
        PUBLIC.iter().any(|(name, _)| *name == self.name())
    }
}

/// Every operation the server has.
pub fn described() -> Vec<Described> {
    let document = serde_json::to_value(document(router::configure)).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (path, item) in paths {
        for method in ["get", "post", "put", "patch", "delete", "head", "options"] {
            if let Some(says) = item.get(method) {
                all.push(Described { method: method.to_uppercase(), path: path.clone(), says: says.clone() });
            }
        }
    }
    assert!(all.len() > 30, "only {} operations are described", all.len());
    all
}

#[test]
fn the_committed_description_is_fresh() {
    let fresh = print(&document(router::configure)).unwrap();
    let committed = tree::read("openapi.json");
    let renew = "renew it with `cargo run -- openapi > openapi.json`";
    let differ = fresh.lines().zip(committed.lines()).enumerate().find(|(_, (fresh, old))| fresh != old);
    if let Some((line, (fresh, old))) = differ {
        panic!("openapi.json says in line {}:\n{old}\nbut the code says:\n{fresh}\n{renew}", line + 1);
    }
    assert_eq!(fresh.len(), committed.len(), "openapi.json is not as long as the code says; {renew}");
    assert_eq!(print(&document(router::configure)).unwrap(), fresh, "the description is the same every time");
}

#[test]
fn every_operation_explains_itself() {
    let mut names = BTreeSet::new();
    for operation in described() {
        let (name, says) = (operation.name(), &operation.says);
        let text = |key: &str| says[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("summary").is_empty(), "{name} has no summary: the first line of its doc comment");
        assert!(says["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name} has not one tag");
        assert!(
            names.insert(text("operationId")),
            "{name}: another operation is called {} too",
            text("operationId")
        );
        let answers = says["responses"].as_object().expect("responses");
        // A page that only sends on is answered by a redirect.
        let good = answers.keys().any(|status| status.starts_with('2') || status.starts_with('3'));
        assert!(good, "{name} has no answer for when all goes well");
        assert!(answers.contains_key("default"), "{name} does not say that problems are problems");
        let asked = operation.path.matches('{').count();
        let told =
            says["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] == "path").count();
        assert_eq!(asked, told, "{name} does not describe every part of its path");
    }
}

#[test]
fn every_operation_says_who_may_call_it() {
    let mut public = Vec::new();
    for operation in described() {
        let asked = operation.says["security"].as_array().cloned().unwrap_or_default();
        let name = operation.name();
        assert!(
            !asked.is_empty(),
            "{name} says neither security((\"bearer\" = [])) nor security(()) in its utoipa::path"
        );
        if asked.iter().all(|one| one.get(BEARER).is_none()) {
            public.push(name);
        } else {
            assert_eq!(asked.len(), 1, "{name} asks for a token and also does not");
        }
    }
    only_exceptions("everything asks for a token", public, &PUBLIC);
}

#[test]
fn every_address_stands_where_it_is_expected() {
    for Described { path, .. } in described() {
        let inside = ["/api/v1/", "/bots/", "/a/"].iter().any(|root| path.starts_with(root));
        let operation = yijiao::platform::http::operation::is_operation(&path);
        assert!(inside || operation, "{path} stands neither in the API nor among the operation routes");
    }
}

#[test]
fn whatever_is_changed_under_a_version_says_so() {
    let mut silent = Vec::new();
    let mut versioned = 0;
    for file in tree::SRC.iter() {
        for operation in file.text.split("#[utoipa::path(").skip(1).filter(|text| text.contains(": IfMatch"))
        {
            versioned += 1;
            let posts = operation.contains("#[post(");
            if !operation.contains("\"If-Match\"") || posts != operation.contains(": VerbBody<") {
                silent.push(file.path.clone());
            }
        }
    }
    assert!(
        versioned > 6 && silent.is_empty(),
        "{versioned} ask for a version, without saying so: {silent:?}"
    );
    let document = serde_json::to_value(document(router::configure)).unwrap();
    let mut with_body = 0;
    for operation in described() {
        let body = operation.says["requestBody"]["content"]["application/json"]["schema"].to_string();
        let named = body.split("#/components/schemas/").nth(1).and_then(|rest| rest.split('"').next());
        let schema = &document["components"]["schemas"][named.unwrap_or_default()];
        let in_body = schema["properties"]["expectedVersion"].is_object();
        let in_header = operation.says["parameters"].to_string().contains("\"If-Match\"");
        assert!(in_header || !in_body, "{} has the version in its body alone", operation.name());
        let verb = operation.method == "POST" && operation.path.starts_with("/api/v1/calls/{id}/");
        assert!(in_body || !verb, "{} does not take expectedVersion", operation.name());
        with_body += usize::from(in_body);
    }
    assert!(with_body > 25, "only {with_body} bodies take expectedVersion");
}
