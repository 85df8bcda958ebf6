//! What no document says of Amazon Pay, as it is and as it may be: confirmd has to end right in every position
//! of every switch that its calls can meet.
//!
//! Most of it is in the lists of [`cases`], played one after the other in one world each. What needs a world of
//! its own is a scenario below, which takes its positions from [`SCENARIOS`].

mod case;
mod cases;
mod mixed;
mod scenarios;

use std::collections::{BTreeMap, BTreeSet};

use sandbox::Unknowns;

use crate::world::World;
use case::Case;

/// Switches of calls that confirmd never makes, and what these are.
const NEVER_MET: [(&str, &[&str]); 6] = [
    (
        "simulation codes: no call of ours has any",
        &["finalizeTakesSimulationCodes"],
    ),
    (
        "Create Checkout Session, Update Checkout Session: the shop front makes the session",
        &[
            "replayedCreationAnswers200",
            "customInformationLimit",
            "amountAboveMaximum",
            "updateTakesSimulationCodes",
        ],
    ),
    (
        "Get, Update, Close Charge Permission: nothing is asked of a permission, and nothing closed by a program",
        &[
            "closesWhenAuthorized",
            "closureReasonRequired",
            "closedPermissionRefusal",
            "closedPermissionTakesMetadata",
        ],
    ),
    (
        "Capture Charge: the shop captures what it ships",
        &["uncapturedRestReturns", "oneCapturePerCharge", "rejectedCapture"],
    ),
    (
        "Create, Update, Cancel Charge: nothing is charged or cancelled but by confirming",
        &[
            "cancellationReasonRequired",
            "cancellationReasonLimit",
            "pendingChargeSimulationCodes",
            "updateChargeForEveryone",
        ],
    ),
    (
        "Create Refund, Get Refund: money is given back by people; what a charge shows of it is not read",
        &[
            "refundSimulationCodes",
            "refundSurplusElsewhere",
            "refundedAmountCountsPending",
        ],
    ),
];

fn lists() -> [(&'static str, Vec<Case>); 6] {
    [
        ("requests", cases::requests_and_answers()),
        ("idempotency", cases::idempotency()),
        ("charges", cases::charges()),
        ("cancellations", cases::cancellations()),
        ("comparisons", cases::comparisons()),
        ("mismatches", cases::mismatches()),
    ]
}

#[test]
fn every_switch_is_met_in_several_positions_or_belongs_to_a_call_that_is_never_made() {
    let default = serde_json::to_value(Unknowns::default()).unwrap();
    let mut met: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let cases = lists().into_iter().flat_map(|(_, cases)| cases);
    let stands = cases.map(|case| case.stand).chain(scenarios::stands());
    for stand in stands {
        case::standing(&stand);
        for (switch, position) in stand.as_object().unwrap() {
            met.entry(switch.clone())
                .or_default()
                .insert(position.to_string());
        }
    }
    let never: Vec<&str> = NEVER_MET
        .iter()
        .flat_map(|(_, switches)| *switches)
        .copied()
        .collect();
    for (switch, position) in default.as_object().unwrap() {
        let times = never.iter().filter(|name| *name == switch).count();
        match met.get(switch) {
            None => assert_eq!(times, 1, "{switch}: nothing is played, and no reason is given"),
            Some(positions) => {
                assert_eq!(times, 0, "{switch}: is met after all");
                assert!(
                    positions.contains(&position.to_string()),
                    "{switch}: not as it stands by default"
                );
                assert!(1 < positions.len(), "{switch}: in no other position");
            }
        }
    }
    let known = default.as_object().unwrap();
    let strangers: Vec<_> = never.iter().filter(|name| !known.contains_key(**name)).collect();
    assert!(strangers.is_empty(), "no switches: {strangers:?}");
}

/// Plays one list in a world of its own.
async fn play(name: &str) {
    let Some(mut world) = World::new(name).await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let (_, cases) = lists().into_iter().find(|(list, _)| *list == name).unwrap();
    for case in &cases {
        case.play(&mut world, &daemon).await;
    }
    well_formed_keys_of_their_own(&world);
    world.end(daemon).await;
}

/// An idempotency key is of one session, and of the documented form.
fn well_formed_keys_of_their_own(world: &World) {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for session in &world.sandbox.books().sessions {
        let id = &session.checkout_session_id;
        for key in session
            .calls
            .iter()
            .filter_map(|call| call.idempotency_key.as_ref())
        {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            assert!((1..=32).contains(&key.len()) && key.bytes().all(plain), "{key}");
            let owner = owners.entry(key.clone()).or_insert_with(|| id.clone());
            assert_eq!(owner, id, "one key for two sessions");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_amazon_may_pass_over_in_a_request_or_add_to_an_answer_is_no_matter() {
    play("requests").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_whatever_is_replayed_and_however_late_look_ups_are() {
    play("idempotency").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_the_money_is_told_however_amazon_shows_it() {
    play("charges").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_ended_is_told_as_it_ended_however_it_is_refused_and_shown() {
    play("cancellations").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_amazon_compares_is_repaired_where_it_differs_and_confirmed_where_it_does_not_matter() {
    play("comparisons").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_told_to_people_and_repaired_whatever_its_code() {
    play("mismatches").await;
}
