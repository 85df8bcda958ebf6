//! What a session's history says to somebody who has to decide something now: since when it is as it is, what happened
//! last, what comes next, and what a person can do. No personal data in any of it.

use checkout::{
    AccountIs, Because, ChargeFound, Command, Event, Evidence, ForswornBy, Found, Outcome, Payment, Policy,
    Refusal, Session, SessionId, StateName, Step, Timestamp, decide, next_step, turnless_at,
};
use console::shown::{Help, Last, Story, Then};
use reconciler::{Actor, Condition, Recorded, announcements_of, replay};

use super::{Explained, OfAccount, explain};

/// None for a session that was never heard of.
pub(crate) fn story(
    id: &SessionId,
    history: &[Recorded],
    at: Timestamp,
    policy: &Policy,
    account: OfAccount<'_>,
) -> Option<Story> {
    let (session, _) = replay(history);
    let state = session.state(at, policy)?;
    Some(Story {
        state: state.as_str(),
        since: since(history, state, policy),
        last: last(history),
        then: then(history, &session, at, policy, account),
        meanwhile: meanwhile(history, &session, at, policy, account),
        acts: acts(id, history, &session, at, policy, account),
        runbook: runbook(&session, state, account),
    })
}

/// The fact from which on it has been in this state.
fn since(history: &[Recorded], state: StateName, policy: &Policy) -> Option<Timestamp> {
    let mut since = None;
    let mut session = Session::Unseen;
    for fact in history {
        session = session.evolve(fact.at, &fact.event);
        if session.state(fact.at, policy) == Some(state) {
            since = since.or(Some(fact.at));
        } else {
            since = None;
        }
    }
    since
}

fn then(
    history: &[Recorded],
    session: &Session,
    at: Timestamp,
    policy: &Policy,
    account: OfAccount<'_>,
) -> Option<Then> {
    let Step::WaitUntil(until) = next_step(session, at, policy) else {
        return None;
    };
    (at < until).then(|| told_of(until, explain(history, until, policy, account)))
}

/// An alert, or our giving it up: these take no turn.
fn meanwhile(
    history: &[Recorded],
    session: &Session,
    at: Timestamp,
    policy: &Policy,
    account: OfAccount<'_>,
) -> Option<Then> {
    let comes = turnless_at(session, at, policy)?;
    let is_next = match next_step(session, at, policy) {
        Step::WaitUntil(until) => comes <= until,
        Step::Confirm | Step::LookUp | Step::LookUpCharge | Step::Forswear | Step::Alert(_) | Step::Rest => {
            comes <= at
        }
    };
    (!is_next).then(|| told_of(comes, explain(history, comes, policy, account)))
}

fn told_of(at: Timestamp, explained: Explained) -> Then {
    Then {
        at,
        step: explained.step,
        because: explained.because,
    }
}

fn last(history: &[Recorded]) -> Option<Last> {
    let is_alert = |event: &Event| matches!(event, Event::AlertRaised { .. } | Event::AlertResolved { .. });
    let fact = history.iter().rev().find(|fact| !is_alert(&fact.event))?;
    let answer = fact.event.answer();
    let mut what = in_words(&fact.event);
    // A flaw that Amazon has found is told in its own words already.
    if let Some(answer) = answer.filter(|answer| **answer != checkout::Answer::default())
        && !what.contains(&answer.as_text())
    {
        what = format!("{what}: {}", answer.as_text());
    }
    if let Actor::Operator(name) = &fact.actor {
        what = format!("{what}, by {name}");
    }
    if let Some(reason) = &fact.reason {
        what = format!("{what}, because: {reason}");
    }
    Some(Last {
        at: fact.at,
        what,
        request_id: answer.and_then(|answer| answer.request_id.clone()),
    })
}

