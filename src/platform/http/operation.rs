//! Routes for those who run the service: `/healthz`, `/readyz`, `/metrics`. They answer whoever can reach them; the proxy before
//! the service decides who that is.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, get, web};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::admission::Gate;
use super::body::Json;
use super::problem::{CommonCode, Problem};
use crate::platform::db::{Db, PoolUsage};
use crate::platform::readiness::{Neighbour, Readiness};
use crate::platform::redis::Redis;

/// What these routes look at; set once per worker with `web::Data`.
#[derive(Clone)]
pub struct Operation {
    pub db: Db,
    pub redis: Redis,
    pub gate: Gate,
    pub pools: Pools,
    pub metrics: &'static PrometheusHandle,
}

/// The pools of all HTTP workers of this process.
#[derive(Clone, Debug, Default)]
pub struct Pools(Arc<Mutex<Vec<Db>>>);

impl Pools {
    pub fn add(&self, db: Db) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(db);
    }

    /// The sum over all pools.
    #[must_use]
    pub fn usage(&self) -> PoolUsage {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().map(Db::usage).fold(PoolUsage::default(), |sum, pool| PoolUsage {
            limit: sum.limit.saturating_add(pool.limit),
            open: sum.open.saturating_add(pool.open),
            idle: sum.idle.saturating_add(pool.idle),
            waiting: sum.waiting.saturating_add(pool.waiting),
        })
    }
}

pub fn configure(routes: &mut ServiceConfig) {
    routes.service(healthz).service(readyz).service(scrape);
}

/// True for the routes that answer always, are never limited, and are logged only on request.
#[must_use]
pub fn is_operation(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics" | "/openapi.json" | "/docs")
        || path.starts_with("/docs/")
}

/// The process lives
#[utoipa::path(tag = "operation", security(()), responses((status = 200, description = "It does", body = String, content_type = "text/plain")))]
#[get("/healthz")]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Requests can be served
///
/// Postgres answers within a second and holds the schema of this binary. Redis is reported, but not required: without it taps are
/// accepted and delivered later.
#[utoipa::path(tag = "operation", security(()), responses((status = 200, description = "Ready", body = Readiness)))]
#[get("/readyz")]
pub async fn readyz(operation: web::Data<Operation>) -> Result<Json<Readiness>, Problem> {
    let mut readiness = Readiness::look(&operation.db, &operation.redis).await;
    if readiness.is_ready() && !operation.gate.is_open() {
        readiness.postgres = Neighbour::NotIsolated;
    }
    if readiness.is_ready() {
        return Ok(Json(readiness));
    }
    Err(CommonCode::Unavailable.problem().with("readiness", json!(readiness)))
}

/// Measurements in the Prometheus text format
#[utoipa::path(tag = "operation", security(()), responses((status = 200, description = "Metrics", body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub async fn scrape(operation: web::Data<Operation>) -> HttpResponse {
    let usage = operation.pools.usage();
    let states =
        [("limit", usage.limit), ("open", usage.open), ("idle", usage.idle), ("waiting", usage.waiting)];
    for (state, count) in states {
        // No pool comes near 2³².
        let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        metrics::gauge!("db_pool_connections", "state" => state).set(count);
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(operation.metrics.render())
}
