//! What no well-meaning client sends, and what networks do: it is answered or ended, and nothing is left behind.

use std::time::Duration;

use sandbox::{ClockSource, Options, Profile, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Call, Client, read_answer};
use crate::world::{World, authorized, captured, consent, eur, is, order, refused, standing};

/// A sandbox that loses its patience soon.
async fn impatient(world: &World) -> (Sandbox, Client) {
    let options = Options {
        tls_dir: Some(world.folder()),
        profile: Profile::Unlimited,
        clock: ClockSource::Settable(world.clock.clone()),
        patience: Duration::from_millis(300),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let client = Client::new(&sandbox, "eu_shop");
    (sandbox, client)
}

/// Returns when every connection has ended.
#[expect(
    clippy::disallowed_methods,
    reason = "a connection that is left behind is to fail the test, not to hang it"
)]
async fn all_ended(sandbox: &Sandbox) {
    let mut count = sandbox.count_of_connections();
    let ended = tokio::time::timeout(Duration::from_secs(20), count.wait_for(|open| *open == 0)).await;
    assert!(
        ended.is_ok(),
        "{} connections are left behind",
        sandbox.connections()
    );
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_refused_and_one_of_a_mebibyte_is_read() {
    let world = World::start().await;
    for (length, reason) in [
        (1 << 20, "InvalidRequestFormat"),
        ((1 << 20) + 1, "InvalidRequest"),
        (5 << 20, "InvalidRequest"),
    ] {
        let mut call = world.finalizing("none", &json!({}));
        call.body = " ".repeat(length);
        let session = world.session(json!({}));
        call.path = format!("/v2/checkoutSessions/{session}/finalize");
        let answer = world.eu.send(&call).await;
        assert_eq!(answer.verdict(), refused(400, reason), "{length}");
        assert_eq!(answer.header("x-amz-pay-request-id").map(str::len), Some(36));
        assert!(answer.header("date").is_some());
    }
    all_ended(&world.sandbox).await;
}

#[tokio::test]
async fn a_slow_client_is_told_that_it_was_waited_for_in_vain() {
    let world = World::start().await;
    let (sandbox, client) = impatient(&world).await;
    let request = client.signed(&world.finalizing("a1", &order()));
    let mut stream = client.connect("127.0.0.1").await.unwrap();
    stream.write_all(&request[..request.len() - 10]).await.unwrap();
    let mut bytes = Vec::new();
    let _end = stream.read_to_end(&mut bytes).await;
    let answer = read_answer(&bytes).expect("a whole answer");
    assert_eq!(answer.verdict(), refused(408, "RequestTimeout"));
    drop(stream);

    // Half a head, half a handshake, and nothing at all are ended without an answer.
    let mut half_a_head = client.connect("127.0.0.1").await.unwrap();
    half_a_head.write_all(&request[..20]).await.unwrap();
    let idle = client.connect("127.0.0.1").await.unwrap();
    let address = sandbox.info().url.strip_prefix("https://").unwrap().to_owned();
    let mut half_a_handshake = TcpStream::connect(&address).await.unwrap();
    half_a_handshake.write_all(&[22, 3, 1]).await.unwrap();
    let nothing = TcpStream::connect(&address).await.unwrap();
    all_ended(&sandbox).await;
    drop((half_a_head, idle, half_a_handshake, nothing));
}

#[tokio::test]
async fn a_client_that_closes_in_the_middle_leaves_nothing_behind() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let request = world.eu.signed(&world.finalizing(&session, &order()));
    for length in [0, 1, 20, 200, request.len() - 1] {
        let mut stream = world.eu.connect("127.0.0.1").await.unwrap();
        stream.write_all(&request[..length]).await.unwrap();
        drop(stream);
    }
    let address = world.sandbox.info().url.strip_prefix("https://").unwrap();
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 64], &[22, 3, 1, 255, 255]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(noise).await.unwrap();
    }
    all_ended(&world.sandbox).await;
    assert_eq!(world.book(&session)["calls"], json!([]), "half a call is none");
    assert_eq!(world.finalize(&session, &order()).await.status, 200);
}

#[tokio::test]
async fn malformed_bodies_have_documented_reason_codes() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let deep = format!(
        r#"{{"shippingAddress":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let send = async |body: &str| {
        let mut call = world.finalizing(&session, &order());
        call.body = body.to_owned();
        world.eu.send(&call).await.verdict()
    };
    for body in [
        "{",
        "\u{0}",
        "{\"paymentIntent\":\"Confirm\u{0}\"}",
        &deep,
        "[1]",
        "\"x\"",
        "{\"a\":1,}",
    ] {
        assert_eq!(send(body).await, refused(400, "InvalidRequestFormat"));
    }
    let nul = order().to_string().replace("Berlin", "Ber\\u0000lin");
    assert_eq!(send(&nul).await, refused(400, "InvalidParameterValue"));
    for (from, to) in [
        ("\"23.45\"", "1e400"),
        ("\"23.45\"", "\"99999999999999999999999999999999999999\""),
        ("\"23.45\"", "-0"),
        ("\"23.45\"", "[]"),
        ("\"EUR\"", "\"eur\""),
        ("\"Berlin\"", "{}"),
    ] {
        let verdict = send(&order().to_string().replace(from, to)).await;
        assert!(
            verdict == refused(400, "InvalidParameterValue")
                || verdict == refused(400, "InvalidRequestFormat"),
            "{to}: {verdict:?}"
        );
    }
    let long = order().to_string().replace("Berlin", &"x".repeat(100_000));
    let mut call = world.finalizing(&session, &order());
    call.body = long;
    let answer = world.eu.send(&call).await;
    assert_eq!(answer.verdict(), refused(400, "InvalidParameterValue"));
    assert!(
        answer.text.len() < 1_000,
        "a message quotes the beginning of a long value"
    );
    assert_eq!(world.finalize(&session, &order()).await.status, 200);
}

