//! The tick. tokio-cron-scheduler overlaps runs and neither waits nor cancels at its end, so that its job
//! does nothing but leave word; whoever sweeps takes the word when it is done with the last one.

use anyhow::Context;
use tokio::sync::watch;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

/// Every second: what a crash, a restart or another replica has left is taken up within that.
const EVERY_SECOND: &str = "* * * * * *";

/// Word that a second has passed. Whoever is busy hears of several at once.
pub(crate) type Tick = watch::Receiver<u64>;

/// Both ends of the tick.
pub(crate) fn ticks() -> (watch::Sender<u64>, Tick) {
    watch::channel(0)
}

/// Leaves word every second until it is to stop.
pub(crate) async fn run(ticks: watch::Sender<u64>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut scheduler = JobScheduler::new()
        .await
        .context("the scheduler cannot be made")?;
    let job = Job::new(EVERY_SECOND, move |_, _| ticks.send_modify(|count| *count += 1))
        .context("the tick cannot be scheduled")?;
    scheduler.add(job).await.context("the tick cannot be scheduled")?;
    scheduler
        .start()
        .await
        .context("the scheduler cannot be started")?;
    stop.cancelled().await;
    scheduler
        .shutdown()
        .await
        .context("the scheduler cannot be shut down")
}
