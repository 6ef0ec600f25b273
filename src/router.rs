//! The index of what can come in: every HTTP route, by feature. The worker module is its counterpart for what happens by itself.
//!
//! A feature brings `routes::configure`, which registers its handlers under their complete addresses; one line here lets them in. The
//! registration also makes the API description, so a route that is not described does not exist.

use utoipa_actix_web::service_config::ServiceConfig;

use crate::bots::{act, callback, heard};
use crate::platform::http::{docs, operation};
use crate::reports::{owed, simulate};
use crate::supervision::{cards, hand_over, orders};
use crate::{calls, catalogue, deadlines, drills, identity, notices};

/// Everything the server answers. Addresses are looked through in this order, so the busy ones come first.
pub fn configure(routes: &mut ServiceConfig) {
    routes
        .configure(calls::routes::configure) // /api/v1/calls, its verbs, events, clocks
        .configure(catalogue::routes::configure) // /api/v1/catalogue, /contact-cards
        .configure(notices::routes::configure) // /api/v1/inbox, /me/subscriptions
        .configure(notices::preferences::routes::configure) // /api/v1/me/channels, /admin/departments/{code}/channels
        .configure(notices::admin::routes::configure) // /api/v1/admin/notices, /admin/channels
        .configure(notices::texts::routes::configure) // /api/v1/admin/templates
        .configure(deadlines::calendars::routes::configure) // /api/v1/admin/calendars
        .configure(deadlines::ladders::routes::configure) // /api/v1/admin/ladders
        .configure(identity::routes::configure) // /api/v1/auth/…, /me
        .configure(orders::routes::configure) // /api/v1/supervision-orders, their steps, events
        .configure(cards::routes::configure) // /api/v1/cards, appeals
        .configure(hand_over::routes::configure) // /api/v1/hand-overs, their steps, events
        .configure(owed::routes::configure) // /api/v1/overdue, /owed
        .configure(simulate::routes::configure) // /api/v1/admin/ladders/simulate
        .configure(drills::routes::configure) // /api/v1/admin/drills
        .configure(heard::configure) // /a/drill/{token}: the page behind a drill's link; before the one that takes any token
        .configure(callback::configure) // /bots/{platform}/{channel}: the chat platforms call us back
        .configure(act::configure); // /a/{token}: the page behind a message's link
    operations(routes);
}

/// What a server without the API answers (`serve --only work`).
pub fn operations(routes: &mut ServiceConfig) {
    routes
        .configure(operation::configure) // GET /healthz /readyz /metrics
        .configure(docs::configure); // GET /docs /openapi.json
}