/// A fact, as somebody tells it who does not know the model.
fn in_words(event: &Event) -> String {
    let text = match event {
        Event::CheckoutCompleted { .. } => "the shop said that the buyer has finished",
        Event::CheckoutAmended { .. } => "the shop corrected its event; the correction holds",
        Event::AmendmentKept { .. } => {
            "the shop sent another event, which is judged when it is known whether an attempt has landed"
        }
        Event::ConflictFound { .. } => "the shop said something else of it; what was said first holds",
        Event::ConfirmationStarted { attempt, .. } => {
            return format!("attempt {attempt} to confirm it was begun");
        }
        Event::ConfirmationNotSent { attempt, .. } => {
            return format!("attempt {attempt} did not reach Amazon Pay; nothing was charged");
        }
        Event::ConfirmationDeferred { attempt, because, .. } => {
            return match because {
                Because::Throttled => format!("Amazon Pay throttled attempt {attempt}; nothing was charged"),
                Because::AccountStopped => {
                    format!("Amazon Pay refused the whole account at attempt {attempt}; nothing was charged")
                }
                Because::Transient => {
                    format!("Amazon Pay could not take attempt {attempt}; nothing was charged")
                }
            };
        }
        Event::ConfirmationUnclear { attempt, .. } => {
            return format!("attempt {attempt} may have landed: the answer does not tell");
        }
        Event::ConfirmationRefused { attempt, refusal, .. } => {
            return match refusal {
                Refusal::Status => {
                    format!("Amazon Pay said at attempt {attempt} that it is in no state for this")
                }
                Refusal::Final => format!("Amazon Pay refused attempt {attempt}"),
            };
        }
        Event::RepairNeeded { flaw, .. } => {
            return format!(
                "it cannot be confirmed as it stands (`{}`: {})",
                flaw.field, flaw.problem
            );
        }
        Event::LookedUp { found, .. } => match found {
            Found::Open { ids: None, .. } => "a look-up found it open at Amazon Pay",
            Found::Open { ids: Some(_), .. } => "a look-up found it confirmed, and its payment pending",
            Found::Completed(_) => "a look-up found it confirmed",
            Found::Canceled { .. } => "a look-up found it over at Amazon Pay",
            Found::NotFound => "a look-up did not find it at Amazon Pay",
        },
        Event::LookUpDeferred { .. } => "a look-up brought nothing",
        Event::ConfirmationAccepted { evidence, .. } => match evidence {
            Evidence::Answer => "Amazon Pay confirmed it",
            Evidence::LookUp | Evidence::None => "a look-up found that Amazon Pay has confirmed it",
        },
        Event::PaymentPending => "Amazon Pay is deciding the payment",
        Event::ChargeLookedUp { found, .. } => match found {
            ChargeFound::Pending => "its charge is pending",
            ChargeFound::Authorized => "its charge is authorized",
            ChargeFound::Captured => "its charge is captured",
            ChargeFound::Declined { .. } => "its charge is declined",
            ChargeFound::Canceled { .. } => "its charge is cancelled",
            ChargeFound::NotFound => "its charge was not found",
        },
        Event::ChargeLookUpDeferred { .. } => "a look-up of its charge brought nothing",
        Event::AttemptDeclined { .. } => "Amazon Pay refused the payment, and it is still open",
        Event::ConfirmationForsworn { by } => match by {
            ForswornBy::Policy => "we decided not to confirm it: its deadline was near",
            ForswornBy::Operator => "an operator decided not to confirm it",
        },
        Event::Released => "its hold was ended",
        Event::RetryRequested => "its next step was made due",
        Event::Settled { outcome, .. } => return outcome_in_words(outcome),
        Event::AlertRaised { summary, .. } => return format!("people were told: {summary}"),
        Event::AlertResolved { .. } => "what people were told is over",
    };
    text.to_owned()
}

fn outcome_in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Confirmed { payment, .. } => match payment {
            Payment::Captured => "it is confirmed, and the money is captured".to_owned(),
            Payment::Authorized => "it is confirmed, and the money is authorized".to_owned(),
            Payment::None => "it is confirmed, without a charge".to_owned(),
        },
        Outcome::Declined { reason_code } => match reason_code {
            Some(code) => format!("it is declined ({code})"),
            None => "it is declined".to_owned(),
        },
        Outcome::Cancelled { .. } => "it lapsed, as we had decided".to_owned(),
        Outcome::Expired => "it was not confirmed in time".to_owned(),
        Outcome::Unresolved { because } => format!("it cannot be known what became of it: {because}"),
    }
}

