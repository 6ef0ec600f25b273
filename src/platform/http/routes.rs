//! The known addresses, read from the API description: they tell a wrong method (405) from an unknown address (404).

use actix_web::dev::ResourceDef;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use utoipa::openapi::{OpenApi, PathItem};

use super::problem::CommonCode;

/// Every described address with its methods.
#[derive(Debug, Default)]
pub struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    address: ResourceDef,
    methods: Vec<&'static str>,
}

impl Routes {
    #[must_use]
    pub fn of(document: &OpenApi) -> Self {
        let routes = document.paths.paths.iter();
        Self(
            routes
                .map(|(pattern, item)| Route {
                    address: ResourceDef::new(pattern.as_str()),
                    methods: methods(item),
                })
                .collect(),
        )
    }

    /// The pattern of an address.
    #[must_use]
    pub fn pattern(&self, path: &str) -> Option<&str> {
        self.matching(path).find_map(|route| route.address.pattern())
    }

    /// The methods of an address for `Allow`; empty when the address is unknown.
    #[must_use]
    pub fn allowed(&self, path: &str) -> String {
        let mut methods: Vec<&str> =
            self.matching(path).flat_map(|route| route.methods.iter().copied()).collect();
        methods.sort_unstable();
        methods.dedup();
        methods.join(", ")
    }

    fn matching<'a, 'p>(&'a self, path: &'p str) -> impl Iterator<Item = &'a Route> + use<'a, 'p> {
        self.0.iter().filter(move |route| route.address.is_match(path))
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
        ("HEAD", &item.head),
        ("OPTIONS", &item.options),
    ];
    all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| name).collect()
}

/// Answers what no route took: 405 `method_not_allowed` with `Allow`, or 404 `not_found`.
pub async fn unmatched(request: HttpRequest, routes: web::Data<Routes>) -> HttpResponse {
    let allowed = routes.allowed(request.path());
    if allowed.is_empty() {
        return CommonCode::NotFound.problem().error_response();
    }
    let mut response = CommonCode::MethodNotAllowed.problem().error_response();
    // Method names and commas always make a header.
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
