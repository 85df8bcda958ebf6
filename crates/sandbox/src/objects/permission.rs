//! Charge permissions: the buyer's consent that a confirmed session leaves behind, and the charges made by it.
//!
//! ```text
//!   Chargeable ◄─► NonChargeable
//!        └──────────────┴─► Closed
//! ```
//!
//! Its own state follows from its charges, its limit and its age. Timers are let run out by
//! [`advance`](Permission::advance), each at the moment at which it was due; what has happened never unhappens,
//! wherever the clock is set.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::objects::charge::{Charge, ChargeState};
use crate::objects::price::Price;
use crate::objects::refund::Refund;
use crate::objects::{description, later};
use crate::options::Environment;
use crate::time::stamp::basic;
use crate::unknowns::Unknowns;
use crate::world::changes::{Change, ChangeKind, Changes, ObjectType};

const DAY: Duration = Duration::from_hours(24);
const ONE_TIME_LASTS: Duration = DAY.saturating_mul(180);
const LONG_LASTS_MONTHS: i32 = 13;
/// Get Charge Permission tells who the buyer is for 30 days: from the beginning, or where it can be charged again
/// and again, from the end.
const BUYER_SHOWN_FOR: Duration = DAY.saturating_mul(30);
/// A one-time permission takes no more charges than this.
const MOST_CHARGES: usize = 25;

#[derive(Debug, Clone)]
pub(crate) struct Permission {
    pub(crate) id: String,
    pub(crate) merchant: usize,
    pub(crate) made: Timestamp,
    pub(crate) kind: PermissionKind,
    /// None unless it is for one order.
    pub(crate) limit: Option<Price>,
    pub(crate) charges: Vec<Charge>,
    pub(crate) merchant_metadata: Value,
    pub(crate) recurring_metadata: Value,
    pub(crate) state: PermissionState,
    pub(crate) reason: Option<&'static str>,
    pub(crate) since: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    closed: Option<&'static str>,
    /// The buyer's instrument was refused for good.
    instrument_refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PermissionKind {
    OneTime,
    Recurring,
    PaymentMethodOnFile,
}

impl PermissionKind {
    pub(crate) fn of(name: Option<&str>) -> Self {
        match name {
            Some("Recurring") => Self::Recurring,
            Some("PaymentMethodOnFile") => Self::PaymentMethodOnFile,
            Some(_) | None => Self::OneTime,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneTime => "OneTime",
            Self::Recurring => "Recurring",
            Self::PaymentMethodOnFile => "PaymentMethodOnFile",
        }
    }
}

/// Where a charge permission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum PermissionState {
    Chargeable,
    NonChargeable,
    Closed,
}

/// When something is written down, by which rules, and who is told.
pub(crate) struct Posting<'a> {
    pub(crate) at: Timestamp,
    pub(crate) unknowns: &'a Unknowns,
    pub(crate) changes: &'a mut Changes,
}

enum Due {
    Charge(usize),
    Refund(usize, usize),
    Expiry,
}

impl Permission {
    /// A permission that does not stand in the books yet; [`open`](Self::open) puts it there.
    pub(crate) fn new(
        id: String,
        merchant: usize,
        seen: &Value,
        limit: Option<Price>,
        at: Timestamp,
    ) -> Self {
        let kind = PermissionKind::of(seen["chargePermissionType"].as_str());
        let long = crate::api::read::as_flag(&seen["paymentDetails"]["extendExpiration"]).unwrap_or(false);
        let expires = match kind {
            PermissionKind::OneTime if !long => Some(later(at, ONE_TIME_LASTS)),
            PermissionKind::OneTime | PermissionKind::Recurring => Some(months_later(at)),
            PermissionKind::PaymentMethodOnFile => None,
        };
        Self {
            id,
            merchant,
            made: at,
            kind,
            limit: limit.filter(|_| kind == PermissionKind::OneTime),
            charges: Vec::new(),
            merchant_metadata: seen["merchantMetadata"].clone(),
            recurring_metadata: seen["recurringMetadata"].clone(),
            state: PermissionState::Chargeable,
            reason: None,
            since: at,
            expires,
            closed: None,
            instrument_refused: false,
        }
    }

    pub(crate) fn open(&self, posting: &mut Posting<'_>) {
        let (at, kind) = (posting.at, ChangeKind::StateChange);
        posting.changes.push(Change {
            at,
            object_type: ObjectType::ChargePermission,
            object_id: self.id.clone(),
            charge_permission_id: self.id.clone(),
            merchant: self.merchant,
            kind,
        });
    }

