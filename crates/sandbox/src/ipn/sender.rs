//! The tasks that post: one for each merchant, so that a shop that hangs keeps nobody else waiting.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, pending, ready};
use jiff::Timestamp;

use crate::ipn::mail::Mail;
use crate::ipn::outbox::{Next, Subscription};
use crate::shared::Shared;
use crate::wire::server::in_real_time;

/// SNS waits this long for an answer.
const MOST_PATIENCE: Duration = Duration::from_secs(15);

/// Posts one merchant's notifications until it is stopped by being dropped.
pub(crate) async fn post_notifications(shared: Arc<Shared>, merchant: usize, patience: Duration) {
    let (mut changed, mut configured) = shared.mail_signals();
    loop {
        // Marked as seen before the outbox is read, so that what comes in between is not lost.
        changed.borrow_and_update();
        configured.borrow_and_update();
        let until = match shared.next_mail(merchant) {
            Next::Post { notice, to, mail } => {
                let status = post(&to, &mail, patience.min(MOST_PATIENCE)).await;
                shared.mail_posted(notice, status);
                continue;
            }
            Next::Wait(until) => until,
            Next::Rest => {
                if configured.changed().await.is_err() {
                    return;
                }
                continue;
            }
        };
        tokio::select! {
            _ = changed.changed() => {}
            _ = configured.changed() => {}
            () = reached(&shared, until) => {}
        }
    }
}

/// Never, without a moment.
fn reached(shared: &Shared, until: Option<Timestamp>) -> impl Future<Output = ()> + use<> {
    let Some(until) = until else {
        return Either::Left(Either::Left(pending()));
    };
    match Duration::try_from(until.duration_since(shared.now())) {
        Ok(wait) => Either::Right(shared.clock.sleep(wait)),
        // It has passed.
        Err(_) => Either::Left(Either::Right(ready(()))),
    }
}

async fn post(to: &Subscription, mail: &Mail, patience: Duration) -> Option<u16> {
    let envelope = match mail.envelope(&to.signing) {
        Ok(envelope) => envelope,
        Err(error) => {
            tracing::error!(%error, "a notification could not be signed");
            return None;
        }
    };
    match in_real_time(patience, to.address.post(mail, envelope)).await {
        Some(Ok(status)) => Some(status),
        Some(Err(error)) => {
            tracing::debug!(%error, "a notification was not delivered");
            None
        }
        None => {
            tracing::debug!("a notification was not answered in time");
            None
        }
    }
}
