//! Where time and chance come from.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

/// Time, sleep and chance, so that tests can make their own.
pub trait Runtime: Send + Sync {
    /// The time now, for signatures and for the deadline.
    fn now(&self) -> Timestamp;

    /// Ends after this long.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// A number from 0 to 1, each as likely as any other.
    fn spread(&self) -> f64;
}

/// The system's clock and randomness, and tokio's timer. Needs a tokio runtime with its timer on.
#[derive(Debug, Clone, Copy)]
pub struct TokioRuntime;

impl Runtime for TokioRuntime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that asks the system's clock, for those who want it to"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that sleeps, for those who want it to"
    )]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn spread(&self) -> f64 {
        let mut bytes = [0; 4];
        // Without randomness the longest wait is the safest.
        match aws_lc_rs::rand::fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            Err(_) => 1.0,
        }
    }
}
