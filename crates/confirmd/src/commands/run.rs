//! `confirmd run`: the daemon.

use std::path::PathBuf;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::chance::Drawn;
use crate::config::Config;
use crate::daemon::reload::Source;
use crate::daemon::tasks::Tasks;
use crate::daemon::{self, Parts};
use crate::signals::{self, HangUps};
use crate::telemetry::traces::Traces;
use crate::{desk, query, service, telemetry};

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(config: Config, file: Option<PathBuf>) -> anyhow::Result<()> {
    telemetry::log(&config.telemetry.log, config.telemetry.format);
    let metrics = telemetry::metrics()?;
    let traces = traces(config.telemetry.otlp_endpoint.clone()).await?;
    let clock = super::clock().await?;
    let starting = CancellationToken::new();
    let stop_starting = starting.clone();
    let signal = tokio::spawn(async move {
        signals::terminate().await;
        stop_starting.cancel();
    });
    let reload = Source {
        file,
        read: config.files.clone(),
        hang_ups: HangUps::listen(),
    };
    let Some(log) = daemon::open_log(&config, &starting).await? else {
        return Ok(());
    };
    let _claim = log.claim().context("store.url")?;
    let console = desk::listen(config.console.listen).await?;
    if starting.is_cancelled() {
        return Ok(());
    }
    let parts = Parts {
        clock,
        chance: Drawn::from_os(),
        log,
        policies: config.policies(),
        accounts: config.accounts.clone(),
        attempt_timeout: config.attempt_timeout,
        when_not_all: config.deadline.when_not_all,
        permission_details_for: config.permission_details.then_some(config.permission_details_for),
        kafka: config.kafka.settings(),
        create_topics: config.kafka.create_topics,
        intake_limits: kafka_topics::Limits::default(),
        console,
        access: config.console.access.clone(),
        metrics,
        traces: traces.clone(),
        reload: Some(reload),
    };
    let mut tasks = Tasks::new(config.shutdown_grace);
    drop(daemon::start(parts, &mut tasks).await?);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        accounts = config.accounts.len(),
        modes = modes(&config),
        "confirmd runs"
    );
    service::is_ready();
    tasks
        .run_until(async { signal.await.unwrap_or(()) })
        .await
        .context("confirmd run")?;
    let _ = tokio::task::spawn_blocking(move || traces.end()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Its client may not be made where async work is done.
async fn traces(endpoint: Option<String>) -> anyhow::Result<Traces> {
    let Some(endpoint) = endpoint else {
        return Ok(Traces::default());
    };
    tokio::task::spawn_blocking(move || Traces::to(&endpoint)).await?
}

/// Each account with its mode: a `watch` that was forgotten confirms nothing.
fn modes(config: &Config) -> String {
    let told: Vec<String> = config
        .accounts
        .iter()
        .map(|(name, account)| format!("{name}: {}", query::mode_name(account.mode)))
        .collect();
    told.join(", ")
}
