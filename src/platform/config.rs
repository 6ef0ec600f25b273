//! Settings: `config/default.toml` compiled in, then an optional file, then the environment.

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// All settings; `config/default.toml` explains each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub http: Http,
    pub database: Database,
    pub redis: Redis,
    pub secrets: Secrets,
    pub identity: Identity,
    pub wechat: Wechat,
    pub outbound: Outbound,
    pub notices: Notices,
    pub purge: Purge,
    pub sandbox: Sandbox,
    pub log: Log,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub host: String,
    pub port: u16,
    pub public_url: String,
    pub workers: usize,
    pub body_limit: usize,
    pub cors_origins: Vec<String>,
    pub rate_burst: u32,
    pub rate_per_second: u32,
    pub request_timeout_seconds: u64,
    pub trusted_proxies: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: SecretString,
    pub owner_url: SecretString,
    pub pool_per_worker: usize,
    pub pool_background: usize,
    pub statement_timeout_ms: u32,
    pub silence_ms: u32,
    pub keepalive_seconds: u32,
}

impl Database {
    /// The login for migrations.
    #[must_use]
    pub fn owner(&self) -> &SecretString {
        if self.owner_url.expose_secret().is_empty() { &self.url } else { &self.owner_url }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    pub url: SecretString,
    pub prefix: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    pub master_key: SecretString,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    pub access_token_seconds: u32,
    pub refresh_token_days: u32,
    pub signing_key_days: u32,
    pub lockout_failures: u32,
    pub lockout_minutes: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wechat {
    pub base_url: String,
    pub app_id: String,
    pub app_secret: SecretString,
    pub county: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub allow_private: Vec<String>,
    pub connect_timeout_ms: u64,
    pub timeout_ms: u64,
    pub answer_limit: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    pub concurrency: usize,
    pub consumer: String,
    pub requeue_ms: u32,
    pub lease_ms: u32,
    pub throttle: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    pub every_seconds: u32,
    pub batch: u32,
    pub idempotency_days: u32,
    pub session_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    pub host: String,
    pub port: u16,
    pub rooms: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub format: String,
}

/// Why the settings cannot be used; names the key, never a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("settings: {0}")]
    Shape(#[from] Box<figment::Error>),
    #[error("settings: {key}: {why}")]
    Value { key: &'static str, why: &'static str },
}

impl Config {
    /// Defaults, then the file named in `YIJIAO_CONFIG`, then `DATABASE_URL` / `REDIS_URL`, then `YIJIAO_…`.
    pub fn load() -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(path) = std::env::var_os("YIJIAO_CONFIG") {
            figment = figment.merge(Toml::file_exact(path));
        }
        figment = figment
            .merge(Env::raw().only(&["DATABASE_URL"]).map(|_| "database.url".into()))
            .merge(Env::raw().only(&["REDIS_URL"]).map(|_| "redis.url".into()))
            .merge(Env::prefixed("YIJIAO_").ignore(&["CONFIG"]).split("__"));
        Self::read(&figment)
    }

    /// The compiled-in defaults, for tests and tools that set the rest themselves.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::read(&Figment::from(Toml::string(DEFAULTS)))
    }

    fn read(figment: &Figment) -> Result<Self, ConfigError> {
        figment.extract().map_err(|error| ConfigError::Shape(Box::new(error)))
    }

    /// What a server needs beyond the shape.
    pub fn require_secrets(&self) -> Result<(), ConfigError> {
        if self.secrets.master_key.expose_secret().len() < 32 {
            return Err(ConfigError::Value {
                key: "secrets.master_key",
                why: "needs at least 32 characters; make one with `openssl rand -hex 32`",
            });
        }
        Ok(())
    }

    /// Settings that contradict each other, each sound by itself.
    pub fn require_sense(&self) -> Result<(), ConfigError> {
        let Self { database, notices, outbound, purge, .. } = self;
        if u64::from(notices.lease_ms) <= outbound.connect_timeout_ms.saturating_add(outbound.timeout_ms) {
            return Err(ConfigError::Value {
                key: "notices.lease_ms",
                why: "must be more than outbound.connect_timeout_ms and outbound.timeout_ms together; \
                      else a notice that is still being sent is taken for lost and sent twice",
            });
        }
        if database.statement_timeout_ms == 0 || database.silence_ms <= database.statement_timeout_ms {
            return Err(ConfigError::Value {
                key: "database.silence_ms",
                why: "must be more than database.statement_timeout_ms, and that more than 0; \
                      else a slow answer is taken for none",
            });
        }
        if database.keepalive_seconds == 0 {
            return Err(ConfigError::Value { key: "database.keepalive_seconds", why: "must be more than 0" });
        }
        if purge.batch == 0 || purge.every_seconds == 0 {
            return Err(ConfigError::Value {
                key: "purge",
                why: "batch and every_seconds must be more than 0",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_defaults_are_complete_and_hold_no_secret() {
        let config = Config::defaults().unwrap();
        assert_eq!(config.http.port, 8080);
        assert!(config.require_secrets().is_err());
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused_by_name() {
        let broken = |change: fn(&mut Config)| {
            let mut config = Config::defaults().unwrap();
            config.require_sense().unwrap();
            change(&mut config);
            config.require_sense().unwrap_err().to_string()
        };
        assert!(broken(|config| config.notices.lease_ms = 11_000).contains("notices.lease_ms"));
        assert!(broken(|config| config.outbound.timeout_ms = 60_000).contains("notices.lease_ms"));
        assert!(broken(|config| config.database.silence_ms = 10_000).contains("database.silence_ms"));
        assert!(broken(|config| config.database.keepalive_seconds = 0).contains("keepalive_seconds"));
        assert!(broken(|config| config.purge.batch = 0).contains("purge"));
    }

    #[test]
    fn settings_never_print_a_secret() {
        let mut config = Config::defaults().unwrap();
        config.secrets.master_key = SecretString::from("do-not-print-me");
        assert!(!format!("{config:?}").contains("do-not-print-me"));
    }
}
