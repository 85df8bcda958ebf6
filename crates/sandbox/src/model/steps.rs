//! What may happen next, and by which rules: drawn at random.

use proptest::prelude::*;
use proptest::sample::select;

use super::ledger::{DAY, PENDING_FOR, Report, Wish};
use super::sessions::{Details, Intent};
use crate::control::faults::{Kind, When};
use crate::control::new_session::{BuyerAction, Route};
use crate::time::span::Span;
use crate::unknowns::{PendingState, Unknowns};

/// Indices count back from the newest, modulo what there is.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// By the control API.
    Make {
        merchant: usize,
        details: Details,
        recurring: bool,
        card: &'static str,
        route: Option<Route>,
    },
    Create {
        merchant: usize,
        details: Details,
        recurring: bool,
        key: u8,
    },
    Update {
        session: usize,
        change: Details,
    },
    Buyer {
        session: usize,
        action: BuyerAction,
        card: Option<&'static str>,
    },
    Confirm {
        session: usize,
        finalize: bool,
        right: bool,
        code: Option<&'static str>,
        key: Option<u8>,
    },
    Charge {
        session: usize,
        wish: Wish,
        key: u8,
    },
    Capture {
        charge: usize,
        cents: i64,
        code: Option<&'static str>,
        key: u8,
    },
    Cancel {
        charge: usize,
    },
    Report {
        charge: usize,
        report: Report,
    },
    Refund {
        charge: usize,
        cents: i64,
        goes: bool,
        key: u8,
    },
    Note {
        session: usize,
        reference: u8,
    },
    Close {
        session: usize,
        cancels: bool,
    },
    NewCard {
        session: usize,
        card: &'static str,
    },
    /// One of the last calls once more, as it was.
    Again {
        back: usize,
    },
    Look {
        session: usize,
    },
    Move {
        seconds: i64,
    },
    Break(Break),
}

/// A fault that strikes the next call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Break {
    pub(super) when: When,
    pub(super) kind: Option<Kind>,
    pub(super) delay: Option<u64>,
}

fn nth() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0), 2 => Just(1), 1 => 2..6_usize]
}

fn cents() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(1_000), 2 => Just(500), 2 => Just(250), 3 => 1..3_000_i64, 1 => 60_000..70_000_i64]
}

fn intent() -> impl Strategy<Value = Intent> {
    select(vec![Intent::Confirm, Intent::Authorize, Intent::Capture])
}

fn card() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just("1111"), 1 => Just("0701"), 1 => Just("4354"), 1 => Just("3434"), 1 => Just("3064")]
}

/// Complete, and such as a session may have.
fn details() -> impl Strategy<Value = Details> {
    (cents(), prop::option::of(cents()), intent(), any::<bool>()).prop_map(
        |(cents, more, intent, can_wait)| Details {
            cents: Some(cents),
            total: more.map(|more| cents + more),
            intent: Some(intent),
            can_wait: Some(can_wait && intent != Intent::Capture),
        },
    )
}

/// Some of them, and some that do not fit together.
fn change() -> impl Strategy<Value = Details> {
    use prop::option::weighted;
    let total = weighted(0.2, 3_000..6_000_i64);
    let (intent, can_wait) = (weighted(0.6, intent()), weighted(0.5, any::<bool>()));
    (weighted(0.6, cents()), total, intent, can_wait).prop_map(|(cents, total, intent, can_wait)| Details {
        cents,
        total,
        intent,
        can_wait,
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    let code = prop_oneof![
        8 => Just(None),
        1 => Just(Some("SoftDeclined")),
        1 => Just(Some("HardDeclined")),
        1 => Just(Some("AmazonRejected")),
        2 => Just(Some("CaptureInitiated")),
        2 => Just(Some("AuthorizationInitiated")),
        1 => Just(Some("Pending-HardDeclined")),
    ];
    (cents(), any::<bool>(), any::<bool>(), code).prop_map(|(cents, capture_now, can_wait, code)| Wish {
        cents,
        capture_now,
        can_wait,
        code,
    })
}

fn report() -> impl Strategy<Value = Report> {
    let named = ["HardDeclined", "AmazonRejected", "ProcessingFailure"].map(Report::Declined);
    let plain = [
        Report::Nothing,
        Report::Authorized,
        Report::CaptureInitiated,
        Report::Captured,
        Report::Canceled,
    ];
    select([&named[..], &plain[..]].concat())
}

fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1..60_i64,
        3 => select(vec![PENDING_FOR, DAY, 30 * DAY, 180 * DAY]),
        2 => Just(8 * DAY),
        1 => Just(31 * DAY),
        1 => Just(200 * DAY),
        1 => -2 * DAY..0,
    ]
}

fn fault() -> impl Strategy<Value = Break> {
    let kinds = vec![Kind::Reset, Kind::Hang, Kind::Status, Kind::Html, Kind::Truncate];
    let delay = prop_oneof![2 => Just(20), 1 => 1..100_u64, 1 => Just(24 * 3_600)];
    (
        select(vec![When::Before, When::After]),
        prop::option::weighted(0.7, select(kinds)),
        prop::option::weighted(0.4, delay),
    )
        .prop_map(|(when, kind, delay)| Break {
            when,
            kind: if delay.is_none() {
                kind.or(Some(Kind::Reset))
            } else {
                kind
            },
            delay,
        })
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![2 => beginning(), 3 => middle(), 2 => around()]
}

