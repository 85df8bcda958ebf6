//! Any facts at all, in any order.

use checkout::{
    AlertKind, Answer, Because, BodyRef, ChargeFound, Event, Evidence, ForswornBy, Found, Outcome, Payment,
    PaymentIntent, Policy, Refusal, Statement, Timestamp,
};
use proptest::prelude::*;
use proptest::sample::select;
use testkit::model::*;

pub(super) fn statement() -> BoxedStrategy<Statement> {
    select(vec![
        order().build(),
        order().amount("24.00").build(),
        order().amount("25.00").build(),
        order().without_address().build(),
        order().complete().build(),
        order().sets_up_wallet().build(),
        order().intent(PaymentIntent::Authorize).build(),
        order().intent(PaymentIntent::Confirm).build(),
        order().flawed().build(),
        order().of_an_unknown_account().build(),
    ])
    .boxed()
}

pub(super) fn any_time() -> BoxedStrategy<Timestamp> {
    prop_oneof![
        any::<i64>().prop_map(Timestamp::from_micros),
        (0..3_000_000_u64).prop_map(|s| t(secs(s))),
    ]
    .boxed()
}

pub(super) fn any_answer() -> BoxedStrategy<Answer> {
    select(vec![
        answer(0, ""),
        answer(200, ""),
        answer(422, "InvalidCheckoutSessionStatus"),
        answer(500, ""),
        answer(503, "ServiceUnavailable"),
    ])
    .boxed()
}

pub(super) fn any_found() -> BoxedStrategy<Found> {
    select(vec![
        open(),
        open(),
        open(),
        open(),
        open_without_address(),
        open_with_ids(),
        Found::Open {
            ids: Some(ids_without_charge()),
            has_address: true,
        },
        found_completed(),
        found_completed_without_charge(),
        Found::NotFound,
        canceled("Expired"),
        canceled(""),
        canceled("Declined"),
    ])
    .boxed()
}

pub(super) fn any_charge() -> BoxedStrategy<ChargeFound> {
    select(vec![
        ChargeFound::Pending,
        ChargeFound::NotFound,
        ChargeFound::Authorized,
        ChargeFound::Captured,
        ChargeFound::Declined { reason: None },
        ChargeFound::Canceled { reason: None },
    ])
    .boxed()
}

pub(super) fn any_kind() -> BoxedStrategy<AlertKind> {
    prop_oneof![
        any::<u64>().prop_map(|s| AlertKind::DeadlineNear { before: secs(s) }),
        Just(AlertKind::InDoubt),
        Just(AlertKind::NeedsRepair),
        Just(AlertKind::Conflict),
        Just(AlertKind::Forsworn),
        Just(AlertKind::Contradiction),
        Just(AlertKind::PaymentOverdue),
    ]
    .boxed()
}

pub(super) fn any_outcome() -> BoxedStrategy<Outcome> {
    prop_oneof![
        Just(Outcome::Confirmed {
            ids: ids(),
            payment: Payment::Captured,
            evidence: Evidence::Answer
        }),
        Just(Outcome::Declined { reason_code: None }),
        any_time().prop_map(|decided_at| Outcome::Cancelled { decided_at }),
        Just(Outcome::Expired),
        Just(Outcome::Unresolved {
            because: String::new()
        }),
    ]
    .boxed()
}

pub(super) fn way_in() -> BoxedStrategy<Event> {
    prop_oneof![
        (statement(), any_time(), proptest::option::of(any_time())).prop_map(
            |(statement, said_at, session_created_at)| Event::CheckoutCompleted {
                statement,
                said_at,
                session_created_at
            }
        ),
        statement().prop_map(|statement| Event::CheckoutAmended { statement }),
        statement().prop_map(|statement| Event::AmendmentKept { statement }),
        statement().prop_map(|statement| Event::ConflictFound { statement }),
    ]
    .boxed()
}

