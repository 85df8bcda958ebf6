//! The cases, by what they are about. Each switch is met in its default position and in every other that it
//! matters to. Where one position is stricter than the other, it is the strict one that a worker which took the
//! other for granted would fail in.

use serde_json::{Value, json};

use super::case::{Case, Ends};

fn both(switch: &str) -> [Value; 2] {
    [false, true].map(|position| json!({switch: position}))
}

fn one(switch: &str, position: impl Into<Value>) -> Value {
    json!({switch: position.into()})
}

/// By the first request, as on any other day.
fn at_once() -> Ends {
    Ends::Confirmed {
        told: json!({"payment": "Captured", "evidence": "answer"}),
        requests: 1,
        keys: 1,
    }
}

fn told(told: Value) -> Ends {
    Ends::Confirmed {
        told,
        requests: 1,
        keys: 1,
    }
}

fn repaired(code: &str) -> Ends {
    Ends::Repaired {
        code: code.to_owned(),
        amended: json!({}),
    }
}

fn over(outcome: &'static str, told: Value) -> Ends {
    Ends::Over { outcome, told }
}

fn refusal(status: u16, reason_code: &str) -> Value {
    json!({"status": status, "reasonCode": reason_code})
}

fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currencyCode": "EUR"})
}

fn without_addresses() -> Value {
    json!({"shippingAddress": null, "billingAddress": null})
}

/// What is no matter to a worker that sends what the documents say and reads no more than it needs.
pub(super) fn requests_and_answers() -> Vec<Case> {
    let mut cases = Vec::new();
    for switch in [
        "checkRegion",
        "regionInAnyCase",
        "trailingSlashAccepted",
        "prefixedKeyMayNameEnvironment",
        "answersHaveNewFields",
        "enforceKeyFormat",
        "keyIsBoundToPath",
        "finalizeAnswersInFull",
        "finalizeTakesMerchantMetadata",
    ] {
        cases.extend(both(switch).map(|stand| Case::new(stand, at_once())));
    }
    for stand in both("clearConstraintsAreNull") {
        cases.push(Case::new(stand, at_once()).event(without_addresses()));
    }
    // New fields in look-ups too.
    for stand in both("answersHaveNewFields") {
        cases.push(Case::new(stand, at_once()).event(without_addresses()));
    }
    // The buyer has not consented to what the event says.
    for (stand, kind) in both("completedShowsPermissionType")
        .into_iter()
        .zip(["PaymentMethodOnFile", "OneTime"])
    {
        let ends = told(json!({"payment": "Captured", "chargePermissionType": kind}));
        let case = Case::new(stand, ends);
        cases.push(case.event(json!({"chargePermissionType": "PaymentMethodOnFile"})));
    }
    for stand in both("recurringIdsHaveOwnLetter") {
        let ends = told(json!({"payment": "Captured", "evidence": "look-up"}));
        let lost = json!({"operation": "finalize", "when": "after", "kind": "reset", "times": 1});
        let case = Case::new(stand, ends).fault(lost);
        cases.push(case.session(json!({"chargePermissionType": "Recurring"})));
    }
    cases
}

/// Repetitions, after an answer was lost.
pub(super) fn idempotency() -> Vec<Case> {
    let broken = json!({"operation": "finalize", "when": "before", "kind": "status", "times": 1});
    let timed_out = json!({"refuse": {"status": 422, "reasonCode": "TransactionTimedOut", "times": 1}});
    let mut cases = Vec::new();
    // A saved error never lets a repetition succeed, and an unsaved one needs no other key.
    for (stand, requests, keys) in [(false, 2, 1), (true, 4, 2)] {
        let stand = one("replayErrors", stand);
        let ends = || Ends::Confirmed {
            told: json!({"payment": "Captured", "evidence": "answer"}),
            requests,
            keys,
        };
        cases.push(Case::new(stand.clone(), ends()).fault(broken.clone()));
        cases.push(Case::new(stand, ends()).session(timed_out.clone()));
    }
    let lost = json!({"operation": "finalize", "when": "after", "kind": "reset", "times": 1});
    for replayed in [false, true] {
        for (lag, evidence) in [
            ("0s", "look-up"),
            ("20s", if replayed { "answer" } else { "look-up" }),
        ] {
            let stand = json!({"replayConfirmations": replayed, "lookUpLag": lag});
            let ends = Ends::ConfirmedSomehow {
                told: json!({"payment": "Captured", "evidence": evidence}),
            };
            cases.push(Case::new(stand, ends).fault(lost.clone()));
        }
    }
    cases
}

