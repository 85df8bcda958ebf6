//! What goes over the wire: the path, the headers, the signature, and the very bytes.

use amazon_pay::{
    BuyerToken, ChargeId, ChargePermissionId, Client, ClientConfig, ConfigError, Environment, RefundId,
    Request,
};

use crate::fixtures::{COMPLETED, OPEN, at, client_of, config, finalize, idempotency_key, json, session};
use crate::server::Server;

#[tokio::test]
async fn a_finalize_is_sent_as_signed_with_exactly_the_bytes_given() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    // Bytes that no serialiser would write: neither reformatted nor read on the way.
    let body = "{ \"chargeAmount\" :{\"amount\":\"23.450\"},\t\"x\":\"\u{fc}\" }\n";
    client_of(&server).call(&finalize(body), at()).await.unwrap();

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
    assert!(request.verifies(32));
    assert!(!request.verifies(20), "the salt has 32 bytes and no other number");
}

#[tokio::test]
async fn a_look_up_is_signed_without_a_body_and_without_a_key() {
    let server = Server::answering(json("200 OK", OPEN)).await;
    client_of(&server)
        .call(&Request::get_checkout_session(&session()), at())
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
    assert!(request.verifies(32));
}

#[tokio::test]
async fn every_operation_has_its_method_its_path_and_its_key() {
    let server = Server::answering(json("404 Not Found", "{}")).await;
    let client = client_of(&server);
    let charge = ChargeId::parse("S01-4419027-6630185-C083512").unwrap();
    let permission = ChargePermissionId::parse("S01-4419027-6630185").unwrap();
    let refund = RefundId::parse("S01-4419027-6630185-R083512").unwrap();
    let token = BuyerToken::parse("Atza|Iw+E/b=~").unwrap();
    macro_rules! call {
        ($($request:expr),+ $(,)?) => { $(client.call(&$request, at()).await.unwrap_err();)+ };
    }
    let key = idempotency_key;
    call!(
        Request::create_checkout_session("{}", key()),
        Request::get_checkout_session(&session()),
        Request::update_checkout_session(&session(), "{}"),
        Request::complete_checkout_session(&session(), "{}", None),
        Request::finalize_checkout_session(&session(), "{}", Some(key())),
        Request::get_charge_permission(&permission),
        Request::update_charge_permission(&permission, "{}"),
        Request::close_charge_permission(&permission, "{}"),
        Request::create_charge("{}", key()),
        Request::get_charge(&charge),
        Request::update_charge(&charge, "{}"),
        Request::capture_charge(&charge, "{}", key()),
        Request::cancel_charge(&charge, "{}"),
        Request::create_refund("{}", key()),
        Request::get_refund(&refund),
        Request::get_buyer(&token),
    );

    let received = server.received();
    let told: Vec<(&str, usize, bool)> = received
        .iter()
        .map(|request| {
            (
                request.request_line.strip_suffix(" HTTP/1.1").unwrap(),
                request.body.len(),
                request.header("x-amz-pay-idempotency-key").is_some(),
            )
        })
        .collect();
    let session = "/v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
    assert_eq!(
        told,
        [
            ("POST /v2/checkoutSessions", 2, true),
            (&format!("GET {session}"), 0, false),
            (&format!("PATCH {session}"), 2, false),
            (&format!("POST {session}/complete"), 2, false),
            (&format!("POST {session}/finalize"), 2, true),
            ("GET /v2/chargePermissions/S01-4419027-6630185", 0, false),
            ("PATCH /v2/chargePermissions/S01-4419027-6630185", 2, false),
            ("DELETE /v2/chargePermissions/S01-4419027-6630185/close", 2, false),
            ("POST /v2/charges", 2, true),
            ("GET /v2/charges/S01-4419027-6630185-C083512", 0, false),
            ("PATCH /v2/charges/S01-4419027-6630185-C083512", 2, false),
            ("POST /v2/charges/S01-4419027-6630185-C083512/capture", 2, true),
            ("DELETE /v2/charges/S01-4419027-6630185-C083512/cancel", 2, false),
            ("POST /v2/refunds", 2, true),
            ("GET /v2/refunds/S01-4419027-6630185-R083512", 0, false),
            ("GET /v2/buyers/Atza%7CIw%2BE%2Fb%3D~", 0, false),
        ]
    );
    for request in &received {
        assert!(request.verifies(32), "{}", request.request_line);
    }
}

#[test]
fn only_look_ups_and_posts_under_a_key_are_repeatable() {
    let charge = ChargeId::parse("S01-4419027-6630185-C083512").unwrap();
    assert!(Request::get_charge(&charge).is_repeatable());
    assert!(Request::create_refund("{}", idempotency_key()).is_repeatable());
    assert!(finalize("{}").is_repeatable());
    assert!(!Request::finalize_checkout_session(&session(), "{}", None).is_repeatable());
    assert!(!Request::update_checkout_session(&session(), "{}").is_repeatable());
    assert!(!Request::cancel_charge(&charge, "{}").is_repeatable());
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
            .call(&Request::get_checkout_session(&session()), at())
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
        assert!(request.verifies(32));
    }
}

#[tokio::test]
async fn signing_and_sending_can_be_parted_and_a_repeat_is_signed_anew() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    let client = client_of(&server);
    let request = finalize("{\"personal\":\"Robin\"}");
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
    assert!(first.verifies(32) && second.verifies(32));
    assert_eq!(first.body, second.body);
    assert_eq!(
        first.header("x-amz-pay-idempotency-key"),
        second.header("x-amz-pay-idempotency-key")
    );
    assert_eq!(second.header("x-amz-pay-date"), Some("20260105T110000Z"));
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
    for pem in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    ] {
        assert_eq!(
            refused(&|config| config.ca_pem = Some(pem.into())),
            "the CA file holds no certificate in PEM form that can be read",
            "{pem:?}"
        );
    }
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
