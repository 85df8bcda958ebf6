//! What the books and the ledger have in common, and what in the books must never change again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::ledger;
use crate::objects::charge::ChargeState;
use crate::objects::permission::PermissionState;
use crate::objects::refund::RefundState;
use crate::unknowns::Unknowns;
use crate::world::books::{Books, ChargeLedger, Totals};

pub(super) fn sums(totals: &Totals) -> [i64; 9] {
    [
        totals.captured,
        totals.capturing,
        totals.authorized,
        totals.pending,
        totals.declined,
        totals.canceled,
        totals.released,
        totals.refunded,
        totals.refunding,
    ]
    .map(in_cents)
}

/// A charge as both sides can say it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    cents: i64,
    pub(super) state: ChargeState,
    captured: i64,
    capturing: i64,
    pub(super) refunds: Vec<(i64, RefundState)>,
}

impl Line {
    pub(super) fn of_ledger(charge: &ledger::Charge) -> Self {
        let state = match charge.state {
            ledger::ChargeState::Pending(_) => ChargeState::AuthorizationInitiated,
            ledger::ChargeState::Authorized => ChargeState::Authorized,
            ledger::ChargeState::Capturing => ChargeState::CaptureInitiated,
            ledger::ChargeState::Captured => ChargeState::Captured,
            ledger::ChargeState::Declined => ChargeState::Declined,
            ledger::ChargeState::Canceled => ChargeState::Canceled,
        };
        let refunds = charge.refunds.iter().map(|refund| {
            let state = match refund.given {
                None => RefundState::RefundInitiated,
                Some(true) => RefundState::Refunded,
                Some(false) => RefundState::Declined,
            };
            (refund.cents, state)
        });
        Self {
            cents: charge.cents,
            state,
            captured: charge.captured,
            capturing: charge.capturing,
            refunds: refunds.collect(),
        }
    }

    pub(super) fn of_books(charge: &ChargeLedger) -> Self {
        let refunds = charge.refunds.iter();
        Self {
            cents: in_cents(charge.charge_amount.amount),
            state: charge.state,
            captured: in_cents(charge.captured),
            capturing: in_cents(charge.capturing),
            refunds: refunds
                .map(|refund| (in_cents(refund.refund_amount.amount), refund.state))
                .collect(),
        }
    }
}

pub(super) fn standing(permission: &ledger::Permission) -> PermissionState {
    if permission.closed {
        PermissionState::Closed
    } else if permission.is_chargeable() {
        PermissionState::Chargeable
    } else {
        PermissionState::NonChargeable
    }
}

pub(super) fn in_cents(amount: Decimal) -> i64 {
    let cents = amount * Decimal::from(100);
    i64::try_from(cents.mantissa() / 10_i128.pow(cents.scale())).unwrap()
}

/// What has come to its end stays as it is, and what was made stays there.
pub(super) fn stays(before: &Books, after: &Books, rules: &Unknowns) -> Result<(), TestCaseError> {
    for (before, after) in before.sessions.iter().zip(&after.sessions) {
        prop_assert_eq!(&before.checkout_session_id, &after.checkout_session_id);
        if before.state != "Open" {
            prop_assert_eq!(
                (before.state, &before.reason_code, &before.charge_permission_id),
                (after.state, &after.reason_code, &after.charge_permission_id)
            );
        }
        for (before, after) in before.charges.iter().zip(&after.charges) {
            prop_assert_eq!(&before.charge_id, &after.charge_id);
            let goes_on = before.state == ChargeState::Captured && !rules.one_capture_per_charge;
            if !before.state.is_open() && !goes_on {
                prop_assert_eq!(
                    (before.state, before.reason_code),
                    (after.state, after.reason_code)
                );
            }
        }
    }
    let ended = |books: &Books| -> BTreeMap<String, String> {
        let permissions = books.permissions.iter();
        let closed = permissions.filter(|permission| permission.state == PermissionState::Closed);
        let closed = closed.map(|p| (p.charge_permission_id.clone(), format!("{:?}", p.reason_code)));
        let refunds = books
            .permissions
            .iter()
            .flat_map(|permission| &permission.charges);
        let refunds = refunds.flat_map(|charge| &charge.refunds);
        let decided = refunds.filter(|refund| refund.state != RefundState::RefundInitiated);
        let decided = decided.map(|refund| (refund.refund_id.clone(), format!("{:?}", refund.state)));
        closed.chain(decided).collect()
    };
    let after = ended(after);
    for (id, state) in ended(before) {
        prop_assert_eq!(Some(&state), after.get(&id), "{}", id);
    }
    Ok(())
}