pub(super) fn attempts() -> BoxedStrategy<Event> {
    let attempt = || any::<u32>().prop_map(|n| if n % 4 == 0 { n } else { n % 3 });
    prop_oneof![
        (attempt(), 0..3_u32, any_time()).prop_map(|(attempt, n, send_by)| Event::ConfirmationStarted {
            attempt,
            key: key(n),
            body: BodyRef(n),
            send_by
        }),
        (attempt(), any_answer(), any_time()).prop_map(|(attempt, answer, retry_at)| {
            Event::ConfirmationNotSent {
                attempt,
                answer,
                retry_at,
            }
        }),
        (attempt(), any_answer(), any_time()).prop_map(|(attempt, answer, retry_at)| {
            Event::ConfirmationDeferred {
                attempt,
                because: Because::Throttled,
                answer,
                retry_at,
            }
        }),
        (attempt(), any_answer(), any_time()).prop_map(|(attempt, answer, retry_at)| {
            Event::ConfirmationUnclear {
                attempt,
                answer,
                retry_at,
            }
        }),
        (attempt(), any_answer(), any::<bool>(), any::<bool>()).prop_map(
            |(attempt, answer, last, landed)| {
                Event::ConfirmationRefused {
                    attempt,
                    refusal: if last { Refusal::Final } else { Refusal::Status },
                    answer,
                    may_have_landed: landed,
                }
            }
        ),
        (proptest::option::of(attempt()), any::<bool>(), any_answer()).prop_map(
            |(attempt, content, answer)| Event::RepairNeeded {
                flaw: flaw(if content { "request" } else { "account" }, "x"),
                attempt,
                content,
                answer
            }
        ),
    ]
    .boxed()
}

pub(super) fn look_ups() -> BoxedStrategy<Event> {
    let times = || proptest::option::of(any_time());
    let left = proptest::option::of((0..200_000_u64).prop_map(std::time::Duration::from_secs));
    prop_oneof![
        (
            any_time(),
            any_found(),
            times(),
            times(),
            left,
            any_time(),
            any_answer()
        )
            .prop_map(
                |(begun_at, found, created_at, expires_at, left, next_at, answer)| Event::LookedUp {
                    begun_at,
                    found,
                    created_at,
                    expires_at,
                    left,
                    next_at,
                    answer
                }
            ),
        (any_answer(), any_time()).prop_map(|(answer, retry_at)| Event::LookUpDeferred { answer, retry_at }),
        any_answer().prop_map(|answer| Event::ConfirmationAccepted {
            evidence: Evidence::LookUp,
            ids: ids(),
            answer
        }),
        Just(Event::PaymentPending),
        (any_charge(), any_time(), any_answer()).prop_map(|(found, next_at, answer)| Event::ChargeLookedUp {
            found,
            next_at,
            answer
        }),
        (any_answer(), any_time())
            .prop_map(|(answer, retry_at)| Event::ChargeLookUpDeferred { answer, retry_at }),
    ]
    .boxed()
}

pub(super) fn decisions() -> BoxedStrategy<Event> {
    prop_oneof![
        Just(Event::AttemptDeclined { reason_code: None }),
        Just(Event::ConfirmationForsworn {
            by: ForswornBy::Policy
        }),
        Just(Event::ConfirmationForsworn {
            by: ForswornBy::Operator
        }),
        Just(Event::Released),
        Just(Event::RetryRequested),
        (any_outcome(), any_answer()).prop_map(|(outcome, answer)| Event::Settled { outcome, answer }),
        (any_kind(), any::<u32>()).prop_map(|(kind, ordinal)| Event::AlertRaised {
            kind,
            ordinal: ordinal.min(u32::MAX - 1),
            summary: String::new()
        }),
        any::<u32>().prop_map(|ordinal| Event::AlertResolved { ordinal }),
    ]
    .boxed()
}

pub(super) fn any_event() -> BoxedStrategy<Event> {
    prop_oneof![2 => way_in(), 4 => attempts(), 4 => look_ups(), 3 => decisions()].boxed()
}

pub(super) fn any_policy() -> BoxedStrategy<Policy> {
    prop_oneof![4 => Just(policy()), 1 => Just(alerting()), 1 => Just(watching())].boxed()
}
