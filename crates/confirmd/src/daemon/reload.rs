//! Takes newer keys and limits over while it runs: at SIGHUP, and when a file that they come from has changed.
//!
//! ```text
//!   SIGHUP, or a file is another ─► read the whole configuration ─► each account: ask Amazon with its new key
//!                                        │ problems: the old one stays     ├─ accepted: taken over
//!                                        ▼                                 ├─ refused: the old key stays, and it is said
//!                                      said, all of them                   └─ no answer: the old key stays for now
//! ```
//!
//! What was not taken over is tried again without another word: a key that is new at Amazon may be accepted a minute
//! later, and a file that was missing may come.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use checkout::AccountName;
use provider::Probed;
use tokio_util::sync::CancellationToken;

use super::Confirmd;
use super::amazon_pay;
use super::schedule::Tick;
use crate::clock::ProgramClock;
use crate::config::Config;
use crate::for_people::at_most;
use crate::signals::HangUps;

/// Ticks between two looks at the files, and between two tries where Amazon did not answer or the configuration could
/// not be used.
const EVERY: u64 = 10;
/// The same where Amazon has refused a key.
const REFUSED_EVERY: u64 = 30;
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

/// What was not taken over.
#[derive(Debug, Default)]
struct Left {
    /// Amazon has not said whether it accepts their keys.
    unclear: BTreeSet<AccountName>,
    /// It does not accept them.
    refused: BTreeSet<AccountName>,
    /// Why the configuration cannot be used.
    problems: Option<String>,
}

/// Of which accounts something is to be taken over.
enum Which {
    All,
    /// People have been told of them.
    Again(BTreeSet<AccountName>),
}

impl Which {
    fn has(&self, account: &AccountName) -> bool {
        match self {
            Self::All => true,
            Self::Again(accounts) => accounts.contains(account),
        }
    }
}

impl Left {
    /// What is tried again at a look that found nothing new; nothing where there is nothing.
    fn again(&self, tick: u64) -> Option<Which> {
        if self.problems.is_some() {
            return Some(Which::All);
        }
        let mut accounts = self.unclear.clone();
        if tick.is_multiple_of(REFUSED_EVERY) {
            accounts.extend(self.refused.iter().cloned());
        }
        (!accounts.is_empty()).then_some(Which::Again(accounts))
    }

    /// Those that were asked again are what they are now.
    fn now(&mut self, which: &Which, newer: Self) {
        self.unclear.retain(|account| !which.has(account));
        self.refused.retain(|account| !which.has(account));
        self.unclear.extend(newer.unclear);
        self.refused.extend(newer.refused);
        self.problems = newer.problems;
    }
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
    let mut left = Left::default();
    loop {
        let (was_asked, at) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = source.hang_ups.next() => (true, 0),
            changed = tick.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let at = *tick.borrow_and_update();
                if !at.is_multiple_of(EVERY) {
                    continue;
                }
                (false, at)
            }
        };
        let seen = stamps(&source.read);
        let is_new = was_asked || seen != known;
        let which = if is_new { Some(Which::All) } else { left.again(at) };
        let Some(which) = which else { continue };
        known = seen;
        match Config::load(source.file.as_deref()) {
            Ok(config) => {
                source.read.clone_from(&config.files);
                // What has changed while it was read is another, at the next look.
                let mut now = stamps(&source.read);
                now.extend(known.into_iter().filter(|(file, _)| config.files.contains(file)));
                known = now;
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    newer = take_over(&reconciler, &config, &clock, &which) => left.now(&which, newer),
                }
            }
            Err(problems) => {
                let problems = problems.to_string();
                if is_new || left.problems.as_ref() != Some(&problems) {
                    tracing::error!(
                        "the configuration cannot be used as it is now, and the one that was read before holds: {problems}"
                    );
                }
                left.problems = Some(problems);
            }
        }
    }
}

/// What is left of it.
async fn take_over(reconciler: &Confirmd, config: &Config, clock: &ProgramClock, which: &Which) -> Left {
    let mut left = Left::default();
    let newer = match amazon_pay(&config.accounts, config.attempt_timeout, clock, Arc::new(())) {
        Ok(newer) => newer,
        Err(problems) => {
            tracing::error!(
                "the accounts cannot be used as they are configured now, and as they were they go on: {problems}"
            );
            return left;
        }
    };
    let amazon = &reconciler.amazon;
    let is_known = matches!(which, Which::Again(_));
    for (account, settings) in config.accounts.iter().filter(|(account, _)| which.has(account)) {
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
                left.refused.insert(account.clone());
                if !is_known {
                    tracing::error!(%account, "Amazon Pay refuses the new key of `{account}`, and the old one stays: {said}");
                }
            }
            Probed::Unclear => {
                left.unclear.insert(account.clone());
                if !is_known {
                    tracing::warn!(%account, "Amazon Pay cannot be asked about the new key of `{account}`: the old one stays for now: {said}");
                }
            }
        }
    }
    left
}
