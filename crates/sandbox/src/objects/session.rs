//! A checkout session: its state machine and how GET shows it.
//!
//! ```text
//!   Open ── confirmed ──► Completed
//!    └── buyer, card or 24 h ──► Canceled
//! ```
//!
//! The 24 hours are not a timer: a session is asked where it stands *now*.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::read::as_flag;
use crate::control::new_session::{Refuse, Route};
use crate::objects::charge::{Charge, ChargeState};
use crate::objects::permission::Permission;
use crate::objects::{later, status_details};
use crate::time::stamp::basic;
use crate::unknowns::Unknowns;
use crate::world::books::Call;

const LASTS: Duration = Duration::from_hours(24);
const KEPT_FOR: Duration = Duration::from_hours(24 * 30);
const BUYER_MISSING: &str = "BuyerNotAssociated";
const REDIRECT_URL: &str = "https://payments.sandbox.example/checkout";

pub(crate) struct Session {
    pub(crate) id: String,
    /// Index of its merchant.
    pub(crate) merchant: usize,
    /// In whole seconds.
    pub(crate) created: Timestamp,
    /// What GET shows while it is Open and its buyer has finished; state and times are put in on the way out.
    pub(crate) open_body: Value,
    pub(crate) buyer_finished: bool,
    /// A merchant made it by Create Checkout Session.
    pub(crate) through_api: bool,
    pub(crate) updated: Timestamp,
    /// The last four digits of the buyer's card.
    pub(crate) card: String,
    /// How long a pending payment stays undecided.
    pub(crate) pending_for: Duration,
    pub(crate) refuse: Option<Refuse>,
    /// The operation that its checkout flow ends with, where that was said.
    pub(crate) route: Option<Route>,
    pub(crate) end: Option<End>,
    /// What its confirmation left, with every charge made since.
    pub(crate) permission: Option<Permission>,
    pub(crate) calls: Vec<Call>,
}

/// How a session ended, other than by the passing of its 24 hours.
pub(crate) enum End {
    Completed {
        at: Timestamp,
        /// What `chargeId` shows; a Saved Wallet setup may show one that does not exist.
        shown_charge: Option<String>,
        /// Shown Open until the payment is decided.
        open_while_pending: bool,
    },
    Canceled {
        at: Timestamp,
        reason: Option<String>,
    },
}

/// Where a session stands at a given moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    Open,
    /// Confirmed, and shown Open with both ids until the payment is decided.
    OpenPending,
    Completed {
        at: Timestamp,
    },
    Canceled {
        at: Timestamp,
        reason: Option<&'a str>,
    },
}

impl Standing<'_> {
    pub(crate) fn state(self) -> &'static str {
        match self {
            Self::Open | Self::OpenPending => "Open",
            Self::Completed { .. } => "Completed",
            Self::Canceled { .. } => "Canceled",
        }
    }

    pub(crate) fn reason(self) -> Option<String> {
        match self {
            Self::Canceled { reason, .. } => reason.map(str::to_owned),
            Self::Open | Self::OpenPending | Self::Completed { .. } => None,
        }
    }
}

