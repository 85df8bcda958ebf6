//! Removes personal data whose time is over, portion by portion.

use std::time::Duration;

use checkout::Timestamp;
use reconciler::boundary;
use reconciler::ports::{Clock, LogError};
use session_log::Log;
use tokio_util::sync::CancellationToken;

use super::schedule::Tick;
use crate::clock::ProgramClock;

/// Between two erasures, by the program's clock.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// What one statement removes at most.
const AT_ONCE: u32 = 1_000;

/// What has a keep.
#[derive(Clone, Copy)]
enum What {
    /// What the facts refer to, and the bytes that attempts sent.
    PersonalData,
    /// What Amazon told of buyers afterwards.
    PermissionDetails,
    /// Those that no topic has taken.
    DeadLetters,
}

impl What {
    const ALL: [Self; 3] = [Self::PersonalData, Self::PermissionDetails, Self::DeadLetters];

    /// The name in metrics and logs.
    fn name(self) -> &'static str {
        match self {
            Self::PersonalData => "personal-data",
            Self::PermissionDetails => "permission-details",
            Self::DeadLetters => "dead-letters",
        }
    }

    /// Says how many there were; less than [`AT_ONCE`] if it was the last portion.
    async fn erase_a_portion(
        self,
        log: &Log,
        now: Timestamp,
        personal_data_for: Duration,
    ) -> Result<u32, LogError> {
        let until = now.minus(personal_data_for);
        boundary("erase");
        let erased = match self {
            Self::PersonalData => log.erase(now, AT_ONCE).await,
            Self::PermissionDetails => log.erase_details(now, AT_ONCE).await,
            Self::DeadLetters => log.erase_dead_letters(until, AT_ONCE).await,
        };
        boundary("erased");
        erased
    }
}

/// Erases until it is to stop. A dead letter that no topic has taken for `personal_data_for` goes, too.
pub(crate) async fn run(
    log: Log,
    clock: ProgramClock,
    personal_data_for: Duration,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    for what in What::ALL {
        count(what, 0);
    }
    let mut last: Option<Timestamp> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = tick.changed() => if changed.is_err() { return Ok(()) },
        }
        let now = clock.now();
        if last.is_some_and(|last| now < last.plus(EVERY)) {
            continue;
        }
        last = Some(now);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = erase(&log, now, personal_data_for) => {}
        }
    }
}

/// Whatever is past its keep, however much that is. Each by itself: one that the database does not answer must not keep
/// the others waiting.
async fn erase(log: &Log, now: Timestamp, personal_data_for: Duration) {
    for what in What::ALL {
        loop {
            match what.erase_a_portion(log, now, personal_data_for).await {
                Ok(erased) => {
                    told(what, erased);
                    if erased < AT_ONCE {
                        break;
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "erasing {} has to wait for the database", what.name());
                    break;
                }
            }
        }
    }
}

fn told(what: What, erased: u32) {
    count(what, erased);
    match what {
        _ if erased == 0 => {}
        What::PersonalData => tracing::info!(
            erased,
            "personal data of {erased} sessions was erased: its keep is over"
        ),
        What::PermissionDetails => tracing::info!(
            erased,
            "details of {erased} buyers were erased: their keep is over"
        ),
        // Nobody has seen them but whoever has read the alert.
        What::DeadLetters => tracing::warn!(
            erased,
            "{erased} dead letters that their topic has not taken were erased: their keep is over"
        ),
    }
}

fn count(what: What, erased: u32) {
    metrics::counter!("confirmd_erased_total", "what" => what.name()).increment(erased.into());
}