    pub(crate) fn add(&mut self, charge: Charge, posting: &mut Posting<'_>) -> &Charge {
        self.charges.push(charge);
        if self.kind == PermissionKind::Recurring && self.closed.is_none() {
            self.expires = Some(months_later(posting.at));
        }
        let last = self.charges.len() - 1;
        self.charge_changed(last, ChangeKind::StateChange, posting);
        &self.charges[last]
    }

    /// Whatever was done to a charge: it is told, and the permission's own state follows.
    pub(crate) fn charge_changed(&mut self, index: usize, kind: ChangeKind, posting: &mut Posting<'_>) {
        let id = self.charges[index].id.clone();
        self.tell(ObjectType::Charge, id, kind, posting);
        if kind == ChangeKind::StateChange && self.charges[index].state == ChargeState::Declined {
            let reason = self.charges[index].reason;
            self.refused(reason, posting);
        }
        self.settle(posting);
    }

    /// What a refused payment means for the next one.
    pub(crate) fn refused(&mut self, reason: Option<&str>, posting: &mut Posting<'_>) {
        match reason {
            Some("HardDeclined") => self.instrument_refused = true,
            Some("AmazonRejected") => self.closed = self.closed.or(Some("AmazonCanceled")),
            Some(_) | None => {}
        }
        self.settle(posting);
    }

    /// The buyer has chosen another instrument.
    pub(crate) fn instrument_replaced(&mut self, posting: &mut Posting<'_>) {
        self.instrument_refused = false;
        self.settle(posting);
    }

    pub(crate) fn refund(&mut self, index: usize, refund: Refund, posting: &mut Posting<'_>) {
        self.tell(
            ObjectType::Refund,
            refund.id.clone(),
            ChangeKind::StateChange,
            posting,
        );
        self.charges[index].refunds.push(refund);
    }

    pub(crate) fn close(&mut self, reason: &'static str, posting: &mut Posting<'_>) {
        self.closed = self.closed.or(Some(reason));
        self.settle(posting);
    }

    /// Everything that was still to be decided or captured is given up.
    pub(crate) fn cancel_open_charges(&mut self, posting: &mut Posting<'_>) {
        for index in 0..self.charges.len() {
            if matches!(
                self.charges[index].state,
                ChargeState::AuthorizationInitiated | ChargeState::Authorized
            ) {
                self.charges[index].cancel("ChargePermissionCanceled", posting.at);
                self.charge_changed(index, ChangeKind::StateChange, posting);
            }
        }
    }

    pub(crate) fn attribute_changed(&self, posting: &mut Posting<'_>) {
        self.tell(
            ObjectType::ChargePermission,
            self.id.clone(),
            ChangeKind::AttributeChange,
            posting,
        );
    }

    /// Lets every timer run out that is due, in the order of time.
    pub(crate) fn advance(&mut self, now: Timestamp, unknowns: &Unknowns, changes: &mut Changes) {
        while let Some((at, due)) = self.due().filter(|(at, _)| *at <= now) {
            let posting = &mut Posting {
                at,
                unknowns,
                changes,
            };
            match due {
                Due::Charge(index) => {
                    self.charges[index].fire();
                    self.charge_changed(index, ChangeKind::StateChange, posting);
                }
                Due::Refund(charge, index) => {
                    let refund = &mut self.charges[charge].refunds[index];
                    refund.decide();
                    let id = refund.id.clone();
                    self.tell(ObjectType::Refund, id, ChangeKind::StateChange, posting);
                    let id = self.charges[charge].id.clone();
                    self.tell(ObjectType::Charge, id, ChangeKind::AttributeChange, posting);
                }
                Due::Expiry => self.close("Expired", posting),
            }
        }
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due().map(|(at, _)| at)
    }

    fn due(&self) -> Option<(Timestamp, Due)> {
        let expiry = self.expires.filter(|_| self.closed.is_none());
        let expiry = expiry.map(|at| (at, Due::Expiry)).into_iter();
        let charges = self.charges.iter().enumerate().flat_map(|(index, charge)| {
            let own = charge.next.map(|timer| (timer.at, Due::Charge(index)));
            let refunds = charge.refunds.iter().enumerate();
            let refunds = refunds.filter_map(move |(nth, refund)| {
                refund
                    .decided
                    .map(|decision| (decision.at, Due::Refund(index, nth)))
            });
            own.into_iter().chain(refunds)
        });
        expiry.chain(charges).min_by_key(|(at, _)| *at)
    }

    fn tell(&self, object_type: ObjectType, object_id: String, kind: ChangeKind, posting: &mut Posting<'_>) {
        posting.changes.push(Change {
            at: posting.at,
            object_type,
            object_id,
            charge_permission_id: self.id.clone(),
            merchant: self.merchant,
            kind,
        });
    }

