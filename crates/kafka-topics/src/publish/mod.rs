//! Tells outcomes and alerts.
//!
//! ```text
//!   announcement, notice ─► event (CloudEvents, binary) ─► idempotent producer ─► acknowledged, or an error
//! ```
//!
//! An error means that the broker did not say that it has it: whoever asked keeps it and asks again, under the same id.

mod body;
mod event;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use checkout::SessionId;
use futures::future::join_all;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use reconciler::ports::{Publish, PublishError};
use reconciler::{Announcement, DeadLetter, Notice, PublishNotice};
use tokio::sync::watch;

use crate::context::{Broker, Quiet};
use crate::settings::{NotUsable, Settings};
pub use event::event_type;
use event::{Event, Topic};

type Client = FutureProducer<Quiet>;

/// What consumers read of an announcement: the event's type and its body. For whoever shows the same elsewhere.
pub fn told(announcement: &Announcement) -> (&'static str, serde_json::Value) {
    let event = Event::of_announcement(announcement);
    let body = serde_json::from_slice(&event.body).unwrap_or(serde_json::Value::Null);
    (event.event_type, body)
}

/// Writes to the topics out and to the dead-letter topic. Needs a tokio runtime.
pub struct Publisher {
    settings: Settings,
    broker: Broker,
    /// Replaced when librdkafka says that it will never send again.
    client: Mutex<Client>,
}

impl Publisher {
    /// Connects in the background; a broker that is away is no error.
    pub fn new(settings: &Settings) -> Result<Self, NotUsable> {
        let broker = Broker::new();
        Ok(Self {
            client: Mutex::new(connect(settings, &broker)?),
            settings: settings.clone(),
            broker,
        })
    }

    /// Whether the broker answers, as far as the last attempt to reach it tells.
    pub fn broker(&self) -> watch::Receiver<bool> {
        self.broker.watch()
    }

    /// Puts an unreadable message, bytes, key and headers unchanged, into the dead-letter topic, with three headers more.
    pub(crate) async fn set_aside(&self, letter: &DeadLetter) -> Result<(), PublishError> {
        let mut headers: Vec<(&str, Option<&[u8]>)> = letter
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        headers.extend([
            ("confirmd_reason", Some(letter.reason.as_bytes())),
            ("confirmd_field", Some(letter.field.as_bytes())),
            ("confirmd_source", Some(letter.source.as_bytes())),
        ]);
        self.send(
            &self.settings.dead_letter_topic,
            letter.key.as_deref(),
            &headers,
            letter.payload.as_deref(),
        )
        .await
    }

    fn topic(&self, topic: Topic) -> &str {
        match topic {
            Topic::Outcomes => &self.settings.outcomes_topic,
            Topic::Alerts => &self.settings.alerts_topic,
        }
    }

    async fn tell(&self, event: &Event) -> Result<(), PublishError> {
        let headers: Vec<(&str, Option<&[u8]>)> = event
            .headers
            .iter()
            .map(|(name, value)| (*name, Some(value.as_bytes())))
            .collect();
        self.send(
            self.topic(event.topic),
            Some(event.key.as_bytes()),
            &headers,
            Some(&event.body),
        )
        .await
    }

    async fn send(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
        payload: Option<&[u8]>,
    ) -> Result<(), PublishError> {
        let all = headers.iter().fold(
            OwnedHeaders::new_with_capacity(headers.len()),
            |all, (key, value)| all.insert(Header { key, value: *value }),
        );
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).headers(all);
        record.key = key;
        record.payload = payload;
        // A full queue is this message's error: nobody waits for room.
        let sent = match self.client().send_result(record) {
            Ok(delivery) => match delivery.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, _))) => Err(error),
                // The client that had it is gone.
                Err(_) => Err(KafkaError::MessageProduction(RDKafkaErrorCode::PurgeQueue)),
            },
            Err((error, _)) => Err(error),
        };
        match sent {
            Ok(()) => {
                self.broker.answers();
                Ok(())
            }
            Err(error) => {
                self.replace_if_broken();
                Err(PublishError(Box::new(error)))
            }
        }
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An idempotent producer that has lost its place (the broker forgot it, say) refuses everything from then on.
    fn replace_if_broken(&self) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((code, why)) = client.client().fatal_error() else {
            return;
        };
        match connect(&self.settings, &self.broker) {
            Ok(new) => {
                tracing::warn!("the producer could not go on ({code}: {why}); it was made anew");
                *client = new;
            }
            Err(error) => tracing::error!("the producer cannot go on ({code}: {why}): {error}"),
        }
    }
}

fn connect(settings: &Settings, broker: &Broker) -> Result<Client, NotUsable> {
    settings
        .producer()?
        .create_with_context(Quiet(broker.clone()))
        .map_err(|error| NotUsable::client(&error))
}

/// An earlier fact of the same session was not taken: this one must not overtake it.
#[derive(Debug, thiserror::Error)]
#[error("an earlier fact of its session was not taken")]
struct Behind;

impl Publish for Publisher {
    /// Different sessions go out together; the facts of one session one after the other, and none after one that was not taken.
    async fn publish(&self, announcements: &[Announcement]) -> Vec<Result<(), PublishError>> {
        let mut queues: BTreeMap<(&SessionId, Topic), Vec<(usize, Event)>> = BTreeMap::new();
        for (place, announcement) in announcements.iter().enumerate() {
            let event = Event::of_announcement(announcement);
            queues
                .entry((&announcement.id, event.topic))
                .or_default()
                .push((place, event));
        }
        let told = join_all(queues.into_values().map(|queue| self.tell_in_order(queue))).await;
        let mut results: Vec<(usize, Result<(), PublishError>)> = told.into_iter().flatten().collect();
        results.sort_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl Publisher {
    async fn tell_in_order(&self, queue: Vec<(usize, Event)>) -> Vec<(usize, Result<(), PublishError>)> {
        let mut results = Vec::with_capacity(queue.len());
        let mut stopped = false;
        for (place, event) in queue {
            let result = if stopped {
                Err(PublishError(Box::new(Behind)))
            } else {
                self.tell(&event).await
            };
            stopped |= result.is_err();
            results.push((place, result));
        }
        results
    }
}

impl PublishNotice for Publisher {
    async fn publish_notice(&self, notice: &Notice) -> Result<(), PublishError> {
        self.tell(&Event::of_notice(notice)).await
    }
}