/// Charges that pend, and charges that are none.
pub(super) fn charges() -> Vec<Case> {
    let pending = |card: &str| {
        json!({
            "card": card,
            "pendingFor": "5m",
            "paymentDetails": {"paymentIntent": "Authorize", "canHandlePendingAuthorization": true},
        })
    };
    let lost = json!({"operation": "finalize", "when": "after", "kind": "reset", "times": 1});
    let mut cases = Vec::new();
    for (card, outcome) in [("0701", "confirmed"), ("4354", "declined")] {
        for stand in both("finalizeAnswers202") {
            let ends = Ends::Pending {
                evidence: "answer",
                outcome,
            };
            cases.push(Case::new(stand, ends).session(pending(card)));
        }
        for shown in ["Completed", "Open"] {
            let stand = one("pendingSessionState", shown);
            for (evidence, lost) in [("answer", None), ("look-up", Some(lost.clone()))] {
                let ends = Ends::Pending { evidence, outcome };
                let case = Case::new(stand.clone(), ends).session(pending(card));
                cases.push(match lost {
                    Some(lost) => case.fault(lost),
                    None => case,
                });
            }
        }
    }
    let nothing_paid = || told(json!({"payment": "None", "evidence": "answer"}));
    for stand in both("finalizeConfirmShowsChargeId") {
        let case = Case::new(stand, nothing_paid());
        cases.push(case.session(json!({"paymentDetails": {"paymentIntent": "Confirm"}})));
    }
    for stand in both("setupShowsChargeId") {
        let case = Case::new(stand, nothing_paid());
        let session = json!({"chargePermissionType": "PaymentMethodOnFile"});
        let event = json!({"operation": "Complete", "chargeAmount": null, "paymentIntent": null});
        cases.push(case.session(session).event(event));
    }
    cases
}

/// Sessions that end otherwise.
pub(super) fn cancellations() -> Vec<Case> {
    let canceled = |reason: Value| json!({"statusDetails": {"state": "Canceled", "reasonCode": reason}});
    let mut cases = Vec::new();
    for (creation, expiration) in [(true, false), (true, true), (false, false), (false, true)] {
        let stand = json!({"canceledKeepsCreation": creation, "canceledKeepsExpiration": expiration});
        cases.push(Case::new(stand.clone(), over("expired", json!({}))).made_hours_ago(25));
        // Without a reason, but before the deadline: not expired.
        let case = Case::new(stand, over("declined", json!({})));
        cases.push(case.session(canceled(Value::Null)).made_hours_ago(2));
    }
    for stand in both("describeReasons") {
        let ends = over("declined", json!({"reasonCode": "Declined"}));
        cases.push(Case::new(stand, ends).session(json!({"card": "3434"})));
    }
    for (status, code) in [
        (422, "InvalidCheckoutSessionStatus"),
        (422, "CheckoutSessionCanceled"),
        (400, "CheckoutSessionCanceled"),
        (400, "InvalidRequest"),
        (409, "BornYesterday"),
    ] {
        let ends = over("declined", json!({"reasonCode": "BuyerCanceled"}));
        let stand = one("canceledSessionRefusal", refusal(status, code));
        let case = Case::new(stand, ends);
        cases.push(case.session(canceled(json!("BuyerCanceled"))));
    }
    for status in [422, 400] {
        for code in [
            "CheckoutSessionCanceled",
            "InvalidCheckoutSessionStatus",
            "BornYesterday",
        ] {
            let stand = json!({"sessionCanceledStatus": status, "sessionCanceledReasonCode": code});
            let ends = over("declined", json!({"reasonCode": "Declined"}));
            cases.push(Case::new(stand, ends).session(json!({"card": "3434"})));
        }
    }
    for stand in both("badCardsCancelOnReturn") {
        let ends = over("declined", json!({"reasonCode": "BuyerCanceled"}));
        let case = Case::new(stand, ends);
        let session = json!({"card": "3064", "buyerFinished": false});
        cases.push(case.session(session).buyer(json!({"action": "finish"})));
    }
    // The buyer never comes back, and a look-up right after the deadline may still say Open.
    for lag in ["0s", "10m"] {
        let stand = one("expiryLag", lag);
        let case = Case::new(stand, over("cancelled", json!({"evidence": "look-up"})));
        cases.push(case.session(json!({"buyerFinished": false})).made_hours_ago(23));
    }
    cases
}