    /// Its own state, from everything else.
    fn settle(&mut self, posting: &mut Posting<'_>) {
        if self.closed.is_none() && self.is_used_up(posting.unknowns) {
            self.closed = Some("AmazonClosed");
        }
        let pending = |charge: &Charge| charge.state == ChargeState::AuthorizationInitiated;
        let (state, reason) = match self.closed {
            Some(reason) => (PermissionState::Closed, Some(reason)),
            None if self.charges.iter().any(pending) => {
                (PermissionState::NonChargeable, Some("ChargeInProgress"))
            }
            None if self.instrument_refused => (PermissionState::NonChargeable, Some("PaymentMethodInvalid")),
            None => (PermissionState::Chargeable, None),
        };
        if (state, reason) != (self.state, self.reason) {
            (self.state, self.reason, self.since) = (state, reason, posting.at);
            self.tell(
                ObjectType::ChargePermission,
                self.id.clone(),
                ChangeKind::StateChange,
                posting,
            );
        }
    }

    fn is_used_up(&self, unknowns: &Unknowns) -> bool {
        let nothing_left = self
            .balance(unknowns)
            .is_some_and(|left| left.amount <= Decimal::ZERO);
        let all_decided = || !self.charges.iter().any(|charge| charge.state.is_open());
        nothing_left && (unknowns.closes_when_authorized || all_decided())
    }

    /// What may still be charged.
    pub(crate) fn balance(&self, unknowns: &Unknowns) -> Option<Price> {
        let limit = self.limit.as_ref()?;
        let taken: Decimal = self.charges.iter().map(|charge| charge.takes(unknowns)).sum();
        Some(limit.with(limit.amount - taken))
    }

    pub(crate) fn takes_another_charge(&self) -> bool {
        self.kind != PermissionKind::OneTime || self.charges.len() < MOST_CHARGES
    }

    pub(crate) fn shown(
        &self,
        seen: &Value,
        now: Timestamp,
        environment: Environment,
        unknowns: &Unknowns,
    ) -> Value {
        let buyer_shown = match (self.kind, self.state) {
            (PermissionKind::OneTime, _) => now < later(self.made, BUYER_SHOWN_FOR),
            (_, PermissionState::Closed) => now < later(self.since, BUYER_SHOWN_FOR),
            (_, PermissionState::Chargeable | PermissionState::NonChargeable) => true,
        };
        let personal = |field: &str| {
            if buyer_shown {
                seen[field].clone()
            } else {
                Value::Null
            }
        };
        let reasons: Vec<Value> = self
            .reason
            .map(|code| json!({"reasonCode": code, "reasonDescription": description(Some(code), unknowns)}))
            .into_iter()
            .collect();
        let limits =
            self.limit.as_ref().zip(self.balance(unknowns)).map(
                |(limit, balance)| json!({"amountLimit": limit.shown(), "amountBalance": balance.shown()}),
            );
        json!({
            "chargePermissionId": self.id,
            "chargePermissionReferenceId": null,
            "chargePermissionType": self.kind.name(),
            "recurringMetadata": self.recurring_metadata,
            "paymentMethodOnFileMetadata": seen["paymentMethodOnFileMetadata"],
            "limits": limits,
            "buyer": personal("buyer"),
            "shippingAddress": personal("shippingAddress"),
            "billingAddress": personal("billingAddress"),
            "paymentPreferences": if buyer_shown { seen["paymentPreferences"].clone() } else { json!([null]) },
            "merchantMetadata": self.merchant_metadata,
            "platformId": seen["platformId"],
            "presentmentCurrency": seen["paymentDetails"]["presentmentCurrency"],
            "creationTimestamp": basic(self.made),
            "expirationTimestamp": self.expires.map(basic),
            "statusDetails": {
                "state": self.state,
                "reasons": reasons,
                "lastUpdatedTimestamp": basic(self.since),
            },
            "releaseEnvironment": environment.release(),
            "amazonPayToken": null,
        })
    }
}

/// By the calendar, as Amazon counts months.
fn months_later(moment: Timestamp) -> Timestamp {
    moment
        .to_zoned(TimeZone::UTC)
        .checked_add(Span::new().months(LONG_LASTS_MONTHS))
        .map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteen_months_are_counted_by_the_calendar() {
        let months = |from: &str| months_later(from.parse().unwrap()).to_string();
        assert_eq!(months("2026-01-31T10:00:00Z"), "2027-02-28T10:00:00Z");
        assert_eq!(months("2026-11-22T10:00:00Z"), "2027-12-22T10:00:00Z");
    }
}
