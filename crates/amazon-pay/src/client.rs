//! Signs and sends. One request in, at most one request out: nothing here repeats a call.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
#[cfg(feature = "rustls")]
use rustls_pki_types::{CertificateDer, pem::PemObject};
#[cfg(feature = "rustls")]
use webpki::anchor_from_trusted_cert;

use crate::config::{ClientConfig, ConfigError, Endpoint};
use crate::error::{BodyError, Error, NotSent, is_tls};
use crate::header::Header;
use crate::ids::PublicKeyId;
use crate::keys::PrivateKey;
use crate::model::Answer;
use crate::place::Region;
use crate::request::{Method, Request, SignedRequest};
use crate::response::{Head, Response};
use crate::signing::{Algorithm, Canonical, basic_timestamp};

/// The longest body, in bytes, that is sent or read. Amazon's have a few kilobytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A connection that was idle for longer is not used again: a server that is about to close it would leave
/// the next call in doubt.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// Speaks to Amazon Pay for one key. Cheap to clone; clones share their connections.
///
/// Every call goes out over HTTP/1.1, at most once: redirects are not followed, system proxies are not used,
/// and no failure is retried. The one thing that is repeated below this crate is handing over a request that
/// was queued on an idle connection found closed before its first byte was written.
///
/// A call's time is limited by [`ClientConfig::timeout`], or by dropping its future. Either way its connection is
/// then closed and not used again, and a request that was being sent may have landed.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    region: Region,
    public_key_id: PublicKeyId,
    private_key: PrivateKey,
    algorithm: Algorithm,
    headers: Vec<Header>,
    origin: String,
    host: String,
    path_prefix: String,
}

impl Client {
    /// Checks the configuration and loads the trusted certificates. Connects to nothing.
    ///
    /// # Errors
    /// [`ConfigError`] names what cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self, ConfigError> {
        let path_prefix = config.path_prefix()?;
        let endpoint = config.endpoint()?;
        let user_agent = HeaderValue::from_str(&config.user_agent).map_err(|_| ConfigError::UserAgent)?;
        // Of two with one name, the later counts.
        let mut headers: Vec<Header> = Vec::new();
        for header in config.headers {
            headers.retain(|present| present.name != header.name);
            headers.push(header);
        }
        let mut http = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .no_gzip()
            .referer(false)
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE_CONNECTION)
            .connect_timeout(config.connect_timeout)
            .user_agent(user_agent);
        if let Some(timeout) = config.timeout {
            http = http.timeout(timeout);
        }
        let http = with_tls(http, &endpoint, config.ca_pem.as_deref())?;
        let http = http.build().map_err(|error| ConfigError::Tls(error.into()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                region: config.region,
                public_key_id: config.public_key_id,
                private_key: config.private_key,
                algorithm: config.algorithm,
                headers,
                origin: endpoint.origin,
                host: endpoint.host,
                path_prefix,
            }),
        })
    }

    /// Signs `request` as of `at`, which Amazon compares with its own clock. How far the two may differ is not
    /// published; an answer's [`date`](Response::date) shows the difference.
    ///
    /// Costs about a millisecond of processor time and no I/O, so that a caller can do it while something
    /// else is being written to disk.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the body is longer than [`MAX_BODY_BYTES`] or the key cannot sign.
    pub fn sign<T>(&self, request: &Request<T>, at: Timestamp) -> Result<SignedRequest<T>, Error> {
        if request.body.len() > MAX_BODY_BYTES {
            return Err(NotSent::BodyTooLarge.into());
        }
        let inner = &*self.inner;
        let path = format!("{}{}", inner.path_prefix, request.resource);
        let date = basic_timestamp(at);
        let mut signed = vec![
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("x-amz-pay-date", date.as_str()),
            ("x-amz-pay-host", inner.host.as_str()),
            ("x-amz-pay-region", inner.region.code()),
        ];
        if let Some(key) = &request.idempotency_key {
            signed.push(("x-amz-pay-idempotency-key", key.as_str()));
        }
        let extra: Vec<&Header> = inner
            .headers
            .iter()
            .filter(|ours| request.headers.iter().all(|theirs| theirs.name != ours.name))
            .chain(&request.headers)
            .collect();
        signed.extend(
            extra
                .iter()
                .filter(|header| header.signed)
                .map(|header| (header.name.as_str(), header.text())),
        );
        let canonical = Canonical {
            method: request.method.as_str(),
            path: &path,
            query: &[],
            headers: &signed,
            body: &request.body,
        };
        let signature = inner
            .private_key
            .sign(
                inner.algorithm,
                canonical.string_to_sign(inner.algorithm).as_bytes(),
            )
            .map_err(|_| NotSent::Signing)?;
        let authorization = format!(
            "{} PublicKeyId={}, SignedHeaders={}, Signature={}",
            inner.algorithm,
            inner.public_key_id,
            canonical.signed_headers(),
            STANDARD.encode(signature)
        );
        let mut headers = HeaderMap::with_capacity(signed.len() + extra.len() + 1);
        let own = signed
            .iter()
            .copied()
            .chain([("authorization", authorization.as_str())]);
        for (name, value) in own {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| NotSent::Header)?;
            let value = HeaderValue::from_str(value).map_err(|_| NotSent::Header)?;
            headers.insert(name, value);
        }
        for header in extra {
            headers.insert(header.name.clone(), header.value.clone());
        }
        let body = request.body.clone();
        Ok(SignedRequest {
            method: request.method,
            path,
            headers,
            body,
            answer: PhantomData,
        })
    }

    /// Sends a request that [`sign`](Self::sign) made, once, and reads the answer.
    ///
    /// # Errors
    /// [`Error`] says whether the request may have been written.
    pub async fn send<T: Answer>(&self, request: SignedRequest<T>) -> Result<Response<T>, Error> {
        let mut response = self.http_request(request).send().await.map_err(from_transport)?;
        let head = head_of(&response);
        let body = read_body(&mut response).await;
        head.into_result(body)
    }

    fn http_request<T>(&self, request: SignedRequest<T>) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.inner.origin, request.path);
        let http = &self.inner.http;
        let builder = match request.method {
            Method::Get => http.get(url),
            Method::Post => http.post(url).body(request.body),
            Method::Patch => http.patch(url).body(request.body),
            Method::Delete => http.delete(url).body(request.body),
        };
        builder.headers(request.headers)
    }

    /// Signs `request` as of `at` and sends it, once. To keep the request for a repeat, [`sign`](Self::sign) and
    /// [`send`](Self::send) it.
    ///
    /// # Errors
    /// [`Error`] says whether the request may have been written.
    pub async fn call<T: Answer>(&self, request: &Request<T>, at: Timestamp) -> Result<Response<T>, Error> {
        let signed = self.sign(request, at)?;
        self.send(signed).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.inner.origin)
            .field("path_prefix", &self.inner.path_prefix)
            .field("public_key_id", &self.inner.public_key_id)
            .finish_non_exhaustive()
    }
}

