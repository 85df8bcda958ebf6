//! Follows the clock of a sandbox (feature `test-clock`), so that a test can move a running daemon's time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use checkout::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::clock::{Busy, Moved, ProgramClock, real_sleep};

/// The environment variable that names a sandbox's control URL.
const VARIABLE: &str = "CONFIRMD_TEST_CLOCK";
/// How often the sandbox is asked.
const ASK_EVERY: Duration = Duration::from_millis(10);

struct Followed(watch::Receiver<Timestamp>);

impl Moved for Followed {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn busy(&self) -> Busy {
        Busy::nothing()
    }

    fn sleep_until(&self, at: Timestamp) -> futures::future::BoxFuture<'static, ()> {
        let mut told = self.0.clone();
        Box::pin(async move {
            if told.wait_for(|now| at <= *now).await.is_err() {
                // The sandbox is gone, and with it time.
                std::future::pending::<()>().await;
            }
        })
    }
}

/// The sandbox's clock where the environment names one, else the machine's.
pub(crate) async fn from_environment() -> anyhow::Result<ProgramClock> {
    let Ok(url) = std::env::var(VARIABLE) else {
        return Ok(ProgramClock::System);
    };
    let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let first = ask(&host).await.with_context(|| format!("{VARIABLE}={url}"))?;
    let (tell, told) = watch::channel(first);
    tokio::spawn(async move {
        // A sandbox that is gone stops time; the test that owned it is over.
        while let Ok(now) = ask(&host).await {
            tell.send_if_modified(|known| {
                let later = *known < now;
                *known = now.max(*known);
                later
            });
            real_sleep(ASK_EVERY).await;
        }
    });
    Ok(ProgramClock::Moved(Arc::new(Followed(told))))
}

async fn ask(host: &str) -> anyhow::Result<Timestamp> {
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /clock HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let Some((_, body)) = answer.split_once("\r\n\r\n") else {
        bail!("no HTTP answer")
    };
    let clock: serde_json::Value = serde_json::from_str(body.trim())?;
    Ok(Timestamp::parse(clock["now"].as_str().unwrap_or_default())?)
}