fn beginning() -> impl Strategy<Value = Step> {
    let route = || prop::option::of(select(vec![Route::Finalize, Route::Complete]));
    let code = prop::option::weighted(
        0.1,
        select(vec!["Declined", "BuyerCanceled", "AuthorizationInitiated"]),
    );
    let recurring = || prop::bool::weighted(0.25);
    let action = prop_oneof![4 => Just(BuyerAction::Finish), 1 => Just(BuyerAction::Cancel), 1 => Just(BuyerAction::Leave)];
    prop_oneof![
        3 => (0..2_usize, details(), recurring(), card(), route()).prop_map(
            |(merchant, details, recurring, card, route)| Step::Make { merchant, details, recurring, card, route }
        ),
        2 => (0..2_usize, change(), recurring(), 0..8_u8).prop_map(
            |(merchant, details, recurring, key)| Step::Create { merchant, details, recurring, key }
        ),
        2 => (nth(), change()).prop_map(|(session, change)| Step::Update { session, change }),
        2 => (nth(), action, prop::option::of(card()))
            .prop_map(|(session, action, card)| Step::Buyer { session, action, card }),
        6 => (nth(), any::<bool>(), prop::bool::weighted(0.9), code, prop::option::of(0..3_u8)).prop_map(
            |(session, finalize, right, code, key)| Step::Confirm { session, finalize, right, code, key }
        ),
    ]
}

fn middle() -> impl Strategy<Value = Step> {
    let capture_code =
        prop_oneof![6 => Just(None), 2 => Just(Some("CaptureInitiated")), 1 => Just(Some("AmazonRejected"))];
    prop_oneof![
        4 => (nth(), wish(), 0..8_u8)
            .prop_map(|(session, wish, key)| Step::Charge { session, wish, key }),
        4 => (nth(), cents(), capture_code, 0..8_u8)
            .prop_map(|(charge, cents, code, key)| Step::Capture { charge, cents, code, key }),
        1 => nth().prop_map(|charge| Step::Cancel { charge }),
        2 => (nth(), report()).prop_map(|(charge, report)| Step::Report { charge, report }),
        4 => (nth(), cents(), prop::bool::weighted(0.8), 0..8_u8)
            .prop_map(|(charge, cents, goes, key)| Step::Refund { charge, cents, goes, key }),
        1 => (nth(), any::<u8>()).prop_map(|(session, reference)| Step::Note { session, reference }),
        1 => (nth(), any::<bool>()).prop_map(|(session, cancels)| Step::Close { session, cancels }),
        1 => (nth(), card()).prop_map(|(session, card)| Step::NewCard { session, card }),
    ]
}

fn around() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4_usize).prop_map(|back| Step::Again { back }),
        1 => nth().prop_map(|session| Step::Look { session }),
        3 => seconds().prop_map(|seconds| Step::Move { seconds }),
        2 => fault().prop_map(Step::Break),
    ]
}

/// Every switch that changes what a call does, what a key that comes again means, or what look-ups show of it.
pub(super) fn switches() -> impl Strategy<Value = Unknowns> {
    let lag = || select(vec!["0s", "0s", "0s", "40s", "1d"]).prop_map(|lag| Span::parse(lag).unwrap());
    let flips = prop::collection::vec(prop::bool::weighted(0.25), 24);
    (flips, lag(), lag()).prop_map(|(flips, look_up_lag, expiry_lag)| {
        let mut unknowns = Unknowns {
            look_up_lag,
            expiry_lag,
            ..Unknowns::default()
        };
        let mut pending_open = false;
        let switches = [
            &mut unknowns.replay_errors,
            &mut unknowns.replay_confirmations,
            &mut unknowns.replayed_creation_answers_200,
            &mut unknowns.key_is_bound_to_path,
            &mut unknowns.either_operation_confirms,
            &mut unknowns.arrival_counts,
            &mut unknowns.bad_cards_cancel_on_return,
            &mut unknowns.finalize_answers_202,
            &mut unknowns.finalize_answers_in_full,
            &mut unknowns.finalize_takes_simulation_codes,
            &mut unknowns.finalize_confirm_shows_charge_id,
            &mut unknowns.recurring_ids_have_own_letter,
            &mut unknowns.closes_when_authorized,
            &mut unknowns.uncaptured_rest_returns,
            &mut unknowns.closed_permission_takes_metadata,
            &mut unknowns.one_capture_per_charge,
            &mut unknowns.pending_charge_simulation_codes,
            &mut unknowns.update_charge_for_everyone,
            &mut unknowns.refund_simulation_codes,
            &mut unknowns.refunded_amount_counts_pending,
            &mut unknowns.answers_have_new_fields,
            &mut unknowns.describe_reasons,
            &mut unknowns.clear_constraints_are_null,
            &mut pending_open,
        ];
        for (switch, flip) in switches.into_iter().zip(flips) {
            *switch ^= flip;
        }
        if pending_open {
            unknowns.pending_session_state = PendingState::Open;
        }
        unknowns
    })
}
