//! What serde could not read, told as a problem: where the JSON breaks, or which field is wrong.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::problem::{CommonCode, FieldError, Problem};

/// Reads a JSON object. The fast way first; only a failure pays for knowing the field.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        CommonCode::BadJson
            .problem()
            .detail(format!("第 {at} 个字节起不是 UTF-8"), format!("not UTF-8 from byte {at} on"))
    })?;
    // Derived readers would take `[…]` for an object's fields in order.
    if text.trim_start().starts_with('[') && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Err(told(".", "invalid type: array, expected an object"));
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        // A wrong field may hide that the text breaks further on.
        Category::Data => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => json_field::<T>(text),
            Err(error) => broken_at(&error),
        },
        Category::Syntax | Category::Eof | Category::Io => broken_at(&error),
    })
}

fn broken_at(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    CommonCode::BadJson.problem().detail(
        format!("第 {line} 行第 {column} 个字节处有误"),
        format!("broken at line {line}, byte {column}"),
    )
}

/// Reads a query string.
pub(super) fn query<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(pairs)
        .map_err(|error| told(&error.path().to_string(), &error.inner().to_string()))
}

/// Reads a JSON value.
///
/// # Errors
/// 422 `invalid` with the field that serde could not read.
pub fn value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    member(value).map_err(|fault| Problem::invalid(vec![fault]))
}

/// The same where the fault is one of several.
///
/// # Errors
/// The field that serde could not read.
pub fn member<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| fault(&error.path().to_string(), &error.inner().to_string()))
}

fn json_field<T: DeserializeOwned>(text: &str) -> Problem {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => CommonCode::BadJson.into(),
        Err(error) => told(&error.path().to_string(), &error.inner().to_string()),
    }
}

/// `path` as serde_path_to_error writes it (`.` is the whole), `message` as serde words it.
fn told(path: &str, message: &str) -> Problem {
    Problem::invalid(vec![fault(path, message)])
}

