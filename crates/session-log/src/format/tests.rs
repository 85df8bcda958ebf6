mod arbitrary;

use std::time::Duration;

use checkout::{
    AccountName, AlertKind, Amount, Answer, Because, BodyRef, ChargeFound, ChargePermissionType, Event,
    Evidence, Flaw, ForswornBy, Found, IdempotencyKey, Ids, Order, Outcome, Payment, PaymentIntent,
    PrivateRef, ProductType, Refusal, Statement, Timestamp, Work,
};
use reconciler::{Address, BuyerDetails, Personal};
use serde_json::{Value, json};

use super::{
    NotReadable, read_details, read_event, read_personal, store_details, store_event, store_personal,
};

const GOLDEN: &str = include_str!("../../tests/it/golden/events-v1.json");

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn amount(text: &str, currency: &str) -> Amount {
    Amount::parse(text, currency).unwrap()
}

fn statement(work: Work) -> Statement {
    Statement {
        account: Some(AccountName::parse("eu_shop").unwrap()),
        merchant_reference_id: Some("ORDER-1001".to_owned()),
        order: Some(Order {
            work,
            permission_type: ChargePermissionType::OneTime,
            total_order_amount: Some(amount("112.50", "EUR")),
            can_handle_pending: true,
            has_address: false,
        }),
        flaw: None,
        private: PrivateRef(1),
    }
}

fn finalize() -> Work {
    Work::Finalize {
        product: ProductType::PayAndShip,
        intent: PaymentIntent::AuthorizeWithCapture,
        amount: amount("23.40", "EUR"),
    }
}

fn flawed() -> Statement {
    Statement {
        account: None,
        merchant_reference_id: None,
        order: None,
        flaw: Some(Flaw {
            field: "account".to_owned(),
            problem: "is not configured".to_owned(),
        }),
        private: PrivateRef(0),
    }
}

fn answer() -> Answer {
    Answer {
        status: Some(503),
        reason_code: Some("InternalServerError".to_owned()),
        message: Some("try again".to_owned()),
        request_id: Some("req-1".to_owned()),
    }
}

fn ids() -> Ids {
    Ids {
        charge_permission_id: "P01-1".to_owned(),
        charge_permission_type: Some(ChargePermissionType::Recurring),
        charge_id: Some("P01-1-C1".to_owned()),
    }
}

fn settled(outcome: Outcome) -> Event {
    Event::Settled {
        outcome,
        answer: answer(),
    }
}

fn raised(kind: AlertKind) -> Event {
    Event::AlertRaised {
        kind,
        ordinal: 2,
        summary: "look at it".to_owned(),
    }
}

/// Every kind of fact, and every shape that its parts can have.
fn examples() -> Vec<Event> {
    let time = at("2026-01-05T10:00:00.000001Z");
    let later = at("2026-01-05T11:30:00Z");
    let looked_up = |found| Event::LookedUp {
        begun_at: time,
        found,
        created_at: Some(time),
        expires_at: None,
        left: None,
        next_at: later,
        answer: answer(),
    };
    let charge = |found| Event::ChargeLookedUp {
        found,
        next_at: later,
        answer: Answer::default(),
    };
    let reason = Some("AmazonCanceled".to_owned());
    let mut examples = vec![
        Event::CheckoutCompleted {
            statement: statement(finalize()),
            said_at: time,
            session_created_at: Some(later),
        },
        Event::CheckoutCompleted {
            statement: flawed(),
            said_at: time,
            session_created_at: None,
        },
        Event::CheckoutAmended {
            statement: statement(Work::Complete {
                amount: amount("1500", "JPY"),
            }),
        },
        Event::AmendmentKept {
            statement: statement(Work::SetUpWallet),
        },
        Event::ConflictFound {
            statement: statement(finalize()),
        },
        Event::ConfirmationStarted {
            attempt: 1,
            key: IdempotencyKey::from_bits(255),
            body: BodyRef(3),
            send_by: later,
        },
        Event::ConfirmationNotSent {
            attempt: 1,
            answer: answer(),
            retry_at: later,
        },
        Event::ConfirmationUnclear {
            attempt: 3,
            answer: Answer::default(),
            retry_at: later,
        },
        Event::RepairNeeded {
            flaw: Flaw {
                field: "chargeAmount".to_owned(),
                problem: "AmountMismatch".to_owned(),
            },
            attempt: Some(4),
            content: true,
            answer: answer(),
        },
        looked_up(Found::Open {
            ids: Some(ids()),
            has_address: true,
        }),
        looked_up(Found::Completed(Ids {
            charge_permission_type: None,
            charge_id: None,
            ..ids()
        })),
        looked_up(Found::Canceled {
            reason: reason.clone(),
        }),
        looked_up(Found::NotFound),
        Event::LookUpDeferred {
            answer: answer(),
            retry_at: later,
        },
        Event::ConfirmationAccepted {
            evidence: Evidence::Answer,
            ids: ids(),
            answer: answer(),
        },
        Event::PaymentPending,
        charge(ChargeFound::Pending),
        charge(ChargeFound::Authorized),
        charge(ChargeFound::Captured),
        charge(ChargeFound::Declined {
            reason: reason.clone(),
        }),
        charge(ChargeFound::Canceled { reason: None }),
        charge(ChargeFound::NotFound),
        Event::ChargeLookUpDeferred {
            answer: answer(),
            retry_at: later,
        },
        Event::AttemptDeclined {
            reason_code: Some("HardDeclined".to_owned()),
        },
        Event::Released,
        Event::RetryRequested,
        settled(Outcome::Declined { reason_code: reason }),
        settled(Outcome::Cancelled { decided_at: later }),
        settled(Outcome::Expired),
        settled(Outcome::Unresolved {
            because: "it cannot be known".to_owned(),
        }),
        raised(AlertKind::DeadlineNear {
            before: Duration::from_secs(7200),
        }),
        Event::AlertResolved { ordinal: 2 },
        Event::LookedUp {
            begun_at: time,
            found: Found::Open {
                ids: None,
                has_address: false,
            },
            created_at: Some(time),
            expires_at: Some(later),
            left: Some(Duration::from_secs(5400)),
            next_at: later,
            answer: Answer::default(),
        },
    ];
    examples.extend(
        [Because::Throttled, Because::AccountStopped, Because::Transient].map(|because| {
            Event::ConfirmationDeferred {
                attempt: 2,
                because,
                answer: answer(),
                retry_at: later,
            }
        }),
    );
    examples.extend(
        [Refusal::Status, Refusal::Final].map(|refusal| Event::ConfirmationRefused {
            attempt: 2,
            refusal,
            answer: answer(),
            may_have_landed: true,
        }),
    );
    examples.extend([ForswornBy::Policy, ForswornBy::Operator].map(|by| Event::ConfirmationForsworn { by }));
    examples.extend(
        [
            (Payment::Captured, Evidence::Answer),
            (Payment::Authorized, Evidence::LookUp),
            (Payment::None, Evidence::None),
        ]
        .map(|(payment, evidence)| {
            settled(Outcome::Confirmed {
                ids: ids(),
                payment,
                evidence,
            })
        }),
    );
    examples.extend(
        [
            AlertKind::InDoubt,
            AlertKind::NeedsRepair,
            AlertKind::Conflict,
            AlertKind::Forsworn,
            AlertKind::Contradiction,
            AlertKind::PaymentOverdue,
        ]
        .map(raised),
    );
    examples
}

