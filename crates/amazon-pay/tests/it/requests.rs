//! What goes over the wire: the path, the headers, the signature, and the very bytes.

use amazon_pay::{
    Address, ChargeId, ChargePermissionId, Client, ClientConfig, CompleteCheckoutSession, ConfigError,
    Environment, FinalizeCheckoutSession, PaymentIntent, Price, Request,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

use crate::fixtures::{COMPLETED, KEY, OPEN, at, client_of, config, idempotency_key, json, session};
use crate::server::{Received, Server};

fn verifies(request: &Received, salt: i32) -> bool {
    let (_, signature) = request
        .header("authorization")
        .unwrap()
        .split_once("Signature=")
        .unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &KEY).unwrap();
    verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
    verifier.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
    verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).unwrap();
    verifier.update(request.string_to_sign().as_bytes()).unwrap();
    verifier.verify(&STANDARD.decode(signature).unwrap()).unwrap()
}

#[tokio::test]
async fn a_finalize_is_sent_as_signed_with_exactly_the_bytes_given() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    // Bytes that no serialiser would write: neither reformatted nor read on the way.
    let body = "{ \"chargeAmount\" :{\"amount\":\"23.450\"},\t\"x\":\"\u{fc}\" }\n";
    client_of(&server)
        .finalize(&session(), body, idempotency_key(), at())
        .await
        .unwrap();

    let [request] = &server.received()[..] else {
        panic!("one request")
    };
    assert_eq!(
        request.request_line,
        "POST /v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11/finalize HTTP/1.1"
    );
    assert_eq!(request.body, body.as_bytes());
    for (name, value) in [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("x-amz-pay-date", "20260105T101530Z"),
        ("x-amz-pay-host", &format!("127.0.0.1:{}", server.port)),
        ("x-amz-pay-region", "eu"),
        ("x-amz-pay-idempotency-key", "fin7c0a6d1e52f44b7b9b1c2f3d0e8a4"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.header("host"), request.header("x-amz-pay-host"));
    assert!(
        request
            .header("user-agent")
            .unwrap()
            .starts_with("amazon-pay-rust/")
    );
    assert!(request.header("authorization").unwrap().starts_with(
        "AMZN-PAY-RSASSA-PSS-V2 PublicKeyId=SANDBOX-AEXAMPLE, SignedHeaders=accept;content-type;x-amz-pay-date;\
         x-amz-pay-host;x-amz-pay-idempotency-key;x-amz-pay-region, Signature="
    ));
    assert!(verifies(request, 32));
    assert!(
        !verifies(request, 20),
        "the salt has 32 bytes and no other number"
    );
}

#[tokio::test]
async fn a_look_up_is_signed_without_a_body_and_without_a_key() {
    let server = Server::answering(json("200 OK", OPEN)).await;
    client_of(&server)
        .get_checkout_session(&session(), at())
        .await
        .unwrap();

    let [request] = &server.received()[..] else {
        panic!("one request")
    };
    assert_eq!(
        request.request_line,
        "GET /v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11 HTTP/1.1"
    );
    assert_eq!(request.header("x-amz-pay-idempotency-key"), None);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.body.is_empty());
    assert!(verifies(request, 32));
}

