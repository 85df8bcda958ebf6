//! Headers beyond those that every request has, and the two algorithms, judged by someone else's code.

use amazon_pay::{Algorithm, Client, ClientConfig, Header, Request};
use proptest::collection::btree_map;
use proptest::prelude::{ProptestConfig, Strategy, prop_assert, prop_assert_eq, proptest};
use tokio::runtime::Runtime;

use crate::fixtures::{COMPLETED, at, client_of, config, finalize, json, session};
use crate::server::{Received, Server};

fn signed_headers(request: &Received) -> &str {
    let (_, rest) = request
        .header("authorization")
        .unwrap()
        .split_once("SignedHeaders=")
        .unwrap();
    rest.split(", ").next().unwrap()
}

#[tokio::test]
async fn each_algorithm_has_its_name_and_its_salt_and_not_the_others() {
    for (algorithm, name, salt, other) in [
        (Algorithm::V1, "AMZN-PAY-RSASSA-PSS", 20, 32),
        (Algorithm::V2, "AMZN-PAY-RSASSA-PSS-V2", 32, 20),
    ] {
        let server = Server::answering(json("200 OK", COMPLETED)).await;
        let client = Client::new(ClientConfig {
            algorithm,
            endpoint: Some(server.url()),
            ..config("SANDBOX-AEXAMPLE")
        })
        .unwrap();
        client.call(&finalize("{}"), at()).await.unwrap();
        let [request] = &server.received()[..] else {
            panic!("one request")
        };
        let authorization = request.header("authorization").unwrap();
        assert!(
            authorization.starts_with(&format!("{name} PublicKeyId=SANDBOX-AEXAMPLE, ")),
            "{authorization}"
        );
        assert_eq!(algorithm.salt_length(), usize::try_from(salt).unwrap());
        assert!(request.verifies(salt), "{name}");
        assert!(!request.verifies(other), "{name} has no salt of {other} bytes");
    }
}

#[tokio::test]
async fn a_simulation_code_travels_unsigned_and_a_token_signed() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    let request = finalize("{}")
        .with_header(Header::simulation_code("SoftDeclined").unwrap())
        .with_header(Header::auth_token("AMZN1.SECRET").unwrap());
    assert!(!format!("{request:?}").contains("SECRET"), "{request:?}");
    client_of(&server).call(&request, at()).await.unwrap();

    let [request] = &server.received()[..] else {
        panic!("one request")
    };
    assert_eq!(request.header("x-amz-pay-simulation-code"), Some("SoftDeclined"));
    assert_eq!(request.header("x-amz-pay-authtoken"), Some("AMZN1.SECRET"));
    assert_eq!(
        signed_headers(request),
        "accept;content-type;x-amz-pay-authtoken;x-amz-pay-date;x-amz-pay-host;\
         x-amz-pay-idempotency-key;x-amz-pay-region"
    );
    assert!(request.verifies(32));
}

#[tokio::test]
async fn headers_of_the_configuration_go_with_every_request_unless_it_has_its_own() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    let config = ClientConfig {
        endpoint: Some(server.url()),
        headers: vec![
            Header::integrator_id("A0EXAMPLE").unwrap(),
            Header::integrator_version("1.0").unwrap(),
            Header::platform_version("7.1").unwrap(),
            Header::unsigned("x-shop", "first").unwrap(),
            Header::unsigned("X-Shop", "second").unwrap(),
        ],
        ..config("SANDBOX-AEXAMPLE")
    };
    assert!(!format!("{config:?}").contains("A0EXAMPLE"));
    let client = Client::new(config).unwrap();
    let get = Request::get_checkout_session(&session());
    client.call(&get, at()).await.unwrap();
    let get = get.with_header(Header::signed("x-shop", "third").unwrap());
    client.call(&get, at()).await.unwrap();

    let [first, second] = &server.received()[..] else {
        panic!("two requests")
    };
    assert_eq!(first.header("x-amz-pay-integrator-id"), Some("A0EXAMPLE"));
    assert_eq!(first.header("x-amz-pay-integrator-version"), Some("1.0"));
    assert_eq!(first.header("x-amz-pay-platform-version"), Some("7.1"));
    assert_eq!(first.header("x-shop"), Some("second"));
    assert_eq!(
        first.headers.iter().filter(|(name, _)| name == "x-shop").count(),
        1
    );
    assert!(!signed_headers(first).contains("x-shop"));
    assert_eq!(second.header("x-shop"), Some("third"));
    assert!(signed_headers(second).ends_with(";x-shop"));
    assert!(first.verifies(32) && second.verifies(32));
}

#[tokio::test]
async fn a_signed_request_shows_all_that_is_sent() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    let client = client_of(&server);
    let request = finalize("{\"a\":1}").with_header(Header::simulation_code("Declined").unwrap());
    let signed = client.sign(&request, at()).unwrap();
    let (method, path, body) = (
        signed.method().to_owned(),
        signed.path().to_owned(),
        signed.body().clone(),
    );
    let headers: Vec<(String, String)> = signed
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    client.send(signed).await.unwrap();

    let [received] = &server.received()[..] else {
        panic!("one request")
    };
    assert_eq!(received.request_line, format!("{method} {path} HTTP/1.1"));
    assert_eq!(received.body, body);
    for (name, value) in &headers {
        assert_eq!(received.header(name), Some(value.as_str()));
    }
    let others: Vec<&str> = received
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| headers.iter().all(|(shown, _)| shown != name))
        .collect();
    assert_eq!(others, ["user-agent", "host", "content-length"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The verifier in `server.rs` shares no code with the crate: it rebuilds the string from what arrived.
    #[test]
    fn whatever_is_sent_verifies_by_what_arrived(
        body in ".{0,200}",
        headers in btree_map("x-[a-z]{1,6}(-[A-Za-z0-9]{1,6})?", ("[!-~]{1,20}( [!-~]{1,20}){0,2}", proptest::bool::ANY), 0..4),
        v2 in proptest::bool::ANY,
        key in proptest::option::of("[A-Za-z0-9_-]{1,32}").prop_map(|key| key.map(|key| key.parse().unwrap())),
    ) {
        let (algorithm, salt) = if v2 { (Algorithm::V2, 32) } else { (Algorithm::V1, 20) };
        Runtime::new().unwrap().block_on(async {
            let server = Server::answering(json("200 OK", COMPLETED)).await;
            let client = Client::new(ClientConfig {
                algorithm,
                endpoint: Some(server.url()),
                ..config("SANDBOX-AEXAMPLE")
            })
            .unwrap();
            let mut request = Request::complete_checkout_session(&session(), body.clone(), key);
            for (name, (value, signed)) in &headers {
                let header = if *signed { Header::signed(name, value) } else { Header::unsigned(name, value) };
                request = request.with_header(header.unwrap());
            }
            client.call(&request, at()).await.unwrap();
            let received = server.received();
            prop_assert_eq!(&received[0].body, body.as_bytes());
            prop_assert!(received[0].verifies(salt));
            prop_assert!(!received[0].verifies(52 - salt));
            Ok(())
        })?;
    }
}
