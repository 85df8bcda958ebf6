//! Refunds: asked for at once, decided a little later.
//!
//! ```text
//!   RefundInitiated ─► Refunded
//!                  └─► Declined
//! ```

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::objects::permission::Permission;
use crate::objects::price::Price;
use crate::objects::status_details;
use crate::options::Environment;
use crate::time::stamp::basic;
use crate::unknowns::Unknowns;

#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount: Price,
    pub(crate) soft_descriptor: Option<String>,
    pub(crate) made: Timestamp,
    pub(crate) state: RefundState,
    pub(crate) reason: Option<&'static str>,
    pub(crate) since: Timestamp,
    pub(crate) decided: Option<Decision>,
}

/// When a refund is decided, and why not in the merchant's favour, if so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision {
    pub(crate) at: Timestamp,
    pub(crate) declined: Option<&'static str>,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum RefundState {
    RefundInitiated,
    Refunded,
    Declined,
}

impl Refund {
    pub(crate) fn decide(&mut self) {
        if let Some(Decision { at, declined }) = self.decided.take() {
            self.since = at;
            self.reason = declined;
            self.state = match declined {
                Some(_) => RefundState::Declined,
                None => RefundState::Refunded,
            };
        }
    }

    pub(crate) fn shown(
        &self,
        charge: &str,
        permission: &Permission,
        environment: Environment,
        unknowns: &Unknowns,
    ) -> Value {
        json!({
            "refundId": self.id,
            "chargeId": charge,
            "chargePermissionId": permission.id,
            "refundAmount": self.amount.shown(),
            "softDescriptor": self.soft_descriptor,
            "statusDetails": status_details(self.state, self.reason, self.since, unknowns),
            "creationTimestamp": basic(self.made),
            "releaseEnvironment": environment.release(),
        })
    }
}
