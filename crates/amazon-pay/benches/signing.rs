//! What signing costs beside the one operation that it cannot do without: `cargo bench -p amazon-pay`.
//!
//! Machines differ and are busy with other things, so the figure is a ratio of processor times within one run. Both
//! sides take turns in short blocks, and of each side the fastest block counts: whatever disturbs only adds.

use amazon_pay::{
    CheckoutSessionId, Client, ClientConfig, FinalizeCheckoutSession, IdempotencyKey, PaymentIntent, Price,
    PrivateKey, PublicKeyId, Region, Request, Timestamp,
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use rustix::time::{ClockId, clock_gettime};

const BLOCKS: usize = 40;
const BLOCK: u32 = 50;
/// Signing a request may cost so many times the bare operation.
const AT_MOST: f64 = 1.15;

fn main() {
    let rsa = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key pair");
    let der = rsa.private_key_to_pkcs8().expect("PKCS#8");
    let pem = String::from_utf8(rsa.private_key_to_pem_pkcs8().expect("PKCS#8")).expect("PEM is ASCII");

    let bare = KeyPair::from_pkcs8(&der).expect("a key pair");
    let random = SystemRandom::new();
    let mut signature = vec![0; bare.public_modulus_len()];
    let string_to_sign = format!("AMZN-PAY-RSASSA-PSS-V2\n{}", "0".repeat(64));

    let key = PrivateKey::from_pem(&pem).expect("a usable key");
    let key_id = PublicKeyId::parse("SANDBOX-BENCH").expect("a key id");
    let client = Client::new(ClientConfig::new(Region::Eu, key_id, key)).expect("a client");
    let id = CheckoutSessionId::parse("7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11").expect("an id");
    let price = Price::parse("23.45", "EUR").expect("a price");
    let body = FinalizeCheckoutSession::new(PaymentIntent::AuthorizeWithCapture, price);
    let body = body.to_body().expect("a body");
    let idempotency_key = IdempotencyKey::parse("5f0b6e8c1d6a4f0c9d5a7e3b2c1d0e9f").expect("a key");
    let request = Request::finalize_checkout_session(&id, body, Some(idempotency_key));
    let at: Timestamp = "2026-01-05T10:15:30Z".parse().expect("a time");

    let (mut fastest_bare, mut fastest_request) = (f64::MAX, f64::MAX);
    for _ in 0..BLOCKS {
        fastest_bare = fastest_bare.min(a_block(|| {
            bare.sign(
                &RSA_PSS_SHA256,
                &random,
                string_to_sign.as_bytes(),
                &mut signature,
            )
            .expect("it signs");
        }));
        fastest_request = fastest_request.min(a_block(|| {
            client.sign(&request, at).expect("it signs");
        }));
    }
    let ratio = fastest_request / fastest_bare;
    println!("bare RSA-PSS operation  {:8.1} µs", fastest_bare * 1e6);
    println!("signing a request       {:8.1} µs", fastest_request * 1e6);
    println!("ratio                   {ratio:8.3}   (wanted: at most {AT_MOST})");
}

/// Seconds of this thread's processor time for each call.
fn a_block(mut call: impl FnMut()) -> f64 {
    let before = processor_time();
    for _ in 0..BLOCK {
        call();
    }
    (processor_time() - before) / f64::from(BLOCK)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds and nanoseconds of a short run"
)]
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
