//! Amazon Pay's operations, one constructor each.
//!
//! | operation | method and path after `/v2` | success | idempotency key |
//! | --- | --- | --- | --- |
//! | Create Checkout Session | `POST /checkoutSessions` | 201 | required |
//! | Get Checkout Session | `GET /checkoutSessions/{id}` | 200 | |
//! | Update Checkout Session | `PATCH /checkoutSessions/{id}` | 200 | |
//! | Complete Checkout Session | `POST /checkoutSessions/{id}/complete` | 200, 202 | optional |
//! | Finalize Checkout Session | `POST /checkoutSessions/{id}/finalize` | 200, 202 | optional |
//! | Get Charge Permission | `GET /chargePermissions/{id}` | 200 | |
//! | Update Charge Permission | `PATCH /chargePermissions/{id}` | 200 | |
//! | Close Charge Permission | `DELETE /chargePermissions/{id}/close` | 200 | |
//! | Create Charge | `POST /charges` | 201 | required |
//! | Get Charge | `GET /charges/{id}` | 200 | |
//! | Update Charge | `PATCH /charges/{id}` | 200 | |
//! | Capture Charge | `POST /charges/{id}/capture` | 200 | required |
//! | Cancel Charge | `DELETE /charges/{id}/cancel` | 200 | |
//! | Create Refund | `POST /refunds` | 201 | required |
//! | Get Refund | `GET /refunds/{id}` | 200 | |
//! | Get Buyer | `GET /buyers/{token}` | 200 | |

use bytes::Bytes;

use crate::ids::{BuyerToken, ChargeId, ChargePermissionId, CheckoutSessionId, IdempotencyKey, RefundId};
use crate::model::{Buyer, Charge, ChargePermission, CheckoutSession, Refund};
use crate::request::{Method, Request};
use crate::signing::percent_encoded;

impl<T> Request<T> {
    fn get(resource: String) -> Self {
        Self::new(Method::Get, resource, Bytes::new())
    }
}

impl Request<CheckoutSession> {
    /// Create Checkout Session; the body is [`CreateCheckoutSession`](crate::CreateCheckoutSession). Answers
    /// 201. A shop with a button does not call it: see [`ButtonSignature`](crate::ButtonSignature).
    pub fn create_checkout_session(body: impl Into<Bytes>, idempotency_key: IdempotencyKey) -> Self {
        Self::new(Method::Post, "/checkoutSessions".to_owned(), body.into()).under(Some(idempotency_key))
    }

    /// Get Checkout Session. A session is deleted after 30 days, and then gets 404.
    #[must_use]
    pub fn get_checkout_session(id: &CheckoutSessionId) -> Self {
        Self::get(format!("/checkoutSessions/{id}"))
    }

    /// Update Checkout Session, while it is `Open`; the body is
    /// [`UpdateCheckoutSession`](crate::UpdateCheckoutSession).
    pub fn update_checkout_session(id: &CheckoutSessionId, body: impl Into<Bytes>) -> Self {
        Self::new(Method::Patch, format!("/checkoutSessions/{id}"), body.into())
    }

