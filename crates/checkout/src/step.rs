//! The one question that everybody asks.

use std::time::Duration;

use crate::session::{DeadlineFrom, Hold, Open, Pending};
use crate::{AlertKind, Mode, Near, Policy, Session, Timestamp};

/// What is to be done about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Start an attempt to confirm it.
    Confirm,
    /// Ask Amazon about the session.
    LookUp,
    /// Ask Amazon about its charge.
    LookUpCharge,
    /// Nothing until then.
    WaitUntil(Timestamp),
    /// Record that it will not be confirmed.
    Forswear,
    /// Tell people.
    Alert(AlertKind),
    /// Nothing, for good.
    Rest,
}

impl Step {
    /// The name in `sessions explain`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::LookUp => "look-up",
            Self::LookUpCharge => "look-up-charge",
            Self::WaitUntil(_) => "wait",
            Self::Forswear => "forswear",
            Self::Alert(_) => "alert",
            Self::Rest => "rest",
        }
    }
}

/// What to do about `session` at `now`. Reads its arguments and nothing else.
pub fn next_step(session: &Session, now: Timestamp, policy: &Policy) -> Step {
    match session {
        Session::Unseen | Session::Settled(_) => Step::Rest,
        Session::Open(open) => open_step(open, now, policy),
        Session::PaymentPending(pending) => pending_step(pending, now),
    }
}

/// When the session wants to be looked at again; none when it rests.
pub fn wake_at(session: &Session, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
    match next_step(session, now, policy) {
        Step::Rest => None,
        Step::WaitUntil(at) => Some(at),
        Step::Confirm | Step::LookUp | Step::LookUpCharge | Step::Forswear | Step::Alert(_) => Some(now),
    }
}

/// The first instant, not before `now`, at which something is to be done that needs no call, however long its
/// turn is waited for: people are to be told, or it is to be forsworn. If nobody adds a fact until then,
/// [`next_step`] says so then.
pub fn turnless_at(session: &Session, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
    let turnless =
        |at: &Timestamp| matches!(next_step(session, *at, policy), Step::Alert(_) | Step::Forswear);
    let begins = match session {
        Session::Unseen | Session::Settled(_) => Vec::new(),
        Session::Open(open) => turnless_begins(open, policy),
        Session::PaymentPending(pending) => vec![pending.decided_by()],
    };
    begins.into_iter().map(|at| at.max(now)).filter(turnless).min()
}

/// Every instant at which what needs no call can begin.
fn turnless_begins(open: &Open, policy: &Policy) -> Vec<Timestamp> {
    let hands_off_until = open.in_flight.as_ref().map(|flight| flight.until(policy));
    let started = open.in_flight.as_ref().map(|flight| flight.started_at);
    let doubted = open.doubt.as_ref().map(|doubt| doubt.since);
    let told = doubted
        .into_iter()
        .chain(started)
        .map(|at| at.plus(Policy::DOUBT_ALERT_AFTER));
    let forsworn = [open.subject.deadline.at, open.ends_at()].map(|end| end.minus(policy.cancel_before));
    thresholds(open, policy)
        .map(|(_, at)| at)
        .chain(forsworn)
        .chain(hands_off_until)
        .chain(told)
        .collect()
}

/// Since when it may have landed. An attempt whose worker is gone is doubtful before a look-up has said so:
/// that may have to wait for its turn.
fn doubted_since(open: &Open, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
    let left_lying = open
        .in_flight
        .as_ref()
        .filter(|flight| flight.until(policy) <= now);
    let doubted = open.doubt.as_ref().map(|doubt| doubt.since);
    doubted.or_else(|| left_lying.map(|flight| flight.started_at))
}

fn open_step(open: &Open, now: Timestamp, policy: &Policy) -> Step {
    // Someone's request may still be on its way: hands off until it cannot be.
    if let Some(until) = open.in_flight.as_ref().map(|flight| flight.until(policy))
        && now < until
    {
        return Step::WaitUntil(until);
    }
    if let Some(kind) = alert_due(open, now, policy) {
        return Step::Alert(kind);
    }
    let (step, at) = plan(open, now, policy);
    if at <= now {
        return step;
    }
    Step::WaitUntil(next_alert(open, now, policy).map_or(at, |alert| at.min(alert)))
}

