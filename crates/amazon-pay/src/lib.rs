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
//! # Quick start
//!
//! A session whose buyer is done is looked up and confirmed. (The example runs against a server of its own, in
//! the lines that the page hides; leave out `endpoint` to speak to Amazon.)
//!
//! ```
//! use amazon_pay::{
//!     CheckoutSessionId, Client, ClientConfig, CompleteCheckoutSession, Error, IdempotencyKey, PrivateKey,
//!     PublicKeyId, Region, Request, Timestamp,
//! };
//!
//! # use wiremock::matchers::{method, path};
//! # use wiremock::{Mock, MockServer, ResponseTemplate};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = MockServer::start().await;
//! # let session = "/v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
//! # let id = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
//! # let open = serde_json::json!({"checkoutSessionId": id, "statusDetails": {"state": "Open"},
//! #     "paymentDetails": {"chargeAmount": {"amount": "23.45", "currencyCode": "EUR"}}});
//! # let completed = serde_json::json!({"checkoutSessionId": id, "statusDetails": {"state": "Completed"},
//! #     "chargePermissionId": "S01-4419027-6630185", "chargeId": "S01-4419027-6630185-C083512"});
//! # Mock::given(method("GET")).and(path(session))
//! #     .respond_with(ResponseTemplate::new(200).set_body_json(open)).mount(&server).await;
//! # Mock::given(method("POST")).and(path(format!("{session}/complete")))
//! #     .respond_with(ResponseTemplate::new(200).set_body_json(completed)).expect(1).mount(&server).await;
//! # let pem = String::from_utf8(openssl::rsa::Rsa::generate(2048)?.private_key_to_pem()?)?;
//! # let pem = pem.as_str();
//! // The key pair is made in Seller Central; its id says whether it is for the sandbox or for real money.
//! let key = PrivateKey::from_pem(pem)?;
//! let client = Client::new(ClientConfig {
//!     endpoint: Some(server.uri()),
//!     ..ClientConfig::new(Region::Eu, PublicKeyId::parse("SANDBOX-AEXAMPLE")?, key)
//! })?;
//!
//! // What has the buyer agreed to?
//! let id = CheckoutSessionId::parse("7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11")?;
//! let look_up = Request::get_checkout_session(&id);
//! let session = client.call(&look_up, Timestamp::now()).await?.value;
//! let amount = session.payment_details.and_then(|details| details.charge_amount);
//! let amount = amount.ok_or("the session has no amount yet")?;
//!
//! // Compare the amount with the order here. Then confirm, under a key that is stored with the body.
//! let body = CompleteCheckoutSession::new(amount).to_body();
//! let idempotency_key = IdempotencyKey::parse("5f0b6e8c1d6a4f0c9d5a7e3b2c1d0e9f")?;
//! let confirm = Request::complete_checkout_session(&id, body, Some(idempotency_key));
//! match client.call(&confirm, Timestamp::now()).await {
//!     Ok(answer) => println!("paid: {:?} (request {:?})", answer.value.charge_id, answer.request_id),
//!     Err(error) if error.is_not_sent() => println!("nothing happened: {error}"),
//!     Err(error) if error.may_have_landed() => println!("look it up before anything else: {error}"),
//!     Err(Error::Api(refusal)) => println!("refused: {refusal}"),
//!     Err(error) => println!("{error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every operation goes that way: a [`Request`] from one of its constructors (listed in [`operations`]), its body
//! from the struct of the operation's name, and [`Client::call`]. Who has to survive a crash between the two
//! stores the request's bytes and its key, then calls [`Client::sign`] and [`Client::send`].
//!
//! # What to rely on
//!
//! - Nothing is sent twice. Redirects are not followed, the system's proxies are not used, and no failure is
//!   retried, unless you ask [`retry`] to.
//! - [`Error`] is cut by what you can know: [`Error::is_not_sent`], [`Error::may_have_landed`],
//!   [`Error::reason_code`].
//! - Money is an exact decimal ([`Price`]), never a float. What Amazon would refuse for its form is refused
//!   before it is sent: decimals, lengths, ids, keys.
//! - Answers may grow: unknown words are kept as `Other`, unknown fields in [`Extra`], and `null`, missing and
//!   `[null]` are the same.
//! - No buyer, address, body, token or key is in a `Debug` or `Display` form. What Amazon says in its own words,
//!   which may quote what was sent, is in none either; see [`ApiError::message`].
//!
//! # Where the facts come from
//!
//! From Amazon's public documentation and the source of its own SDKs; where those leave something open, the
//! documentation here says so. Not affiliated with Amazon.
//!
//! # Features
//!
//! - `rustls` (on by default): TLS. Without it only plain HTTP on loopback works, for tests.
//!
//! Both signature algorithms are always there: aws-lc-rs makes either, so the older one needs no library of its own.

#![warn(missing_docs)]

mod bodies;
mod button;
mod client;
mod config;
mod error;
mod header;
mod ids;
pub mod ipn;
mod keys;
mod model;
pub mod operations;
mod place;
mod reason;
mod request;
mod response;
pub mod retry;
pub mod signing;

pub use bodies::{
    CancelCharge, CaptureCharge, CloseChargePermission, CompleteCheckoutSession, CreateCharge,
    CreateCheckoutSession, CreateRefund, FinalizeCheckoutSession, InvalidRequest, UpdateCharge,
    UpdateChargePermission, UpdateCheckoutSession,
};
pub use button::{ButtonSignature, CannotSign};
pub use bytes::Bytes;
pub use client::{Client, MAX_BODY_BYTES};
pub use config::{ClientConfig, ConfigError};
pub use error::{ApiError, BodyError, Cause, Error, NotSent, UnreadableAnswer};
pub use header::{Header, InvalidHeader};
pub use ids::{
    BuyerToken, ChargeId, ChargePermissionId, CheckoutSessionId, IdempotencyKey, InvalidId, PublicKeyId,
    RefundId,
};
pub use jiff::Timestamp;
pub use keys::{KeyError, PrivateKey};
pub use model::{
    Address, Answer, Buyer, Channel, Charge, ChargeInitiator, ChargePermission, ChargePermissionReason,
    ChargePermissionState, ChargePermissionStatus, ChargePermissionType, ChargeReason, ChargeState,
    CheckoutMode, CheckoutSession, CheckoutSessionReason, CheckoutSessionState, Constraint, ConstraintId,
    Currency, Extra, Frequency, FrequencyUnit, InvalidAnswer, InvalidPrice, Limits, MerchantMetadata,
    PaymentDetails, PaymentIntent, PaymentMethodOnFileMetadata, PaymentPreference, Price, ProductType,
    ProviderMetadata, Reason, RecurringMetadata, Refund, RefundReason, RefundState, ReleaseEnvironment,
    StatusDetails, WebCheckoutDetails,
};
pub use place::{Environment, NotARegion, NotAnEnvironment, Region};
pub use reason::ReasonCode;
pub use request::{Request, SignedRequest};
pub use response::Response;
pub use rust_decimal::Decimal;
pub use signing::Algorithm;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
