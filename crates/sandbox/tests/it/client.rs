//! A small Amazon Pay client, written for these tests alone: it signs, speaks HTTP/1.1 by hand and hides nothing.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer};
use openssl::x509::X509;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sandbox::{Info, Sandbox};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const V1: &str = "AMZN-PAY-RSASSA-PSS";
pub(crate) const V2: &str = "AMZN-PAY-RSASSA-PSS-V2";

/// One merchant's client.
pub(crate) struct Client {
    address: SocketAddr,
    tls: TlsConnector,
    key: PKey<Private>,
    pub(crate) key_id: String,
    pub(crate) region: String,
}

/// A request that can be spoiled before it is sent.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) date: String,
    /// Sent and signed besides the usual ones.
    pub(crate) signed: Vec<(String, String)>,
    /// Sent unsigned.
    pub(crate) unsigned: Vec<(String, String)>,
    pub(crate) algorithm: &'static str,
    pub(crate) salt: i32,
}

/// An answer read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

/// How a call ended without a whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Reset,
    /// It ended in the middle; the head had come.
    CutShort,
    Other(String),
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn reason(&self) -> String {
        self.json()["reasonCode"].as_str().unwrap_or_default().to_owned()
    }

    /// What most tests ask of an answer.
    pub(crate) fn verdict(&self) -> (u16, String) {
        (self.status, self.reason())
    }
}

impl Call {
    pub(crate) fn get(path: impl Into<String>, now: Timestamp) -> Self {
        Self::new("GET", path, "", now)
    }

    pub(crate) fn new(
        method: &'static str,
        path: impl Into<String>,
        body: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            body: body.into(),
            date: now.strftime("%Y%m%dT%H%M%SZ").to_string(),
            signed: Vec::new(),
            unsigned: Vec::new(),
            algorithm: V2,
            salt: 32,
        }
    }

    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.signed
            .push(("x-amz-pay-idempotency-key".to_owned(), key.to_owned()));
        self
    }

    pub(crate) fn simulating(mut self, code: &str) -> Self {
        self.unsigned
            .push(("x-amz-pay-simulation-code".to_owned(), code.to_owned()));
        self
    }
}

fn tls(info: &Info) -> TlsConnector {
    let ca = X509::from_pem(&fs::read(&info.ca_file).unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca.to_der().unwrap())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Client {
    pub(crate) fn new(sandbox: &Sandbox, account: &str) -> Self {
        let info = sandbox.info();
        let merchant = info
            .merchants
            .iter()
            .find(|merchant| merchant.account == account)
            .unwrap();
        let region = serde_json::to_value(merchant.region)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            address: info.url.strip_prefix("https://").unwrap().parse().unwrap(),
            tls: tls(info),
            key: PKey::private_key_from_pem(&fs::read(&merchant.private_key_file).unwrap()).unwrap(),
            key_id: merchant.public_key_id.clone(),
            region,
        }
    }

    pub(crate) async fn connect(&self, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        self.tls
            .connect(ServerName::try_from(name.to_owned()).unwrap(), tcp)
            .await
    }

    /// The request's bytes, signed.
    pub(crate) fn signed(&self, call: &Call) -> Vec<u8> {
        let mut headers: Vec<(String, String)> = [
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("x-amz-pay-date", call.date.as_str()),
            ("x-amz-pay-host", "pay-api.sandbox.example"),
            ("x-amz-pay-region", self.region.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        headers.extend(call.signed.clone());
        headers.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let mut canonical = format!("{}\n{path}\n{query}\n", call.method);
        for (name, value) in &headers {
            writeln!(canonical, "{}:{}", name.to_ascii_lowercase(), value.trim()).unwrap();
        }
        write!(canonical, "\n{names}\n{}", hex_sha256(call.body.as_bytes())).unwrap();
        let to_sign = format!("{}\n{}", call.algorithm, hex_sha256(canonical.as_bytes()));
        let signature = STANDARD.encode(self.sign(&to_sign, call.salt));
        let mut request = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            call.method, call.path, self.address
        );
        let algorithm = call.algorithm;
        let authorization = format!(
            "{algorithm} PublicKeyId={}, SignedHeaders={names}, Signature={signature}",
            self.key_id
        );
        headers.push(("authorization".to_owned(), authorization));
        headers.push(("content-length".to_owned(), call.body.len().to_string()));
        headers.extend(call.unsigned.clone());
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        write!(request, "\r\n{}", call.body).unwrap();
        request.into_bytes()
    }

    fn sign(&self, text: &str, salt: i32) -> Vec<u8> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).unwrap();
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).unwrap();
        signer.sign_oneshot_to_vec(text.as_bytes()).unwrap()
    }

    pub(crate) async fn send(&self, call: &Call) -> Answer {
        self.try_send(call).await.expect("a whole answer")
    }

    pub(crate) async fn try_send(&self, call: &Call) -> Result<Answer, Broken> {
        self.send_bytes(&self.signed(call)).await
    }

    pub(crate) async fn send_bytes(&self, request: &[u8]) -> Result<Answer, Broken> {
        let mut stream = self.connect("127.0.0.1").await.map_err(|error| broken(&error))?;
        stream.write_all(request).await.map_err(|error| broken(&error))?;
        let mut bytes = Vec::new();
        let ended = stream.read_to_end(&mut bytes).await;
        match (read_answer(&bytes), ended) {
            (Some(answer), _) => Ok(answer),
            (None, Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => Err(Broken::Reset),
            (None, _) if bytes.starts_with(b"HTTP/1.1 ") => Err(Broken::CutShort),
            (None, ended) => Err(Broken::Other(format!("{ended:?}"))),
        }
    }
}

fn broken(error: &std::io::Error) -> Broken {
    if error.kind() == std::io::ErrorKind::ConnectionReset {
        Broken::Reset
    } else {
        Broken::Other(error.to_string())
    }
}

/// None unless the answer is whole.
pub(crate) fn read_answer(bytes: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, n)| n.parse().unwrap());
    (body.len() == length).then(|| Answer {
        status,
        headers,
        text: body.to_owned(),
    })
}

pub(crate) fn hex_sha256(bytes: &[u8]) -> String {
    openssl::sha::sha256(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

/// A call of the control API, over plain http.
pub(crate) async fn control(info: &Info, method: &str, path: &str, body: &str) -> Answer {
    let address = info.control_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    read_answer(&bytes).expect("a whole answer")
}
