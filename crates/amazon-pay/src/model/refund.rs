//! A refund: money on its way back to the buyer.

use jiff::Timestamp;
use serde::Deserialize;

use super::extra::Extra;
use super::lenient;
use super::money::Price;
use super::shared::StatusDetails;
use super::words::{RefundReason, RefundState, ReleaseEnvironment};
use crate::ids::{ChargeId, RefundId};

/// A refund as Amazon shows it: the answer to Create and Get Refund. It always begins as
/// [`RefundInitiated`](RefundState::RefundInitiated): look it up later, or wait for its notification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Refund {
    /// The refund's id.
    pub refund_id: RefundId,
    /// State, reason and since when.
    pub status_details: StatusDetails<RefundState, RefundReason>,
    /// The charge that is given back.
    #[serde(default, deserialize_with = "lenient::id")]
    pub charge_id: Option<ChargeId>,
    /// How much of it.
    #[serde(default, deserialize_with = "lenient::price")]
    pub refund_amount: Option<Price>,
    /// What the buyer's statement says after `AMZ* `.
    #[serde(default, deserialize_with = "lenient::text")]
    pub soft_descriptor: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub creation_timestamp: Option<Timestamp>,
    /// Live or sandbox.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub release_environment: Option<ReleaseEnvironment>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}
