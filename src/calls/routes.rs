//! The HTTP routes of calls: extract, one verb, answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::case::{Order, perform};
use super::list::{self, ListQuery};
use super::raise::{Raise, Raised};
use super::standing::{Person, Powers};
use super::view::CallView;
use super::{
    accept, arrive, assign, assist, confirm, escalate, extension, merge, pause, progress, raise, read,
    resolve, return_ruling, transfer, urge,
};
use crate::app::App;
use crate::identity::{Caller, Role};
use crate::platform::http::body::{Json, OptionalJson};
use crate::platform::http::cursor::Page;
use crate::platform::http::idempotency::{IdempotencyKey, fingerprint};
use crate::platform::http::params::{Path, Query};
use crate::platform::http::problem::Problem;
use crate::platform::http::verb_body::{Nothing, VerbBody};
use crate::platform::http::version::{IfMatch, etag};

/// All routes of calls.
pub fn configure(routes: &mut ServiceConfig) {
    routes
        .service(raise_call)
        .service(list_calls)
        .service(show_call)
        .service(show_events)
        .service(explain_clock);
    routes
        .service(accept_call)
        .service(contacted)
        .service(leave)
        .service(arrive_at)
        .service(note)
        .service(promise);
    routes
        .service(assist_call)
        .service(pause_call)
        .service(resume)
        .service(extend)
        .service(return_call)
        .service(ruling);
    routes
        .service(transfer_call)
        .service(assign_call)
        .service(refuse)
        .service(resolve_call)
        .service(confirm_call);
    routes
        .service(reject)
        .service(reopen)
        .service(urge_call)
        .service(escalate_call)
        .service(withdraw)
        .service(merge_call);
}

/// The caller as a person of calls.
#[must_use]
pub fn person(caller: &Caller) -> Person {
    Person {
        county: caller.county,
        account: caller.account.0,
        name: caller.name.to_string(),
        officer: caller.officer,
        department: caller.department,
        powers: Powers {
            leads: caller.has(Role::Head) || caller.has(Role::Deputy),
            dispatches: caller.has(Role::Dispatcher),
            business_office: caller.has(Role::BusinessOffice),
            inspectorate: caller.has(Role::Inspectorate),
        },
    }
}

fn answer(status: StatusCode, view: &CallView) -> HttpResponse {
    HttpResponse::build(status).insert_header(etag(view.version)).json(view)
}

/// Raise a call: one tap. The body may be empty; without a key the same empty tap again within five minutes, before anybody accepted, is
/// answered with the call that stands.
#[utoipa::path(
    tag = "calls", security(("bearer" = [])), request_body = Option<Raise>,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same call.")),
    responses((status = 201, body = CallView), (status = 200, body = CallView, description = "An empty tap like this stands already.")),
)]
#[post("/api/v1/calls")]
pub async fn raise_call(
    app: web::Data<App>,
    caller: Caller,
    key: IdempotencyKey,
    body: OptionalJson<Raise>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let person = person(&caller);
    let key = key.0.map(|key| (key, fingerprint("raise", &body.0)));
    let tap = raise::body::checked(&app.calls, &app.catalogue, person.clone(), body.0, key, now).await?;
    let (status, call, replayed) = match app.taps.raise(tap).await? {
        Raised::New(view) => return Ok(answer(StatusCode::CREATED, &view)),
        Raised::Known(call) => (StatusCode::CREATED, call, true),
        Raised::Standing(call) => (StatusCode::OK, call, false),
    };
    let view = read::show(&app.calls, &person, &call.to_string(), now).await?;
    let mut response = answer(status, &view);
    if replayed {
        let replayed = HeaderName::from_static("idempotency-replayed");
        response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The caller's calls, his department's, or the county's; newest first.
#[utoipa::path(tag = "calls", security(("bearer" = [])), params(ListQuery), responses((status = 200, body = Page<CallView>)))]
#[get("/api/v1/calls")]
pub async fn list_calls(
    app: web::Data<App>,
    caller: Caller,
    query: Query<ListQuery>,
) -> Result<Json<Page<CallView>>, Problem> {
    list::list(&app.calls, &person(&caller), query.0, app.clock.now()).await.map(Json)
}

/// One call, by id or number.
#[utoipa::path(tag = "calls", security(("bearer" = [])), params(("id" = String, Path)), responses((status = 200, body = CallView)))]
#[get("/api/v1/calls/{id}")]
pub async fn show_call(
    app: web::Data<App>,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let view = read::show(&app.calls, &person(&caller), &id.0, app.clock.now()).await?;
    Ok(answer(StatusCode::OK, &view))
}

/// The whole story of a call, from the hash-chained ledger.
#[utoipa::path(tag = "calls", security(("bearer" = [])), params(("id" = String, Path)), responses((status = 200, body = read::Story)))]
#[get("/api/v1/calls/{id}/events")]
pub async fn show_events(
    app: web::Data<App>,
    caller: Caller,
    id: Path<String>,
) -> Result<Json<read::Story>, Problem> {
    read::story(&app.calls, &person(&caller), &id.0).await.map(Json)
}

/// Why a clock of the call, or of what was asked beside it, is due when it is, line by line.
#[utoipa::path(
    tag = "calls", security(("bearer" = [])), params(("id" = String, Path), ("name" = String, Path), read::Which),
    responses((status = 200, body = read::Explanation)),
)]
#[get("/api/v1/calls/{id}/clocks/{name}/explain")]
pub async fn explain_clock(
    app: web::Data<App>,
    caller: Caller,
    at: Path<(String, String)>,
    which: Query<read::Which>,
) -> Result<Json<read::Explanation>, Problem> {
    let ((call, clock), now) = (at.0, app.clock.now());
    read::explain_clock(&app.calls, &person(&caller), &call, &clock, which.0, now).await.map(Json)
}

