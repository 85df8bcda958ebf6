//! What must hold after every run, whatever went wrong in it: judged from Amazon's books, from the log and
//! from what the broker has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checkout::{
    AlertKind, ChargeFound, Event, Evidence, Found, Outcome, Payment, Policy, SessionId, Statement, Timestamp,
};
use reconciler::{Announcement, Content, Recorded, Version, replay};
use testkit::broker::{is_alert, is_outcome};
use testkit::fake_amazon::{End, Request, SessionBook, Told};
use testkit::memory_log::MemoryLog;
use testkit::model::{mins, policy};

use super::driver::Ended;
use super::plan::Planned;
use super::scenario::{Disturbance, Scenario};

/// A promise that was broken.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) of: &'static str,
    pub(crate) session: Option<SessionId>,
    pub(crate) detail: String,
}

impl Violation {
    pub(crate) fn of_session(of: &'static str, session: &SessionId, detail: String) -> Self {
        Self {
            of,
            session: Some(session.clone()),
            detail,
        }
    }
}

pub(crate) fn check(scenario: &Scenario, ended: &Ended) -> Vec<Violation> {
    let requests = ended.amazon.requests();
    let look_ups = ended.amazon.look_ups();
    let mut found = ended.unrecorded.clone();
    if !ended.came_to_rest {
        found.push(Violation {
            of: "it never comes to rest",
            session: None,
            detail: String::new(),
        });
    }
    for one in &scenario.sessions {
        let of_session: Vec<&Request> = requests.iter().filter(|request| request.id == one.id).collect();
        let looked_up: Vec<Timestamp> = look_ups
            .iter()
            .filter(|(id, _)| *id == one.id)
            .map(|(_, at)| *at)
            .collect();
        let told: Vec<&Announcement> = ended.delivered.iter().filter(|told| told.id == one.id).collect();
        let book = ended.amazon.book(&one.id);
        let history = ended
            .memory
            .look(&one.id, |kept| kept.facts.clone())
            .unwrap_or_default();
        let mut note = |of, detail: String| found.push(Violation::of_session(of, &one.id, detail));
        if let Some(book) = &book {
            safety(book, &mut note);
        }
        heard(one, &ended.memory, &mut note);
        // Where machines disagree about the time by minutes, one may think another's wait over too soon; then the
        // key and the session's single use still guard, each by itself.
        let clocks_agree = !scenario.has(Disturbance::ClockJumps);
        keys(&of_session, clocks_agree, &mut note);
        if clocks_agree {
            second_requests(&of_session, &looked_up, &mut note);
        }
        announced(&one.id, &ended.memory, &told, &mut note);
        outcome(one, book.as_ref(), &told, &history, &mut note);
        proof(&history, &mut note);
        in_time(scenario, ended, one, book.as_ref(), &history, &mut note);
        alerts(scenario, ended, one, &history, &mut note);
    }
    found
}

