//! What cannot work is refused before it is sent, and a server that misbehaves is an error in time.

use std::time::Duration;

use amazon_pay::{
    ChargeId, CheckoutSessionId, Client, ClientConfig, Error, Header, IdempotencyKey, MAX_BODY_BYTES,
    NotSent, Price, PrivateKey, Request,
};
use openssl::rsa::Rsa;

use crate::fixtures::{COMPLETED, at, client_of, config, finalize, json, session};
use crate::server::{Act, Server};

#[test]
fn an_endpoint_that_is_refused_is_not_shown() {
    let mut config = config("SANDBOX-A");
    config.endpoint = Some("https://robin:hunter2@pay.example".to_owned());
    assert!(!format!("{config:?}").contains("hunter2"));
    config.endpoint = Some("https://pay.example".to_owned());
    assert!(format!("{config:?}").contains("https://pay.example"));
}

#[test]
fn bad_input_is_named_and_not_repeated() {
    let small = String::from_utf8(Rsa::generate(1024).unwrap().private_key_to_pem().unwrap()).unwrap();
    let cut = &small[..300];
    for (error, named) in [
        (
            PrivateKey::from_pem(cut).unwrap_err().to_string(),
            "is a damaged PEM: its base64 or its END line is broken",
        ),
        (
            PrivateKey::from_pem(&small).unwrap_err().to_string(),
            "is an RSA key of fewer than 2048 bits",
        ),
        (
            CheckoutSessionId::parse("Robin/complete")
                .unwrap_err()
                .to_string(),
            "not a checkout session id: 1 to 64 of A-Za-z0-9-",
        ),
        (
            ChargeId::parse("../charges/Robin").unwrap_err().to_string(),
            "not a charge id: 1 to 128 of A-Za-z0-9-",
        ),
        (
            IdempotencyKey::parse("f47ac10b-58cc-4372-a567-0e02b2c3d479-x")
                .unwrap_err()
                .to_string(),
            "not a usable idempotency key: 1 to 32 of A-Za-z0-9-_",
        ),
        (
            Price::parse("23.455", "EUR").unwrap_err().to_string(),
            "an amount in EUR has at most 2 decimals, and this one has 3",
        ),
        (
            Price::parse("705.00", "JPY").unwrap_err().to_string(),
            "an amount in JPY has at most 0 decimals, and this one has 2",
        ),
        (
            Header::signed("x-shop", "Robin\r\nx-amz-pay-region: na")
                .unwrap_err()
                .to_string(),
            "a header value has 1 to 8192 visible ASCII characters, with single spaces between words",
        ),
    ] {
        assert_eq!(error, named);
    }
}

#[tokio::test]
async fn a_body_over_1_mib_is_refused_before_it_is_sent() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    let client = client_of(&server);
    client
        .call(&finalize("x".repeat(MAX_BODY_BYTES)), at())
        .await
        .unwrap();
    let error = client
        .call(&finalize("x".repeat(MAX_BODY_BYTES + 1)), at())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::NotSent(NotSent::BodyTooLarge)),
        "{error:?}"
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_too_slow_is_an_error_and_may_have_acted() {
    let whole = json("200 OK", COMPLETED);
    // It hears and never answers; or it begins and never ends.
    for act in [Act::Hang, Act::Answer(whole[..whole.len() - 40].to_vec())] {
        let server = Server::start(vec![act]).await;
        let client = Client::new(ClientConfig {
            endpoint: Some(server.url()),
            timeout: Some(Duration::from_millis(100)),
            ..config("SANDBOX-AEXAMPLE")
        })
        .unwrap();
        let error = client.call(&finalize("{}"), at()).await.unwrap_err();
        assert!(
            matches!(error, Error::Transport(_) | Error::Unreadable(_)),
            "{error:?}"
        );
        assert!(error.may_have_landed() && !error.is_not_sent());
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn servers_that_close_mid_answer_leave_the_client_usable() {
    let whole = json("200 OK", COMPLETED);
    let mut script: Vec<Act> = [10, 40, whole.len() / 2, whole.len() - 1]
        .into_iter()
        .map(|length| Act::AnswerAndClose(whole[..length].to_vec()))
        .collect();
    let broken = script.len();
    script.push(Act::Answer(whole));
    let server = Server::start(script).await;
    let client = client_of(&server);
    for _ in 0..broken {
        let error = client
            .call(&Request::get_checkout_session(&session()), at())
            .await
            .unwrap_err();
        assert!(error.may_have_landed(), "{error:?}");
    }
    client
        .call(&Request::get_checkout_session(&session()), at())
        .await
        .unwrap();
    assert_eq!(server.received().len(), broken + 1);
}