    /// Complete Checkout Session: confirms a session of the redirect flow, or a saved wallet; the body is
    /// [`CompleteCheckoutSession`](crate::CompleteCheckoutSession). Until this succeeds the merchant is not
    /// paid, and after 24 hours it is too late.
    ///
    /// Answers 200, or 202 while the authorization is being decided. 422
    /// [`InvalidCheckoutSessionStatus`](crate::ReasonCode::InvalidCheckoutSessionStatus) does not mean that it
    /// failed: the session may be completed and paid already. Look it up.
    pub fn complete_checkout_session(
        id: &CheckoutSessionId,
        body: impl Into<Bytes>,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Self {
        let resource = format!("/checkoutSessions/{id}/complete");
        Self::new(Method::Post, resource, body.into()).under(idempotency_key)
    }

    /// Finalize Checkout Session: confirms a session of the JavaScript or mobile flow, in place of Complete; the
    /// body is [`FinalizeCheckoutSession`](crate::FinalizeCheckoutSession). The rest is as for
    /// [`complete_checkout_session`](Self::complete_checkout_session).
    pub fn finalize_checkout_session(
        id: &CheckoutSessionId,
        body: impl Into<Bytes>,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Self {
        let resource = format!("/checkoutSessions/{id}/finalize");
        Self::new(Method::Post, resource, body.into()).under(idempotency_key)
    }
}

impl Request<ChargePermission> {
    /// Get Charge Permission.
    #[must_use]
    pub fn get_charge_permission(id: &ChargePermissionId) -> Self {
        Self::get(format!("/chargePermissions/{id}"))
    }

    /// Update Charge Permission; the body is [`UpdateChargePermission`](crate::UpdateChargePermission).
    pub fn update_charge_permission(id: &ChargePermissionId, body: impl Into<Bytes>) -> Self {
        Self::new(Method::Patch, format!("/chargePermissions/{id}"), body.into())
    }

    /// Close Charge Permission; the body is [`CloseChargePermission`](crate::CloseChargePermission). Refused
    /// with 422 once it is closed, which a look-up tells from a failure.
    pub fn close_charge_permission(id: &ChargePermissionId, body: impl Into<Bytes>) -> Self {
        Self::new(
            Method::Delete,
            format!("/chargePermissions/{id}/close"),
            body.into(),
        )
    }
}

impl Request<Charge> {
    /// Create Charge; the body is [`CreateCharge`](crate::CreateCharge). Answers 201, also for a charge whose
    /// authorization is still being decided.
    ///
    /// Another key means another charge: never change the key after an unclear answer.
    pub fn create_charge(body: impl Into<Bytes>, idempotency_key: IdempotencyKey) -> Self {
        Self::new(Method::Post, "/charges".to_owned(), body.into()).under(Some(idempotency_key))
    }

    /// Get Charge.
    #[must_use]
    pub fn get_charge(id: &ChargeId) -> Self {
        Self::get(format!("/charges/{id}"))
    }

    /// Update Charge, for payment service providers only; the body is [`UpdateCharge`](crate::UpdateCharge).
    pub fn update_charge(id: &ChargeId, body: impl Into<Bytes>) -> Self {
        Self::new(Method::Patch, format!("/charges/{id}"), body.into())
    }

    /// Capture Charge; the body is [`CaptureCharge`](crate::CaptureCharge).
    pub fn capture_charge(id: &ChargeId, body: impl Into<Bytes>, idempotency_key: IdempotencyKey) -> Self {
        Self::new(Method::Post, format!("/charges/{id}/capture"), body.into()).under(Some(idempotency_key))
    }

    /// Cancel Charge; the body is [`CancelCharge`](crate::CancelCharge). Refused with 422 once it is captured,
    /// canceled or declined, which a look-up tells apart.
    pub fn cancel_charge(id: &ChargeId, body: impl Into<Bytes>) -> Self {
        Self::new(Method::Delete, format!("/charges/{id}/cancel"), body.into())
    }
}

impl Request<Refund> {
    /// Create Refund; the body is [`CreateRefund`](crate::CreateRefund). Answers 201; refunds are decided later.
    ///
    /// Another key means another refund: never change the key after an unclear answer.
    pub fn create_refund(body: impl Into<Bytes>, idempotency_key: IdempotencyKey) -> Self {
        Self::new(Method::Post, "/refunds".to_owned(), body.into()).under(Some(idempotency_key))
    }

    /// Get Refund.
    #[must_use]
    pub fn get_refund(id: &RefundId) -> Self {
        Self::get(format!("/refunds/{id}"))
    }
}

impl Request<Buyer> {
    /// Get Buyer, with the token that the buyer brings back from signing in.
    #[must_use]
    pub fn get_buyer(token: &BuyerToken) -> Self {
        Self::get(format!("/buyers/{}", percent_encoded(token.as_str())))
    }
}
