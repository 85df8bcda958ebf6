//! Calls that are repeated, over a server that misbehaves and a clock that moves by itself.

use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use amazon_pay::retry::{Retry, RetryPolicy, Runtime};
use amazon_pay::{Error, ReasonCode, Request, Timestamp};

use jiff::SignedDuration;

use crate::fixtures::{COMPLETED, at, client_of, finalize, json, session};
use crate::server::{Act, Server};

/// Sleeps take no time and move the clock, but for those as long as an attempt may take: nothing ends those.
struct TestTime {
    now: Mutex<Timestamp>,
    slept: Mutex<Vec<Duration>>,
    attempts_hang: bool,
    /// By how many seconds the clock is off after a wait.
    drift: i64,
}

impl TestTime {
    fn new(attempts_hang: bool) -> Self {
        Self {
            now: Mutex::new(at()),
            slept: Mutex::default(),
            attempts_hang,
            drift: 0,
        }
    }

    fn drifting(seconds: i64) -> Self {
        Self {
            drift: seconds,
            ..Self::new(false)
        }
    }
}

impl Runtime for &TestTime {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        if duration == RetryPolicy::default().attempt_timeout && !self.attempts_hang {
            pending::<()>().await;
        }
        *self.now.lock().unwrap() +=
            SignedDuration::try_from(duration).unwrap() + SignedDuration::from_secs(self.drift);
        self.slept.lock().unwrap().push(duration);
    }

    fn spread(&self) -> f64 {
        1.0
    }
}

fn retry(time: &TestTime) -> Retry<&TestTime> {
    Retry::new(RetryPolicy::default(), time)
}

#[tokio::test]
async fn a_repeat_has_the_same_key_and_bytes_and_a_signature_of_its_own_time() {
    let server = Server::start(vec![
        Act::Answer(json("503 Busy", "{}")),
        Act::Close,
        Act::Answer(json("200 OK", COMPLETED)),
    ])
    .await;
    let time = TestTime::new(false);
    let answer = retry(&time)
        .call(&client_of(&server), &finalize("{\"call\":1}"))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);

    let received = server.received();
    assert_eq!(received.len(), 3);
    for request in &received {
        assert!(request.verifies(32));
        assert_eq!(request.body, received[0].body);
        assert_eq!(
            request.header("x-amz-pay-idempotency-key"),
            received[0].header("x-amz-pay-idempotency-key")
        );
    }
    let dates: Vec<_> = received
        .iter()
        .map(|request| request.header("x-amz-pay-date").unwrap())
        .collect();
    assert_eq!(
        dates,
        ["20260105T101530Z", "20260105T101531Z", "20260105T101533Z"]
    );
    assert_eq!(*time.slept.lock().unwrap(), [1, 2].map(Duration::from_secs));
}

#[tokio::test]
async fn a_post_without_a_key_is_not_repeated_once_it_may_have_landed() {
    let keyless = Request::complete_checkout_session(&session(), "{}", None);
    for act in [Act::Close, Act::Answer(json("500 Oh", "{}"))] {
        let server = Server::start(vec![act]).await;
        let failed = retry(&TestTime::new(false))
            .call(&client_of(&server), &keyless)
            .await
            .unwrap_err();
        assert_eq!((failed.attempts, failed.may_have_landed), (1, true));
        assert_eq!(server.received().len(), 1);
    }
    let server = Server::start(vec![
        Act::Answer(json("429 Slow", "{}")),
        Act::Answer(json("200 OK", COMPLETED)),
    ])
    .await;
    retry(&TestTime::new(false))
        .call(&client_of(&server), &keyless)
        .await
        .unwrap();
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn what_may_have_landed_once_is_remembered_whatever_comes_last() {
    let refusal = r#"{"reasonCode":"InvalidParameterValue","message":"m"}"#;
    let server = Server::start(vec![Act::Close, Act::Answer(json("400 Bad", refusal))]).await;
    let failed = retry(&TestTime::new(false))
        .call(&client_of(&server), &finalize("{}"))
        .await
        .unwrap_err();
    assert_eq!(
        failed.last.reason_code(),
        Some(&ReasonCode::InvalidParameterValue)
    );
    assert!(!failed.last.may_have_landed());
    assert_eq!((failed.attempts, failed.may_have_landed), (2, true));
}

#[tokio::test]
async fn an_attempt_that_hangs_is_given_up_and_the_deadline_ends_all() {
    let server = Server::start(vec![Act::Hang]).await;
    let time = TestTime::new(true);
    let failed = retry(&time)
        .call(&client_of(&server), &Request::get_checkout_session(&session()))
        .await
        .unwrap_err();
    assert!(matches!(failed.last, Error::Transport(_)), "{failed:?}");
    // 30 s, 1 s, 30 s, 2 s, 30 s, 4 s, and what is left of two minutes.
    let seconds: Vec<u64> = time.slept.lock().unwrap().iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [30, 1, 30, 2, 30, 4, 23]);
    assert_eq!(failed.attempts, 4);
}

#[tokio::test]
async fn a_wait_that_ends_after_the_deadline_is_followed_by_no_attempt() {
    let server = Server::start(vec![Act::Answer(json("429 Slow", "{}")), Act::Close]).await;
    let failed = retry(&TestTime::drifting(600))
        .call(&client_of(&server), &finalize("{}"))
        .await
        .unwrap_err();
    assert_eq!(failed.last.status(), Some(429));
    assert_eq!((failed.attempts, failed.may_have_landed), (1, false));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_ends_nothing() {
    let server = Server::start(vec![
        Act::Answer(json("503 Busy", "{}")),
        Act::Answer(json("200 OK", COMPLETED)),
    ])
    .await;
    retry(&TestTime::drifting(-3600))
        .call(&client_of(&server), &finalize("{}"))
        .await
        .unwrap();
    assert_eq!(server.received().len(), 2);
}
