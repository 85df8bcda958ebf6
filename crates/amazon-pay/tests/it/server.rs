//! A server that speaks just enough HTTP/1.1 to be exact: it reads whole requests, keeps their bytes, and
//! follows a script.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::sha::sha256;
use openssl::sign::{RsaPssSaltlen, Verifier};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fixtures::KEY;

/// What the server does once it has read a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Writes these bytes and closes the connection.
    AnswerAndClose(Vec<u8>),
    /// Closes the connection without a word.
    Close,
    /// Says nothing and keeps the connection.
    Hang,
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Counted from 0.
    pub(crate) connection: usize,
    pub(crate) request_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.request_line.split(' ').nth(1).unwrap()
    }

    /// Built from what arrived, with none of the client's code.
    pub(crate) fn string_to_sign(&self) -> String {
        let method = self.request_line.split(' ').next().unwrap();
        let authorization = self.header("authorization").unwrap();
        let (algorithm, _) = authorization.split_once(' ').unwrap();
        let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
        let names = rest.split(", ").next().unwrap();
        let mut canonical = format!("{method}\n{}\n\n", self.path());
        for name in names.split(';') {
            canonical.push_str(&format!("{name}:{}\n", self.header(name).unwrap()));
        }
        canonical.push_str(&format!("\n{names}\n{}", hex(&sha256(&self.body))));
        format!("{algorithm}\n{}", hex(&sha256(canonical.as_bytes())))
    }

    /// Whether the signature is over that string, with this number of bytes of salt.
    pub(crate) fn verifies(&self, salt: i32) -> bool {
        let authorization = self.header("authorization").unwrap();
        let (_, signature) = authorization.split_once("Signature=").unwrap();
        verifies(&self.string_to_sign(), signature, salt)
    }
}

pub(crate) fn verifies(text: &str, signature: &str, salt: i32) -> bool {
    let mut verifier = Verifier::new(MessageDigest::sha256(), &KEY).unwrap();
    verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
    verifier.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
    verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).unwrap();
    verifier.update(text.as_bytes()).unwrap();
    verifier.verify(&STANDARD.decode(signature).unwrap()).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Ends with the value.
pub(crate) struct Server {
    pub(crate) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// Follows `script`, one act a request over all connections; the last act is repeated.
    pub(crate) async fn start(script: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = received.clone();
        let accepting = tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                tokio::spawn(serve(stream, connection, script.clone(), kept.clone()));
            }
        });
        Self {
            port,
            received,
            accepting,
        }
    }

    pub(crate) async fn answering(answer: Vec<u8>) -> Self {
        Self::start(vec![Act::Answer(answer)]).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    connection: usize,
    script: Vec<Act>,
    received: Arc<Mutex<Vec<Received>>>,
) {
    while let Some(request) = read_request(&mut stream, connection).await {
        let act = {
            let mut received = received.lock().unwrap();
            received.push(request);
            script[(received.len() - 1).min(script.len() - 1)].clone()
        };
        match act {
            Act::Answer(bytes) => stream.write_all(&bytes).await.unwrap(),
            Act::AnswerAndClose(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                stream.shutdown().await.unwrap();
                return;
            }
            Act::Close => return,
            Act::Hang => {}
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S, connection: usize) -> Option<Received> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let request_line = lines.next().unwrap().to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, v)| v.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        connection,
        request_line,
        headers,
        body,
    })
}