/// What Finalize compares, or not.
pub(super) fn comparisons() -> Vec<Case> {
    let mut cases = Vec::new();
    for (made_for, said) in [("Complete", "Finalize"), ("Finalize", "Complete")] {
        for stand in both("eitherOperationConfirms") {
            let ends = if stand["eitherOperationConfirms"] == true {
                told(json!({"payment": "Captured"}))
            } else {
                Ends::Repaired {
                    code: "405 UnsupportedOperation".to_owned(),
                    amended: json!({"operation": made_for}),
                }
            };
            let case = Case::new(stand, ends);
            let session = json!({"operation": made_for});
            cases.push(case.session(session).event(json!({"operation": said})));
        }
    }
    let data = json!({"supplementaryData": "as the session has it"});
    let differs = [
        // Unchecked, the session's intent is carried out: what became of the money is told, not what was meant.
        (
            "checkPaymentIntent",
            true,
            json!({}),
            json!({"paymentIntent": "Confirm"}),
        ),
        (
            "checkSupplementaryData",
            true,
            data,
            json!({"supplementaryData": "otherwise"}),
        ),
        (
            "ignoreWhatSessionLacks",
            false,
            json!({}),
            json!({"totalOrderAmount": eur("60.00")}),
        ),
        (
            "ignoreWhatSessionLacks",
            false,
            json!({}),
            json!({"supplementaryData": "unknown"}),
        ),
    ];
    for (switch, refused_when, session, event) in differs {
        for stand in both(switch) {
            let ends = if stand[switch] == refused_when {
                repaired(if event.get("totalOrderAmount").is_some() {
                    "AmountMismatch"
                } else {
                    "InvalidParameterValue"
                })
            } else {
                at_once()
            };
            cases.push(
                Case::new(stand, ends)
                    .session(session.clone())
                    .event(event.clone()),
            );
        }
    }
    let at_home = |city: &str, county: Value| {
        json!({"shippingAddress": {
            "name": "Robin Example", "addressLine1": "Beispielweg 7", "city": city, "county": county,
            "postalCode": "10115", "countryCode": "DE", "phoneNumber": "030555010",
        }})
    };
    for how in ["Values", "Literal", "Loose"] {
        let stand = one("addressComparison", how);
        // A shop's empty field is none.
        cases.push(Case::new(stand.clone(), at_once()).event(at_home("Berlin", json!(""))));
        let ends = if how == "Loose" {
            at_once()
        } else {
            repaired("InvalidParameterValue")
        };
        cases.push(Case::new(stand, ends).event(at_home("BERLIN", Value::Null)));
    }
    for stand in both("amountsCompareAsText") {
        let session = json!({"paymentDetails": {"chargeAmount": eur("14.00")}});
        cases.push(Case::new(stand.clone(), at_once()).session(session.clone()));
        let ends = if stand["amountsCompareAsText"] == true {
            repaired("AmountMismatch")
        } else {
            at_once()
        };
        let case = Case::new(stand, ends).session(session);
        cases.push(case.event(json!({"chargeAmount": eur("14")})));
    }
    cases
}

/// How a difference is refused: each as it stands by default, and as a code that says nothing of it.
pub(super) fn mismatches() -> Vec<Case> {
    let total = json!({"paymentDetails": {"totalOrderAmount": eur("60.00")}});
    let data = json!({"supplementaryData": "as the session has it"});
    let mut other_city = json!({"name": "Robin Example", "addressLine1": "Beispielweg 7", "city": "Hamburg"});
    other_city["countryCode"] = json!("DE");
    let dollars = json!({"amount": "23.45", "currencyCode": "USD"});
    let differences = [
        (
            "chargeAmountMismatch",
            json!({}),
            json!({"chargeAmount": eur("99.99")}),
        ),
        (
            "totalOrderAmountMismatch",
            total.clone(),
            json!({"totalOrderAmount": eur("61.00")}),
        ),
        ("currencyMismatch", json!({}), json!({"chargeAmount": dollars})),
        (
            "addressMismatch",
            json!({}),
            json!({"shippingAddress": other_city.clone()}),
        ),
        (
            "supplementaryDataMismatch",
            data.clone(),
            json!({"supplementaryData": "otherwise"}),
        ),
        (
            "paymentIntentMismatch",
            json!({}),
            json!({"paymentIntent": "Authorize"}),
        ),
        ("missingAddress", json!({}), json!({"productType": "PayOnly"})),
        (
            "missingTotalOrderAmount",
            total,
            json!({"totalOrderAmount": null}),
        ),
        (
            "missingSupplementaryData",
            data,
            json!({"supplementaryData": null}),
        ),
    ];
    let defaults = serde_json::to_value(sandbox::Unknowns::default()).unwrap();
    let mut cases = Vec::new();
    for (switch, session, event) in differences {
        for position in [
            defaults[switch].clone(),
            refusal(400, "InvalidRequest"),
            refusal(422, "InvalidParameterValue"),
        ] {
            let ends = repaired(position["reasonCode"].as_str().unwrap());
            let case = Case::new(one(switch, position), ends);
            cases.push(case.session(session.clone()).event(event.clone()));
        }
    }
    // Codes that nobody knows, with a status that also says "not yet".
    for (switch, status, event) in [
        ("chargeAmountMismatch", 409, json!({"chargeAmount": eur("99.99")})),
        ("addressMismatch", 422, json!({"shippingAddress": other_city})),
    ] {
        let ends = Ends::RepairedAtLast { amended: json!({}) };
        let case = Case::new(one(switch, refusal(status, "BornYesterday")), ends);
        cases.push(case.event(event).made_hours_ago(21));
    }
    cases
}
