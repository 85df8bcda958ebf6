//! What the way in brings: an event that could be read at least as far as its session's id, and one that
//! could not.

use std::future::Future;

use checkout::{SessionId, Statement, Timestamp};

use crate::personal::Personal;
use crate::ports::LogError;

/// An event with a readable session id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Which session.
    pub id: SessionId,
    /// What it says. Its reference to personal data is given by the reconciler, which knows
    /// what the session already has.
    pub statement: Statement,
    /// The personal data that came along.
    pub personal: Personal,
    /// The event's own time.
    pub said_at: Timestamp,
    /// The session's creation, where the shop knows it.
    pub session_created_at: Option<Timestamp>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// The topic partition it came from, or would have come from.
    pub partition: u32,
}

/// Takes events in.
pub trait TakeIn: Send + Sync {
    /// When this returns `Ok`, every arrival is on record, or was before. On an error some may be, and all
    /// may be brought again.
    fn take_in(&self, arrivals: Vec<Arrival>) -> impl Future<Output = Result<(), LogError>> + Send;
}

/// An event without a readable session id, with bytes and headers as they came.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// `topic/partition/offset`.
    pub source: String,
    /// The message's key.
    pub key: Option<Vec<u8>>,
    /// The message's bytes.
    pub payload: Option<Vec<u8>>,
    /// The message's headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// What is wrong with it, without quoting it.
    pub reason: String,
    /// The field that cannot be read.
    pub field: String,
    /// When it was met.
    pub at: Timestamp,
}

/// Keeps dead letters that the topic refuses, until it takes them.
pub trait KeepDeadLetters: Send + Sync {
    /// Keeps one; keeping the same source again changes nothing.
    fn keep(&self, letter: &DeadLetter) -> impl Future<Output = Result<(), LogError>> + Send;
    /// Those that the topic has not taken yet, oldest first.
    fn kept(&self, limit: u32) -> impl Future<Output = Result<Vec<DeadLetter>, LogError>> + Send;
    /// The topic has taken it: nothing needs to be kept any more.
    fn taken(&self, source: &str) -> impl Future<Output = Result<(), LogError>> + Send;
}
