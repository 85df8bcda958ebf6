//! The clock of the machine that confirmd runs on, where it differs from Amazon's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sandbox::{SandboxClock as _, SettableClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Daemon, World};

/// Shows so many seconds more than the sandbox's clock, or fewer, and says so like that over HTTP.
pub(crate) struct MachinesClock {
    ahead: Arc<AtomicI64>,
    amazons: SettableClock,
    url: String,
    serving: JoinHandle<()>,
}

impl MachinesClock {
    pub(crate) async fn ahead_of(amazons: &SettableClock, seconds: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ahead = Arc::new(AtomicI64::new(seconds));
        let (shown, clock) = (ahead.clone(), amazons.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let now = clock.now() + SignedDuration::from_secs(shown.load(Ordering::SeqCst));
                // Whoever has asked may be gone, or dead.
                let _ = tell(stream, now).await;
            }
        });
        Self {
            ahead,
            amazons: amazons.clone(),
            url,
            serving,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.amazons.now() + self.ahead()
    }

    fn ahead(&self) -> SignedDuration {
        SignedDuration::from_secs(self.ahead.load(Ordering::SeqCst))
    }

    /// The time at Amazon when this clock showed `at`, as far ahead as it is now.
    pub(crate) fn at_amazon(&self, at: Timestamp) -> Timestamp {
        at - self.ahead()
    }

    /// It jumps forward, and is so much more ahead from now on.
    pub(crate) fn jumps(&self, by: Duration) {
        self.ahead.fetch_add(seconds(by), Ordering::SeqCst);
    }

    /// Amazon's jumps forward, and it shows so much less than that from now on.
    pub(crate) fn is_left_behind(&self, by: Duration) {
        self.ahead.fetch_sub(seconds(by), Ordering::SeqCst);
        self.amazons.advance(by).unwrap();
    }
}

impl Drop for MachinesClock {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap()
}

async fn tell(mut stream: TcpStream, now: Timestamp) -> std::io::Result<()> {
    let mut request = [0; 1024];
    let _ = stream.read(&mut request).await?;
    let body = format!(r#"{{"now": "{now}"}}"#);
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await
}

impl World {
    /// A daemon on a machine of this clock, that hears events from now on.
    pub(crate) async fn daemon_by(&self, clock: &MachinesClock) -> Daemon {
        let daemon = Daemon::start(&self.config_file(), &clock.url, &[]).await;
        daemon.line("working partitions {0, 1, 2}").await;
        daemon
    }
}
