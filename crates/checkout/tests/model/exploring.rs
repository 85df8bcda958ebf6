//! What is explored: each of Amazon's two assurances alone, at both ends of a session's time; and each guarantee
//! taken out.

use std::collections::BTreeMap;
use std::time::Duration;

use checkout::Policy;
use stateright::report::{ReportData, ReportDiscovery, Reporter};
use stateright::{Checker, Expectation, HasDiscoveries, Model};
use testkit::model::*;

use crate::amazon::{Honours, How, Reply};
use crate::promises::*;
use crate::world::{Protocol, Without};

const KEY_ALONE: Honours = Honours {
    key: true,
    single_use: false,
};
const SINGLE_USE_ALONE: Honours = Honours {
    key: false,
    single_use: true,
};
const BOTH: Honours = Honours {
    key: true,
    single_use: true,
};
const NEITHER: Honours = Honours {
    key: false,
    single_use: false,
};

fn end(after: Duration) -> Duration {
    hours(24) + after
}

fn before_end(before: Duration) -> Duration {
    hours(24) - before
}

/// Two workers hear of a checkout at once. Answers are lost, and requests land when nobody waits any more.
fn race() -> Protocol {
    Protocol {
        statement: order().build(),
        policy: Policy {
            alert_before: Vec::new(),
            ..policy()
        },
        workers: 2,
        // At once; when a first wait is over; when whoever sent it must be gone.
        instants: vec![secs(0), secs(10), secs(50)],
        attempts: 2,
        deliveries: 2,
        lost_commits: 1,
        honours: KEY_ALONE,
        rotates_keys: false,
        manners: vec![How::Without(Reply::Throttled)],
        buyer_may_cancel: false,
        look_ups_may_fail: true,
        reaches: &[
            DOUBT,
            DOUBT_WITHOUT_REQUEST,
            CONFIRMED_BY_ANSWER,
            CONFIRMED_BY_LOOK_UP,
            LATE_LANDING,
            SECOND_AFTER_PROOF,
            SECOND_IN_DOUBT,
            TWO_UNDER_WAY,
            THROTTLED_REPEAT,
            INTENT_OVERTAKEN,
            ANSWER_OVERTAKEN,
            LOOK_UP_OVERTAKEN,
            CAPTURED_TOLD,
        ],
        without: Without::Nothing,
    }
}

/// The same with one attempt more, and less that goes wrong at the log.
fn longer_race() -> Protocol {
    Protocol {
        attempts: 3,
        deliveries: 1,
        lost_commits: 0,
        ..race()
    }
}

/// As little as it takes to break what is taken out.
fn short_race() -> Protocol {
    Protocol {
        instants: vec![secs(0), secs(50)],
        lost_commits: 0,
        look_ups_may_fail: false,
        ..race()
    }
}

/// The deadline is near, and passes.
fn late() -> Protocol {
    Protocol {
        instants: vec![before_end(mins(5)), before_end(mins(4)), end(secs(15))],
        deliveries: 1,
        lost_commits: 0,
        look_ups_may_fail: false,
        reaches: &[
            DOUBT,
            SECOND_IN_DOUBT,
            CONFIRMED_BY_LOOK_UP,
            CAPTURED_TOLD,
            EXPIRED_TOLD,
        ],
        ..race()
    }
}

/// The same, and nothing may be sent any more before it passes.
fn too_late() -> Protocol {
    Protocol {
        instants: vec![before_end(mins(5)), before_end(secs(30)), end(secs(15))],
        reaches: &[DOUBT, CONFIRMED_BY_LOOK_UP, CAPTURED_TOLD, EXPIRED_TOLD],
        ..late()
    }
}

/// Amazon refuses, the buyer backs out, a payment is pending.
fn refused() -> Protocol {
    Protocol {
        instants: vec![before_end(mins(45)), before_end(mins(20)), end(secs(15))],
        attempts: 1,
        honours: BOTH,
        manners: vec![
            How::WithPaymentPending,
            How::Without(Reply::Wrong),
            How::Without(Reply::Status),
            How::Without(Reply::Refused),
        ],
        buyer_may_cancel: true,
        reaches: &[
            BUYER_NOT_DONE,
            FORSWORN,
            PAYMENT_PENDING,
            CAPTURED_TOLD,
            DECLINED_TOLD,
            CANCELLED_TOLD,
            EXPIRED_TOLD,
        ],
        ..late()
    }
}

/// The same error comes again and again, until a new key is tried.
fn rotating() -> Protocol {
    Protocol {
        workers: 1,
        instants: vec![secs(0), secs(10), secs(20), secs(30), secs(40)],
        attempts: 4,
        honours: SINGLE_USE_ALONE,
        rotates_keys: true,
        manners: vec![How::WithAnErrorFirst],
        reaches: &[
            NEW_KEY_IN_DOUBT,
            LATE_LANDING,
            CONFIRMED_BY_LOOK_UP,
            CAPTURED_TOLD,
        ],
        ..late()
    }
}

