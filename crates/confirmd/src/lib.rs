//! confirmd confirms every Amazon Pay checkout before its 24-hour deadline, and proves it.
//!
//! ```text
//!   cli ─► config ─► commands/run ─► daemon: intake, work, sweep, announce, accounts, upkeep, console, schedule
//!                      │    └─────► demo: the daemon with broker, sandbox and shop in one process
//!                      └─► commands/sessions, accounts, check, migrate, sandbox
//! ```
//!
//! Wiring only: what is decided is in `checkout`, what is done is in `reconciler`, and each outside thing has
//! a crate of its own.

mod act;
mod chance;
mod cli;
mod clock;
mod commands;
mod config;
mod daemon;
mod demo;
mod desk;
mod for_people;
mod lately;
mod metered;
mod query;
mod service;
mod signals;
mod store;
mod telemetry;
#[cfg(feature = "test-clock")]
mod test_clock;
#[cfg(feature = "test-clock")]
mod test_crash;
#[cfg(feature = "test-clock")]
mod test_next;
mod view;

use std::process::ExitCode;

use checkout::{NotAName, NotATime};
use clap::Parser;

use cli::{Cli, Command};
use commands::Ended;
use config::{Config, LogFormat, Problems};

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("confirmd: the runtime cannot be started: {error}");
            return Ended::Failed.into();
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(ended) => ended.into(),
        Err(error) => {
            eprintln!("confirmd: {error:#}");
            if let Some(advice) = commands::advice::advice(&error) {
                eprintln!("next: {advice}");
            }
            let unusable = error.is::<Problems>() || error.is::<NotAName>() || error.is::<NotATime>();
            if unusable {
                Ended::BadUsage.into()
            } else {
                Ended::Failed.into()
            }
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Ended> {
    #[cfg(feature = "test-clock")]
    test_crash::where_asked()?;
    let config = || Config::load(cli.config.as_deref());
    match cli.command {
        Command::Run | Command::Demo(_) => {}
        // What a check has to say, it says itself.
        Command::Check { .. } => telemetry::log("off", LogFormat::Text),
        Command::Migrate { .. }
        | Command::Sessions(_)
        | Command::Accounts(_)
        | Command::Health { .. }
        | Command::Sandbox { .. }
        | Command::Man { .. }
        | Command::Completions { .. } => telemetry::log("warn", LogFormat::Text),
    }
    match cli.command {
        Command::Demo(options) => demo::run(options).await,
        Command::Run => commands::run::run(config()?, cli.config)
            .await
            .map(|()| Ended::Done),
        Command::Check { online, output } => commands::check::run(config(), online, output.json).await,
        Command::Migrate {
            check,
            rebuild,
            output,
        } => commands::migrate::run(&config()?, check, rebuild, output.json).await,
        Command::Health { ready } => commands::health::run(&config()?, ready).await,
        Command::Sessions(command) => commands::sessions::run(&config()?, command).await,
        Command::Accounts(command) => commands::accounts::run(&config()?, command).await,
        Command::Sandbox {
            listen,
            control_listen,
            profile,
            tls_dir,
        } => commands::sandbox::run(listen, control_listen, profile, tls_dir)
            .await
            .map(|()| Ended::Done),
        Command::Man { folder } => commands::man(&folder).map(|()| Ended::Done),
        Command::Completions { shell } => {
            commands::completions(shell);
            Ok(Ended::Done)
        }
    }
}
