//! Instant Payment Notifications, signed by an SNS of our own, and two that AWS's own SNS once signed.

pub(crate) mod authority;
mod certificates;
mod envelopes;
mod example;
mod fetching;
mod genuine;
mod tampering;
mod urls;
mod verifying;

use std::task::{Context, Poll, Waker};

use amazon_pay::ipn::{Envelope, Notification, Verified, VerifyError};

use self::authority::{Letter, SNS, now, verifier};

/// Verified by the verifier that believes our root, at the usual time.
fn verified(letter: &Letter) -> Result<Verified, VerifyError> {
    let envelope = Envelope::parse(&letter.bytes()).unwrap();
    verifier().verify_with(envelope, &SNS.pem(), now())
}

fn notification(letter: &Letter) -> Result<Notification, VerifyError> {
    match verified(letter)? {
        Verified::Notification(notification) => Ok(notification),
        other => panic!("not a notification: {other:?}"),
    }
}

/// Runs what never has to wait, without any runtime.
fn at_once<F: Future + Send>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}
