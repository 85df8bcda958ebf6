//! Stands between a log and its server, and does what networks do.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// They pass.
    Fair,
    /// The next answer of the server is lost, and its connection with it; then the weather is fair.
    LosesTheNextAnswer,
    /// None passes, and nobody is told.
    Silent,
}

pub(crate) struct Proxy {
    /// The URL of the log by way of this.
    pub(crate) url: String,
    weather: Arc<watch::Sender<Weather>>,
}

impl Proxy {
    /// In front of the server of `url`.
    pub(crate) async fn before(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap();
        let (user, server) = authority.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        tokio::spawn(accept(listener, server.to_owned(), weather.clone()));
        Self {
            url: format!("{scheme}://{user}@127.0.0.1:{port}/{path}"),
            weather,
        }
    }

    pub(crate) fn becomes(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    pub(crate) fn weather(&self) -> Weather {
        *self.weather.borrow()
    }
}

async fn accept(listener: TcpListener, server: String, weather: Arc<watch::Sender<Weather>>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&server).await else {
            continue;
        };
        tokio::spawn(carry(client, server, weather.clone()));
    }
}

/// Until either side ends; both end then.
async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    weather: Arc<watch::Sender<Weather>>,
) -> Option<()> {
    let (mut question, mut answer) = ([0; 8192], [0; 8192]);
    let mut change = weather.subscribe();
    loop {
        if *change.borrow_and_update() == Weather::Silent {
            // A connection that was silent for long is of no use afterwards.
            return change.changed().await.ok();
        }
        tokio::select! {
            asked = client.read(&mut question) => match asked.ok()? {
                0 => return None,
                length => server.write_all(&question[..length]).await.ok()?,
            },
            answered = server.read(&mut answer) => match answered.ok()? {
                0 => return None,
                _ if *weather.borrow() == Weather::LosesTheNextAnswer => {
                    weather.send_replace(Weather::Fair);
                    return None;
                }
                length => client.write_all(&answer[..length]).await.ok()?,
            },
            changed = change.changed() => changed.ok()?,
        }
    }
}
