//! Keys, clients, bodies and answers. Every id and person is invented.

use std::sync::LazyLock;

use amazon_pay::{
    CheckoutSession, CheckoutSessionId, Client, ClientConfig, IdempotencyKey, Price, PrivateKey, PublicKeyId,
    Region, Request,
};
use bytes::Bytes;
use jiff::Timestamp;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;

use crate::server::Server;

/// One key for all cases: making one takes longer than the cases do.
pub(crate) static KEY: LazyLock<PKey<Private>> =
    LazyLock::new(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap());

pub(crate) const SESSION: &str = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";

pub(crate) fn session() -> CheckoutSessionId {
    CheckoutSessionId::parse(SESSION).unwrap()
}

pub(crate) fn at() -> Timestamp {
    "2026-01-05T10:15:30Z".parse().unwrap()
}

pub(crate) fn idempotency_key() -> IdempotencyKey {
    IdempotencyKey::parse("fin7c0a6d1e52f44b7b9b1c2f3d0e8a4").unwrap()
}

/// Confirms [`session`] under [`idempotency_key`].
pub(crate) fn finalize(body: impl Into<Bytes>) -> Request<CheckoutSession> {
    Request::finalize_checkout_session(&session(), body, Some(idempotency_key()))
}

pub(crate) fn price(amount: &str, currency: &str) -> Price {
    Price::parse(amount, currency).unwrap()
}

pub(crate) fn config(public_key_id: &str) -> ClientConfig {
    let pem = String::from_utf8(KEY.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let key = PrivateKey::from_pem(&pem).unwrap();
    ClientConfig::new(Region::Eu, PublicKeyId::parse(public_key_id).unwrap(), key)
}

pub(crate) fn client_of(server: &Server) -> Client {
    Client::new(ClientConfig {
        endpoint: Some(server.url()),
        ..config("SANDBOX-AEXAMPLE")
    })
    .unwrap()
}

/// An HTTP answer with the headers that Amazon sends.
pub(crate) fn http(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         x-amz-pay-request-id: REQ-1\r\ndate: Mon, 05 Jan 2026 10:15:31 GMT\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub(crate) fn json(status: &str, body: &str) -> Vec<u8> {
    http(status, "application/json", body)
}

/// As Amazon answers after success: nearly everything null, arrays of null, and a field that nobody has heard
/// of.
pub(crate) const COMPLETED: &str = r#"{
  "checkoutSessionId": "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11", "webCheckoutDetails": null,
  "chargePermissionType": "OneTime", "recurringMetadata": null, "productType": null, "paymentDetails": null,
  "merchantMetadata": null, "supplementaryData": null, "buyer": null, "billingAddress": null,
  "paymentPreferences": [null], "statusDetails": {"state": "Completed", "reasonCode": null,
  "reasonDescription": null, "lastUpdatedTimestamp": "20260105T101532Z"}, "shippingAddress": null,
  "chargePermissionId": "S01-4419027-6630185", "chargeId": "S01-4419027-6630185-C083512",
  "constraints": [null], "creationTimestamp": "20260105T100755Z", "expirationTimestamp": null,
  "providerMetadata": null, "releaseEnvironment": null, "bornYesterday": {"deep": [1, null]}
}"#;

pub(crate) const OPEN: &str = r#"{
  "checkoutSessionId": "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11", "chargePermissionType": "OneTime",
  "productType": "PayAndShip",
  "paymentDetails": {"paymentIntent": "AuthorizeWithCapture", "canHandlePendingAuthorization": "false",
    "chargeAmount": {"amount": "23.45", "currencyCode": "USD"},
    "totalOrderAmount": {"amount": 60, "currencyCode": "USD"},
    "presentmentCurrency": "USD", "softDescriptor": null, "allowOvercharge": true, "extendExpiration": null},
  "merchantMetadata": {"merchantReferenceId": "ORD-100482", "merchantStoreName": "Example Shop",
    "noteToBuyer": "Ring at Kim's", "customInformation": null},
  "supplementaryData": "airline: Robin, seat 12",
  "buyer": {"buyerId": "amzn1.account.EXAMPLEBUYER", "name": "Robin Example", "email": "robin@example.com",
    "phoneNumber": null, "primeMembershipTypes": null},
  "billingAddress": null, "paymentPreferences": [{"paymentDescriptor": "Visa ****1111 (Amazon Pay)"}],
  "statusDetails": {"state": "Open", "reasonCode": null, "reasonDescription": null,
    "lastUpdatedTimestamp": "20260105T100812Z"},
  "shippingAddress": {"name": "Robin Example", "addressLine1": "12 Sample Street", "addressLine2": null,
    "addressLine3": null, "city": "Springfield", "county": null, "district": null, "stateOrRegion": "IL",
    "postalCode": 62701, "countryCode": "US", "phoneNumber": "2175550100"},
  "chargePermissionId": null, "chargeId": null,
  "constraints": [{"constraintId": "ChargeAmountNotSet", "description": "…"}],
  "creationTimestamp": "20260105T100755Z", "expirationTimestamp": "20260106T100755Z",
  "storeId": "amzn1.application-oa2-client.examplestore", "releaseEnvironment": "Sandbox"
}"#;

/// Words that stand for a person in [`OPEN`]: none may appear in a `Debug` form.
pub(crate) const PERSONAL: [&str; 8] = [
    "Robin",
    "Kim",
    "Sample Street",
    "Springfield",
    "62701",
    "2175550100",
    "example.com",
    "1111",
];
