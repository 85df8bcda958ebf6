//! No request is ever sent twice by this crate or by what it stands on.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use amazon_pay::Error;

use crate::fixtures::{COMPLETED, at, client_of, finalize, json};
use crate::server::{Act, Server};

#[tokio::test]
async fn a_kept_connection_that_closes_after_reading_the_request_has_read_it_once() {
    let server = Server::start(vec![Act::Answer(json("200 OK", COMPLETED)), Act::Close]).await;
    let client = client_of(&server);
    client.call(&finalize("{\"call\":1}"), at()).await.unwrap();
    let error = client.call(&finalize("{\"call\":2}"), at()).await.unwrap_err();

    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    let received = server.received();
    assert_eq!(received.len(), 2, "{received:?}");
    assert_eq!(received[1].connection, 0, "the case is about a kept connection");
}

#[tokio::test]
async fn a_server_that_closes_each_kept_connection_gets_no_call_twice() {
    let server = Server::start(vec![Act::AnswerAndClose(json("200 OK", COMPLETED))]).await;
    let client = client_of(&server);
    let calls = 40;
    let mut succeeded = 0;
    for call in 0..calls {
        // Whether the client sees the close before it writes is a race that either may win: then a fresh
        // connection, or an error.
        match client.call(&finalize(format!("{{\"call\":{call}}}")), at()).await {
            Ok(_) => succeeded += 1,
            Err(Error::Transport(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let mut bodies: Vec<Vec<u8>> = server
        .received()
        .into_iter()
        .map(|request| request.body)
        .collect();
    let received = bodies.len();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), received, "a body arrived twice");
    assert!(received >= succeeded && received <= calls);
}

#[tokio::test]
async fn an_answer_that_invites_a_retry_is_left_to_the_caller() {
    for status in [
        "408 Request Timeout",
        "425 Too Early",
        "429 Slow",
        "500 Oh",
        "503 Busy",
        "504 Late",
    ] {
        let server = Server::answering(json(status, "{}")).await;
        let error = client_of(&server).call(&finalize("{}"), at()).await.unwrap_err();
        assert!(matches!(error, Error::Api(_)), "{error:?}");
        assert_eq!(server.received().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_client_usable_and_is_not_sent_again() {
    let server = Server::start(vec![Act::Hang, Act::Answer(json("200 OK", COMPLETED))]).await;
    let client = client_of(&server);
    {
        let request = finalize("{\"call\":1}");
        let mut dropped = pin!(client.call(&request, at()));
        // Polled until the server has the request, then dropped, as a caller's timeout would.
        while server.received().is_empty() {
            let poll = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(poll, Poll::Pending));
            tokio::task::yield_now().await;
        }
    }
    client.call(&finalize("{\"call\":2}"), at()).await.unwrap();
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].body, b"{\"call\":2}");
    assert_ne!(
        received[0].connection, received[1].connection,
        "its connection is not used again"
    );
}
