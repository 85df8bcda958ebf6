//! Logs on stderr, metrics for the console to render, and traces for a collector.

mod catalogue;
pub(crate) mod traces;

use std::io::IsTerminal;

use checkout::AccountName;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::LogFormat;
use crate::daemon::announcer::OUTCOMES;

/// Logs to stderr from here on. A second call changes nothing.
pub(crate) fn log(filter: &str, format: LogFormat) {
    let filter = filter_of(filter);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Fails only where a subscriber is installed already, which then goes on.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// The configured filter, without what the scheduler tells at `info` of every start, unless it is asked for by name.
fn filter_of(filter: &str) -> EnvFilter {
    const CHATTY: &str = "tokio_cron_scheduler";
    let named = filter.contains(CHATTY);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let is_heard = filter
        .max_level_hint()
        .is_none_or(|most| most > LevelFilter::WARN);
    match format!("{CHATTY}=warn").parse() {
        Ok(quiet) if is_heard && !named => filter.add_directive(quiet),
        _ => filter,
    }
}

/// Counts from here on; the handle renders what was counted.
pub(crate) fn metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = catalogue::with_buckets(PrometheusBuilder::new())?.install_recorder()?;
    catalogue::describe();
    metrics::gauge!("confirmd_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Shows what nobody has counted yet as none: whoever asks how much a counter has risen does not see the first of a counter
/// that comes into being with it.
pub(crate) fn count_from_zero<'a>(accounts: impl Iterator<Item = &'a AccountName>) {
    metrics::counter!("confirmd_observed_total").increment(0);
    metrics::counter!("confirmd_dead_letters_total").increment(0);
    for account in accounts {
        for kind in OUTCOMES {
            metrics::counter!("confirmd_outcomes_total", "account" => account.to_string(), "type" => kind)
                .increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use checkout::AccountName;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::{count_from_zero, filter_of};

    #[test]
    fn a_counter_that_rules_watch_begins_at_none() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let accounts = ["eu_shop", "us_shop"].map(|name| AccountName::parse(name).unwrap());
        metrics::with_local_recorder(&recorder, || count_from_zero(accounts.iter()));
        let served = recorder.handle().render();
        let mut lines: Vec<&str> = served
            .lines()
            .filter(|line| line.starts_with("confirmd_"))
            .collect();
        lines.sort_unstable();
        assert_eq!(lines.len(), 2 + 2 * 5, "{lines:#?}");
        assert!(lines.iter().all(|line| line.ends_with(" 0")), "{lines:#?}");
        for one in [
            "confirmd_dead_letters_total 0",
            r#"confirmd_outcomes_total{account="us_shop",type="expired"} 0"#,
        ] {
            assert!(lines.contains(&one), "{one}: {lines:#?}");
        }
    }

    #[test]
    fn the_scheduler_is_heard_only_by_who_asks_for_it() {
        let directives = |filter: &str| filter_of(filter).to_string();
        assert!(directives("info").contains("tokio_cron_scheduler=warn"));
        assert!(!directives("info,tokio_cron_scheduler=debug").contains("tokio_cron_scheduler=warn"));
        assert!(!directives("error").contains("tokio_cron_scheduler"));
    }
}