#[tokio::test]
async fn every_operation_has_its_path() {
    let server = Server::answering(json("404 Not Found", "{}")).await;
    let client = client_of(&server);
    let charge = ChargeId::parse("S01-4419027-6630185-C083512").unwrap();
    let permission = ChargePermissionId::parse("S01-4419027-6630185").unwrap();
    client.complete(&session(), "{}", None, at()).await.unwrap_err();
    client.get_charge(&charge, at()).await.unwrap_err();
    client.get_charge_permission(&permission, at()).await.unwrap_err();

    let lines: Vec<String> = server
        .received()
        .into_iter()
        .map(|request| request.request_line)
        .collect();
    assert_eq!(
        lines,
        [
            "POST /v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11/complete HTTP/1.1",
            "GET /v2/charges/S01-4419027-6630185-C083512 HTTP/1.1",
            "GET /v2/chargePermissions/S01-4419027-6630185 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn an_older_key_has_its_environment_in_the_signed_path() {
    for (environment, path) in [
        (Environment::Live, "/live/v2"),
        (Environment::Sandbox, "/sandbox/v2"),
    ] {
        let server = Server::answering(json("200 OK", OPEN)).await;
        let config = ClientConfig {
            environment: Some(environment),
            endpoint: Some(server.url()),
            ..config("AEXAMPLEOLDKEY")
        };
        Client::new(config)
            .unwrap()
            .get_checkout_session(&session(), at())
            .await
            .unwrap();
        let [request] = &server.received()[..] else {
            panic!("one request")
        };
        assert!(
            request.path().starts_with(&format!("{path}/checkoutSessions/")),
            "{}",
            request.path()
        );
        assert!(verifies(request, 32));
    }
}

#[tokio::test]
async fn signing_and_sending_can_be_parted_and_a_repeat_is_signed_anew() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    let client = client_of(&server);
    let request = Request::finalize(&session(), "{\"personal\":\"Robin\"}", idempotency_key());
    let first = client.sign(&request, at()).unwrap();
    let second = client
        .sign(&request, "2026-01-05T11:00:00Z".parse().unwrap())
        .unwrap();
    assert!(!format!("{request:?} {first:?}").contains("Robin"));
    assert!(!format!("{first:?}").contains("Signature"));
    client.send(first).await.unwrap();
    client.send(second).await.unwrap();

    let [first, second] = &server.received()[..] else {
        panic!("two requests")
    };
    assert!(verifies(first, 32) && verifies(second, 32));
    assert_eq!(first.body, second.body);
    assert_eq!(
        first.header("x-amz-pay-idempotency-key"),
        second.header("x-amz-pay-idempotency-key")
    );
    assert_eq!(second.header("x-amz-pay-date"), Some("20260105T110000Z"));
}

#[test]
fn a_body_has_always_the_same_bytes_and_leaves_out_what_is_absent() {
    let address = Address {
        name: Some("Robin Example".into()),
        address_line1: Some("12 Sample Street".into()),
        country_code: Some("US".into()),
        ..Address::default()
    };
    let mut finalize = FinalizeCheckoutSession {
        payment_intent: PaymentIntent::AuthorizeWithCapture,
        charge_amount: Price::new("23.45", "USD"),
        total_order_amount: Some(Price::new("60.00", "USD")),
        supplementary_data: Some("echo".into()),
        shipping_address: Some(address),
        billing_address: None,
        can_handle_pending_authorization: Some(false),
    };
    assert_eq!(
        finalize.to_body(),
        concat!(
            r#"{"paymentIntent":"AuthorizeWithCapture","chargeAmount":{"amount":"23.45","currencyCode":"USD"},"#,
            r#""totalOrderAmount":{"amount":"60.00","currencyCode":"USD"},"supplementaryData":"echo","#,
            r#""shippingAddress":{"name":"Robin Example","addressLine1":"12 Sample Street","countryCode":"US"},"#,
            r#""canHandlePendingAuthorization":false}"#
        )
    );
    assert!(!format!("{finalize:?}").contains("Robin") && !format!("{finalize:?}").contains("echo"));

    finalize.billing_address = finalize.shipping_address.take();
    finalize.total_order_amount = None;
    finalize.supplementary_data = None;
    finalize.can_handle_pending_authorization = None;
    assert_eq!(
        finalize.to_body(),
        concat!(
            r#"{"paymentIntent":"AuthorizeWithCapture","chargeAmount":{"amount":"23.45","currencyCode":"USD"},"#,
            r#""billingAddress":{"name":"Robin Example","addressLine1":"12 Sample Street","countryCode":"US"}}"#
        )
    );
}

#[test]
fn the_setup_of_a_saved_wallet_is_an_empty_object() {
    assert_eq!(CompleteCheckoutSession::default().to_body(), "{}");
    let complete = CompleteCheckoutSession {
        charge_amount: Some(Price::new("14", "EUR")),
        total_order_amount: None,
    };
    assert_eq!(
        complete.to_body(),
        r#"{"chargeAmount":{"amount":"14","currencyCode":"EUR"}}"#
    );
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_its_reason() {
    let refused = |change: &dyn Fn(&mut ClientConfig)| {
        let mut config = config("SANDBOX-AEXAMPLE");
        change(&mut config);
        Client::new(config).expect_err("refused").to_string()
    };
    let endpoint = |url: &'static str| refused(&move |config| config.endpoint = Some(url.to_owned()));
    assert_eq!(
        refused(&|config| config.environment = Some(Environment::Live)),
        "the public key id is for sandbox, but the environment given is live"
    );
    assert_eq!(endpoint("pay.example"), "the endpoint is not a URL");
    assert_eq!(
        endpoint("http://pay.example"),
        "the endpoint is plain http, which is allowed on loopback only"
    );
    assert_eq!(
        endpoint("http://127.0.0.1.pay.example"),
        "the endpoint is plain http, which is allowed on loopback only"
    );
    assert_eq!(
        endpoint("ftp://127.0.0.1"),
        "the endpoint is neither https nor http"
    );
    assert_eq!(endpoint("https://pay.example/v2"), "the endpoint has a path");
    assert_eq!(endpoint("https://me@pay.example"), "the endpoint has a user name");
    assert_eq!(
        refused(&|config| config.ca_pem = Some(b"no certificate".to_vec())),
        "the CA file holds no certificate in PEM form that can be read"
    );
    assert_eq!(
        refused(&|config| config.user_agent = "a\nb".to_owned()),
        "the user agent has characters that a header cannot have"
    );
    assert!(matches!(
        Client::new(config("AOLDKEY")),
        Err(ConfigError::EnvironmentMissing)
    ));
    for fine in ["http://localhost:1", "http://[::1]:1/", "https://pay.example"] {
        Client::new(ClientConfig {
            endpoint: Some(fine.to_owned()),
            ..config("LIVE-AEXAMPLE")
        })
        .unwrap();
    }
}
