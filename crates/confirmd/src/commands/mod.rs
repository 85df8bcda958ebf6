//! One file per command.

pub(crate) mod accounts;
pub(crate) mod advice;
pub(crate) mod check;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod sessions;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use checkout::Timestamp;
use clap::CommandFactory;
use reconciler::Announcement;
use reconciler::ports::{Outlet, Share};
use reconciler::turns::{Line, Window};
use reconciler::{Policies, Reconciler};
use secrecy::ExposeSecret;
use session_log::Log;

use crate::chance::Drawn;
use crate::cli::Cli;
use crate::clock::ProgramClock;
use crate::config::Config;
use crate::daemon::{self, outlook};
use crate::query::Plans;
use crate::store;
use provider::Accounts;

/// How a command ended, as its exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// 0
    Done,
    /// 1
    Failed,
    /// 2
    BadUsage,
    /// 3: a check found something wrong, or an act was refused.
    Refused,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Done => 0,
            Ended::Failed => 1,
            Ended::BadUsage => 2,
            Ended::Refused => 3,
        })
    }
}

pub(crate) fn completions(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "confirmd", &mut std::io::stdout());
}

pub(crate) fn man(folder: &Path) -> anyhow::Result<()> {
    clap_mangen::generate_to(Cli::command(), folder).with_context(|| {
        format!(
            "`{}` cannot be written to: make the folder first, or name another",
            folder.display()
        )
    })
}

/// A command tells nobody: the daemon's outbox does.
pub(crate) struct TellsNobody;

impl Outlet for TellsNobody {
    fn offer(&self, _: Vec<Announcement>) {}
}

/// The use cases as a command has them.
pub(crate) type AtHand = Reconciler<Log, Accounts<ProgramClock>, ProgramClock, Drawn, TellsNobody>;

pub(crate) async fn clock() -> anyhow::Result<ProgramClock> {
    #[cfg(feature = "test-clock")]
    return crate::test_clock::from_environment().await;
    #[cfg(not(feature = "test-clock"))]
    Ok(ProgramClock::System)
}

pub(crate) async fn open(config: &Config) -> anyhow::Result<Log> {
    let log = Log::open(config.store_url.expose_secret(), store::options()).await;
    log.map_err(|error| anyhow::Error::new(error).context("store.url"))
}

pub(crate) async fn at_hand(config: &Config) -> anyhow::Result<AtHand> {
    let clock = clock().await?;
    let amazon = daemon::amazon_pay(&config.accounts, config.attempt_timeout, &clock, Arc::new(()))?;
    let policies: Policies = config.policies();
    Ok(Reconciler {
        log: open(config).await?,
        amazon,
        clock,
        chance: Drawn::from_os(),
        outlet: TellsNobody,
        policies,
        line: Line::new(Window::new(1)),
    })
}

/// What lies before every account, planned with what is known outside the daemon: what is configured, not what throttling
/// has taught.
pub(crate) async fn plans(config: &Config, at_hand: &AtHand, now: Timestamp) -> anyhow::Result<Plans> {
    let AtHand {
        log,
        amazon,
        policies,
        ..
    } = at_hand;
    let when_not_all = config.deadline.when_not_all;
    let planned = outlook::plans(log, amazon, policies, when_not_all, &Share::All, now).await?;
    Ok(planned)
}

/// Who acts, as far as the machine knows.
pub(crate) fn operator() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| "operator".to_owned())
}

pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
