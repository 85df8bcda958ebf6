//! Asks who the buyers of confirmed sessions are, where that is to be kept. Nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use checkout::AccountName;
use futures::{StreamExt, stream};
use reconciler::AskForDetails;
use reconciler::ports::Clock;
use session_log::Log;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Confirmd;
use super::schedule::Tick;
use super::sweep::Assignment;

/// Accounts that are asked for at a time: one that Amazon leaves hanging holds up few.
const ACCOUNTS_AT_ONCE: usize = 8;

/// Goes over the accounts at every tick until it is to stop.
pub(crate) async fn run(
    log: Log,
    reconciler: Arc<Confirmd>,
    accounts: Vec<AccountName>,
    keep_for: Duration,
    assignment: watch::Receiver<Assignment>,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Confirmd {
        amazon,
        clock,
        chance,
        ..
    } = &*reconciler;
    let started_at = clock.now();
    let mut of_accounts: Vec<AskForDetails> = accounts
        .into_iter()
        .map(|account| AskForDetails::new(account, keep_for))
        .collect();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = tick.changed() => if changed.is_err() { return Ok(()) },
        }
        let Some(share) = assignment.borrow().share_since(started_at, clock.now()) else {
            continue;
        };
        let passes = stream::iter(&mut of_accounts).for_each_concurrent(ACCOUNTS_AT_ONCE, async |asking| {
            if let Err(error) = asking.pass(&log, amazon, clock, chance, &share).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "buyers' details have to wait for the database");
            }
        });
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = passes => {}
        }
    }
}
