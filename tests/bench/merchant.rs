//! The sandbox's first merchant, and how it confirms what a session says of itself.

use amazon_pay::{
    Answer as _, CheckoutSession, Client, ClientConfig, FinalizeCheckoutSession, IdempotencyKey,
    PaymentIntent, PrivateKey, PublicKeyId, Region, Request,
};
use serde_json::Value;

/// A client that speaks for it, by what the sandbox says of itself.
pub(crate) fn client(info: &Value) -> Client {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let merchant = &info["merchants"][0];
    let pem = std::fs::read_to_string(text(&merchant["privateKeyFile"])).expect("a key file");
    let key_id = PublicKeyId::parse(&text(&merchant["publicKeyId"])).expect("a key id");
    Client::new(ClientConfig {
        endpoint: Some(text(&info["url"])),
        ca_pem: Some(std::fs::read(text(&info["ca_file"])).expect("a CA file")),
        ..ClientConfig::new(Region::Eu, key_id, PrivateKey::from_pem(&pem).expect("a key"))
    })
    .expect("a client")
}

/// A request that Amazon takes.
pub(crate) fn finalization(session: &Value) -> Request<CheckoutSession> {
    let shown = CheckoutSession::from_json(session.to_string().as_bytes()).expect("a session");
    let amount = shown.payment_details.and_then(|details| details.charge_amount);
    let body = FinalizeCheckoutSession {
        shipping_address: shown.shipping_address,
        ..FinalizeCheckoutSession::new(PaymentIntent::AuthorizeWithCapture, amount.expect("an amount"))
    };
    let id = shown.checkout_session_id;
    let key = IdempotencyKey::parse(&id.as_str().replace('-', "")).expect("a key");
    Request::finalize_checkout_session(&id, body.to_body().expect("no capture that may pend"), Some(key))
}
