//! Where things are found: which session a permission, a charge or a refund goes back to, and which is due next.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use jiff::Timestamp;

use crate::objects::session::Session;

/// An object by the id that a path or a body gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named<'a> {
    Permission(&'a str),
    Charge(&'a str),
    Refund(&'a str),
}

impl Named<'_> {
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Permission(_) => "charge permission",
            Self::Charge(_) => "charge",
            Self::Refund(_) => "refund",
        }
    }

    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Permission(id) | Self::Charge(id) | Self::Refund(id) => id,
        }
    }
}

#[derive(Default)]
pub(crate) struct Index {
    /// Session ids, by the ids of what came of them.
    permissions: HashMap<String, String>,
    charges: HashMap<String, String>,
    refunds: HashMap<String, String>,
    /// The earliest first. An entry may be out of date: its session is then found to have nothing to do.
    due: BinaryHeap<Reverse<(Timestamp, String)>>,
}

impl Index {
    pub(crate) fn session_of(&self, object: Named<'_>) -> Option<&str> {
        let found = match object {
            Named::Permission(id) => self.permissions.get(id),
            Named::Charge(id) => self.charges.get(id),
            Named::Refund(id) => self.refunds.get(id),
        };
        found.map(String::as_str)
    }

    /// Takes in what a session's confirmation has made.
    pub(crate) fn take_in(&mut self, session: &Session) {
        let Some(permission) = &session.permission else {
            return;
        };
        self.permissions.insert(permission.id.clone(), session.id.clone());
        for charge in &permission.charges {
            self.charges.insert(charge.id.clone(), session.id.clone());
        }
        self.schedule(permission.next_due(), &session.id);
    }

    pub(crate) fn add_charge(&mut self, id: String, session: &str) {
        self.charges.insert(id, session.to_owned());
    }

    pub(crate) fn add_refund(&mut self, id: String, session: &str) {
        self.refunds.insert(id, session.to_owned());
    }

    pub(crate) fn schedule(&mut self, due: Option<Timestamp>, session: &str) {
        if let Some(due) = due {
            self.due.push(Reverse((due, session.to_owned())));
        }
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// A session of which something is due by `now`.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<String> {
        if self.next_due()? > now {
            return None;
        }
        self.due.pop().map(|Reverse((_, session))| session)
    }
}
