//! How long a database is waited for: the one thing here that is measured by the computer's own clock, because a
//! connection that hangs does not care about anybody else's.

use std::future::Future;
use std::time::Duration;

/// The time is up.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
pub(crate) struct TimeIsUp(pub(crate) Duration);

/// Only around what may be dropped half-way: nothing that begins a transaction.
#[expect(
    clippy::disallowed_methods,
    reason = "a database that hangs is given up in real time, whatever clock sessions are judged by"
)]
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Result<T, TimeIsUp> {
    tokio::time::timeout(limit, future)
        .await
        .map_err(|_| TimeIsUp(limit))
}

/// Between two tries to reach the database.
#[expect(
    clippy::disallowed_methods,
    reason = "a database that is away comes back in real time, whatever clock sessions are judged by"
)]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
