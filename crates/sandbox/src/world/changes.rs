//! What changed, in the order of its happening: what a notification is sent for.

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

/// Something about a charge permission, a charge or a refund became different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// When it happened by the sandbox's clock: of a timer, the moment at which it was due.
    pub at: Timestamp,
    pub object_type: ObjectType,
    pub object_id: String,
    pub charge_permission_id: String,
    /// Index of its account in [`Info::merchants`](crate::Info::merchants).
    pub merchant: usize,
    pub kind: ChangeKind,
}

/// Amazon's words for the objects that it notifies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ObjectType {
    ChargePermission,
    Charge,
    Refund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeKind {
    /// The object was made, or its state or its reason is another.
    StateChange,
    /// Something else about it is.
    AttributeChange,
}

/// All changes, never one less.
pub(crate) struct Changes {
    list: Vec<Change>,
    told: watch::Sender<usize>,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self {
            list: Vec::new(),
            told: watch::Sender::new(0),
        }
    }

    pub(crate) fn push(&mut self, change: Change) {
        self.list.push(change);
        self.told.send_replace(self.list.len());
    }

    pub(crate) fn since(&self, first: usize) -> &[Change] {
        self.list.get(first..).unwrap_or_default()
    }

    /// How many there are, for whoever waits for the next.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.told.subscribe()
    }
}