/// Trusts the additional certificates.
#[cfg(feature = "rustls")]
fn with_tls(
    http: reqwest::ClientBuilder,
    _: &Endpoint,
    ca_pem: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder, ConfigError> {
    let Some(pem) = ca_pem else { return Ok(http) };
    // What is in a PEM's blocks is read when the client is built, where nobody says any more what was wrong.
    let is_readable = CertificateDer::pem_slice_iter(pem)
        .all(|block| block.is_ok_and(|certificate| anchor_from_trusted_cert(&certificate).is_ok()));
    let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| ConfigError::Ca)?;
    if !is_readable || certificates.is_empty() {
        return Err(ConfigError::Ca);
    }
    Ok(http.tls_certs_merge(certificates))
}

/// There is none.
#[cfg(not(feature = "rustls"))]
fn with_tls(
    http: reqwest::ClientBuilder,
    endpoint: &Endpoint,
    _: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder, ConfigError> {
    if endpoint.origin.starts_with("https:") {
        return Err(ConfigError::Endpoint(
            "is https, which needs the feature `rustls`",
        ));
    }
    Ok(http)
}

fn from_transport(error: reqwest::Error) -> Error {
    // Errors of connecting come from before the connection was given a request. Everything else may be later.
    if error.is_builder() {
        NotSent::Http(error.without_url().into()).into()
    } else if error.is_connect() && is_tls(&error) {
        NotSent::Tls(error.without_url().into()).into()
    } else if error.is_connect() {
        NotSent::Connection(error.without_url().into()).into()
    } else {
        Error::Transport(error.without_url().into())
    }
}

fn head_of(response: &reqwest::Response) -> Head {
    let text = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    Head {
        status: response.status().as_u16(),
        request_id: text("x-amz-pay-request-id"),
        date: text("date"),
        retry_after: text("retry-after"),
        content_type: text("content-type"),
    }
}

async fn read_body(response: &mut reqwest::Response) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| BodyError::CutOff(error.without_url().into()))?
    {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
