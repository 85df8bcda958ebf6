//! What a scenario waits for that nobody announces, and what it looks at when all is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sandbox::SandboxClock as _;
use serde_json::{Value, json};
use testkit::real;

use super::{Daemon, Told, World, events, in_a_thread, within_patience};

/// Between two looks, on the world's clock.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Before a session is due: two seconds outside, for whoever is about to move the clock.
const SOON: Duration = Duration::from_secs(20);

impl World {
    /// Waits until something holds that no topic and no log line tells.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFnMut() -> bool) {
        self.until_or_else(what, holds, async || String::new()).await;
    }

    /// The same; if it never does, `instead` says what is so.
    pub(crate) async fn until_or_else(
        &self,
        what: &str,
        mut holds: impl AsyncFnMut() -> bool,
        instead: impl AsyncFnOnce() -> String,
    ) {
        let waited = async {
            while !holds().await {
                self.clock.sleep(LOOK_EVERY).await;
            }
        };
        if within_patience(waited).await.is_none() {
            panic!("waited in vain for {what}: {}", instead().await);
        }
    }

    /// Waits until a fault has struck so often.
    pub(crate) async fn until_struck(&self, fault: u64, times: u64) {
        let what = format!("fault {fault} to strike {times} times");
        self.until(&what, async || times <= self.struck(fault)).await;
    }

    /// Waits until the session is in this state, as the console tells it.
    pub(crate) async fn until_state(&self, daemon: &Daemon, id: &str, state: &str) {
        self.until(&format!("{id} to be {state}"), async || {
            daemon.session(id).await["state"] == state
        })
        .await;
    }

    /// Waits until Amazon has answered what cannot be recorded, and the daemon is not ready and tells it. It lives all the same.
    pub(crate) async fn until_nothing_can_be_recorded(&self, daemon: &Daemon) {
        self.until("an answer that cannot be recorded", async || {
            let books = self.sandbox.books();
            books.sessions.iter().any(|session| session.state == "Completed")
        })
        .await;
        self.until("it to be told that nothing can be recorded", async || {
            daemon.get("/readyz").await.0 == 503
        })
        .await;
        assert_eq!(daemon.get("/livez").await.0, 200, "a restart would not help");
    }

    /// Waits until every one of these sessions is on record.
    pub(crate) async fn until_heard(&self, daemon: &Daemon, ids: &[String]) {
        for id in ids {
            self.until("an event to be on record", async || {
                daemon.session(id).await["checkoutSessionId"] == **id
            })
            .await;
        }
    }

    /// A session whose buyer is still on Amazon's page, though the shop says that all is done. Confirmd knows.
    pub(crate) async fn unfinished(&self, daemon: &Daemon) -> String {
        let event = json!({"shippingAddress": events::address()});
        let id = self.completed(json!({"buyerFinished": false}), event).await;
        let waits = |shown: &Value| shown["state"] == "waiting" && shown["deadlineFrom"] == "look-up";
        self.shown(daemon, &id, "the wait for its buyer", waits).await;
        id
    }

    /// Waits until nothing of these sessions is on its way, or soon will be. Were the clock moved meanwhile, an answer would
    /// be from another time than its question, and teach confirmd a difference of clocks.
    pub(crate) async fn at_rest(&self, daemon: &Daemon, ids: &[String]) {
        for id in ids {
            let rests = |shown: &Value| {
                let due = shown["dueAt"].as_str().map(|due| due.parse().unwrap());
                due.is_none_or(|due: jiff::Timestamp| self.clock.now() + SOON < due)
            };
            self.shown(daemon, id, "rest", rests).await;
        }
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time).unwrap();
    }

    /// Makes and tells so many sessions.
    pub(crate) async fn completed_many(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            ids.push(self.completed(json!({}), json!({})).await);
        }
        ids
    }

    /// Waits for the outcome of each of these sessions.
    pub(crate) async fn outcomes(&mut self, ids: &[String]) -> Vec<Told> {
        let mut told = Vec::with_capacity(ids.len());
        for id in ids {
            told.push(self.outcome(id).await);
        }
        told
    }

    /// Each of these sessions has exactly one outcome on the topic, however often it was said, and it is this
    /// one; each that is confirmed was completed once. The books agree.
    pub(crate) async fn check_each(&self, ids: &[String], outcome: &str) {
        let mut found: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for record in self.everything_on(&self.kafka.outcomes_topic).await {
            let told = Told::of(&record);
            if let (true, Some(session)) = (told.is_outcome(), told.session.clone()) {
                found
                    .entry(session)
                    .or_default()
                    .insert((told.id, told.event_type));
            }
        }
        let books = self.sandbox.books();
        for id in ids {
            let outcomes = found.get(id).unwrap_or_else(|| panic!("{id} has no outcome"));
            assert_eq!(outcomes.len(), 1, "{id}: {outcomes:?}");
            let (_, told) = outcomes.first().unwrap();
            assert_eq!(told, outcome, "{id}");
            let completed = usize::from(outcome == "checkout.confirmed.v1");
            assert_eq!(books.session(id).unwrap().times_completed(), completed, "{id}");
        }
        self.check_books().await;
    }

    /// Every outcome that stands on the topic now.
    pub(crate) async fn outcomes_so_far(&self) -> Vec<Told> {
        let records = self.everything_on(&self.kafka.outcomes_topic).await;
        records.iter().map(Told::of).filter(Told::is_outcome).collect()
    }

    /// The URL of a new database that holds what this world's does now.
    pub(crate) async fn copy_of_the_database(&self) -> String {
        let from = self.database_url.clone();
        in_a_thread(move || {
            let to = real::postgres().expect("it was there before").database("copy");
            real::copy_database(&from, &to);
            to
        })
        .await
    }

    /// Every alert that stands on the topic now.
    pub(crate) async fn alerts_so_far(&self) -> Vec<Told> {
        let records = self.everything_on(&self.kafka.alerts_topic).await;
        records.iter().map(Told::of).collect()
    }

    /// The operations that arrived at Amazon for a session, in order.
    pub(crate) fn calls(&self, id: &str) -> Vec<&'static str> {
        super::operations(&self.book(id))
    }

    /// What the database answers: a line a row, `|` between its columns.
    pub(crate) fn sql(&self, statement: &str) -> String {
        real::psql(&self.database_url, statement)
    }

    /// Dead consumers are to be noticed within seconds: Kafka's default of 45 is for production.
    pub(crate) fn dead_members_are_noticed_soon(&mut self) {
        self.set("kafka.properties.session.timeout.ms", "1500");
        self.set("kafka.properties.heartbeat.interval.ms", "300");
    }
}

/// A time in what the program told or answered.
pub(crate) fn time_of(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

impl Daemon {
    /// What its console says of a session; an error where it is not known.
    pub(crate) async fn session(&self, id: &str) -> Value {
        let (_, body) = self.get(&format!("/api/sessions/{id}")).await;
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// One number of its metrics: the sum over the lines of this name that have `label` in them.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
        });
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }
}
