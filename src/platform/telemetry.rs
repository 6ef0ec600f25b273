//! Logs to stderr, metrics in the Prometheus text format.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::config::{ConfigError, Log};
use super::stop::Stop;

/// Upper bounds in seconds of every `…_seconds` histogram: from a tap (milliseconds) to a late deadline (minutes).
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 30.0, 60.0, 300.0,
];

/// How often what was recorded is folded into the histograms.
const UPKEEP: Duration = Duration::from_secs(5);

/// Starts logging and logs every panic once. To be called once, by a role of the binary.
pub fn log(settings: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|_| ConfigError::Value { key: "log.filter", why: "is not a tracing filter" })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format.as_str() {
        "text" => lines.with_ansi(std::io::stderr().is_terminal()).finish().init(),
        "json" => lines.json().flatten_event(true).with_span_list(false).finish().init(),
        _ => return Err(ConfigError::Value { key: "log.format", why: "is neither \"text\" nor \"json\"" }),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        tracing::error!(place, message = message.unwrap_or("?"), "panic");
    }));
    Ok(())
}

/// The one recorder of metrics; installed when first asked for.
pub fn metrics() -> Result<&'static PrometheusHandle, BuildError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(handle) = HANDLE.get() {
        return Ok(handle);
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .install_recorder()?;
    Ok(HANDLE.get_or_init(|| handle))
}

/// Keeps the memory of the recorder small until told to stop.
pub async fn upkeep(handle: &'static PrometheusHandle, stop: Stop) {
    let mut beat = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stop.requested() => return,
            _ = beat.tick() => handle.run_upkeep(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_installed_once_and_timed_in_buckets() {
        let handle = metrics().unwrap();
        metrics::histogram!("test_seconds").record(0.0015);
        assert!(metrics().unwrap().render().contains("test_seconds_bucket{le=\"0.002\"} 1"));
        handle.run_upkeep();
    }

    #[test]
    fn a_wrong_format_is_refused_by_name() {
        let error = log(&Log { filter: "info".into(), format: "xml".into() }).unwrap_err().to_string();
        assert!(error.contains("log.format"), "{error}");
    }
}