async fn act<O: Order>(
    app: &App,
    caller: &Caller,
    call: &str,
    order: O,
    version: Option<i32>,
) -> Result<HttpResponse, Problem> {
    let person = person(caller);
    let id = read::id_of(&app.calls, &person, call).await?;
    let view = perform(&app.calls, &person, id, order, version, app.clock.now()).await?;
    Ok(answer(StatusCode::OK, &view))
}

/// Declares the route of a verb: address, body, what it is in one line.
macro_rules! verb_route {
    ($(#[$doc:meta])* $name:ident, $path:literal, $body:ty, $order:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            tag = "calls", security(("bearer" = [])),
            params(
                ("id" = String, Path, description = "Id or number of the call."),
                ("If-Match" = Option<String>, Header, description = "The ETag of what was seen; `expectedVersion` in the body says the same."),
            ),
            request_body = Option<$body>, responses((status = 200, body = CallView)),
        )]
        #[post($path)]
        pub async fn $name(
            app: web::Data<App>,
            caller: Caller,
            id: Path<String>,
            if_match: IfMatch,
            body: VerbBody<$body>,
        ) -> Result<HttpResponse, Problem> {
            let version = if_match.or(body.expected_version)?;
            let order: fn($body) -> _ = $order;
            act(&app, &caller, &id.0, order(body.order), version).await
        }
    };
}

verb_route!(
    /// Accept (接单): the first wins. No body.
    accept_call, "/api/v1/calls/{id}/accept", Nothing, |_| accept::Accept { door: accept::Door::Account });
verb_route!(
    /// The officer has spoken with the enterprise.
    contacted, "/api/v1/calls/{id}/contacted", progress::Contacted, |order| order);
verb_route!(
    /// The officer is on his way.
    leave, "/api/v1/calls/{id}/leave", progress::Leave, |order| order);
verb_route!(
    /// The officer is there; the enterprise may confirm it by itself.
    arrive_at, "/api/v1/calls/{id}/arrive", arrive::Arrive, |order| order);
verb_route!(
    /// A word on how it goes.
    note, "/api/v1/calls/{id}/note", progress::Note, |order| order);
verb_route!(
    /// A date by which it will be done, not after T5.
    promise, "/api/v1/calls/{id}/promise", progress::Promise, |order| order);
verb_route!(
    /// Ask another department to help, or close what was asked.
    assist_call, "/api/v1/calls/{id}/assist", assist::Assist, |order| order);
verb_route!(
    /// Ask for a pause of T4, T5 and what was promised, or decide on one.
    pause_call, "/api/v1/calls/{id}/pause", pause::Pause, |order| order);
verb_route!(
    /// End a pause early. No body.
    resume, "/api/v1/calls/{id}/resume", Nothing, |_| pause::Resume);
verb_route!(
    /// Ask for an extension of T5, or decide on one.
    extend, "/api/v1/calls/{id}/extension", extension::Extension, |order| order);
verb_route!(
    /// The matter is another department's: ask for a ruling.
    return_call, "/api/v1/calls/{id}/return", return_ruling::Return, |order| order);
verb_route!(
    /// The business office rules on a return; final.
    ruling, "/api/v1/calls/{id}/ruling", return_ruling::Ruling, |order| order);
verb_route!(
    /// To another officer of the department.
    transfer_call, "/api/v1/calls/{id}/transfer", transfer::Transfer, |order| order);
verb_route!(
    /// Out of triage, or to somebody else.
    assign_call, "/api/v1/calls/{id}/assign", assign::Assign, |order| order);
verb_route!(
    /// Refuse for a listed reason.
    refuse, "/api/v1/calls/{id}/refuse", assign::Refuse, |order| order);
verb_route!(
    /// Done: what was done.
    resolve_call, "/api/v1/calls/{id}/resolve", resolve::Resolve, |order| order);
verb_route!(
    /// Solved, with four scores.
    confirm_call, "/api/v1/calls/{id}/confirm", confirm::Confirm, |order| order);
verb_route!(
    /// Not solved: a redo.
    reject, "/api/v1/calls/{id}/reject", confirm::Reject, |order| order);
verb_route!(
    /// A closed call was not solved after all.
    reopen, "/api/v1/calls/{id}/reopen", confirm::Reopen, |order| order);
verb_route!(
    /// Please hurry.
    urge_call, "/api/v1/calls/{id}/urge", urge::Urge, |order| order);
verb_route!(
    /// Let the ladder climb a step before its time.
    escalate_call, "/api/v1/calls/{id}/escalate", escalate::Escalate, |order| order);
verb_route!(
    /// No longer needed.
    withdraw, "/api/v1/calls/{id}/withdraw", urge::Withdraw, |order| order);
verb_route!(
    /// Into an elder open call of the same enterprise and item.
    merge_call, "/api/v1/calls/{id}/merge", merge::Merge, |order| order);