fn golden() -> Vec<Value> {
    serde_json::from_str(GOLDEN).unwrap()
}

#[test]
fn every_fact_is_stored_as_the_golden_file_says() {
    let stored: Vec<Value> = examples()
        .iter()
        .map(|event| {
            let stored = store_event(event);
            let body: Value = serde_json::from_str(&stored.body).unwrap();
            json!({ "type": stored.kind, "format": stored.format, "body": body })
        })
        .collect();
    let stored_text = serde_json::to_string_pretty(&stored).unwrap();
    assert_eq!(stored, golden(), "stored now:\n{stored_text}");
}

#[test]
fn the_golden_file_is_read_as_the_facts_it_was_written_from() {
    let read: Vec<Event> = golden()
        .iter()
        .map(|stored| {
            read_event(
                stored["type"].as_str().unwrap(),
                stored["format"].as_i64().unwrap(),
                &stored["body"].to_string(),
            )
            .unwrap()
        })
        .collect();
    assert_eq!(read, examples());
}

#[test]
fn a_field_that_a_later_version_added_is_passed_over() {
    let read = read_event("alert-resolved", 1, r#"{"ordinal": 7, "by": "someone"}"#).unwrap();
    assert_eq!(read, Event::AlertResolved { ordinal: 7 });
}

#[test]
fn an_unknown_format_is_told_by_its_number() {
    let error = read_event("released", 2, "{}").unwrap_err();
    assert!(matches!(error, NotReadable::UnknownFormat { format: 2, .. }));
    assert!(error.to_string().contains("`released` is stored in format 2"));
}

#[test]
fn an_unknown_kind_is_told_by_its_name() {
    let error = read_event("teleported", 1, "{}").unwrap_err();
    assert!(error.to_string().contains("teleported"));
}

#[test]
fn personal_data_are_read_as_they_were_stored() {
    let personal = Personal {
        shipping_address: Some(Address {
            name: Some("Ada".to_owned()),
            city: Some("Turin".to_owned()),
            address_line3: Some("left door".to_owned()),
            ..Address::default()
        }),
        billing_address: None,
        supplementary_data: Some("{\"a\": 1}".to_owned()),
    };
    let stored = store_personal(&personal);
    assert_eq!(
        stored,
        r#"{"shippingAddress":{"name":"Ada","addressLine3":"left door","city":"Turin"},"supplementaryData":"{\"a\": 1}"}"#
    );
    assert!(read_personal(1, &stored).unwrap() == personal);
}

#[test]
fn buyers_details_are_read_as_they_were_stored() {
    let details = BuyerDetails {
        buyer_id: Some("amzn1.account.A".to_owned()),
        name: Some("Ada".to_owned()),
        email: Some("ada@example.com".to_owned()),
        billing_address: Some(Address {
            city: Some("Turin".to_owned()),
            ..Address::default()
        }),
        payment_descriptors: vec!["Visa ****1111".to_owned()],
        ..BuyerDetails::default()
    };
    let stored = store_details(&details);
    assert_eq!(
        stored,
        r#"{"buyerId":"amzn1.account.A","name":"Ada","email":"ada@example.com","billingAddress":{"city":"Turin"},"paymentDescriptors":["Visa ****1111"]}"#
    );
    assert!(read_details(1, &stored).unwrap() == details);
    assert!(read_details(1, "{}").unwrap().is_empty());
    assert!(read_details(2, &stored).is_err());
}

#[test]
fn unreadable_personal_data_are_not_quoted() {
    let error = read_personal(1, r#"{"shippingAddress": "Ada"}"#).unwrap_err();
    assert!(!error.to_string().contains("Ada"));
    let error = read_details(1, r#"{"name": ["Ada"]}"#).unwrap_err();
    assert!(!error.to_string().contains("Ada"));
}