/// What comes next but for alerts, and from when on.
fn plan(open: &Open, now: Timestamp, policy: &Policy) -> (Step, Timestamp) {
    let ends_at = open.ends_at();
    let proof = first_proof(ends_at);
    if open.in_flight.is_some() {
        // Its worker is gone; only Amazon can say what became of it.
        return (Step::LookUp, now);
    }
    if ends_at <= now {
        return (Step::LookUp, open.not_before.max(proof));
    }
    if open.question.is_some() {
        return (Step::LookUp, open.not_before.min(proof));
    }
    if policy.mode == Mode::Watch {
        return watch(open, policy, proof);
    }
    let may_forswear = policy.near == Near::Cancel && open.doubt.is_none();
    let given_up = may_forswear.then(|| give_up(open, now, policy, proof));
    match &open.hold {
        Hold::NeedsRepair(flaw) => {
            let (last, at) = given_up.unwrap_or((Step::LookUp, proof));
            if !flaw.is_of_account() && deadline_is_a_guess(open) && now.max(open.not_before) < at {
                (Step::LookUp, open.not_before)
            } else {
                (last, at)
            }
        }
        Hold::Forsworn { .. } => (Step::LookUp, proof),
        Hold::BuyerNotDone(waiting) => match given_up {
            Some((step, at)) if at <= now.max(open.not_before) => (step, at),
            Some(_) | None if !waiting.try_again => (Step::LookUp, open.not_before.min(proof)),
            Some(_) | None => confirm(open, now, policy, proof),
        },
        Hold::Ready => confirm(open, now, policy, proof),
    }
}

/// It is forsworn when so little is left by Amazon's clock, not by ours: Amazon is asked when the time has come by
/// ours, and by what it says then, and only its answer of just now counts.
fn give_up(open: &Open, now: Timestamp, policy: &Policy, proof: Timestamp) -> (Step, Timestamp) {
    let by_our_clock = open.subject.deadline.at.minus(policy.cancel_before);
    let at = open.ends_at().minus(policy.cancel_before);
    if nobody_can_be_asked(open) {
        return (Step::Forswear, by_our_clock);
    }
    if at <= now && open.was_just_asked(now) {
        return (Step::Forswear, at);
    }
    let ask_at = if open.was_asked_since(by_our_clock, now) {
        at
    } else {
        by_our_clock
    };
    // Whatever else is waited for ends with it, but not the wait after a question that nobody answered.
    let no_sooner = if open.look_up_failures > 0 {
        open.not_before
    } else {
        ask_at
    };
    (Step::LookUp, ask_at.max(no_sooner).min(proof))
}

fn nobody_can_be_asked(open: &Open) -> bool {
    let is_of_account = match &open.hold {
        Hold::NeedsRepair(flaw) => flaw.is_of_account(),
        Hold::Ready | Hold::BuyerNotDone(_) | Hold::Forsworn { .. } => false,
    };
    is_of_account || open.subject.account().is_none()
}

/// Whoever repairs it, and the alerts, need the true deadline: the upper bound may be hours too late. What
/// can be confirmed learns it on its way; where the account is missing, nobody can be asked.
fn deadline_is_a_guess(open: &Open) -> bool {
    open.subject.deadline.from == DeadlineFrom::UpperBound
        && open.looked_at.is_none()
        && open.subject.account().is_some()
}

fn confirm(open: &Open, now: Timestamp, policy: &Policy, proof: Timestamp) -> (Step, Timestamp) {
    let at = open.not_before.max(now);
    if !open.may_be_tried(at, policy) {
        let closing = |end: Timestamp| end.minus(policy.last_attempt_before);
        let by_our_clock = closing(open.subject.deadline.at);
        // Our clock may be ahead: whether it is too late Amazon says, once. What became of it is asked after the
        // deadline.
        let is_asked = open.was_asked_since(by_our_clock, now) && closing(open.ends_at()) <= at;
        let ask_at = if is_asked { proof } else { by_our_clock };
        return (Step::LookUp, open.not_before.max(ask_at).min(proof));
    }
    let known_open_at = open
        .found_open_at
        .map_or(open.subject.said_at, |at| at.max(open.subject.said_at));
    // A database restored from yesterday must not confirm blindly.
    if !open.lacks_address() && at.since(known_open_at) < Policy::FRESH_FOR {
        (Step::Confirm, open.not_before)
    } else {
        (Step::LookUp, open.not_before)
    }
}

