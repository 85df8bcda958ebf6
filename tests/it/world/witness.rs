//! What a scenario waits for and looks at: the console, the sandbox's books, and the time at which something
//! is due.

use std::time::Duration;

use jiff::Timestamp;
use sandbox::{Call, Fault, SandboxClock, SessionBook};
use serde_json::Value;

use super::{Daemon, Told, World, in_time};

/// Between two looks, by the scenario's clock: a twentieth of a second outside.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl World {
    /// A daemon that hears events from now on: one that is still joining would let them grow old.
    pub(crate) async fn daemon_at_work(&self) -> Daemon {
        let daemon = self.daemon().await;
        daemon.line("working partitions {0, 1, 2}").await;
        daemon
    }

    /// Posts a fault, as the control API takes it.
    pub(crate) fn fault(&self, fault: Value) -> u64 {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        self.sandbox.fault(fault).unwrap()
    }

    /// A session as the sandbox's books have it.
    pub(crate) fn book(&self, id: &str) -> SessionBook {
        let books = self.sandbox.books();
        books.session(id).unwrap().clone()
    }

    /// A session as the console shows it, once `wanted` likes that.
    pub(crate) async fn shown(
        &self,
        daemon: &Daemon,
        id: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let path = format!("/api/sessions/{id}");
        let shown = async {
            loop {
                let (status, body) = daemon.get(&path).await;
                if status == 200 {
                    let shown: Value = serde_json::from_str(&body).unwrap();
                    if wanted(&shown) {
                        return shown;
                    }
                }
                self.clock.sleep(LOOK_EVERY).await;
            }
        };
        in_time(&format!("{what} of {id} on the console"), shown).await
    }

    /// Moves the clock to when this session is due next, as soon as nothing of it is on its way. False where it
    /// has its outcome.
    pub(crate) async fn when_due(&self, daemon: &Daemon, id: &str) -> bool {
        let known = |shown: &Value| self.rests_until(shown).is_some() || !shown["outcome"].is_null();
        let shown = self.shown(daemon, id, "an outcome or a due time", known).await;
        let due = self.rests_until(&shown);
        if let Some(due) = due {
            self.clock.set(due);
        }
        due.is_some()
    }

    /// Moves the clock from due time to due time until this session has its outcome.
    pub(crate) async fn outcome_when_due(&mut self, daemon: &Daemon, id: &str) -> Told {
        while self.when_due(daemon, id).await {}
        self.outcome(id).await
    }

    /// None while something is on its way that would not outlive a move of the clock.
    fn rests_until(&self, shown: &Value) -> Option<Timestamp> {
        let last = shown["history"].as_array()?.last()?;
        let due: Timestamp = shown["dueAt"].as_str()?.parse().ok()?;
        (last["type"] != "confirmation-started" && self.clock.now() < due).then_some(due)
    }
}

/// The calls that were to confirm a session, in the order of their arrival.
pub(crate) fn confirmations(session: &SessionBook) -> Vec<&Call> {
    session
        .calls
        .iter()
        .filter(|call| matches!(call.operation, "finalize" | "complete"))
        .collect()
}

/// What was asked, in the order of its arrival.
pub(crate) fn operations(session: &SessionBook) -> Vec<&'static str> {
    session.calls.iter().map(|call| call.operation).collect()
}

/// The same request again: same idempotency key, same bytes.
pub(crate) fn repeats(one: &Call, other: &Call) -> bool {
    one.idempotency_key.is_some()
        && one.idempotency_key == other.idempotency_key
        && one.body_sha256 == other.body_sha256
}
