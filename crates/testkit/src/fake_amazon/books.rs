//! What the fake remembers of every request.

use checkout::{AccountName, IdempotencyKey, SessionId, Timestamp};

/// What the caller was told of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Nothing yet, or nothing for ever: whoever asked is gone.
    Nothing,
    /// That it is confirmed.
    Accepted,
    /// Something that rules out an effect.
    Refused {
        /// The status.
        status: u16,
        /// Whether for what the bytes say.
        content: bool,
    },
    /// Something that leaves it open; with the status and code, where there was an answer at all.
    Unclear(Option<(u16, String)>),
}

impl Told {
    /// Whether the caller must reckon with an effect.
    pub fn leaves_it_open(&self) -> bool {
        matches!(self, Self::Nothing | Self::Unclear(_))
    }
}

/// One request to confirm that has left its sender.
#[derive(Debug, Clone)]
pub struct Request {
    /// Of which account.
    pub account: AccountName,
    /// Which session.
    pub id: SessionId,
    /// Under which key.
    pub key: IdempotencyKey,
    /// Its bytes.
    pub body: Vec<u8>,
    /// When it left.
    pub left_at: Timestamp,
    /// What the caller was told, and when.
    pub told: Told,
    /// When the caller was told.
    pub told_at: Option<Timestamp>,
}

/// A session was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// When.
    pub at: Timestamp,
    /// By which request; none where the shop front did it.
    pub key: Option<IdempotencyKey>,
    /// The charge that was made with it.
    pub charge_id: Option<String>,
}
