//! One call to Amazon Pay, as a value: made, then signed, then sent.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;

use crate::ids::{ChargeId, ChargePermissionId, CheckoutSessionId, IdempotencyKey};
use crate::model::{Charge, ChargePermission, CheckoutSession};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A call whose answer is a `T`. Holds the exact bytes of its body; signing and sending never change them.
///
/// The `Debug` form does not show the body.
#[derive(Clone)]
pub struct Request<T> {
    pub(crate) method: Method,
    /// After `/v2`.
    pub(crate) resource: String,
    pub(crate) body: Bytes,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    answer: PhantomData<fn() -> T>,
}

impl<T> Request<T> {
    fn get(resource: String) -> Self {
        Self {
            method: Method::Get,
            resource,
            body: Bytes::new(),
            idempotency_key: None,
            answer: PhantomData,
        }
    }

    fn post(resource: String, body: Bytes, idempotency_key: Option<IdempotencyKey>) -> Self {
        Self {
            method: Method::Post,
            resource,
            body,
            idempotency_key,
            answer: PhantomData,
        }
    }

    /// The bytes that are sent as the body; empty for a look-up.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

impl Request<CheckoutSession> {
    /// Finalize Checkout Session: confirms a session of the JavaScript or mobile flow. `body` comes from
    /// [`FinalizeCheckoutSession::to_body`](crate::FinalizeCheckoutSession::to_body), or from where you
    /// stored it.
    pub fn finalize(
        id: &CheckoutSessionId,
        body: impl Into<Bytes>,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Self {
        Self::post(
            format!("/checkoutSessions/{id}/finalize"),
            body.into(),
            idempotency_key,
        )
    }

    /// Complete Checkout Session: confirms a session of the redirect flow, or a saved wallet. `body` comes
    /// from [`CompleteCheckoutSession::to_body`](crate::CompleteCheckoutSession::to_body), or from where you
    /// stored it.
    pub fn complete(
        id: &CheckoutSessionId,
        body: impl Into<Bytes>,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Self {
        Self::post(
            format!("/checkoutSessions/{id}/complete"),
            body.into(),
            idempotency_key,
        )
    }

    /// Get Checkout Session.
    #[must_use]
    pub fn get_checkout_session(id: &CheckoutSessionId) -> Self {
        Self::get(format!("/checkoutSessions/{id}"))
    }
}

impl Request<Charge> {
    /// Get Charge.
    #[must_use]
    pub fn get_charge(id: &ChargeId) -> Self {
        Self::get(format!("/charges/{id}"))
    }
}

impl Request<ChargePermission> {
    /// Get Charge Permission.
    #[must_use]
    pub fn get_charge_permission(id: &ChargePermissionId) -> Self {
        Self::get(format!("/chargePermissions/{id}"))
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("resource", &self.resource)
            .field("body_bytes", &self.body.len())
            .field("idempotency_key", &self.idempotency_key)
            .finish()
    }
}

/// A call ready to be sent, once. Its signature names a time, so one that waits for long is refused: sign
/// again rather than keep it.
///
/// The `Debug` form shows neither the body nor the signature.
pub struct SignedRequest<T> {
    pub(crate) method: Method,
    /// As signed, with the version and, for older keys, the environment.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    pub(crate) answer: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for SignedRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
