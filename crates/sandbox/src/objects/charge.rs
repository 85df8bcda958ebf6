//! Charges and charge permissions. Their states follow from the clock; nothing runs in the background.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::objects::price::Price;
use crate::objects::session::Session;
use crate::options::Environment;
use crate::time::stamp::basic;

const DAY: Duration = Duration::from_hours(24);
/// An authorization that nobody captures lapses after 30 days.
const AUTHORIZATION_LASTS: Duration = DAY.saturating_mul(30);
const ONE_TIME_PERMISSION_LASTS: Duration = DAY.saturating_mul(180);
/// Get Charge Permission tells who the buyer is for 30 days.
const BUYER_SHOWN_FOR: Duration = DAY.saturating_mul(30);

#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) amount: Price,
    pub(crate) made: Timestamp,
    pub(crate) capture_now: bool,
    pub(crate) pending: Option<Pending>,
}

/// A payment that is decided later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) until: Timestamp,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Authorized,
    HardDeclined,
}

/// Where a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ChargeState {
    AuthorizationInitiated,
    Authorized,
    Captured,
    Declined,
    Canceled,
}

/// A state, why, and since when.
pub(crate) struct ChargeStanding {
    pub(crate) state: ChargeState,
    pub(crate) reason: Option<&'static str>,
    pub(crate) since: Timestamp,
}

impl Charge {
    pub(crate) fn standing(&self, now: Timestamp) -> ChargeStanding {
        let standing = |state, reason, since| ChargeStanding { state, reason, since };
        if self.capture_now {
            return standing(ChargeState::Captured, None, self.made);
        }
        let authorized = match self.pending {
            Some(pending) if now < pending.until => {
                return standing(ChargeState::AuthorizationInitiated, None, self.made);
            }
            Some(Pending {
                until,
                verdict: Verdict::HardDeclined,
            }) => {
                return standing(ChargeState::Declined, Some("HardDeclined"), until);
            }
            Some(Pending {
                until,
                verdict: Verdict::Authorized,
            }) => until,
            None => self.made,
        };
        let lapses = later(authorized, AUTHORIZATION_LASTS);
        if now >= lapses {
            return standing(ChargeState::Canceled, Some("ExpiredUnused"), lapses);
        }
        standing(ChargeState::Authorized, None, authorized)
    }

    pub(crate) fn shown(&self, permission: &Permission, now: Timestamp, environment: Environment) -> Value {
        let standing = self.standing(now);
        let captured = (standing.state == ChargeState::Captured).then(|| self.amount.shown());
        json!({
            "chargeId": self.id,
            "chargePermissionId": permission.id,
            "chargeAmount": self.amount.shown(),
            "captureAmount": captured,
            "refundedAmount": null,
            "convertedAmount": null,
            "conversionRate": null,
            "softDescriptor": null,
            "captureNow": self.capture_now,
            "canHandlePendingAuthorization": self.pending.is_some(),
            "merchantMetadata": null,
            "platformId": null,
            "providerMetadata": {"providerReferenceId": null},
            "statusDetails": {
                "state": standing.state,
                "reasonCode": standing.reason,
                "reasonDescription": null,
                "lastUpdatedTimestamp": basic(standing.since),
            },
            "creationTimestamp": basic(self.made),
            "expirationTimestamp": basic(later(self.made, AUTHORIZATION_LASTS)),
            "releaseEnvironment": environment.release(),
        })
    }
}

/// The buyer's consent that a confirmed session leaves behind.
#[derive(Debug, Clone)]
pub(crate) struct Permission {
    pub(crate) id: String,
    pub(crate) made: Timestamp,
    /// None for a Saved Wallet setup.
    pub(crate) limit: Option<Price>,
}

impl Permission {
    pub(crate) fn shown(&self, session: &Session, now: Timestamp, environment: Environment) -> Value {
        let seen = &session.open_body;
        let charge = session.charge.as_ref();
        let kind = seen["chargePermissionType"].as_str().unwrap_or("OneTime");
        let expires = (kind == "OneTime").then(|| later(self.made, ONE_TIME_PERMISSION_LASTS));
        let (state, reason) = self.standing(charge, expires, now);
        let buyer_shown = now < later(self.made, BUYER_SHOWN_FOR);
        let personal = |field: &str| {
            if buyer_shown {
                seen[field].clone()
            } else {
                Value::Null
            }
        };
        let reasons: Vec<Value> = reason
            .map(|code| json!({"reasonCode": code, "reasonDescription": null}))
            .into_iter()
            .collect();
        json!({
            "chargePermissionId": self.id,
            "chargePermissionReferenceId": null,
            "chargePermissionType": kind,
            "recurringMetadata": seen["recurringMetadata"],
            "paymentMethodOnFileMetadata": seen["paymentMethodOnFileMetadata"],
            "limits": self.limit.as_ref().map(|limit| json!({
                "amountLimit": limit.shown(),
                "amountBalance": self.balance(limit, charge, now).shown(),
            })),
            "buyer": personal("buyer"),
            "shippingAddress": personal("shippingAddress"),
            "billingAddress": personal("billingAddress"),
            "paymentPreferences": if buyer_shown { seen["paymentPreferences"].clone() } else { json!([null]) },
            "merchantMetadata": seen["merchantMetadata"],
            "platformId": null,
            "presentmentCurrency": seen["paymentDetails"]["presentmentCurrency"],
            "creationTimestamp": basic(self.made),
            "expirationTimestamp": expires.map(basic),
            "statusDetails": {
                "state": state,
                "reasons": reasons,
                "lastUpdatedTimestamp": basic(charge.map_or(self.made, |charge| charge.standing(now).since)),
            },
            "releaseEnvironment": environment.release(),
            "amazonPayToken": null,
        })
    }

    fn standing(
        &self,
        charge: Option<&Charge>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> (&'static str, Option<&'static str>) {
        match charge.map(|charge| (charge, charge.standing(now).state)) {
            Some((charge, ChargeState::Captured)) if expires.is_some() && self.is_used_up(charge) => {
                ("Closed", Some("AmazonClosed"))
            }
            _ if expires.is_some_and(|expires| now >= expires) => ("Closed", Some("Expired")),
            Some((_, ChargeState::AuthorizationInitiated)) => ("NonChargeable", Some("ChargeInProgress")),
            Some((_, ChargeState::Declined)) => ("NonChargeable", Some("PaymentMethodInvalid")),
            _ => ("Chargeable", None),
        }
    }

    fn is_used_up(&self, charge: &Charge) -> bool {
        self.limit
            .as_ref()
            .is_some_and(|limit| charge.amount.amount >= limit.amount)
    }

    /// What may still be charged.
    fn balance(&self, limit: &Price, charge: Option<&Charge>, now: Timestamp) -> Price {
        let taken = charge.filter(|charge| {
            let state = charge.standing(now).state;
            !matches!(state, ChargeState::Declined | ChargeState::Canceled)
        });
        let amount = limit.amount - taken.map_or_else(Default::default, |charge| charge.amount.amount);
        Price {
            amount,
            currency_code: limit.currency_code.clone(),
        }
    }
}

/// `moment` + `by`, or the end of the calendar.
pub(crate) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
