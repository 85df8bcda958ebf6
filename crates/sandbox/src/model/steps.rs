//! What may happen next, drawn at random.

use proptest::prelude::*;

use super::ledger::{DAY, Intent, Wish};
use crate::control::faults::{Kind, When};

/// Indices are taken modulo what there is.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Make {
        cents: i64,
        more: Option<i64>,
        intent: Intent,
        can_wait: bool,
        recurring: bool,
        card: &'static str,
    },
    Confirm {
        session: usize,
        finalize: bool,
        right: bool,
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
    Close {
        session: usize,
        cancels: bool,
    },
    Refund {
        charge: usize,
        cents: i64,
        goes: bool,
        key: u8,
    },
    Move {
        seconds: i64,
    },
    Break {
        when: When,
        kind: Kind,
    },
}

fn cents() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(1_000), 2 => Just(500), 2 => Just(250), 3 => 1..3_000_i64, 1 => 60_000..70_000_i64]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let intent = prop_oneof![
        Just(Intent::Confirm),
        Just(Intent::Authorize),
        Just(Intent::Capture)
    ];
    let card = prop_oneof![6 => Just("1111"), 1 => Just("0701"), 1 => Just("4354"), 1 => Just("3434"), 1 => Just("3064")];
    let code = prop_oneof![
        8 => Just(None),
        1 => Just(Some("SoftDeclined")),
        1 => Just(Some("HardDeclined")),
        1 => Just(Some("AmazonRejected")),
        2 => Just(Some("CaptureInitiated")),
        2 => Just(Some("AuthorizationInitiated")),
        1 => Just(Some("Pending-HardDeclined")),
    ];
    let wish =
        (cents(), any::<bool>(), any::<bool>(), code).prop_map(|(cents, capture_now, can_wait, code)| Wish {
            cents,
            capture_now,
            can_wait,
            code,
        });
    let capture_code =
        prop_oneof![6 => Just(None), 2 => Just(Some("CaptureInitiated")), 1 => Just(Some("AmazonRejected"))];
    let seconds = prop_oneof![
        4 => 1..60_i64,
        2 => Just(DAY),
        2 => Just(8 * DAY),
        1 => Just(31 * DAY),
        1 => Just(200 * DAY),
        1 => -2 * DAY..0,
    ];
    let when = prop_oneof![Just(When::Before), Just(When::After)];
    let kind = prop_oneof![
        Just(Kind::Reset),
        Just(Kind::Status),
        Just(Kind::Html),
        Just(Kind::Truncate)
    ];
    prop_oneof![
        3 => (cents(), proptest::option::of(cents()), intent, any::<bool>(), prop::bool::weighted(0.25), card)
            .prop_map(|(cents, more, intent, can_wait, recurring, card)| {
                // No session combines the two.
                let can_wait = can_wait && intent != Intent::Capture;
                Step::Make { cents, more, intent, can_wait, recurring, card }
            }),
        5 => (any::<usize>(), any::<bool>(), prop::bool::weighted(0.9), proptest::option::of(0..3_u8))
            .prop_map(|(session, finalize, right, key)| Step::Confirm { session, finalize, right, key }),
        4 => (any::<usize>(), wish, 0..8_u8).prop_map(|(session, wish, key)| Step::Charge { session, wish, key }),
        4 => (any::<usize>(), cents(), capture_code, 0..8_u8)
            .prop_map(|(charge, cents, code, key)| Step::Capture { charge, cents, code, key }),
        1 => any::<usize>().prop_map(|charge| Step::Cancel { charge }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(session, cancels)| Step::Close { session, cancels }),
        4 => (any::<usize>(), cents(), prop::bool::weighted(0.8), 0..8_u8)
            .prop_map(|(charge, cents, goes, key)| Step::Refund { charge, cents, goes, key }),
        3 => seconds.prop_map(|seconds| Step::Move { seconds }),
        2 => (when, kind).prop_map(|(when, kind)| Step::Break { when, kind }),
    ]
}
