//! Takes newer keys and limits over while it runs: at SIGHUP, and when a file that they come from has changed.
//!
//! ```text
//!   SIGHUP, or a file is another ─► read the whole configuration ─► each account: ask Amazon with its new key
//!                                        │ problems: the old one stays     ├─ accepted: taken over
//!                                        ▼                                 ├─ refused: the old key stays, and it is said
//!                                      said, all of them                   └─ no answer: asked again later
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use provider::Probed;
use tokio_util::sync::CancellationToken;

use super::Confirmd;
use super::amazon_pay;
use super::schedule::Tick;
use crate::clock::ProgramClock;
use crate::config::Config;
use crate::for_people::at_most;
use crate::signals::HangUps;

/// Ticks between two looks at the files, and between two tries where Amazon did not answer.
const EVERY: u64 = 10;
/// Of what Amazon says.
const QUOTED: usize = 200;

/// Where the configuration comes from.
pub(crate) struct Source {
    pub(crate) file: Option<PathBuf>,
    /// What has been read last: the configuration's file, and those that it names.
    pub(crate) read: Vec<PathBuf>,
    pub(crate) hang_ups: HangUps,
}

/// When a file was changed, and how long it was then; none where there is none.
type Stamp = Option<(SystemTime, u64)>;

fn stamps(files: &[PathBuf]) -> BTreeMap<PathBuf, Stamp> {
    let stamp = |file: &Path| -> Stamp {
        // Follows links: Kubernetes replaces a whole folder by another link.
        let known = std::fs::metadata(file).ok()?;
        Some((known.modified().ok()?, known.len()))
    };
    files.iter().map(|file| (file.clone(), stamp(file))).collect()
}

/// Takes over until it is to stop.
pub(crate) async fn run(
    mut source: Source,
    reconciler: Arc<Confirmd>,
    clock: ProgramClock,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut known = stamps(&source.read);
    let mut is_unclear = false;
    loop {
        let was_asked = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = source.hang_ups.next() => true,
            changed = tick.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                if !tick.borrow_and_update().is_multiple_of(EVERY) {
                    continue;
                }
                false
            }
        };
        let seen = stamps(&source.read);
        if !was_asked && !is_unclear && seen == known {
            continue;
        }
        known = seen;
        is_unclear = match Config::load(source.file.as_deref()) {
            Ok(config) => {
                source.read.clone_from(&config.files);
                // What has changed while it was read is another, at the next look.
                let mut now = stamps(&source.read);
                now.extend(known.into_iter().filter(|(file, _)| config.files.contains(file)));
                known = now;
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    is_unclear = take_over(&reconciler, &config, &clock) => is_unclear,
                }
            }
            Err(problems) => {
                tracing::error!(
                    "the configuration cannot be used as it is now, and the one that was read before holds: {problems}"
                );
                false
            }
        };
    }
}

/// Whether Amazon could not be asked about some account.
async fn take_over(reconciler: &Confirmd, config: &Config, clock: &ProgramClock) -> bool {
    let newer = match amazon_pay(&config.accounts, config.attempt_timeout, clock, Arc::new(())) {
        Ok(newer) => newer,
        Err(problems) => {
            tracing::error!(
                "the accounts cannot be used as they are configured now, and as they were they go on: {problems}"
            );
            return false;
        }
    };
    let amazon = &reconciler.amazon;
    let mut is_unclear = false;
    for (account, settings) in &config.accounts {
        // A key is not wrong because our clock is.
        newer.take_skew_over(account, amazon);
        let Ok(probe) = newer.probe(account).await else {
            continue;
        };
        let said = at_most(QUOTED, &probe.answer.as_text());
        match probe.probed {
            Probed::Passed if amazon.renew(account, &newer).is_ok() => {
                let key = settings.public_key_id.as_str();
                reconciler
                    .line
                    .window()
                    .set_fresh_share(account, settings.fresh_share);
                tracing::info!(
                    %account,
                    "the key and the limits of `{account}` are those of the configuration as it is here: Amazon Pay accepts the key `{key}`"
                );
                if reconciler.policies.of(Some(account)).mode != settings.mode {
                    tracing::warn!(%account, "`{account}` has another mode now: a restart takes it up");
                }
            }
            Probed::Passed => {
                tracing::warn!(%account, "`{account}` is a new account: a restart takes it up");
            }
            Probed::Refused => {
                tracing::error!(%account, "Amazon Pay refuses the new key of `{account}`, and the old one stays: {said}");
            }
            Probed::Unclear => {
                is_unclear = true;
                tracing::warn!(%account, "Amazon Pay cannot be asked about the new key of `{account}`: the old one stays for now: {said}");
            }
        }
    }
    is_unclear
}
