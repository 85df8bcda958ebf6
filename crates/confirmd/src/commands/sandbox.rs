//! `confirmd sandbox`: the Amazon Pay sandbox alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use sandbox::{ClockSource, Options, Sandbox, SettableClock};

use crate::cli::Profile;
use crate::signals;

/// Serves until it is told to end. The first line on stdout says how to reach it.
pub(crate) async fn run(
    listen: SocketAddr,
    control_listen: SocketAddr,
    profile: Profile,
    tls_dir: Option<PathBuf>,
) -> anyhow::Result<()> {
    // Whoever reads the first line may be elsewhere.
    let tls_dir = tls_dir
        .map(std::path::absolute)
        .transpose()
        .context("--tls-dir")?;
    let options = Options {
        listen,
        control_listen,
        profile: match profile {
            Profile::Live => sandbox::Profile::Live,
            Profile::Sandbox => sandbox::Profile::Sandbox,
        },
        tls_dir,
        clock: ClockSource::Settable(SettableClock::real()),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options)
        .await
        .context("the sandbox cannot be started (--listen 127.0.0.1:0 takes any port that is free)")?;
    println!("{}", serde_json::to_string(sandbox.info())?);
    signals::terminate().await;
    sandbox.shutdown().await;
    Ok(())
}