/// Look-ups when it is first seen and at each threshold, nothing else before the deadline.
fn watch(open: &Open, policy: &Policy, proof: Timestamp) -> (Step, Timestamp) {
    let Some(looked_at) = open.looked_at else {
        return (Step::LookUp, open.not_before.min(proof));
    };
    let next = thresholds(open, policy)
        .map(|(_, at)| at)
        .filter(|at| looked_at < *at)
        .min();
    (
        Step::LookUp,
        next.unwrap_or(proof).max(open.not_before).min(proof),
    )
}

/// The first look-up after the deadline.
pub(crate) fn first_proof(deadline: Timestamp) -> Timestamp {
    deadline.plus(Policy::after_deadline(0))
}

/// The next look-up after the deadline that is later than `now`.
pub(crate) fn next_proof(deadline: Timestamp, now: Timestamp) -> Timestamp {
    let late = now.since(deadline);
    let mut looks = 0;
    // From the fifth on they are hourly, so the whole hours passed name the next.
    if late > Policy::after_deadline(4) {
        looks = u32::try_from(late.as_secs() / 3600).unwrap_or(u32::MAX - 4) + 3;
    }
    while Policy::after_deadline(looks) <= late {
        looks += 1;
    }
    deadline.plus(Policy::after_deadline(looks))
}

fn thresholds<'a>(open: &'a Open, policy: &'a Policy) -> impl Iterator<Item = (Duration, Timestamp)> + 'a {
    policy
        .alert_before
        .iter()
        .map(|before| (*before, open.subject.deadline.at.minus(*before)))
}

fn deadline_alerts_apply(open: &Open) -> bool {
    match open.hold {
        Hold::Forsworn { .. } => false,
        Hold::Ready | Hold::BuyerNotDone(_) | Hold::NeedsRepair(_) => true,
    }
}

fn alert_due(open: &Open, now: Timestamp, policy: &Policy) -> Option<AlertKind> {
    let alerts = &open.subject.alerts;
    if deadline_alerts_apply(open) && now < open.ends_at() {
        // First seen below several thresholds, only the nearest is told.
        let met = thresholds(open, policy)
            .filter(|(_, at)| *at <= now)
            .min_by_key(|(before, _)| *before);
        if let Some((before, met_at)) = met {
            let is_new = alerts
                .closest_threshold(open.subject.deadline.at)
                .is_none_or(|told| before < told);
            // A watched session is looked up at the threshold first: it may long be confirmed. Where the
            // look-up fails, people are told all the same.
            let asked = policy.mode == Mode::Confirm
                || open.look_up_failures > 0
                || open.looked_at.is_some_and(|at| met_at <= at);
            if is_new && asked {
                return Some(AlertKind::DeadlineNear { before });
            }
        }
    }
    let doubt_told_at = doubt_alert_at(open, now, policy);
    doubt_told_at.filter(|at| *at <= now).map(|_| AlertKind::InDoubt)
}

/// When doubt becomes something that people should know: after a while, or at the next threshold.
fn doubt_alert_at(open: &Open, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
    if open.subject.alerts.is_firing(AlertKind::InDoubt) {
        return None;
    }
    let since = doubted_since(open, now, policy)?;
    let threshold = thresholds(open, policy)
        .map(|(_, at)| at)
        .filter(|at| since <= *at && *at <= now)
        .min();
    let lasted = since.plus(Policy::DOUBT_ALERT_AFTER);
    Some(threshold.map_or(lasted, |at| at.min(lasted)))
}

fn next_alert(open: &Open, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
    let watched_first = policy.mode == Mode::Watch;
    let told = open.subject.alerts.closest_threshold(open.subject.deadline.at);
    let threshold = thresholds(open, policy)
        .filter(|(before, at)| {
            let alerts =
                deadline_alerts_apply(open) && !watched_first && told.is_none_or(|told| *before < told);
            now < *at && (alerts || open.doubt.is_some())
        })
        .map(|(_, at)| at)
        .min();
    let doubt = doubt_alert_at(open, now, policy);
    threshold.into_iter().chain(doubt).min()
}

fn pending_step(pending: &Pending, now: Timestamp) -> Step {
    let overdue_told = pending.subject.alerts.is_firing(AlertKind::PaymentOverdue);
    if !overdue_told && pending.decided_by() <= now {
        return Step::Alert(AlertKind::PaymentOverdue);
    }
    if pending.not_before <= now {
        return Step::LookUpCharge;
    }
    let alert = (!overdue_told).then(|| pending.decided_by());
    Step::WaitUntil(alert.map_or(pending.not_before, |at| at.min(pending.not_before)))
}
