//! What was told: an outlet and a broker that remember.

use std::future::Future;
use std::sync::{Arc, Mutex};

use reconciler::ports::{Outlet, Publish, PublishError};
use reconciler::{Announcement, Content};

/// Takes everything that is offered from memory.
#[derive(Debug, Clone, Default)]
pub struct RecordingOutlet(Arc<Mutex<Vec<Announcement>>>);

impl RecordingOutlet {
    /// What was offered since the last time, oldest first.
    pub fn take(&self) -> Vec<Announcement> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while offering"))
    }
}

impl Outlet for RecordingOutlet {
    fn offer(&self, announcements: Vec<Announcement>) {
        self.0
            .lock()
            .expect("nobody panics while offering")
            .extend(announcements);
    }
}

/// What happens to one announcement at the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It arrives and is acknowledged.
    Acknowledged,
    /// It arrives, and the acknowledgement is lost.
    AckLost,
    /// It does not arrive.
    Refused,
}

/// Whether an announcement goes to the alerts topic rather than to the outcomes.
pub fn is_alert(announcement: &Announcement) -> bool {
    matches!(announcement.content, Content::Alert { .. })
}

/// Whether it tells the session's one outcome.
pub fn is_outcome(announcement: &Announcement) -> bool {
    match announcement.content {
        Content::Confirmed { .. }
        | Content::Declined { .. }
        | Content::Cancelled { .. }
        | Content::Expired { .. }
        | Content::Unresolved { .. } => true,
        Content::PaymentPending { .. } | Content::AttemptDeclined { .. } | Content::Alert { .. } => false,
    }
}

#[derive(Default)]
struct Topics {
    delivered: Vec<Announcement>,
    script: Vec<Delivery>,
}

/// Keeps what arrives, in the order of arrival. A topic takes nothing of a session behind what it has
/// just refused of it, as an idempotent producer sees to.
#[derive(Clone, Default)]
pub struct RecordingBroker(Arc<Mutex<Topics>>);

impl RecordingBroker {
    fn topics(&self) -> std::sync::MutexGuard<'_, Topics> {
        self.0.lock().expect("nobody panics while holding the topics")
    }

    /// Everything that has arrived, repeats included.
    pub fn delivered(&self) -> Vec<Announcement> {
        self.topics().delivered.clone()
    }

    /// What happens to the next announcements; everything after these is acknowledged.
    pub fn next(&self, deliveries: &[Delivery]) {
        self.topics().script = deliveries.iter().rev().copied().collect();
    }

    /// One batch, with a delivery chosen for each.
    pub fn take(
        &self,
        announcements: &[Announcement],
        mut choose: impl FnMut(&Announcement) -> Delivery,
    ) -> Vec<Result<(), PublishError>> {
        let mut topics = self.topics();
        let mut blocked = Vec::new();
        announcements
            .iter()
            .map(|announcement| {
                let chain = (announcement.id.clone(), is_alert(announcement));
                let delivery = if blocked.contains(&chain) {
                    Delivery::Refused
                } else {
                    choose(announcement)
                };
                if delivery != Delivery::Refused {
                    topics.delivered.push(announcement.clone());
                }
                if delivery == Delivery::Acknowledged {
                    return Ok(());
                }
                blocked.push(chain);
                Err(PublishError("no acknowledgement".into()))
            })
            .collect()
    }
}

impl Publish for RecordingBroker {
    fn publish(
        &self,
        announcements: &[Announcement],
    ) -> impl Future<Output = Vec<Result<(), PublishError>>> + Send {
        let mut script = std::mem::take(&mut self.topics().script);
        let results = self.take(announcements, |_| script.pop().unwrap_or(Delivery::Acknowledged));
        std::future::ready(results)
    }
}
