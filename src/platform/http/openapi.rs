//! The description of the API (OpenAPI 3.1), made from the same registration that serves it.

use std::collections::BTreeMap;

use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{KnownFormat, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema};
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;

/// The name under which routes ask for a token: `security(("bearer" = []))`. A route for everybody says `security(())`.
pub const BEARER: &str = "bearer";
const PROBLEM: &str = "Problem";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "一叫就到 Yijiao",
        description = "One tap, and the responsible officer is called, comes and solves it. JSON in camelCase, times in RFC 3339. \
            Errors are RFC 9457 problems with a stable `code` and a text in the language of `Accept-Language` (zh-CN, en)."
    ),
    components(schemas(Problem, FieldProblem)),
    modifiers(&Common),
)]
struct Base;

/// Any error (RFC 9457). Some codes carry further members.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what problem.rs writes")]
struct Problem {
    #[schema(example = "about:blank")]
    r#type: String,
    #[schema(example = 422)]
    status: u16,
    /// Stable; programs go by this.
    #[schema(example = "invalid")]
    code: String,
    /// For people, in their language.
    #[schema(example = "填写的内容有误，请检查标出的各项")]
    title: String,
    /// What happened here in particular.
    #[schema(required = false)]
    detail: String,
    /// The fields in question.
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what problem.rs writes")]
struct FieldProblem {
    /// Its path in the body or query, e.g. `place.name`.
    field: String,
    code: String,
    message: String,
}

struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
        components.responses.insert(PROBLEM.to_owned(), problem_response().into());
    }
}

fn problem_response() -> Response {
    let schema = Ref::from_schema_name(PROBLEM);
    ResponseBuilder::new()
        .description("A problem")
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

/// Describes what `routes` registers. Needs no database and opens nothing; the same routes always give the same bytes.
#[must_use]
pub fn document(routes: fn(&mut ServiceConfig)) -> utoipa::openapi::OpenApi {
    let (_, mut document) =
        actix_web::App::new().into_utoipa_app().openapi(Base::openapi()).configure(routes).split_for_parts();
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            let problem: RefOr<Response> = Ref::from_response_name(PROBLEM).into();
            operation.responses.responses.entry("default".to_owned()).or_insert(problem);
        }
    }
    describe_versions(&mut document);
    document
}

/// The body of a verb ([`super::verb_body::VerbBody`]) may hold `expectedVersion` beside the order's own fields, which the schema of the
/// order does not know. A verb is what is posted under a version.
fn describe_versions(document: &mut utoipa::openapi::OpenApi) {
    let mut orders = Vec::new();
    for item in document.paths.paths.values_mut() {
        let Some(verb) = &item.post else { continue };
        let header = |it: &RefOr<_>| matches!(it, RefOr::T(Parameter { name, .. }) if name == "If-Match");
        let Some(RefOr::T(body)) = &verb.request_body else { continue };
        if verb.parameters.iter().flatten().any(header) {
            orders.extend(body.content.values().filter_map(|content| match content {
                RefOr::T(content) => named(content.schema.as_ref()?),
                RefOr::Ref(_) => None,
            }));
        }
    }
    let Some(components) = &mut document.components else { return };
    for name in orders {
        if let Some(RefOr::T(Schema::Object(order))) = components.schemas.get_mut(&name) {
            let version = ObjectBuilder::new()
                .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
                .description(Some("Refuse when the version is another one by now, as `If-Match` does."));
            order.properties.insert("expectedVersion".to_owned(), version.into());
        }
    }
}

/// The component that a schema refers to, by itself or as one of several.
fn named(schema: &RefOr<Schema>) -> Option<String> {
    match schema {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(Schema::OneOf(several)) => several.items.iter().find_map(named),
        RefOr::T(_) => None,
    }
}

/// The document as it is served and committed: pretty, with a line break at the end.
pub fn print(document: &utoipa::openapi::OpenApi) -> serde_json::Result<String> {
    document.to_pretty_json().map(|text| text + "\n")
}

/// The operations of one address by method.
pub fn operations(item: &mut utoipa::openapi::PathItem) -> BTreeMap<&'static str, &mut Operation> {
    let all = [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
        ("HEAD", &mut item.head),
        ("OPTIONS", &mut item.options),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))).collect()
}
