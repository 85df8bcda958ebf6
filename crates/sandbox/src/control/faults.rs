//! What goes wrong, and to whom: posted faults, each struck at most `times` times.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::api::operation::Operation;
use crate::time::span::Span;
use crate::world::books::{FaultBook, StruckFault};

/// Something that is to go wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Of a session `create`, `get`, `update`, `finalize`, `complete`; of a charge permission `permission` (to get
    /// it), `update-permission`, `close`; of a charge `create-charge`, `charge`, `update-charge`, `capture`,
    /// `cancel`; of a refund `create-refund`, `refund`; `buyer`; or `*` for all.
    #[serde(default = "every_operation")]
    pub operation: String,
    pub when: When,
    /// None: the call is only delayed.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// For `status` (default 500) and `html` (default 503).
    #[serde(default)]
    pub status: Option<u16>,
    /// What is answered instead: for `status` JSON or text (default: Amazon's error body), for `html` text.
    #[serde(default)]
    pub body: Option<serde_json::Value>,
    /// How often it strikes; None: until it is cleared.
    #[serde(default)]
    pub times: Option<u64>,
    /// How likely it strikes a call that it fits, 0 to 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// Waited on the sandbox's clock: before the call is looked at, or between its booking and its answer.
    #[serde(default)]
    pub delay: Option<Span>,
    /// Only calls that name this session, or the charge or permission of it.
    #[serde(default)]
    pub session: Option<String>,
    /// Only calls signed for this merchant account.
    #[serde(default)]
    pub account: Option<String>,
}

impl Fault {
    /// Strikes every call until it is cleared; narrow it with the other fields.
    pub fn new(operation: &str, when: When, kind: Option<Kind>) -> Self {
        Self {
            operation: operation.to_owned(),
            when,
            kind,
            status: None,
            body: None,
            times: None,
            probability: certain(),
            delay: None,
            session: None,
            account: None,
        }
    }

    /// Why it can never strike as it stands, if so.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.operation != "*"
            && !Operation::ALL
                .iter()
                .any(|operation| operation.word() == self.operation)
        {
            let words = Operation::ALL.map(Operation::word).join(", ");
            return Some(format!("operation: {words} or *"));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Some("probability: 0 to 1".to_owned());
        }
        if self.kind.is_none() && self.delay.is_none() {
            return Some("kind or delay: one of them is needed".to_owned());
        }
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Some("status: 200 to 599".to_owned());
        }
        None
    }
}

fn every_operation() -> String {
    "*".to_owned()
}

fn certain() -> f64 {
    1.0
}

/// Nothing is booked before; after, only the answer suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    Before,
    After,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The connection is reset.
    Reset,
    /// No answer ever; the connection stays open.
    Hang,
    /// Another status and body.
    Status,
    /// A gateway's page instead of JSON.
    Html,
    /// The head and half of the body, then the connection ends.
    Truncate,
}

impl Kind {
    /// Whether the caller gets no whole answer.
    pub(crate) fn loses_the_answer(self) -> bool {
        matches!(self, Self::Reset | Self::Hang | Self::Truncate)
    }
}

/// Whom a call is for, as far as a fault may ask.
pub(crate) struct Target<'a> {
    pub(crate) operation: Operation,
    pub(crate) session: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
}

/// A fault that strikes one call.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) struck: StruckFault,
    pub(crate) status: Option<u16>,
    pub(crate) body: Option<serde_json::Value>,
    pub(crate) delay: Option<Duration>,
}

/// Every fault posted, with what became of it.
pub(crate) struct Faults {
    posted: Vec<Posted>,
    chance: StdRng,
}

struct Posted {
    fault: Fault,
    struck: u64,
    cleared: bool,
}

impl Posted {
    fn is_active(&self) -> bool {
        !self.cleared && self.fault.times.is_none_or(|times| self.struck < times)
    }

    fn fits(&self, when: When, target: &Target<'_>) -> bool {
        let fault = &self.fault;
        let fits = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| given == Some(wanted))
        };
        self.is_active()
            && fault.when == when
            && (fault.operation == "*" || fault.operation == target.operation.word())
            && fits(&fault.session, target.session)
            && fits(&fault.account, target.account)
    }
}

impl Faults {
    pub(crate) fn new(chance: StdRng) -> Self {
        Self {
            posted: Vec::new(),
            chance,
        }
    }

    /// Ids count from 1, in the order of posting.
    pub(crate) fn post(&mut self, fault: Fault) -> u64 {
        self.posted.push(Posted {
            fault,
            struck: 0,
            cleared: false,
        });
        id_of(self.posted.len() - 1)
    }

    pub(crate) fn clear(&mut self) {
        self.posted.iter_mut().for_each(|posted| posted.cleared = true);
    }

    /// The first fault, in the order of posting, that fits and whose chance comes up.
    pub(crate) fn strike(&mut self, when: When, target: &Target<'_>) -> Option<Strike> {
        for (index, posted) in self.posted.iter_mut().enumerate() {
            if !posted.fits(when, target) || !self.chance.random_bool(posted.fault.probability) {
                continue;
            }
            posted.struck += 1;
            let fault = &posted.fault;
            return Some(Strike {
                struck: StruckFault {
                    id: id_of(index),
                    when,
                    kind: fault.kind,
                },
                status: fault.status,
                body: fault.body.clone(),
                delay: fault.delay.map(|span| span.0),
            });
        }
        None
    }

    pub(crate) fn books(&self) -> Vec<FaultBook> {
        let book = |(index, posted): (usize, &Posted)| FaultBook {
            id: id_of(index),
            operation: posted.fault.operation.clone(),
            when: posted.fault.when,
            kind: posted.fault.kind,
            struck: posted.struck,
            active: posted.is_active(),
        };
        self.posted.iter().enumerate().map(book).collect()
    }
}

fn id_of(index: usize) -> u64 {
    u64::try_from(index).map_or(u64::MAX, |index| index.saturating_add(1))
}
