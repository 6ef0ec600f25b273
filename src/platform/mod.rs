//! What any service of this kind needs and nothing of the domain: configuration, telemetry, the clock, Postgres, Redis, HTTP
//! conventions, the outbound client, cryptography, ids. May call nobody else in the crate.

pub mod address;
pub mod bounds;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod http;
pub mod ids;
pub mod mask;
pub mod outbound;
pub mod readiness;
pub mod redis;
pub mod stop;
pub mod stream;
pub mod telemetry;
pub mod time;
pub mod tls;