#[tokio::test]
async fn every_operation_quotes_the_value_that_it_refuses() {
    let world = World::start().await;
    let session = format!("checkoutSessions/{}", world.session(json!({})));
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    let (_, paid) = world.confirmed(captured("10.00")).await;
    let update = |details: Value| json!({"paymentDetails": details});
    for (method, path, body, quoted) in [
        ("POST", "checkoutSessions", json!({"storeId": 7}), "storeId: '7'"),
        (
            "PATCH",
            &session,
            update(json!({"paymentIntent": "Pay"})),
            "paymentIntent: 'Pay'",
        ),
        (
            "PATCH",
            &session,
            update(json!({"extendExpiration": "no"})),
            "extendExpiration: 'no'",
        ),
        (
            "PATCH",
            &session,
            update(json!({"chargeAmount": {"amount": "5", "currencyCode": "JPY"}})),
            "'5 JPY'",
        ),
        (
            "POST",
            &format!("charges/{charge}/capture"),
            json!({"captureAmount": eur("10.01")}),
            "'10.01 EUR'",
        ),
        (
            "POST",
            "refunds",
            json!({"chargeId": paid, "refundAmount": eur("11.51")}),
            "'11.51 EUR'",
        ),
        (
            "DELETE",
            &format!("charges/{charge}/cancel"),
            json!({"cancellationReason": 5}),
            "cancellationReason: '5'",
        ),
        (
            "DELETE",
            &format!("chargePermissions/{permission}/close"),
            json!({"closureReason": "x", "cancelPendingCharges": "all"}),
            "cancelPendingCharges: 'all'",
        ),
        (
            "PATCH",
            &format!("charges/{charge}"),
            json!({"statusDetails": {"state": "Lost"}}),
            "statusDetails.state: 'Lost'",
        ),
    ] {
        let mut body = body;
        if path == "checkoutSessions" {
            body["webCheckoutDetails"] = json!({"checkoutReviewReturnUrl": "https://shop.example/review"});
        }
        let answer = world
            .eu
            .send(&world.calling(method, path, &body).with_key("k"))
            .await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        assert!(answer.text.contains(quoted), "{path}: {}", answer.text);
    }
}

/// What SDKs write differently, all at once.
#[tokio::test]
async fn a_request_may_be_spelled_as_any_sdk_spells_it() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let mut client = Client::new(&world.sandbox, "eu_shop");
    client.region = "Eu".to_owned();
    let send = async |call: Call| {
        let request = String::from_utf8(client.signed(&call)).unwrap();
        let spelled = request
            .replace("\r\nx-amz-pay-idempotency-key", "\r\nx-amz-pay-Idempotency-Key")
            .replace("\r\nx-amz-pay-date", "\r\nX-Amz-Pay-Date")
            .replace("\r\nx-amz-pay-region", "\r\nX-AMZ-PAY-REGION")
            .replace("\r\nauthorization", "\r\nAuthorization");
        client.send_bytes(spelled.as_bytes()).await.unwrap()
    };
    let mut call = world.finalizing(&session, &order()).with_key("k");
    call.path = format!("/sandbox{}/", call.path);
    let first = send(call.clone()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(send(call).await.text, first.text, "the key was read");

    let (permission, _) = world.confirmed(consent("50.00")).await;
    let body = json!({
        "chargePermissionId": permission, "chargeAmount": {"amount": 10.5, "currencyCode": "EUR"},
        "captureNow": "false", "canHandlePendingAuthorization": false, "softDescriptor": null,
        "merchantMetadata": {"merchantReferenceId": null}, "providerMetadata": null, "channel": null,
    });
    let mut call = world.calling("POST", "charges/", &body).with_key("k2");
    call.date = "2026-01-05T10:00:00Z".to_owned();
    let charge = send(call).await;
    assert_eq!(charge.status, 201, "{}", charge.text);
    assert_eq!(charge.json()["chargeAmount"], eur("10.5"));
    let path = format!("charges/{}/cancel/", charge.json()["chargeId"].as_str().unwrap());
    let canceled = send(world.calling("DELETE", &path, &json!({"cancellationReason": "sold out"}))).await;
    assert_eq!(standing(&canceled.json()), is("Canceled", "MerchantCanceled"));
}

#[tokio::test]
async fn odd_paths_are_not_found() {
    let world = World::start().await;
    for path in [
        "charges/%00",
        "charges/a%2Fb",
        "charges/..",
        "buyers/",
        "refunds//",
        "checkoutSessions/é",
    ] {
        let answer = world
            .eu
            .send_bytes(&world.eu.signed(&world.calling("GET", path, &json!(null))))
            .await;
        let status = answer.map(|answer| answer.status);
        assert!(matches!(status, Ok(404 | 405 | 400)), "{path}: {status:?}");
    }
}
