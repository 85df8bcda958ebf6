//! Signs and sends. One request in, at most one request out: nothing here repeats a call.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{ClientConfig, ConfigError};
use crate::error::{BodyError, Error};
use crate::ids::{ChargeId, ChargePermissionId, CheckoutSessionId, IdempotencyKey, PublicKeyId};
use crate::keys::PrivateKey;
use crate::model::{Answer, Charge, ChargePermission, CheckoutSession};
use crate::place::Region;
use crate::request::{Method, Request, SignedRequest};
use crate::response::{Head, Response};
use crate::signing::{ALGORITHM, Canonical, basic_timestamp};

/// The longest body that is read. Amazon's answers have a few kilobytes.
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
/// To limit a call's time, drop its future; its connection is then closed and not used again. A request that
/// was being sent may have landed.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    region: Region,
    public_key_id: PublicKeyId,
    private_key: PrivateKey,
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
        if let Some(pem) = &config.ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| ConfigError::Ca)?;
            if certificates.is_empty() {
                return Err(ConfigError::Ca);
            }
            http = http.tls_certs_merge(certificates);
        }
        let http = http.build().map_err(|error| ConfigError::Tls(error.into()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                region: config.region,
                public_key_id: config.public_key_id,
                private_key: config.private_key,
                origin: endpoint.origin,
                host: endpoint.host,
                path_prefix,
            }),
        })
    }

    /// Signs `request` as of `at`, which Amazon compares with its own clock.
    ///
    /// Costs about a millisecond of processor time and no I/O, so that a caller can do it while something
    /// else is being written to disk.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the key cannot sign.
    pub fn sign<T>(&self, request: &Request<T>, at: Timestamp) -> Result<SignedRequest<T>, Error> {
        let inner = &*self.inner;
        let path = format!("{}{}", inner.path_prefix, request.resource);
        let mut headers = vec![
            ("accept", "application/json".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("x-amz-pay-date", basic_timestamp(at)),
            ("x-amz-pay-host", inner.host.clone()),
            ("x-amz-pay-region", inner.region.code().to_owned()),
        ];
        if let Some(key) = &request.idempotency_key {
            headers.push(("x-amz-pay-idempotency-key", key.as_str().to_owned()));
        }
        let signed: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let canonical = Canonical {
            method: request.method.as_str(),
            path: &path,
            query: &[],
            headers: &signed,
            body: &request.body,
        };
        let signature = inner
            .private_key
            .sign(canonical.string_to_sign().as_bytes())
            .map_err(|_| Error::NotSent("the private key cannot sign".into()))?;
        let authorization = format!(
            "{ALGORITHM} PublicKeyId={}, SignedHeaders={}, Signature={}",
            inner.public_key_id,
            canonical.signed_headers(),
            STANDARD.encode(signature)
        );
        headers.push(("authorization", authorization));
        let (method, body) = (request.method, request.body.clone());
        Ok(SignedRequest {
            method,
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
        let mut response = self.http_request(request)?.send().await.map_err(|error| {
            // Errors of connecting come from before the connection was given a request. Everything else may
            // be later.
            let before = error.is_connect() || error.is_builder();
            let cause = error.without_url().into();
            if before {
                Error::NotSent(cause)
            } else {
                Error::Transport(cause)
            }
        })?;
        let head = head_of(&response);
        let body = read_body(&mut response).await;
        head.into_result(body)
    }

    fn http_request<T>(&self, request: SignedRequest<T>) -> Result<reqwest::RequestBuilder, Error> {
        let mut headers = HeaderMap::with_capacity(request.headers.len());
        for (name, value) in request.headers {
            let value = HeaderValue::from_str(&value).map_err(|error| Error::NotSent(error.into()))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let url = format!("{}{}", self.inner.origin, request.path);
        let builder = match request.method {
            Method::Get => self.inner.http.get(url),
            Method::Post => self.inner.http.post(url).body(request.body),
        };
        Ok(builder.headers(headers))
    }

    async fn call<T: Answer>(&self, request: Request<T>, at: Timestamp) -> Result<Response<T>, Error> {
        let signed = self.sign(&request, at)?;
        self.send(signed).await
    }

    /// Finalize Checkout Session, signed as of `at`.
    ///
    /// # Errors
    /// [`Error`] says whether the request may have been written.
    pub async fn finalize(
        &self,
        id: &CheckoutSessionId,
        body: impl Into<Bytes>,
        idempotency_key: Option<IdempotencyKey>,
        at: Timestamp,
    ) -> Result<Response<CheckoutSession>, Error> {
        self.call(Request::finalize(id, body, idempotency_key), at).await
    }

    /// Complete Checkout Session, signed as of `at`.
    ///
    /// # Errors
    /// [`Error`] says whether the request may have been written.
    pub async fn complete(
        &self,
        id: &CheckoutSessionId,
        body: impl Into<Bytes>,
        idempotency_key: Option<IdempotencyKey>,
        at: Timestamp,
    ) -> Result<Response<CheckoutSession>, Error> {
        self.call(Request::complete(id, body, idempotency_key), at).await
    }

    /// Get Checkout Session, signed as of `at`.
    ///
    /// # Errors
    /// [`Error`]. A look-up changes nothing at Amazon, so every failed one can be repeated.
    pub async fn get_checkout_session(
        &self,
        id: &CheckoutSessionId,
        at: Timestamp,
    ) -> Result<Response<CheckoutSession>, Error> {
        self.call(Request::get_checkout_session(id), at).await
    }

    /// Get Charge, signed as of `at`.
    ///
    /// # Errors
    /// [`Error`]. A look-up changes nothing at Amazon, so every failed one can be repeated.
    pub async fn get_charge(&self, id: &ChargeId, at: Timestamp) -> Result<Response<Charge>, Error> {
        self.call(Request::get_charge(id), at).await
    }

    /// Get Charge Permission, signed as of `at`.
    ///
    /// # Errors
    /// [`Error`]. A look-up changes nothing at Amazon, so every failed one can be repeated.
    pub async fn get_charge_permission(
        &self,
        id: &ChargePermissionId,
        at: Timestamp,
    ) -> Result<Response<ChargePermission>, Error> {
        self.call(Request::get_charge_permission(id), at).await
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