/// Says how many states there were and how long it took.
struct Figures(&'static str);

impl Reporter<Protocol> for Figures {
    fn report_checking(&mut self, data: ReportData) {
        if data.done {
            println!(
                "{}: {} states, {} of them distinct, at most {} steps deep, in {:.1} s",
                self.0,
                data.total_states,
                data.unique_states,
                data.max_depth,
                data.duration.as_secs_f64()
            );
        }
    }

    fn report_discoveries(
        &mut self,
        protocol: &Protocol,
        found: BTreeMap<&'static str, ReportDiscovery<Protocol>>,
    ) {
        for property in protocol.properties() {
            if let (Expectation::Always, Some(discovery)) = (property.expectation, found.get(property.name)) {
                println!("  not so: {}", property.name);
                println!("    {:?}", discovery.path.clone().into_actions());
            }
        }
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(20)
    }
}

/// To the last state, with every promise kept and every place come by.
fn holds(name: &'static str, protocol: Protocol) {
    let checker = protocol
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join_and_report(&mut Figures(name));
    for property in checker.model().properties() {
        let is_found = checker.discovery(property.name).is_some();
        match property.expectation {
            Expectation::Always => assert!(!is_found, "{name}: not so: {}", property.name),
            Expectation::Sometimes | Expectation::Eventually => {
                assert!(is_found, "{name}: never met: {}", property.name);
            }
        }
    }
}

/// By the shortest way, until each of these promises is broken.
fn breaks(name: &'static str, protocol: Protocol, promises: &[&'static str]) {
    let protocol = Protocol {
        reaches: &[],
        ..protocol
    };
    let checker = protocol
        .checker()
        .finish_when(HasDiscoveries::AllOf(promises.iter().copied().collect()))
        .spawn_bfs()
        .join_and_report(&mut Figures(name));
    for promise in promises {
        assert!(
            checker.discovery(promise).is_some(),
            "{name}: still so: {promise}"
        );
    }
}

fn without(without: Without, protocol: Protocol) -> Protocol {
    Protocol { without, ..protocol }
}

#[test]
fn two_workers_keep_every_promise_while_amazon_honours_the_key_alone() {
    holds("two workers race, the key alone", race());
    holds("two workers race for longer, the key alone", longer_race());
}

#[test]
fn two_workers_keep_every_promise_while_a_session_has_a_single_use_alone() {
    let honours = SINGLE_USE_ALONE;
    holds(
        "two workers race, the single use alone",
        Protocol { honours, ..race() },
    );
}

#[test]
fn two_workers_keep_every_promise_when_the_deadline_passes() {
    holds("the deadline is near", late());
    holds("the deadline is too near to send", too_late());
}

#[test]
fn two_workers_keep_every_promise_when_the_session_is_refused_or_left() {
    holds("refusals", refused());
    let again = Protocol {
        workers: 1,
        attempts: 2,
        ..refused()
    };
    holds("refusals, and a second attempt", again);
}

#[test]
fn a_new_key_after_three_equal_answers_is_guarded_by_the_single_use() {
    holds("errors, the single use alone", rotating());
    let honours = KEY_ALONE;
    let unguarded = Protocol {
        honours,
        ..rotating()
    };
    breaks("errors, the key alone", unguarded, &[ONE_EFFECT]);
}

#[test]
fn where_amazon_honours_neither_a_session_is_confirmed_twice() {
    let honours = NEITHER;
    breaks(
        "neither",
        Protocol {
            honours,
            ..short_race()
        },
        &[ONE_EFFECT],
    );
}

#[test]
fn without_the_expected_version_the_model_is_broken() {
    let protocol = without(Without::ExpectedVersion, short_race());
    let promises = [CLEARED, ONE_KEY, ONE_EFFECT, ONE_OUTCOME];
    breaks("without the expected version", protocol, &promises);
}

#[test]
fn without_the_intent_record_the_model_is_broken() {
    let protocol = without(Without::IntentRecord, short_race());
    let promises = [ON_RECORD, CLEARED, ONE_KEY, ONE_EFFECT];
    breaks("without the intent record", protocol, &promises);
}

#[test]
fn without_a_look_up_before_a_repeat_the_model_is_broken() {
    let protocol = without(Without::LookUpInDoubt, short_race());
    breaks("without a look-up in doubt", protocol, &[CLEARED]);
}

#[test]
fn where_open_ends_a_doubt_the_model_is_broken() {
    let protocol = without(Without::StickyDoubt, short_race());
    breaks("without sticky doubt", protocol, &[ONE_KEY, ONE_EFFECT]);
}

#[test]
fn where_a_request_leaves_however_late_the_model_is_broken() {
    let protocol = without(Without::SendBy, short_race());
    breaks("without send_by", protocol, &[CLEARED]);
}

#[test]
fn where_an_outcome_is_told_before_it_is_on_record_the_model_is_broken() {
    let protocol = without(Without::RecordBeforeTelling, short_race());
    breaks("told before it is on record", protocol, &[RECORDED_FIRST]);
}

#[test]
fn where_the_deadline_alone_makes_an_outcome_the_model_is_broken() {
    let protocol = without(Without::LookUpAfterDeadline, too_late());
    breaks("expired by the clock", protocol, &[TRUE, SAID, UNCONTRADICTED]);
}

#[test]
fn where_our_decision_is_told_as_an_outcome_the_model_is_broken() {
    let protocol = without(Without::ProofOfCancel, refused());
    breaks("cancelled by decision", protocol, &[TRUE]);
}
