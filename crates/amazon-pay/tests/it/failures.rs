//! Each error, and what it lets a caller conclude.

use std::time::Duration;

use amazon_pay::{ApiError, BodyError, Client, ClientConfig, Error, MAX_BODY_BYTES, NotSent, ReasonCode};
use tokio::net::TcpListener;

use crate::fixtures::{COMPLETED, at, client_of, config, finalize, http, json};
use crate::server::{Act, Server};

async fn failure(server: &Server) -> Error {
    let body = r#"{"shippingAddress":{"name":"Robin"}}"#;
    let answer = client_of(server).call(&finalize(body), at()).await;
    let error = answer.expect_err("a failure");
    assert!(!format!("{error} {error:?}").contains("Robin"), "{error:?}");
    error
}

async fn refusal(answer: Vec<u8>) -> ApiError {
    match failure(&Server::answering(answer).await).await {
        Error::Api(error) => *error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(ClientConfig {
        endpoint: Some(endpoint),
        ..config("LIVE-A")
    })
    .unwrap();
    let error = client.call(&finalize("{}"), at()).await.unwrap_err();
    assert!(
        matches!(error, Error::NotSent(NotSent::Connection(_))),
        "{error:?}"
    );
    assert!(error.is_not_sent() && !error.may_have_landed() && !error.is_tls());
    assert_eq!(
        (error.status(), error.reason_code(), error.request_id()),
        (None, None, None)
    );
    assert!(!format!("{error:?}").contains("checkoutSessions"), "{error:?}");
}

#[tokio::test]
async fn a_refusal_keeps_code_message_and_request_id() {
    let error = refusal(json(
        "422 Unprocessable Entity",
        r#"{"reasonCode":"InvalidCheckoutSessionStatus","message":"not in a state for this","more":1}"#,
    ))
    .await;
    assert_eq!(error.status, 422);
    assert_eq!(error.reason_code, Some(ReasonCode::InvalidCheckoutSessionStatus));
    assert_eq!(error.message.as_deref(), Some("not in a state for this"));
    assert_eq!(error.request_id.as_deref(), Some("REQ-1"));
    assert_eq!(error.date, Some("2026-01-05T10:15:31Z".parse().unwrap()));
    assert_eq!(
        Error::from(error).to_string(),
        "Amazon Pay answered 422 InvalidCheckoutSessionStatus (request id REQ-1)"
    );
}

#[tokio::test]
async fn a_throttled_call_says_how_long_to_wait() {
    let error = refusal(
        b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\ncontent-length: 33\r\n\r\n{\"reasonCode\":\"TooManyRequests\"}\n"
            .to_vec(),
    )
    .await;
    assert_eq!(error.reason_code, Some(ReasonCode::TooManyRequests));
    assert_eq!(error.retry_after, Some(Duration::from_secs(2)));
    assert_eq!(error.message, None);
}

#[tokio::test]
async fn a_page_from_a_gateway_is_a_refusal_without_a_code() {
    let error = refusal(http(
        "502 Bad Gateway",
        "text/html",
        "<html>Robin was here</html>",
    ))
    .await;
    assert_eq!(
        (error.status, error.reason_code.clone(), error.message.as_deref()),
        (502, None, None)
    );
    assert_eq!(error.content_type.as_deref(), Some("text/html"));
    assert_eq!(error.request_id.as_deref(), Some("REQ-1"));
    assert_eq!(
        error.to_string(),
        "Amazon Pay answered 502 without a reason code (text/html) (request id REQ-1)"
    );
}

#[tokio::test]
async fn a_refusal_with_an_empty_a_strange_or_a_cut_body_is_still_that_refusal() {
    for answer in [
        json("500 Internal Server Error", ""),
        json("500 Internal Server Error", "[1]"),
        json("500 Internal Server Error", r#"{"reasonCode":5,"message":{}}"#),
    ] {
        let error = refusal(answer).await;
        assert_eq!(
            (error.status, error.reason_code, error.message),
            (500, None, None)
        );
    }
    let cut =
        b"HTTP/1.1 500 Oh\r\nx-amz-pay-request-id: REQ-9\r\ncontent-length: 99\r\n\r\n{\"reason".to_vec();
    let server = Server::start(vec![Act::AnswerAndClose(cut)]).await;
    let error = failure(&server).await;
    assert_eq!(error.request_id(), Some("REQ-9"));
    assert!(
        matches!(&error, Error::Api(error) if error.status == 500),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_a_refusal_and_is_not_followed() {
    let elsewhere = Server::answering(json("200 OK", COMPLETED)).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let answer = format!(
            "HTTP/1.1 {status}\r\nlocation: {}/v2\r\ncontent-length: 0\r\n\r\n",
            elsewhere.url()
        );
        let server = Server::answering(answer.into_bytes()).await;
        let error = failure(&server).await;
        assert!(
            matches!(&error, Error::Api(error) if (300..400).contains(&error.status)),
            "{error:?}"
        );
        assert_eq!(server.received().len(), 1);
    }
    assert_eq!(elsewhere.received().len(), 0);
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_may_have_landed() {
    for act in [
        Act::Close,
        Act::AnswerAndClose(b"HTTP/1.1 20".to_vec()),
        Act::AnswerAndClose(b"hello\r\n\r\n".to_vec()),
    ] {
        let server = Server::start(vec![act]).await;
        let error = failure(&server).await;
        assert!(matches!(error, Error::Transport(_)), "{error:?}");
        assert!(error.may_have_landed() && !error.is_not_sent() && !error.is_tls());
        assert!(!format!("{error:?}").contains("checkoutSessions"), "{error:?}");
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn a_success_whose_body_is_lost_keeps_status_and_request_id() {
    let whole = json("202 Accepted", COMPLETED);
    let server = Server::start(vec![Act::AnswerAndClose(whole[..whole.len() - 40].to_vec())]).await;
    let error = failure(&server).await;
    assert_eq!(error.request_id(), Some("REQ-1"));
    assert_eq!(error.date(), Some("2026-01-05T10:15:31Z".parse().unwrap()));
    assert!(error.may_have_landed() && error.status() == Some(202));
    let Error::Unreadable(answer) = error else {
        panic!("{error:?}")
    };
    assert_eq!(answer.status, 202);
    assert!(matches!(answer.because, BodyError::CutOff(_)), "{answer:?}");
}

#[tokio::test]
async fn a_success_that_is_not_the_object_asked_for_is_unreadable() {
    for (content_type, body) in [
        ("text/html", "<html>Robin</html>"),
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/json", r#"{"checkoutSessionId":"Robin"}"#),
    ] {
        let server = Server::answering(http("200 OK", content_type, body)).await;
        let error = failure(&server).await;
        let Error::Unreadable(answer) = error else {
            panic!("{error:?}")
        };
        assert_eq!(answer.content_type.as_deref(), Some(content_type));
        assert!(matches!(answer.because, BodyError::Invalid(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_and_no_further() {
    let filler = |bytes: usize| {
        let body = format!("{}{}", " ".repeat(bytes - COMPLETED.len()), COMPLETED);
        json("200 OK", &body)
    };
    let server = Server::answering(filler(MAX_BODY_BYTES)).await;
    client_of(&server).call(&finalize("{}"), at()).await.unwrap();

    let server = Server::start(vec![Act::AnswerAndClose(filler(MAX_BODY_BYTES + 1))]).await;
    let error = failure(&server).await;
    let Error::Unreadable(answer) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(answer.because, BodyError::TooLarge), "{answer:?}");
}

#[tokio::test]
async fn amazons_message_is_kept_and_neither_displayed_nor_debugged() {
    let quoting = r#"{"reasonCode":"InvalidParameterValue","message":"name 'Kim Example' is odd"}"#;
    // `failure` looks for what was sent; this is about what was answered.
    let error = failure(&Server::answering(json("400 Bad Request", quoting)).await).await;
    let told = format!("{error} {error:?} {error:#?}");
    assert!(!told.contains("Kim"), "{told}");
    assert_eq!(error.message(), Some("name 'Kim Example' is odd"));
}

#[tokio::test]
async fn each_refusal_says_whether_the_request_may_have_had_its_effect() {
    for (status, code, may_have_landed) in [
        (301, "", true),
        (400, "InvalidParameterValue", false),
        (400, "DuplicateIdempotencyKey", false),
        (400, "ProcessingFailure", true),
        (403, "InvalidRequestSignature", false),
        (404, "ResourceNotFound", false),
        (408, "RequestTimeout", true),
        (409, "AmountMismatch", false),
        (422, "InvalidCheckoutSessionStatus", false),
        (422, "HardDeclined", false),
        (422, "TransactionTimedOut", true),
        (425, "", false),
        (429, "TooManyRequests", false),
        (500, "InternalServerError", true),
        (500, "BornYesterday", true),
        (502, "", true),
        (503, "ServiceUnavailable", true),
    ] {
        let body = format!(r#"{{"reasonCode":"{code}","message":"m"}}"#);
        let error = failure(&Server::answering(json(&format!("{status} Odd"), &body)).await).await;
        assert_eq!(error.may_have_landed(), may_have_landed, "{status} {code}");
        assert_eq!((error.status(), error.is_not_sent()), (Some(status), false));
        assert_eq!(error.reason_code().map_or("", ReasonCode::as_str), code);
    }
}

#[tokio::test]
async fn a_code_with_space_or_a_mark_around_it_is_that_code() {
    for body in [
        r#"{"reasonCode":" TransactionTimedOut\n"}"#,
        "\u{feff}{\"reasonCode\":\"TransactionTimedOut\"}",
    ] {
        let error = refusal(json("422 Odd", body)).await;
        assert_eq!(error.reason_code, Some(ReasonCode::TransactionTimedOut), "{body}");
        assert!(error.may_have_landed() && !error.reason_is_lost, "{body}");
    }
    let marked = Server::answering(json("200 OK", &format!("\u{feff}{COMPLETED}"))).await;
    client_of(&marked).call(&finalize("{}"), at()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_whose_code_is_lost_may_have_landed_unless_its_status_says_enough() {
    let said = r#"{"reasonCode":"TransactionTimedOut","message":"m"}"#;
    let whole = |status: u16, body: &str| Act::Answer(json(&format!("{status} Odd"), body));
    let cut = |status: u16| {
        let whole = json(&format!("{status} Odd"), said);
        Act::AnswerAndClose(whole[..whole.len() - 5].to_vec())
    };
    let cut_in_a_chunk = |status: u16| {
        let head = format!(
            "HTTP/1.1 {status} Odd\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
            said.len()
        );
        Act::AnswerAndClose(format!("{head}{}", &said[..20]).into_bytes())
    };
    let too_long = |status: u16| {
        let body = format!("{said}{}", " ".repeat(MAX_BODY_BYTES));
        Act::AnswerAndClose(json(&format!("{status} Odd"), &body))
    };
    for (act, is_lost, may_have_landed) in [
        (cut(400), true, true),
        (cut(409), true, true),
        (cut(422), true, true),
        (cut(402), true, true),
        (cut_in_a_chunk(422), true, true),
        (too_long(422), true, true),
        (whole(422, ""), true, true),
        (whole(422, "<html>"), true, true),
        (whole(422, "[1]"), true, true),
        (whole(422, r#"{"reasonCode":5}"#), true, true),
        (
            whole(422, r#"{"reasonCode":"Transaction\nTimedOut"}"#),
            true,
            true,
        ),
        // Read, and it names none.
        (whole(422, "{}"), false, false),
        (whole(422, r#"{"reasonCode":null}"#), false, false),
        (whole(422, r#"{"reasonCode":" "}"#), false, false),
        // Said before the request is looked at.
        (cut(401), true, false),
        (cut(403), true, false),
        (cut(404), true, false),
        (cut(429), true, false),
    ] {
        let error = failure(&Server::start(vec![act]).await).await;
        assert_eq!(error.may_have_landed(), may_have_landed, "{error:?}");
        let Error::Api(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (error.reason_code, error.reason_is_lost),
            (None, is_lost),
            "{}",
            error.status
        );
    }
}
