//! The HTTP routes of calendars. The system administrator changes them; the business office may look and ask.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, put, web};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::ask::{self, Ask, DueView};
use super::change::{self, Author, Change};
use super::view::{self, CalendarsView, DepartmentCalendar};
use crate::app::App;
use crate::deadlines::calendar::definition::Definition;
use crate::identity::Caller;
use crate::identity::extract::{As, BusinessOffice, SystemAdmin};
use crate::platform::http::body::Json;
use crate::platform::http::params::{Path, Query};
use crate::platform::http::problem::Problem;
use crate::platform::http::version::{IfMatch, etag};

/// All routes of calendars.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(when_due).service(show_calendar).service(put_calendar);
    routes.service(show_department_calendar).service(put_department_calendar);
}

fn answer<T: Serialize>(version: i32, view: &T) -> HttpResponse {
    HttpResponse::build(StatusCode::OK).insert_header(etag(version)).json(view)
}

fn author(caller: &Caller) -> Author {
    Author { account: Some(caller.account.0), name: caller.name.to_string() }
}

/// When something would be due.
#[utoipa::path(
    tag = "calendars", security(("bearer" = [])), params(Ask),
    responses((status = 200, body = DueView), (status = 422, description = "`invalid`, `beyond_calendar`")),
)]
#[get("/api/v1/admin/calendars/due")]
pub async fn when_due(
    app: web::Data<App>,
    caller: As<(SystemAdmin, BusinessOffice)>,
    question: Query<Ask>,
) -> Result<Json<DueView>, Problem> {
    ask::ask(&app.db, &app.calls.calendars, caller.county, &question.0).await.map(Json)
}

/// The county's working calendar, and the departments that have something of their own.
#[utoipa::path(tag = "calendars", security(("bearer" = [])), responses((status = 200, body = CalendarsView)))]
#[get("/api/v1/admin/calendars")]
pub async fn show_calendar(
    app: web::Data<App>,
    caller: As<(SystemAdmin, BusinessOffice)>,
) -> Result<HttpResponse, Problem> {
    let view = view::county(&app.db, caller.county).await?;
    Ok(answer(view.version, &view))
}

/// Puts a whole calendar in the place of the county's. Open deadlines move, those that are over never.
#[utoipa::path(
    tag = "calendars", security(("bearer" = [])),
    params(("If-Match" = Option<String>, Header, description = "The ETag of the calendar that was changed. Left out, or `*`: whatever stands is replaced.")),
    responses(
        (status = 200, body = CalendarsView),
        (status = 409, description = "`stale_version`"),
        (status = 422, description = "`invalid`: every fault with its path; nothing has changed"),
    ),
)]
#[put("/api/v1/admin/calendars")]
pub async fn put_calendar(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    expected: IfMatch,
    definition: Json<Definition>,
) -> Result<HttpResponse, Problem> {
    let change = Change { department: None, definition: definition.0, expected: expected.0 };
    change::put(&app.db, caller.county, &author(&caller), change, app.clock.now()).await?;
    let view = view::county(&app.db, caller.county).await?;
    Ok(answer(view.version, &view))
}

/// In what a department's calendar differs from its county's.
#[utoipa::path(
    tag = "calendars", security(("bearer" = [])), params(("department" = String, Path, description = "Its code.")),
    responses((status = 200, body = DepartmentCalendar), (status = 404, description = "`department_not_found`")),
)]
#[get("/api/v1/admin/calendars/{department}")]
pub async fn show_department_calendar(
    app: web::Data<App>,
    caller: As<(SystemAdmin, BusinessOffice)>,
    department: Path<String>,
) -> Result<HttpResponse, Problem> {
    let view = view::department(&app.db, caller.county, &department.0).await?;
    Ok(answer(view.version, &view))
}

/// Puts in what a department differs from its county; `{}` gives it the county's calendar back.
#[utoipa::path(
    tag = "calendars", security(("bearer" = [])),
    params(
        ("department" = String, Path, description = "Its code."),
        ("If-Match" = Option<String>, Header, description = "The ETag of the calendar that was changed. Left out, or `*`: whatever stands is replaced."),
    ),
    responses(
        (status = 200, body = DepartmentCalendar),
        (status = 404, description = "`department_not_found`"),
        (status = 409, description = "`stale_version`"),
        (status = 422, description = "`invalid`: every fault with its path; nothing has changed"),
    ),
)]
#[put("/api/v1/admin/calendars/{department}")]
pub async fn put_department_calendar(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    department: Path<String>,
    expected: IfMatch,
    definition: Json<Definition>,
) -> Result<HttpResponse, Problem> {
    let code = department.0;
    let change = Change { department: Some(code.clone()), definition: definition.0, expected: expected.0 };
    change::put(&app.db, caller.county, &author(&caller), change, app.clock.now()).await?;
    let view = view::department(&app.db, caller.county, &code).await?;
    Ok(answer(view.version, &view))
}
