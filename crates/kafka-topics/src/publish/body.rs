//! The bodies as consumers read them, version 1. A promise to others: nothing inside may depend on these
//! names, and what is absent is there as null.

use std::time::Duration;

use checkout::{
    AccountName, AlertKind, Amount, ChargePermissionType, Deadline, Evidence, Ids, Operation, Payment,
    PaymentIntent, SessionId,
};
use reconciler::{Announcement, Content, Notice, NoticeKind};
use serde::Serialize;

/// Amazon's words for the buyer, to be shown as they are.
const PAYMENT_DECLINED: &str = "Your payment was not successful. Please try another payment method.";
const SETUP_DECLINED: &str =
    "Your request to save Amazon Pay as a payment method was not successful. Please try again.";
const RESTART: &str = "RestartCheckout";

/// A deadline this near wakes somebody up: there is time to act, and not much.
const PAGE_WITHIN: Duration = Duration::from_secs(60 * 60);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    checkout_session_id: &'a str,
    account: Option<&'a str>,
    merchant_reference_id: Option<&'a str>,
    recorded_at: String,
    evidence: &'static str,
    #[serde(flatten)]
    rest: Rest<'a>,
}

/// One variant a type. The variants have no name of their own in the body: the event's type is a header.
#[derive(Serialize)]
#[serde(untagged)]
enum Rest<'a> {
    #[serde(rename_all = "camelCase")]
    Confirmed {
        operation: Option<&'static str>,
        payment_intent: Option<&'static str>,
        charge_permission_id: &'a str,
        charge_permission_type: Option<&'static str>,
        charge_id: Option<&'a str>,
        payment: &'static str,
        charge_amount: Option<Price>,
        total_order_amount: Option<Price>,
        permission_details_until: String,
    },
    #[serde(rename_all = "camelCase")]
    Declined {
        reason_code: Option<&'a str>,
        buyer_action: &'static str,
        buyer_message: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    Cancelled {
        decided_at: String,
        deadline: String,
        buyer_action: &'static str,
        because: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    Expired {
        deadline: String,
        buyer_action: &'static str,
        because: &'static str,
    },
    Unresolved {
        because: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    PaymentPending {
        charge_permission_id: &'a str,
        charge_id: Option<&'a str>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    alert_id: String,
    status: &'static str,
    kind: &'static str,
    severity: &'static str,
    summary: &'a str,
    account: Option<&'a str>,
    checkout_session_id: Option<&'a str>,
    deadline: Option<String>,
    charge_amount: Option<Price>,
    action: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    amount: String,
    currency_code: &'static str,
}

impl Price {
    fn of(amount: &Amount) -> Self {
        Self {
            amount: amount.value().to_string(),
            currency_code: amount.currency().code(),
        }
    }
}

pub(super) fn of_announcement(announcement: &Announcement) -> Vec<u8> {
    let (evidence, rest) = match &announcement.content {
        Content::Confirmed {
            evidence,
            operation,
            payment_intent,
            ids,
            payment,
            charge_amount,
            total_order_amount,
            permission_details_until,
        } => (
            *evidence,
            Rest::Confirmed {
                operation: operation.map(operation_name),
                payment_intent: payment_intent.map(intent_name),
                charge_permission_id: &ids.charge_permission_id,
                charge_permission_type: ids.charge_permission_type.map(permission_name),
                charge_id: ids.charge_id.as_deref(),
                payment: payment_name(*payment),
                charge_amount: charge_amount.as_ref().map(Price::of),
                total_order_amount: total_order_amount.as_ref().map(Price::of),
                permission_details_until: permission_details_until.to_string(),
            },
        ),
        Content::Declined {
            evidence,
            reason_code,
            sets_up_wallet,
        } => (*evidence, declined(reason_code.as_deref(), *sets_up_wallet)),
        // Amazon's refusal of our own call.
        Content::AttemptDeclined {
            reason_code,
            sets_up_wallet,
        } => (
            Evidence::Answer,
            declined(reason_code.as_deref(), *sets_up_wallet),
        ),
        Content::Cancelled { decided_at, deadline } => (
            Evidence::LookUp,
            Rest::Cancelled {
                decided_at: decided_at.to_string(),
                deadline: deadline.to_string(),
                buyer_action: RESTART,
                because: "we decided not to confirm, and Amazon says that it lapsed",
            },
        ),
        Content::Expired { deadline } => (
            Evidence::LookUp,
            Rest::Expired {
                deadline: deadline.to_string(),
                buyer_action: RESTART,
                because: "it was not confirmed in time, and Amazon says so",
            },
        ),
        Content::Unresolved { because } => (Evidence::None, Rest::Unresolved { because }),
        Content::PaymentPending {
            evidence,
            ids:
                Ids {
                    charge_permission_id,
                    charge_id,
                    charge_permission_type: _,
                },
        } => (
            *evidence,
            Rest::PaymentPending {
                charge_permission_id,
                charge_id: charge_id.as_deref(),
            },
        ),
        Content::Alert {
            kind,
            ordinal,
            firing,
            summary,
            deadline,
            charge_amount,
        } => {
            return json(&session_alert(
                announcement,
                *kind,
                *ordinal,
                *firing,
                summary,
                *deadline,
                charge_amount.as_ref(),
            ));
        }
    };
    json(&Outcome {
        checkout_session_id: announcement.id.as_str(),
        account: announcement.account.as_ref().map(AccountName::as_str),
        merchant_reference_id: announcement.merchant_reference_id.as_deref(),
        recorded_at: announcement.recorded_at.to_string(),
        evidence: evidence_name(evidence),
        rest,
    })
}

fn declined(reason_code: Option<&str>, sets_up_wallet: bool) -> Rest<'_> {
    Rest::Declined {
        reason_code,
        buyer_action: RESTART,
        buyer_message: if sets_up_wallet {
            SETUP_DECLINED
        } else {
            PAYMENT_DECLINED
        },
    }
}

fn session_alert<'a>(
    announcement: &'a Announcement,
    kind: AlertKind,
    ordinal: u32,
    firing: bool,
    summary: &'a str,
    deadline: Deadline,
    charge_amount: Option<&Amount>,
) -> Alert<'a> {
    Alert {
        alert_id: format!("{}/{}/{ordinal}", announcement.id, kind.name()),
        status: status(firing),
        kind: kind.name(),
        severity: severity(kind),
        summary,
        account: announcement.account.as_ref().map(AccountName::as_str),
        checkout_session_id: Some(announcement.id.as_str()),
        deadline: Some(deadline.at.to_string()),
        charge_amount: charge_amount.map(Price::of),
        action: action(kind, &announcement.id),
    }
}

