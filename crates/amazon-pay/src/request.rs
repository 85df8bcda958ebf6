//! One call to Amazon Pay, as a value: made, then signed, then sent. The operations are in
//! [`operations`](crate::operations).

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use reqwest::header::HeaderMap;

use crate::header::Header;
use crate::ids::IdempotencyKey;

/// An HTTP method that Amazon Pay knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A call whose answer is a `T`; made by one constructor an operation.
///
/// It holds the exact bytes of its body; signing and sending never change them. So it can be stored, by its
/// body and its key, and be made again: [`body`](Self::body), [`idempotency_key`](Self::idempotency_key).
///
/// Each constructor takes the body as bytes: from the `to_body` of the struct that its documentation names,
/// from where you stored them, or of your own making.
///
/// The `Debug` form shows neither the body nor the path, which may hold a token.
#[derive(Clone)]
pub struct Request<T> {
    pub(crate) method: Method,
    /// After `/v2`.
    pub(crate) resource: String,
    pub(crate) body: Bytes,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    pub(crate) headers: Vec<Header>,
    answer: PhantomData<fn() -> T>,
}

impl<T> Request<T> {
    pub(crate) fn new(method: Method, resource: String, body: Bytes) -> Self {
        Self {
            method,
            resource,
            body,
            idempotency_key: None,
            headers: Vec::new(),
            answer: PhantomData,
        }
    }

    pub(crate) fn under(mut self, key: Option<IdempotencyKey>) -> Self {
        self.idempotency_key = key;
        self
    }

    /// Adds a header, in place of one of the same name.
    #[must_use]
    pub fn with_header(mut self, header: Header) -> Self {
        self.headers.retain(|present| present.name != header.name);
        self.headers.push(header);
        self
    }

    /// The bytes that are sent as the body; empty for a look-up.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The key under which Amazon recognises a repeat.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.idempotency_key.as_ref()
    }

    /// Whether sending it again is safe even if it may have landed: a look-up, which changes nothing, or a
    /// POST under an idempotency key, whose first answer Amazon repeats.
    ///
    /// A PATCH or DELETE is not: a second one may undo what someone else did in between, or be refused because
    /// the first was heard. Look the object up instead.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self.method {
            Method::Get => true,
            Method::Post => self.idempotency_key.is_some(),
            Method::Patch | Method::Delete => false,
        }
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .field("idempotency_key", &self.idempotency_key)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// A call ready to be sent, once. Its signature names a time, so one that waits for long is refused: sign
/// again rather than keep it.
///
/// [`Client::send`](crate::Client::send) sends it. What it consists of can be read too, for those who send it
/// by other means: `https://`, the value of the `x-amz-pay-host` header, and the path are its URL.
///
/// The `Debug` form shows neither the body, nor the path, nor any header.
pub struct SignedRequest<T> {
    pub(crate) method: Method,
    /// As signed, with the version and, for older keys, the environment.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) answer: PhantomData<fn() -> T>,
}

impl<T> SignedRequest<T> {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The path, starting with `/`. There is never a query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All headers by lower-case name, `authorization` among them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("made from ASCII")))
    }

    /// The body's bytes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

impl<T> fmt::Debug for SignedRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
