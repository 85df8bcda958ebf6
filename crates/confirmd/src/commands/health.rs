//! `confirmd health`: asks the daemon on this machine whether it lives, for whoever has nothing else to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Ended;
use crate::clock::real_sleep;
use crate::config::Config;

/// Whoever takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(config: &Config, ready: bool) -> anyhow::Result<Ended> {
    let path = if ready { "/readyz" } else { "/livez" };
    let address = from_here(config.console.listen);
    let answer = tokio::select! {
        answer = ask(address, path) => answer.with_context(|| format!("console.listen: {address} does not answer: does `confirmd run` run with this configuration?"))?,
        () = real_sleep(PATIENCE) => bail!("console.listen: {address} did not answer within {} s: see the daemon's log", PATIENCE.as_secs()),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    println!("{}", body.trim_end());
    let is_well = head.split(' ').nth(1) == Some("200");
    Ok(if is_well { Ended::Done } else { Ended::Failed })
}

/// Where it listens on every address, this machine's own is one of them.
fn from_here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