pub(super) fn of_notice(notice: &Notice) -> Vec<u8> {
    let (severity, action) = match notice.kind {
        NoticeKind::AccountStopped => ("page", "confirmd check --online"),
        NoticeKind::PredictedLoss => ("page", "confirmd sessions list --at-risk"),
        NoticeKind::DeadLetter => ("ticket", "confirmd sessions import FILE"),
    };
    json(&Alert {
        alert_id: notice.alert_id.clone(),
        status: status(notice.firing),
        kind: notice.kind.name(),
        severity,
        summary: &notice.summary,
        account: notice.account.as_ref().map(AccountName::as_str),
        checkout_session_id: None,
        deadline: None,
        charge_amount: None,
        action: action.to_owned(),
    })
}

pub(super) fn status(firing: bool) -> &'static str {
    if firing { "firing" } else { "resolved" }
}

/// A page where a person can still change how it ends, or where our record and Amazon's disagree about
/// money; a ticket where it can wait for the working day or another alert pages in time.
fn severity(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::InDoubt | AlertKind::Contradiction => "page",
        AlertKind::DeadlineNear { before } if before <= PAGE_WITHIN => "page",
        AlertKind::DeadlineNear { .. }
        | AlertKind::NeedsRepair
        | AlertKind::Conflict
        | AlertKind::Forsworn
        | AlertKind::PaymentOverdue => "ticket",
    }
}

/// The command that helps: it ends what the alert says, or shows what does.
fn action(kind: AlertKind, id: &SessionId) -> String {
    match kind {
        AlertKind::DeadlineNear { .. } => format!("confirmd sessions explain {id}"),
        AlertKind::InDoubt | AlertKind::PaymentOverdue => format!("confirmd sessions show {id}"),
        AlertKind::NeedsRepair | AlertKind::Conflict | AlertKind::Forsworn | AlertKind::Contradiction => {
            format!("confirmd sessions release {id} --reason TEXT")
        }
    }
}

fn evidence_name(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Answer => "answer",
        Evidence::LookUp => "look-up",
        Evidence::None => "none",
    }
}

fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Finalize => "Finalize",
        Operation::Complete => "Complete",
    }
}

fn intent_name(intent: PaymentIntent) -> &'static str {
    match intent {
        PaymentIntent::AuthorizeWithCapture => "AuthorizeWithCapture",
        PaymentIntent::Authorize => "Authorize",
        PaymentIntent::Confirm => "Confirm",
    }
}

fn permission_name(permission: ChargePermissionType) -> &'static str {
    match permission {
        ChargePermissionType::OneTime => "OneTime",
        ChargePermissionType::Recurring => "Recurring",
        ChargePermissionType::PaymentMethodOnFile => "PaymentMethodOnFile",
    }
}

fn payment_name(payment: Payment) -> &'static str {
    match payment {
        Payment::Captured => "Captured",
        Payment::Authorized => "Authorized",
        Payment::None => "None",
    }
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("structs of strings have nothing that JSON cannot hold")
}
