//! A client for the Amazon Pay API v2.
//!
//! ```text
//!   Request ──sign(at)──► SignedRequest ──send──► Response<T> | Error
//!   (exact bytes)   (processor only)      (once)
//! ```
//!
//! Its duty: sign a request as Amazon wants it, send it at most once, read the answer, and say of every
//! failure whether the request may have landed. What it will never know: the time (it comes in with every
//! call), what to do about a failure, and when to try again. Confirming a payment twice, or not at all, is
//! decided by whoever remembers what was sent before; that is why a request carries finished bytes, which the
//! caller can store before they leave.
//!
//! Covered so far: Finalize and Complete Checkout Session, Get Checkout Session, Get Charge, Get Charge
//! Permission, signed with `AMZN-PAY-RSASSA-PSS-V2`.
//!
//! # Example
//!
//! ```no_run
//! use amazon_pay::{
//!     CheckoutSessionId, Client, ClientConfig, Error, FinalizeCheckoutSession, IdempotencyKey, PaymentIntent,
//!     Price, PrivateKey, PublicKeyId, Region, Request,
//! };
//!
//! # async fn example(pem: &str, now: jiff::Timestamp) -> Result<(), Box<dyn std::error::Error>> {
//! let key = PrivateKey::from_pem(pem)?;
//! let client = Client::new(ClientConfig::new(Region::Eu, PublicKeyId::parse("SANDBOX-AEXAMPLE")?, key))?;
//!
//! let body = FinalizeCheckoutSession {
//!     payment_intent: PaymentIntent::AuthorizeWithCapture,
//!     charge_amount: Price::new("23.45", "EUR"),
//!     total_order_amount: None,
//!     supplementary_data: None,
//!     shipping_address: None,
//!     billing_address: None,
//!     can_handle_pending_authorization: Some(false),
//! }
//! .to_body();
//! let id = CheckoutSessionId::parse("7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11")?;
//! let idempotency_key = IdempotencyKey::parse("5f0b6e8c1d6a4f0c9d5a7e3b2c1d0e9f")?;
//! // Store id, key and bytes here: a repeat must be the same request.
//! let signed = client.sign(&Request::finalize(&id, body, Some(idempotency_key)), now)?;
//! match client.send(signed).await {
//!     Ok(answer) => println!("confirmed: {:?}", answer.value.charge_permission_id),
//!     Err(Error::NotSent(cause)) => println!("nothing happened: {cause}"),
//!     Err(Error::Api(refusal)) => println!("{refusal}"),
//!     Err(unclear) => println!("look the session up before anything else: {unclear}"),
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod client;
mod config;
mod error;
mod ids;
mod keys;
mod model;
mod place;
mod request;
mod response;
pub mod signing;

pub use client::{Client, MAX_BODY_BYTES};
pub use config::{ClientConfig, ConfigError};
pub use error::{ApiError, BodyError, Cause, Error, UnreadableAnswer};
pub use ids::{ChargeId, ChargePermissionId, CheckoutSessionId, IdempotencyKey, InvalidId, PublicKeyId};
pub use keys::{KeyError, PrivateKey};
pub use model::{
    Address, Answer, Buyer, Charge, ChargePermission, ChargePermissionState, ChargePermissionStatus,
    ChargePermissionType, ChargeState, CheckoutSession, CheckoutSessionState, CompleteCheckoutSession,
    Constraint, FinalizeCheckoutSession, InvalidAnswer, Limits, MerchantMetadata, PaymentDetails,
    PaymentIntent, PaymentPreference, Price, ProductType, Reason, StatusDetails,
};
pub use place::{Environment, NotARegion, NotAnEnvironment, Region};
pub use request::{Request, SignedRequest};
pub use response::Response;
