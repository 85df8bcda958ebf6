//! Sends spans to a collector, and says once when it is away and once when it is back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SpanData;

/// A collector that takes longer for a batch is away.
const TAKES_NO_LONGER: Duration = Duration::from_secs(5);

pub(super) fn to(endpoint: &str) -> anyhow::Result<Exporter> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(TAKES_NO_LONGER)
        .build()
        .context("telemetry.otlp_endpoint")?;
    Ok(Exporter {
        exporter,
        is_away: AtomicBool::new(false),
    })
}

#[derive(Debug)]
pub(super) struct Exporter {
    exporter: SpanExporter,
    is_away: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        match self.exporter.export(batch).await {
            Ok(()) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    tracing::info!("telemetry.otlp_endpoint: the collector takes spans again");
                }
            }
            // It has been repeated for as long as that may take: the next batch tells whether it is back.
            Err(error) => {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "telemetry.otlp_endpoint: the collector did not take {count} spans: they are dropped, and \
                         so is what follows until it is back"
                    );
                }
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
