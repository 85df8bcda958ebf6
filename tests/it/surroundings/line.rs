//! The way to a server, which can be cut and mended.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Takes connections in the place of a server, and hands them on to it. While it is cut, they are refused.
pub(super) struct Line {
    here: SocketAddr,
    there: SocketAddr,
    serving: JoinSet<()>,
    /// While it is cut: nobody listens there, and nobody else can have the port.
    held: Option<TcpSocket>,
}

impl Line {
    /// To a server at `https://address:port`; whole.
    pub(super) fn to(url: &str) -> Self {
        let socket = held(SocketAddr::from(([127, 0, 0, 1], 0)));
        let mut line = Self {
            here: socket.local_addr().unwrap(),
            there: url.strip_prefix("https://").unwrap().parse().unwrap(),
            serving: JoinSet::new(),
            held: Some(socket),
        };
        line.mend();
        line
    }

    /// Where the server seems to be.
    pub(super) fn url(&self) -> String {
        format!("https://{}", self.here)
    }

    /// Breaks what goes over it, and refuses what would.
    pub(super) async fn cut(&mut self) {
        self.serving.shutdown().await;
        self.held = Some(held(self.here));
    }

    /// Lets everything through.
    pub(super) fn mend(&mut self) {
        if let Some(socket) = self.held.take() {
            let listener = socket.listen(1024).unwrap();
            self.serving.spawn(serve(listener, self.there));
        }
    }
}

/// A socket that has the address and does not listen.
fn held(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// Ends with all its connections when it is dropped.
async fn serve(listener: TcpListener, there: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            if let Ok(mut server) = TcpStream::connect(there).await {
                // However it ends, both ends of it are closed.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
