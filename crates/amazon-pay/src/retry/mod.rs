//! Calls that are repeated when that is right. Off unless you ask for it: [`Client`] itself sends everything once.
//!
//! ```text
//!   Request ─► sign ─► send ─► answer ─────────────────────────────► Response
//!               ▲        └──► Error ─► RetryPolicy::next ─┬─ Stop ──► Failed
//!               └──── sleep (full jitter, Retry-After) ◄──┘
//! ```
//!
//! What makes it right:
//!
//! - Only what may be repeated is: look-ups, and POSTs under an idempotency key. Anything else only while it is
//!   certain that it had no effect. See [`Request::is_repeatable`](crate::Request::is_repeatable).
//! - A repeat has the same key and the same bytes, and a signature of its own time.
//! - Waits are drawn evenly between zero and a bound that doubles ("full jitter"), so that many clients do not come
//!   back together; a `Retry-After` is waited for on top.
//! - There is a deadline, after which no attempt begins, and an attempt that hangs is given up.
//! - [`Failed`] remembers whether **any** attempt may have landed, not only the last.
//!
//! Repeating is not enough where Amazon's answer itself is ambiguous: look the object up then.
//!
//! ```no_run
//! use amazon_pay::retry::{Retry, RetryPolicy, TokioRuntime};
//! use amazon_pay::{CheckoutSessionId, Client, Request};
//!
//! # async fn example(client: Client, id: CheckoutSessionId) -> Result<(), Box<dyn std::error::Error>> {
//! let retry = Retry::new(RetryPolicy::default(), TokioRuntime);
//! let session = retry.call(&client, &Request::get_checkout_session(&id)).await?.value;
//! println!("{}", session.status_details.state);
//! # Ok(())
//! # }
//! ```

mod policy;
mod runtime;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use jiff::Timestamp;

use crate::client::Client;
use crate::error::Error;
use crate::model::Answer;
use crate::request::Request;
use crate::response::Response;

pub use policy::{Attempt, Next, RetryPolicy};
pub use runtime::{Runtime, TokioRuntime};

/// A policy, with the time and the chance that it needs.
#[derive(Debug, Clone)]
pub struct Retry<R> {
    policy: RetryPolicy,
    runtime: R,
}

/// No attempt brought the object.
#[derive(Debug, thiserror::Error)]
#[error("given up after {attempts} attempt(s)")]
pub struct Failed {
    /// Why the last attempt failed.
    #[source]
    pub last: Error,
    /// How many there were, at least 1.
    pub attempts: u32,
    /// Whether any of them may have landed: then ask for the object before doing anything else, whatever the
    /// last error says of itself.
    pub may_have_landed: bool,
}

impl<R: Runtime> Retry<R> {
    /// For any number of calls.
    #[must_use]
    pub fn new(policy: RetryPolicy, runtime: R) -> Self {
        Self { policy, runtime }
    }

    /// Makes the call, as often as the policy allows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn call<T: Answer>(
        &self,
        client: &Client,
        request: &Request<T>,
    ) -> Result<Response<T>, Failed> {
        let begun_at = self.runtime.now();
        let mut may_have_landed = false;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let last = match self.attempt(client, request, begun_at).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            may_have_landed |= last.may_have_landed();
            let next = self.policy.next(&Attempt {
                error: &last,
                is_repeatable: request.is_repeatable(),
                attempts,
                elapsed: since(begun_at, self.runtime.now()),
                spread: self.runtime.spread(),
            });
            if let Next::After(wait) = next {
                self.runtime.sleep(wait).await;
                // A sleep can end late. An attempt that has no time would make a doubt of what is certain.
                if since(begun_at, self.runtime.now()) < self.policy.deadline {
                    continue;
                }
            }
            return Err(Failed {
                last,
                attempts,
                may_have_landed,
            });
        }
    }

    async fn attempt<T: Answer>(
        &self,
        client: &Client,
        request: &Request<T>,
        begun_at: Timestamp,
    ) -> Result<Response<T>, Error> {
        let now = self.runtime.now();
        let left = self.policy.deadline.saturating_sub(since(begun_at, now));
        let limit = self.runtime.sleep(left.min(self.policy.attempt_timeout));
        let signed = client.sign(request, now)?;
        unless(limit, client.send(signed))
            .await
            .unwrap_or_else(|| Err(Error::Transport("no answer in time".into())))
    }
}

/// A clock that was set back in between has not moved.
fn since(begun_at: Timestamp, now: Timestamp) -> std::time::Duration {
    now.duration_since(begun_at).try_into().unwrap_or_default()
}

/// What `work` brings, unless `limit` is over first.
async fn unless<T>(limit: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut limit, mut work) = (pin!(limit), pin!(work));
    poll_fn(|context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        limit.as_mut().poll(context).map(|()| None)
    })
    .await
}