/// The commands of its alerts, and every act that would not be refused.
fn acts(
    id: &SessionId,
    history: &[Recorded],
    session: &Session,
    at: Timestamp,
    policy: &Policy,
    account: OfAccount<'_>,
) -> Vec<Help> {
    let mut acts = of_account(session, account);
    let account_is = match account {
        OfAccount::Configured(_) => AccountIs::Configured,
        OfAccount::Missing => AccountIs::Missing,
    };
    let would = |command| decide(session, at, policy, command);
    let command = |act: &str| Some(format!("confirmd sessions {act} {id} --reason TEXT"));
    match (
        would(Command::Release(account_is)),
        would(Command::Retry(account_is)),
    ) {
        // Both say why they are refused; what mends it is the same.
        (Err(checkout::Refused::Incomplete(_) | checkout::Refused::NoAccount(_)), Err(refused))
        | (Err(_), Err(refused @ checkout::Refused::NeedsRepair(_))) => acts.push(Help {
            command: None,
            what: refused.to_string(),
        }),
        (released, retried) => {
            if let Ok(events) = released {
                let mends = matches!(&retried, Err(checkout::Refused::NeedsRepair(_)));
                let what = if mends {
                    "once it is repaired elsewhere; or publish a corrected event, which needs no command"
                } else if events.iter().any(|event| matches!(event, Event::Released)) {
                    "if it is to be confirmed after all, while there is time"
                } else {
                    "once you have compared the order with Amazon Pay: it acknowledges the alert"
                };
                acts.push(Help {
                    command: command("release"),
                    what: what.to_owned(),
                });
            }
            let runs = account.condition() == Some(Condition::Running);
            if runs && retried.is_ok() && matches!(next_step(session, at, policy), Step::WaitUntil(_)) {
                acts.push(Help {
                    command: command("retry"),
                    what: "if what it waits for is over: its next step is due at once".to_owned(),
                });
            }
        }
    }
    if would(Command::Forswear(ForswornBy::Operator)).is_ok() {
        acts.push(Help {
            command: command("forswear"),
            what: "if it must not be confirmed, because the order is cancelled, say".to_owned(),
        });
    }
    // What an alert says that helps and nothing above does.
    for told in alert_commands(id, history, session) {
        let is_this = told.starts_with("confirmd sessions explain");
        if !is_this && !acts.iter().any(|act| act.command.as_ref() == Some(&told)) {
            acts.push(Help {
                command: Some(told),
                what: "to see every fact, with Amazon's request ids for its support".to_owned(),
            });
        }
    }
    acts
}

/// What ends that its account does nothing.
fn of_account(session: &Session, account: OfAccount<'_>) -> Vec<Help> {
    let name = session.subject().and_then(checkout::Subject::account);
    let (Some(name), false) = (name, matches!(session, Session::Settled(_))) else {
        return Vec::new();
    };
    let help = |command: String, what: &str| {
        vec![Help {
            command: Some(command),
            what: what.to_owned(),
        }]
    };
    match account.condition() {
        Some(Condition::Paused) => help(
            format!("confirmd accounts resume {name} --reason TEXT"),
            "ends the pause of its account",
        ),
        Some(Condition::Stopped) => help(
            "confirmd check --online".to_owned(),
            "says why Amazon Pay refuses its account, which resumes by itself",
        ),
        Some(Condition::Running) | None => Vec::new(),
    }
}

/// As the alerts topic tells them.
fn alert_commands(id: &SessionId, history: &[Recorded], session: &Session) -> Vec<String> {
    let firing = session
        .subject()
        .into_iter()
        .flat_map(|subject| subject.alerts.firing());
    let told = firing.filter_map(|alert| {
        let at = history.iter().rposition(
            |fact| matches!(fact.event, Event::AlertRaised { ordinal, .. } if ordinal == alert.ordinal),
        )?;
        let (before, _) = replay(&history[..at]);
        let announcement = announcements_of(id, before, &history[at..=at]).pop()?;
        let (_, body) = kafka_topics::told(&announcement);
        body["action"].as_str().map(str::to_owned)
    });
    told.collect()
}

fn runbook(session: &Session, state: StateName, account: OfAccount<'_>) -> Option<&'static str> {
    let contradicts = session
        .subject()
        .is_some_and(|subject| subject.alerts.is_firing(checkout::AlertKind::Contradiction));
    let fires = session
        .subject()
        .is_some_and(|subject| subject.alerts.firing().next().is_some());
    let of_account = match account.condition() {
        Some(Condition::Stopped) => Some("ConfirmdAccountStopped.md"),
        Some(Condition::Paused) => Some("ConfirmdPausedNearDeadline.md"),
        Some(Condition::Running) | None => None,
    };
    match state {
        _ if contradicts => Some("ConfirmdContradiction.md"),
        StateName::Unresolved => Some("ConfirmdUnresolvedOutcomes.md"),
        StateName::Expired => Some("ConfirmdMissedDeadlines.md"),
        StateName::Confirmed | StateName::Declined | StateName::Cancelled => {
            fires.then_some("ConfirmdSessionsNeedPeople.md")
        }
        _ if of_account.is_some() => of_account,
        StateName::InDoubt => Some("ConfirmdInDoubtNearDeadline.md"),
        StateName::NeedsRepair | StateName::Forsworn => Some("ConfirmdSessionsNeedPeople.md"),
        StateName::PaymentPending | StateName::Ready | StateName::Waiting => {
            fires.then_some("ConfirmdSessionsNeedPeople.md")
        }
    }
}

#[cfg(test)]
mod tests;
