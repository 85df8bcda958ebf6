//! Real time, which benchmarks are about: the one place that reads it.

use std::time::{Duration, Instant};

#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is how long it really takes"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nobody signals that counters have been written"
)]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the processes that are measured have the machine's clock"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