impl Session {
    pub(crate) fn standing(&self, now: Timestamp, unknowns: &Unknowns) -> Standing<'_> {
        match &self.end {
            None => {
                let lapses = later(later(self.created, LASTS), unknowns.expiry_lag.0);
                if now >= lapses {
                    Standing::Canceled {
                        at: lapses,
                        reason: Some("Expired"),
                    }
                } else {
                    Standing::Open
                }
            }
            Some(End::Canceled { at, reason }) => Standing::Canceled {
                at: *at,
                reason: reason.as_deref(),
            },
            Some(End::Completed {
                at,
                open_while_pending: false,
                ..
            }) => Standing::Completed { at: *at },
            Some(End::Completed {
                at,
                open_while_pending: true,
                ..
            }) => match self.own_charge() {
                Some(charge) if charge.state == ChargeState::AuthorizationInitiated => Standing::OpenPending,
                // A capture that is refused later is nothing to the session.
                Some(charge) if charge.state == ChargeState::Declined && !charge.was_authorized() => {
                    Standing::Canceled {
                        at: charge.since,
                        reason: Some("Declined"),
                    }
                }
                Some(_) | None => Standing::Completed { at: *at },
            },
        }
    }

    /// The charge that its confirmation made, if it made one: later ones are not the session's.
    fn own_charge(&self) -> Option<&Charge> {
        let Some(End::Completed {
            shown_charge: Some(id),
            ..
        }) = &self.end
        else {
            return None;
        };
        let charge = self.permission.as_ref()?.charges.first()?;
        (charge.id == *id).then_some(charge)
    }

    /// Writes down that it has lapsed, where it has: a clock that is set back does not revive it.
    pub(crate) fn settle(&mut self, now: Timestamp, unknowns: &Unknowns) {
        if self.end.is_some() {
            return;
        }
        if let Standing::Canceled { at, reason } = self.standing(now, unknowns) {
            let reason = reason.map(str::to_owned);
            self.end = Some(End::Canceled { at, reason });
        }
    }

    /// Amazon deletes sessions 30 days after they were made.
    pub(crate) fn is_removed(&self, now: Timestamp) -> bool {
        now >= later(self.created, KEPT_FOR)
    }

    pub(crate) fn expires(&self) -> Timestamp {
        later(self.created, LASTS)
    }

    /// What Get Checkout Session answers: where look-ups lag behind, not yet that it is Completed.
    pub(crate) fn looked_up(&self, now: Timestamp, unknowns: &Unknowns) -> Value {
        match self.end {
            Some(End::Completed { at, .. }) if now < later(at, unknowns.look_up_lag.0) => {
                self.shown_open(unknowns)
            }
            Some(_) | None => self.shown(now, unknowns),
        }
    }

    /// The session as answers show it.
    pub(crate) fn shown(&self, now: Timestamp, unknowns: &Unknowns) -> Value {
        match self.standing(now, unknowns) {
            Standing::Open => self.shown_open(unknowns),
            Standing::OpenPending => {
                let mut body = self.shown_open(unknowns);
                self.put_ids(&mut body);
                body
            }
            Standing::Completed { at } => {
                let mut body = self.shown_completed(at, unknowns);
                if unknowns.completed_shows_permission_type {
                    body["chargePermissionType"] = self.open_body["chargePermissionType"].clone();
                }
                self.put_ids(&mut body);
                body
            }
            Standing::Canceled { at, reason } => {
                let mut body = self.shown_canceled(at, reason, unknowns);
                if !unknowns.canceled_keeps_creation {
                    body["creationTimestamp"] = Value::Null;
                }
                if unknowns.canceled_keeps_expiration {
                    body["expirationTimestamp"] = json!(basic(self.expires()));
                }
                body
            }
        }
    }

    fn shown_open(&self, unknowns: &Unknowns) -> Value {
        let mut body = self.open_body.clone();
        body["checkoutSessionId"] = json!(self.id);
        body["statusDetails"] = status_details("Open", None, self.updated, unknowns);
        body["creationTimestamp"] = json!(basic(self.created));
        body["expirationTimestamp"] = json!(basic(self.expires()));
        body["constraints"] = match self.constraints() {
            none if none.is_empty() && unknowns.clear_constraints_are_null => json!([null]),
            missing => missing
                .into_iter()
                .map(|(id, description)| json!({"constraintId": id, "description": description}))
                .collect(),
        };
        let ready = self.constraints().iter().all(|(id, _)| *id == BUYER_MISSING);
        // A session that the control API made is past Amazon's page, or its flow never goes there.
        if ready && self.through_api {
            body["webCheckoutDetails"]["amazonPayRedirectUrl"] = json!(REDIRECT_URL);
        }
        if !self.buyer_finished {
            for field in ["buyer", "shippingAddress", "billingAddress"] {
                body[field] = Value::Null;
            }
            body["paymentPreferences"] = json!([null]);
        }
        body
    }

    /// The ids are all that a completed session still tells; [`put_ids`](Self::put_ids) adds them.
    fn shown_completed(&self, at: Timestamp, unknowns: &Unknowns) -> Value {
        json!({
            "checkoutSessionId": self.id,
            "webCheckoutDetails": null,
            "chargePermissionType": null,
            "recurringMetadata": null,
            "productType": null,
            "paymentDetails": null,
            "merchantMetadata": null,
            "supplementaryData": null,
            "buyer": null,
            "billingAddress": null,
            "paymentPreferences": [null],
            "statusDetails": status_details("Completed", None, at, unknowns),
            "shippingAddress": null,
            "platformId": null,
            "chargePermissionId": null,
            "chargeId": null,
            "constraints": [null],
            "creationTimestamp": basic(self.created),
            "expirationTimestamp": null,
            "storeId": null,
            "deliverySpecifications": null,
            "providerMetadata": null,
            "releaseEnvironment": null,
        })
    }

    fn shown_canceled(&self, at: Timestamp, reason: Option<&str>, unknowns: &Unknowns) -> Value {
        json!({
            "checkoutSessionId": self.id,
            "webCheckoutDetails": null,
            "chargePermissionType": null,
            "productType": null,
            "paymentDetails": null,
            "merchantMetadata": null,
            "buyer": null,
            "billingAddress": null,
            "paymentPreferences": [null],
            "statusDetails": status_details("Canceled", reason, at, unknowns),
            "shippingAddress": null,
            "chargePermissionId": null,
            "chargeId": null,
            "constraints": [null],
            "creationTimestamp": basic(self.created),
            "expirationTimestamp": null,
            "releaseEnvironment": null,
        })
    }

    fn put_ids(&self, body: &mut Value) {
        body["chargePermissionId"] = json!(self.permission.as_ref().map(|permission| &permission.id));
        body["chargeId"] = match &self.end {
            Some(End::Completed { shown_charge, .. }) => json!(shown_charge),
            Some(End::Canceled { .. }) | None => Value::Null,
        };
    }

    /// Without this no buyer is asked to pay, so there is nothing to confirm.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        let constraints = self.constraints().into_iter();
        let mut money =
            constraints.filter(|(id, _)| ["ChargeAmountNotSet", "PaymentIntentNotSet"].contains(id));
        money.next().map(|(_, description)| description)
    }

    /// What is still missing before the buyer can be sent to Amazon's page or finish there.
    fn constraints(&self) -> Vec<(&'static str, &'static str)> {
        let body = &self.open_body;
        let details = &body["paymentDetails"];
        let recurring = body["chargePermissionType"] == "Recurring";
        let missing = [
            (
                BUYER_MISSING,
                "no buyer has finished this session",
                !self.buyer_finished,
            ),
            (
                "ChargeAmountNotSet",
                "paymentDetails.chargeAmount is not set",
                details["chargeAmount"].is_null() && !self.is_wallet_setup(),
            ),
            (
                "CheckoutResultReturnUrlNotSet",
                "webCheckoutDetails.checkoutResultReturnUrl is not set",
                body["webCheckoutDetails"]["checkoutResultReturnUrl"].is_null(),
            ),
            (
                "PaymentIntentNotSet",
                "paymentDetails.paymentIntent is not set",
                details["paymentIntent"].is_null(),
            ),
            (
                "RecurringFrequencyNotSet",
                "recurringMetadata.frequency is not set",
                recurring && body["recurringMetadata"]["frequency"].is_null(),
            ),
        ];
        missing
            .into_iter()
            .filter(|(_, _, missing)| *missing)
            .map(|(id, description, _)| (id, description))
            .collect()
    }

    /// A Saved Wallet setup takes no payment: it is completed with an empty body.
    pub(crate) fn is_wallet_setup(&self) -> bool {
        let body = &self.open_body;
        body["chargePermissionType"] == "PaymentMethodOnFile"
            && (body["paymentDetails"]["chargeAmount"].is_null()
                || as_flag(&body["paymentMethodOnFileMetadata"]["setupOnly"]) == Some(true))
    }
}
