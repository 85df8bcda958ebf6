//! Sessions driven through, so many at a time: straight to the sandbox, or the whole way.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use amazon_pay::Client;
use jiff::Timestamp;
use kafka_topics::clients::{ShopProducer, TopicReader, TopicRecord};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::merchant::finalization;
use crate::stopwatch::{Stopwatch, now};

/// What one session took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// From its beginning (the call, or the event) to its end (the answer, or the outcome).
    pub(crate) took: Duration,
    /// From when the answer was recorded to when a consumer saw the outcome.
    pub(crate) told_after: Duration,
}

pub(crate) struct Run {
    pub(crate) took: Duration,
    pub(crate) samples: Vec<Sample>,
}

impl Run {
    pub(crate) fn per_second(&self) -> f64 {
        count(self.samples.len()) / self.took.as_secs_f64()
    }

    /// Milliseconds that so many of a hundred sessions did not exceed.
    pub(crate) fn percentile(&self, of_hundred: usize, what: impl Fn(&Sample) -> Duration) -> f64 {
        let mut all: Vec<Duration> = self.samples.iter().map(what).collect();
        all.sort();
        let place = (all.len() * of_hundred / 100).min(all.len().saturating_sub(1));
        all.get(place).map_or(0.0, |span| span.as_secs_f64() * 1e3)
    }
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
pub(crate) fn count(number: usize) -> f64 {
    number as f64
}

/// So many at a time; the next begins when one has ended.
async fn closed_loop<Each>(in_flight: usize, sessions: Vec<Value>, each: impl Fn(Value) -> Each) -> Run
where
    Each: Future<Output = Sample> + Send + 'static,
{
    let begun = Stopwatch::start();
    let mut waiting = sessions.into_iter();
    let mut running = tokio::task::JoinSet::new();
    let mut samples = Vec::new();
    for session in waiting.by_ref().take(in_flight) {
        running.spawn(each(session));
    }
    while let Some(sample) = running.join_next().await {
        samples.push(sample.expect("no panic"));
        if let Some(session) = waiting.next() {
            running.spawn(each(session));
        }
    }
    Run {
        took: begun.elapsed(),
        samples,
    }
}

/// The floor: the client that confirmd has, and nothing else.
pub(crate) async fn floor(client: &Arc<Client>, in_flight: usize, sessions: Vec<Value>) -> Run {
    closed_loop(in_flight, sessions, |session| {
        let client = client.clone();
        async move {
            let request = finalization(&session);
            let begun = Stopwatch::start();
            let signed = client.sign(&request, now()).expect("it signs");
            client.send(signed).await.expect("it is confirmed");
            Sample {
                took: begun.elapsed(),
                told_after: Duration::ZERO,
            }
        }
    })
    .await
}

/// A shop that says what was completed, and a consumer that sees what became of it.
pub(crate) struct Shop {
    producer: Arc<ShopProducer>,
    waiting: Waiting,
    /// When the newest of all outcomes was recorded.
    newest: watch::Receiver<Timestamp>,
    consumer: JoinHandle<()>,
}

type Waiting = Arc<Mutex<HashMap<Vec<u8>, oneshot::Sender<Timestamp>>>>;

impl Shop {
    pub(crate) fn new(producer: ShopProducer, mut outcomes: TopicReader) -> Self {
        let waiting = Waiting::default();
        let told = waiting.clone();
        let (newer, newest) = watch::channel(Timestamp::MIN);
        let consumer = tokio::spawn(async move {
            loop {
                let record = outcomes.next().await;
                let recorded_at = recorded_at(&record);
                newer.send_if_modified(|newest| {
                    let is_newer = *newest < recorded_at;
                    *newest = recorded_at.max(*newest);
                    is_newer
                });
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                let waits = record.key.as_ref().and_then(|key| told.remove(key));
                if let Some(waits) = waits {
                    // Nobody waits any more for what a run that was broken off had begun.
                    let _ = waits.send(recorded_at);
                }
            }
        });
        Self {
            producer: Arc::new(producer),
            waiting,
            newest,
            consumer,
        }
    }

    /// Waits for an outcome that was recorded after this.
    pub(crate) async fn recorded_since(&self, then: Timestamp) {
        let mut newest = self.newest.clone();
        let seen = newest.wait_for(|newest| then < *newest).await;
        seen.expect("the consumer outlives the run");
    }

    /// The whole way.
    pub(crate) async fn pipeline(&self, in_flight: usize, sessions: Vec<Value>) -> Run {
        closed_loop(in_flight, sessions, |session| self.confirmed(&session)).await
    }

    /// Says that a session was completed; its sample is there when the outcome is.
    pub(crate) fn confirmed(&self, session: &Value) -> impl Future<Output = Sample> + Send + use<> {
        let key = session["checkoutSessionId"]
            .as_str()
            .expect("text")
            .as_bytes()
            .to_vec();
        let event = event_of(session).to_string();
        let (producer, waiting) = (self.producer.clone(), self.waiting.clone());
        async move {
            let (told, seen) = oneshot::channel();
            waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key.clone(), told);
            let begun = Stopwatch::start();
            let time = now().to_string();
            let headers: [(&str, &[u8]); 6] = [
                ("ce_specversion", b"1.0"),
                ("ce_type", b"checkout.completed.v1"),
                ("ce_source", b"/shop"),
                ("ce_id", &key),
                ("ce_time", time.as_bytes()),
                ("content-type", b"application/json"),
            ];
            let sent = producer.send(Some(&key), &headers, Some(event.as_bytes()));
            let (sent, recorded) = tokio::join!(sent, seen);
            sent.expect("the broker takes it");
            let recorded = recorded.expect("the consumer outlives the run");
            let told_after = now().duration_since(recorded);
            Sample {
                took: begun.elapsed(),
                told_after: told_after.try_into().unwrap_or_default(),
            }
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.consumer.abort();
    }
}

fn recorded_at(record: &TopicRecord) -> Timestamp {
    let kind = record.header("ce_type");
    assert_eq!(kind, Some("checkout.confirmed.v1"), "nothing goes wrong here");
    let time = record.header("ce_time").expect("when it was recorded");
    time.parse().expect("a time")
}

/// What the shop says of a session that the sandbox has made.
pub(crate) fn event_of(session: &Value) -> Value {
    let details = &session["paymentDetails"];
    json!({
        "checkoutSessionId": session["checkoutSessionId"],
        "account": "eu_shop",
        "merchantReferenceId": "ORDER-1001",
        "operation": "Finalize",
        "productType": session["productType"],
        "paymentIntent": details["paymentIntent"],
        "chargePermissionType": session["chargePermissionType"],
        "chargeAmount": details["chargeAmount"],
        "shippingAddress": session["shippingAddress"],
        "sessionCreatedAt": session["creationTimestamp"],
    })
}
