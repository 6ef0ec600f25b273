//! The page behind the link of a message: an officer sees the call and answers it with one tap, without signing in. The link of a
//! request opens [`super::decide`].
//!
//! Opening the page changes nothing, because chat apps fetch links to preview them; only the button does.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY};
use actix_web::{HttpResponse, HttpResponseBuilder, get, post, web};
use chrono::{DateTime, FixedOffset, Utc};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use std::sync::LazyLock;
use utoipa_actix_web::service_config::ServiceConfig;

use super::decide::{self, Words};
use crate::app::App;
use crate::calls::accept::{Accept, Door};
use crate::calls::case::perform;
use crate::calls::link::Link;
use crate::calls::progress::{Contacted, Leave};
use crate::calls::read;
use crate::calls::routes::person;
use crate::calls::state::Verb;
use crate::calls::view::CallView;
use crate::identity::{Caller, Public, officer};
use crate::platform::http::body::RawBody;
use crate::platform::http::params::Path;
use crate::platform::http::problem::{CommonCode, Problem};

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    for (name, text) in [
        ("page.html", include_str!("page.html")),
        ("act.html", include_str!("act.html")),
        ("decide.html", include_str!("decide.html")),
        ("heard.html", include_str!("heard.html")),
        ("gone.html", include_str!("gone.html")),
    ] {
        if let Err(error) = pages.add_template(name, text) {
            tracing::error!(%error, name, "a page cannot be read");
        }
    }
    pages
});

/// The page and its buttons.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(show).service(tap);
}

/// The call as the officer of the link sees it, with the buttons he may press.
#[utoipa::path(
    tag = "links", security(()), params(("token" = String, Path)),
    responses(
        (status = 200, content_type = "text/html"),
        (status = 404, content_type = "text/html", description = "not his to see any more, or the link is over"),
    ),
)]
#[get("/a/{token}")]
pub async fn show(
    app: web::Data<App>,
    _public: Public,
    token: Path<String>,
) -> Result<HttpResponse, Problem> {
    look(&app, &token.0).await.or_else(refused)
}

async fn look(app: &App, token: &str) -> Result<HttpResponse, Problem> {
    let (now, caller, link) = open(app, token).await?;
    if let Some(matter) = link.matter {
        return decide::show(app, token, &caller, link.call, matter, None).await;
    }
    let view = read::show(&app.calls, &person(&caller), &link.call.to_string(), now).await?;
    page(token, &view, &caller, None)
}

/// One tap: `accept`, `contacted` or `leave`; behind the link of a request `approve`, `refuse` or `done`, with words.
#[utoipa::path(
    tag = "links", security(()), params(("token" = String, Path), ("verb" = String, Path)),
    request_body(content = Option<Words>, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303), (status = 200, content_type = "text/html"),
        (status = 404, content_type = "text/html", description = "not his any more, no such button, or the link is over"),
    ),
)]
#[post("/a/{token}/{verb}")]
pub async fn tap(
    app: web::Data<App>,
    _public: Public,
    at: Path<(String, String)>,
    form: RawBody,
) -> Result<HttpResponse, Problem> {
    let (token, verb) = at.0;
    press(&app, &token, &verb, Words::read(&form.0)).await.or_else(refused)
}

async fn press(app: &App, token: &str, verb: &str, said: Words) -> Result<HttpResponse, Problem> {
    let (now, caller, link) = open(app, token).await?;
    if let Some(matter) = link.matter {
        return decide::tap(app, token, &caller, link.call, matter, verb, said).await;
    }
    let person = person(&caller);
    let done = match Verb::parse(verb) {
        Some(Verb::Accept) => {
            perform(&app.calls, &person, link.call, Accept { door: Door::Link }, None, now).await
        }
        Some(Verb::Contacted) => {
            perform(&app.calls, &person, link.call, Contacted::default(), None, now).await
        }
        Some(Verb::Leave) => perform(&app.calls, &person, link.call, Leave::default(), None, now).await,
        _ => return Err(CommonCode::NotFound.into()),
    };
    match done {
        Ok(_) => Ok(back(token)),
        // Too late, or not his to do any more: the page says so, who was first, and how the call stands.
        Err(problem) if SHOWN_BESIDE.contains(&problem.status().as_u16()) => {
            let view = read::show(&app.calls, &person, &link.call.to_string(), now).await?;
            page(token, &view, &caller, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

/// What stood in the way of a tap is said on the page when it is one of these.
pub(super) const SHOWN_BESIDE: [u16; 3] = [403, 409, 422];

/// A person in a browser reads a page, not a problem: whatever link he has, it leads nowhere for him now. What is our own fault stays
/// a problem.
pub(super) fn refused(problem: Problem) -> Result<HttpResponse, Problem> {
    let (heading, words) = match problem.status() {
        StatusCode::NOT_FOUND => (
            "已不由您办理".to_owned(),
            "这件事现在不由您办理，或者链接已经失效。请以最新收到的消息为准。".to_owned(),
        ),
        status if status.is_client_error() => ("不能这样操作".to_owned(), problem.words()),
        _ => return Err(problem),
    };
    let shown = context! { heading, words };
    let mut answer = HttpResponse::build(problem.status());
    // The access log names the code.
    answer.extensions_mut().insert(problem.def());
    fill(answer, "gone.html", &shown)
}

/// Back to the page, which shows how things stand now.
pub(super) fn back(token: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, format!("/a/{token}"))).finish()
}

async fn open(app: &App, token: &str) -> Result<(DateTime<Utc>, Caller, Link), Problem> {
    let now = app.clock.now();
    let link = Link::open(token, &app.calls.link_key, now).ok_or_else(|| CommonCode::NotFound.problem())?;
    let caller = officer::caller_of(&app.db, link.county, link.officer).await?;
    Ok((now, caller, link))
}

fn page(
    token: &str,
    view: &CallView,
    caller: &Caller,
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let allowed = |verb| view.allowed.contains(&verb);
    let mut running: Vec<_> = view.clocks.iter().filter(|clock| clock.stopped_at.is_none()).collect();
    running.sort_by_key(|clock| clock.due_at);
    let due: Vec<_> = running
        .into_iter()
        .map(|clock| (clock.name.zh(), time(&clock.due_at), clock.state.as_str()))
        .collect();
    let shown = context! {
        token, ended => view.ended_at.is_some(), call => Value::from(Serde(view)), state => view.state.zh(), officer => caller.name.as_ref(), due => Value::from(Serde(&due)),
        raised => time(&view.raised_at), accepted => view.accepted_at.as_ref().map(time),
        accept => allowed(Verb::Accept), contacted => allowed(Verb::Contacted), leave => allowed(Verb::Leave),
        problem => problem.map(Problem::words),
    };
    render("act.html", &shown)
}

pub(super) fn render(name: &str, shown: &Value) -> Result<HttpResponse, Problem> {
    fill(HttpResponse::Ok(), name, shown)
}

/// A page that runs nothing, loads nothing, is kept nowhere and tells nobody its address.
fn fill(mut answer: HttpResponseBuilder, name: &str, shown: &Value) -> Result<HttpResponse, Problem> {
    let body = PAGES.get_template(name).and_then(|page| page.render(shown)).map_err(|error| {
        tracing::error!(%error, name, "a page cannot be shown");
        CommonCode::Internal.problem()
    })?;
    Ok(answer
        .content_type("text/html; charset=utf-8")
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
        ))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header(("cache-control", "no-store"))
        .body(body))
}

/// A moment as the pages say it.
pub(super) fn time(at: &DateTime<FixedOffset>) -> String {
    at.format("%m月%d日 %H:%M").to_string()
}