/// Whatever the shop has said is on record.
fn heard(planned: &Planned, log: &MemoryLog, note: &mut impl FnMut(&'static str, String)) {
    let heard = log
        .look(&planned.id, |kept| {
            let (session, _) = replay(&kept.facts);
            session.subject().map(|subject| subject.heard.clone())
        })
        .flatten()
        .unwrap_or_default();
    for (_, arrival) in &planned.messages {
        let is_heard = heard.iter().any(|said| {
            let private = said.private;
            let arrived = &arrival.statement;
            *said
                == Statement {
                    private,
                    ..arrived.clone()
                }
        });
        if !is_heard {
            note(
                "an event of the shop was lost",
                format!("{:?}", arrival.statement),
            );
        }
    }
}

fn safety(book: &SessionBook, note: &mut impl FnMut(&'static str, String)) {
    if book.completions.len() > 1 {
        note("a session was completed twice", format!("{:?}", book.completions));
    }
    if book.charges.len() > 1 {
        note("a buyer was charged twice", format!("{:?}", book.charges));
    }
}

/// While an earlier request may have landed, nothing leaves under another key, unless Amazon has given the
/// earlier one the same answer three times; and a key has one set of bytes.
fn keys(requests: &[&Request], clocks_agree: bool, note: &mut impl FnMut(&'static str, String)) {
    for (place, request) in requests.iter().enumerate() {
        let earlier = &requests[..place];
        if earlier
            .iter()
            .any(|one| one.key == request.key && one.body != request.body)
        {
            note("a key was used for other bytes", format!("{request:?}"));
        }
        let in_doubt = earlier.iter().find(|one| {
            let open = one.told_at.is_none_or(|at| request.left_at < at) || one.told.leaves_it_open();
            one.key != request.key && open && !may_be_left_behind(one, earlier, request, clocks_agree)
        });
        if let Some(in_doubt) = in_doubt {
            let detail = format!("{in_doubt:?} and then {request:?}");
            note(
                "another key left while an earlier request may have landed",
                detail,
            );
        }
    }
}

/// A second request is sent only after an answer that rules out an effect of the first, or after a look-up that was
/// made when the first had left.
fn second_requests(
    requests: &[&Request],
    looked_up: &[Timestamp],
    note: &mut impl FnMut(&'static str, String),
) {
    for (place, next) in requests.iter().enumerate() {
        for earlier in &requests[..place] {
            let ruled_out = !earlier.told.leaves_it_open()
                && earlier.told != Told::Accepted
                && earlier.told_at.is_some_and(|at| at <= next.left_at);
            let asked = looked_up
                .iter()
                .any(|at| earlier.left_at <= *at && *at <= next.left_at);
            if !ruled_out && !asked {
                note(
                    "a second request left and nobody had asked what became of the first",
                    format!("{earlier:?} and then {next:?}"),
                );
            }
        }
    }
}

/// No outcome without the fact that proves it.
fn proof(history: &[Recorded], note: &mut impl FnMut(&'static str, String)) {
    let mut canceled = false;
    let mut refused = false;
    let mut charge = None;
    for fact in history {
        match &fact.event {
            Event::LookedUp { found, .. } => canceled |= matches!(found, Found::Canceled { .. }),
            Event::ChargeLookedUp { found, .. } => {
                refused |= matches!(found, ChargeFound::Declined { .. } | ChargeFound::Canceled { .. });
                charge = Some(found.clone());
            }
            Event::Settled { outcome, .. } => {
                let is_proved = match outcome {
                    Outcome::Confirmed {
                        payment, evidence, ..
                    } => match (evidence, payment) {
                        (Evidence::LookUp, Payment::Captured) => charge == Some(ChargeFound::Captured),
                        (Evidence::LookUp, Payment::Authorized) => charge == Some(ChargeFound::Authorized),
                        (Evidence::LookUp, Payment::None) | (Evidence::Answer, _) => true,
                        (Evidence::None, _) => false,
                    },
                    Outcome::Declined { .. } => canceled || refused,
                    Outcome::Cancelled { .. } | Outcome::Expired => canceled,
                    Outcome::Unresolved { .. } => true,
                };
                if !is_proved {
                    note("an outcome has no proof on record", format!("{outcome:?}"));
                }
            }
            _ => {}
        }
    }
}

/// Whatever nothing but weather stood in the way of is confirmed soon after the weather has ended.
fn in_time(
    scenario: &Scenario,
    ended: &Ended,
    planned: &Planned,
    book: Option<&SessionBook>,
    history: &[Recorded],
    note: &mut impl FnMut(&'static str, String),
) {
    let Some(ready_at) = planned.ready_at.filter(|_| !meddled_with(history)) else {
        return;
    };
    if book.is_some_and(|book| book.refused) {
        return;
    }
    let free_at = ended.somebody_from(ready_at.max(scenario.calm_from).max(scenario.quiet_from));
    let by = free_at.plus(mins(60)).plus(off(scenario));
    let deadline = planned
        .checkout
        .as_ref()
        .map(|checkout| checkout.created_at.plus(Policy::LIFETIME));
    if deadline.is_none_or(|at| at.minus(policy().cancel_before) <= by) {
        return;
    }
    let confirmed = history.iter().find(|fact| {
        matches!(
            fact.event,
            Event::ConfirmationAccepted { .. } | Event::Settled { .. } | Event::PaymentPending
        )
    });
    if confirmed.is_none_or(|fact| by < fact.at) {
        note(
            "a session waited though nothing stood in its way",
            format!("ready at {ready_at}, free at {free_at}"),
        );
    }
}

/// A person has decided about it.
fn meddled_with(history: &[Recorded]) -> bool {
    history.iter().any(|fact| {
        matches!(
            fact.event,
            Event::ConfirmationForsworn {
                by: checkout::ForswornBy::Operator
            }
        )
    })
}

/// By so much the machines' clocks may be wrong: that of whoever acts, and that of whoever wrote it down.
fn off(scenario: &Scenario) -> Duration {
    if scenario.has(Disturbance::ClockJumps) {
        mins(60)
    } else if scenario.has(Disturbance::Skew) {
        mins(20)
    } else {
        Duration::ZERO
    }
}

/// People are told before the deadline, at each of the times that were set.
fn alerts(
    scenario: &Scenario,
    ended: &Ended,
    planned: &Planned,
    history: &[Recorded],
    note: &mut impl FnMut(&'static str, String),
) {
    let Some(created_at) = planned
        .messages
        .first()
        .and_then(|(_, arrival)| arrival.session_created_at)
    else {
        return;
    };
    let Some(heard_at) = history.first().map(|fact| fact.at) else {
        return;
    };
    let deadline = created_at.plus(Policy::LIFETIME);
    for before in policy().alert_before {
        let at = deadline.minus(before);
        let mut free_at = at.max(heard_at);
        if at < scenario.quiet_from {
            free_at = free_at.max(scenario.quiet_from);
        }
        free_at = ended.somebody_from(free_at);
        let by = free_at.plus(mins(10)).plus(off(scenario));
        // What is over by then, or waits for its payment, needs no alert; nor what was decided.
        let is_over = history.iter().any(|fact| {
            let ends = matches!(
                fact.event,
                Event::Settled { .. }
                    | Event::ConfirmationAccepted { .. }
                    | Event::PaymentPending
                    | Event::ConfirmationForsworn { .. }
            );
            ends && fact.at <= by
        });
        let is_told = history.iter().any(|fact| {
            let tells = matches!(
                fact.event,
                Event::AlertRaised { kind: AlertKind::DeadlineNear { before: told }, .. } if told <= before
            );
            tells && fact.at <= by
        });
        if by < deadline && !is_over && !is_told {
            note(
                "nobody was told of a deadline in time",
                format!("{} min before it: by {by}", before.as_secs() / 60),
            );
        }
    }
}

fn may_be_left_behind(doubtful: &Request, earlier: &[&Request], next: &Request, clocks_agree: bool) -> bool {
    let same_key = || earlier.iter().filter(|one| one.key == doubtful.key);
    let content_refused = same_key().any(|one| {
        let long_ago = one
            .told_at
            .is_some_and(|at| at.plus(Policy::CONTENT_REFUSAL_SETTLES_AFTER) <= next.left_at);
        (long_ago || !clocks_agree) && matches!(one.told, Told::Refused { content: true, .. })
    });
    let mut run = (None, 0);
    for one in same_key() {
        let said = match &one.told {
            Told::Unclear(Some((status, code))) => Some((*status, code.clone())),
            // A question, while in doubt.
            Told::Refused { status: 422, .. } => Some((422, String::new())),
            Told::Unclear(None) | Told::Nothing => None,
            Told::Accepted | Told::Refused { .. } => continue,
        };
        run = match said {
            Some(said) if run.0.as_ref() == Some(&said) => (Some(said), run.1 + 1),
            Some(said) => (Some(said), 1),
            None => (None, 0),
        };
        if run.1 >= 3 {
            return true;
        }
    }
    content_refused
}

/// Everything that is to be told was told, in order, and says the same however often it is told.
fn announced(
    id: &SessionId,
    log: &MemoryLog,
    told: &[&Announcement],
    note: &mut impl FnMut(&'static str, String),
) {
    let mut first: BTreeMap<Version, &Announcement> = BTreeMap::new();
    let mut last: BTreeMap<bool, Version> = BTreeMap::new();
    for one in told {
        match first.get(&one.version) {
            Some(before) if before != one => {
                note("the same id says two things", format!("{before:?} and {one:?}"));
            }
            Some(_) => {}
            None => {
                first.insert(one.version, one);
                let before = last.insert(is_alert(one), one.version);
                if before.is_some_and(|before| one.version < before) {
                    note(
                        "a session's facts were told out of order",
                        format!("{before:?} before {one:?}"),
                    );
                }
            }
        }
    }
    let recorded: BTreeSet<Version> = log
        .look(id, |kept| {
            let announced = kept.facts.iter().filter(|fact| fact.event.is_announced());
            announced.map(|fact| fact.version).collect()
        })
        .unwrap_or_default();
    let told: BTreeSet<Version> = first.into_keys().collect();
    if recorded != told {
        note(
            "what was told is not what is on record",
            format!("{told:?} of {recorded:?}"),
        );
    }
}

/// Exactly one outcome, and it is what Amazon's books say.
fn outcome(
    planned: &Planned,
    book: Option<&SessionBook>,
    told: &[&Announcement],
    history: &[Recorded],
    note: &mut impl FnMut(&'static str, String),
) {
    let outcomes: BTreeMap<Version, &Content> = told
        .iter()
        .filter(|one| is_outcome(one))
        .map(|one| (one.version, &one.content))
        .collect();
    let Some(outcome) = outcomes.values().next() else {
        return note("a session has no outcome", format!("{book:?}"));
    };
    if outcomes.len() > 1 {
        note("a session has more than one outcome", format!("{outcomes:?}"));
    }
    if !agrees(outcome, book) {
        note(
            "an outcome is not what Amazon's books say",
            format!("{outcome:?}, {book:?}"),
        );
    }
    let refused = book.is_some_and(|book| book.refused);
    let confirmed = matches!(outcome, Content::Confirmed { .. });
    let could_be = planned.ready_at.is_some() && !meddled_with(history);
    if could_be && !refused && !confirmed {
        note(
            "a session that could be confirmed was lost",
            format!("{outcome:?}, {book:?}"),
        );
    }
}

fn agrees(outcome: &Content, book: Option<&SessionBook>) -> bool {
    let Some(book) = book else {
        return matches!(outcome, Content::Unresolved { .. });
    };
    let declined_charge = book.charges.values().any(|charge| {
        matches!(
            charge,
            ChargeFound::Declined { .. } | ChargeFound::Canceled { .. }
        )
    });
    match outcome {
        Content::Confirmed {
            ids,
            payment,
            evidence,
            ..
        } => {
            let charge = ids.charge_id.as_ref().and_then(|charge| book.charges.get(charge));
            let paid = match payment {
                checkout::Payment::Captured => charge == Some(&ChargeFound::Captured),
                checkout::Payment::Authorized => charge == Some(&ChargeFound::Authorized),
                checkout::Payment::None => book.charges.is_empty(),
            };
            book.end == End::Completed && paid && *evidence != Evidence::None
        }
        Content::Declined { .. } => {
            declined_charge || matches!(&book.end, End::Canceled(reason) if reason != "Expired")
        }
        Content::Cancelled { .. } | Content::Expired { .. } => {
            book.end == End::Canceled("Expired".to_owned()) && book.completions.is_empty()
        }
        Content::Unresolved { .. }
        | Content::PaymentPending { .. }
        | Content::AttemptDeclined { .. }
        | Content::Alert { .. } => false,
    }
}
