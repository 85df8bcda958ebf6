//! A publisher whose messages carry the span in which they were sent.

use std::sync::Arc;

use reconciler::ports::{Clock, Publish, PublishError};
use reconciler::{Announcement, Notice, PublishNotice};

use super::{Span, Traces};

/// Sends as `publisher` does; each message is handed on within its session's trace.
pub(crate) struct Traced<P, C> {
    pub(crate) publisher: Arc<P>,
    pub(crate) clock: C,
    pub(crate) traces: Traces,
}

impl<P: Publish, C: Clock> Publish for Traced<P, C> {
    async fn publish(&self, announcements: &[Announcement]) -> Vec<Result<(), PublishError>> {
        if !self.traces.are_told() {
            return self.publisher.publish(announcements).await;
        }
        let from = self.clock.now();
        let mut sent = announcements.to_vec();
        let mut spans = Vec::with_capacity(sent.len());
        for announcement in &mut sent {
            let place = self.traces.place_in(announcement.traceparent.as_deref());
            spans.push(place.map(|place| {
                announcement.traceparent = Some(place.traceparent());
                (place, Span::of_sending(announcement, from))
            }));
        }
        let results = self.publisher.publish(&sent).await;
        let to = self.clock.now();
        for (span, result) in spans.into_iter().zip(&results) {
            if let Some((place, span)) = span {
                let error = result.is_err().then_some("not taken: the outbox keeps it");
                self.traces.tell(place, span.ended(to, error));
            }
        }
        results
    }
}

impl<P: PublishNotice, C: Clock> PublishNotice for Traced<P, C> {
    async fn publish_notice(&self, notice: &Notice) -> Result<(), PublishError> {
        self.publisher.publish_notice(notice).await
    }
}