fn fault(path: &str, message: &str) -> FieldError {
    let named = message.split('`').nth(1).unwrap_or_default();
    let inside = |name: &str| match path {
        "." | "" => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if message.starts_with("missing field") {
        FieldError::new(inside(named), "required", "必填", "required")
    } else if message.starts_with("unknown field") {
        FieldError::new(inside(named), "unknown_field", "没有这一项", "no such field")
    } else if message.starts_with("duplicate field") {
        FieldError::new(inside(named), "duplicate", "重复填写", "given twice")
    } else if let Some(allowed) = words_allowed(message) {
        let (zh, en) = (allowed.join("、"), allowed.join(", "));
        let named: String = named.chars().take(40).collect();
        FieldError::new(
            inside_whole(path),
            "wrong_value",
            format!("没有“{named}”这个选项，只能填：{zh}"),
            format!("`{named}` is none of: {en}"),
        )
    } else if message.starts_with("UUID parsing failed") {
        FieldError::new(
            inside_whole(path),
            "wrong_value",
            "这里填 id（UUID），即相应列表中的 id，不是编号、代码或名称",
            "an id is expected here (a UUID), as the list gives it; no code or name",
        )
    } else {
        // serde's words say what was expected; the position in the text is of no use to a person.
        let words = message.split(" at line ").next().unwrap_or(message);
        let code = if words.starts_with("invalid type") { "wrong_type" } else { "wrong_value" };
        FieldError::new(inside_whole(path), code, "填写的内容格式不对", words)
    }
}

/// The words that serde says a choice has: "unknown variant `x`, expected one of `a`, `b`".
fn words_allowed(message: &str) -> Option<Vec<&str>> {
    let (_, expected) = message.strip_prefix("unknown variant ")?.rsplit_once(", expected ")?;
    Some(expected.split('`').skip(1).step_by(2).collect())
}

fn inside_whole(path: &str) -> &str {
    if path == "." { "" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::http::lang::Lang;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by serde")]
    struct Visit {
        at_gate: Place,
        #[serde(default)]
        people: Vec<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by serde")]
    struct Place {
        name: String,
    }

    fn field_of(text: &str) -> (String, String) {
        let body = json::<Visit>(text.as_bytes()).unwrap_err().body(Lang::En);
        let part = |name| body["errors"][0][name].as_str().unwrap_or_default().to_owned();
        (part("field"), part("code"))
    }

    fn expected(field: &str, code: &str) -> (String, String) {
        (field.to_owned(), code.to_owned())
    }

    #[test]
    fn a_field_is_named_by_its_whole_path() {
        assert_eq!(field_of("{}"), expected("atGate", "required"));
        assert_eq!(field_of(r#"{"atGate":{}}"#), expected("atGate.name", "required"));
        assert_eq!(field_of(r#"{"atGate":{"name":7}}"#), expected("atGate.name", "wrong_type"));
        assert_eq!(field_of(r#"{"atGate":{"name":"a","x":1}}"#), expected("atGate.x", "unknown_field"));
        assert_eq!(field_of(r#"{"x":1}"#), expected("x", "unknown_field"));
        assert_eq!(field_of(r#"{"atGate":{"name":"a","name":"b"}}"#), expected("atGate.name", "duplicate"));
        assert_eq!(
            field_of(r#"{"atGate":{"name":"a"},"people":[1,999]}"#),
            expected("people[1]", "wrong_value")
        );
        assert_eq!(field_of("[]"), expected("", "wrong_type"));
        assert_eq!(field_of("7"), expected("", "wrong_type"));
    }

    #[test]
    fn a_choice_that_there_is_not_is_told_with_those_that_there_are() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Side {
            Left,
            Right,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read by serde")]
        struct Turn {
            to: Option<Side>,
        }
        let told = |lang| json::<Turn>(br#"{"to":"up"}"#).unwrap_err().body(lang)["errors"][0].clone();
        let (zh, en) = (told(Lang::Zh), told(Lang::En));
        assert_eq!((&zh["field"], &zh["code"]), (&"to".into(), &"wrong_value".into()));
        assert_eq!(zh["message"], "没有“up”这个选项，只能填：left、right");
        assert_eq!(en["message"], "`up` is none of: left, right");
    }

    #[test]
    fn where_an_id_is_expected_that_is_said() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read by serde")]
        struct Order {
            channels: Vec<uuid::Uuid>,
        }
        let told = |lang| {
            json::<Order>(br#"{"channels":["app-wecom"]}"#).unwrap_err().body(lang)["errors"][0].clone()
        };
        let (zh, en) = (told(Lang::Zh), told(Lang::En));
        assert_eq!((&zh["field"], &zh["code"]), (&"channels[0]".into(), &"wrong_value".into()));
        assert!(zh["message"].as_str().unwrap().contains("列表中的 id"), "{zh}");
        assert!(en["message"].as_str().unwrap().contains("an id is expected"), "{en}");
    }

    #[test]
    fn broken_text_is_told_from_wrong_fields() {
        for broken in [b"{".as_slice(), b"{\"a\":1,}", b"", b"[1", b"{\"x\":\"\xff\"}", b"{} {}"] {
            assert_eq!(json::<Visit>(broken).unwrap_err().code(), "bad_json", "{broken:?}");
        }
    }

    #[test]
    fn a_query_names_its_field_too() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read by serde")]
        struct List {
            limit: Option<u16>,
            state: String,
        }
        let told = |text| query::<List>(text).unwrap_err().body(Lang::En)["errors"][0].clone();
        assert_eq!(told("limit=abc&state=x")["field"], "limit");
        assert_eq!(told("limit=5")["field"], "state");
        assert_eq!(told("limit=5")["code"], "required");
        assert!(query::<List>("state=%E5%8F%AB").is_ok());
    }
}
