//! A server of just enough HTTP/1.1: keeps what it receives and answers as it was told last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

#[derive(Clone)]
pub(crate) enum Act {
    Answer(Answer),
    /// Closes the connection without a word.
    Close,
    /// Says nothing.
    Hang,
}

#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    content_type: &'static str,
    headers: String,
    body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: String::new(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn refusal(status: u16, reason_code: &str, message: &str) -> Self {
        let body = format!(r#"{{"reasonCode":"{reason_code}","message":"{message}"}}"#);
        Self::json(status, &body)
    }

    pub(crate) fn html(status: u16) -> Self {
        Self {
            content_type: "text/html",
            ..Self::json(status, "<html>Bad Gateway</html>")
        }
    }

    pub(crate) fn with(mut self, header: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{header}: {value}\r\n"));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let Self {
            status,
            content_type,
            headers,
            body,
        } = self;
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
             x-amz-pay-request-id: REQ-1\r\n{headers}\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(n, _)| n == name);
        header.map_or("", |(_, value)| value.as_str())
    }
}

struct Shared {
    next: Mutex<VecDeque<Act>>,
    otherwise: Mutex<Act>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
}

/// Ends with the value.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            next: Mutex::default(),
            otherwise: Mutex::new(Act::Hang),
            received: Mutex::default(),
            arrived: Notify::new(),
        });
        let serving = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self {
            port,
            shared,
            accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on.
    pub(crate) fn answers(&self, answer: Answer) {
        *self.shared.otherwise.lock().unwrap() = Act::Answer(answer);
    }

    /// From now on.
    pub(crate) fn does(&self, act: Act) {
        *self.shared.otherwise.lock().unwrap() = act;
    }

    /// To the next request that no other one was meant for.
    pub(crate) fn then(&self, answer: Answer) {
        self.shared.next.lock().unwrap().push_back(Act::Answer(answer));
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Returns when so many requests have been read.
    pub(crate) async fn has_received(&self, count: usize) {
        loop {
            // Registered before the count is read, so that one that arrives in between is not missed.
            let arrived = self.shared.arrived.notified();
            if count <= self.shared.received.lock().unwrap().len() {
                return;
            }
            arrived.await;
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(request) = read(&mut stream).await {
        shared.received.lock().unwrap().push(request);
        shared.arrived.notify_waiters();
        let next = shared.next.lock().unwrap().pop_front();
        let act = next.unwrap_or_else(|| shared.otherwise.lock().unwrap().clone());
        match act {
            Act::Answer(answer) => stream.write_all(&answer.bytes()).await.unwrap(),
            Act::Close => return,
            Act::Hang => {}
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received { line, headers, body })
}
