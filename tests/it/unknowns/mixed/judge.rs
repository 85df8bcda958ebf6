//! What was told of a draw, held against the sandbox's books.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use sandbox::{ChargeState, Effect, SessionBook};

use super::Session;
use super::draws::Draw;
use crate::world::{Told, World, time_of};

/// The skew of clocks that a deadline may be shortened by, and a rounding of times to seconds.
const BLUR: SignedDuration = SignedDuration::from_secs(60);

/// What is wrong with the sessions of a draw that are all over.
pub(super) async fn judge(world: &mut World, draw: &Draw, sessions: &[Session<'_>]) -> Vec<String> {
    let mut wrong = Vec::new();
    for session in sessions {
        let told = world.outcome(&session.id).await;
        for alert in session.shown["alerts"].as_array().unwrap() {
            let (kind, status) = (alert["kind"].as_str().unwrap(), alert["status"].as_str().unwrap());
            world.alert(&session.id, kind, status).await;
        }
        let book = world.sandbox.books().session(&session.id).cloned();
        let mut note =
            |what: &str| wrong.push(format!("{}: {what}; told: {:?}", session.id, told.event_type));
        match &book {
            Some(book) => as_the_books_have_it(draw, session, &told, book, &mut note),
            None if told.event_type != "checkout.unresolved.v1" => note("Amazon has never heard of it"),
            None => {}
        }
        people_were_told(session, &told, book.as_ref(), &mut note);
    }
    let outcomes = world.everything_on(&world.kafka.outcomes_topic).await;
    let outcomes: Vec<Told> = outcomes.iter().map(Told::of).filter(Told::is_outcome).collect();
    for session in sessions {
        let mine = outcomes
            .iter()
            .filter(|told| told.session.as_ref() == Some(&session.id));
        let ids: BTreeSet<_> = mine.map(|told| (&told.id, told.body.to_string())).collect();
        if ids.len() != 1 {
            wrong.push(format!("{}: not exactly one outcome: {ids:?}", session.id));
        }
    }
    wrong
}

fn as_the_books_have_it(
    draw: &Draw,
    session: &Session<'_>,
    told: &Told,
    book: &SessionBook,
    note: &mut impl FnMut(&str),
) {
    let times = book.times_completed();
    if 1 < times || 1 < book.charges.len() {
        note("it had its effect twice");
    }
    let charge = book.charges.first();
    let refused =
        charge.is_some_and(|charge| matches!(charge.state, ChargeState::Declined | ChargeState::Canceled));
    let recorded_at = time_of(&told.body["recordedAt"]);
    let lapsed = match book.reason_code.as_deref() {
        Some(reason) => reason == "Expired",
        // Without a reason, who looks after the deadline may take it for lapsed.
        None => book.expiration_timestamp <= recorded_at + BLUR,
    };
    let is_canceled = times == 0 && book.state == "Canceled";
    match told.event_type.as_str() {
        "checkout.confirmed.v1" => {
            if times != 1 {
                note("told as confirmed, and nothing confirmed it");
            }
            let payment = match charge.map(|charge| charge.state) {
                None => "None",
                Some(ChargeState::Captured) => "Captured",
                Some(ChargeState::Authorized) => "Authorized",
                Some(_) => "not known yet",
            };
            if told.body["payment"] != payment {
                note(&format!(
                    "told as {}, and the charge is {payment}",
                    told.body["payment"]
                ));
            }
            if told.body["chargePermissionId"]
                != *book.charge_permission_id.as_ref().unwrap_or(&String::new())
            {
                note("another permission is told");
            }
            let phantom = draw.stand["finalizeConfirmShowsChargeId"] == true
                || draw.stand["setupShowsChargeId"] == true;
            let is_its_charge = match charge {
                Some(charge) => told.body["chargeId"] == *charge.charge_id,
                None => phantom || told.body["chargeId"].is_null(),
            };
            if !is_its_charge {
                note("another charge is told");
            }
            let completed = book
                .calls
                .iter()
                .find(|call| call.effect == Some(Effect::Completed));
            if let (true, Some(call)) = (session.plan.pends(session.acted), completed) {
                let pending_for: sandbox::Span =
                    serde_json::from_value(session.plan.session["pendingFor"].clone()).unwrap();
                let decided_at = call.at + SignedDuration::try_from(pending_for.0).unwrap();
                if recorded_at + SignedDuration::from_secs(1) < decided_at {
                    note("told before Amazon had decided on the payment");
                }
            }
        }
        "checkout.declined.v1" => {
            let is_declined = is_canceled && book.reason_code.as_deref() != Some("Expired");
            if !(is_declined || times == 1 && refused) {
                note("told as declined, and nothing declined it");
            }
        }
        "checkout.expired.v1" | "checkout.cancelled.v1" => {
            if !(is_canceled && lapsed) {
                note("told as lapsed, and it has not");
            }
        }
        // Its event asks for a charge, and Amazon names one that there is not: nobody can tell what that means.
        "checkout.unresolved.v1"
            if times == 1 && book.charges.is_empty() && session.plan.contradiction == Some("intent") => {}
        _ => note("no outcome that the books explain"),
    }
    let is_lost = told.event_type != "checkout.confirmed.v1" && !refused;
    if session.can_be_confirmed && is_lost {
        note("it could have been confirmed, and is lost");
    }
}

/// What needed a person was told to one, what was lost came as no surprise, and nothing is left that only time ends.
fn people_were_told(
    session: &Session<'_>,
    told: &Told,
    book: Option<&SessionBook>,
    note: &mut impl FnMut(&str),
) {
    let alerts = session.shown["alerts"].as_array().unwrap();
    let kinds: BTreeSet<&str> = alerts
        .iter()
        .map(|alert| alert["kind"].as_str().unwrap())
        .collect();
    let repair = session.facts().any(|fact| fact == "repair-needed");
    if repair && !kinds.contains("needs-repair") && !kinds.contains("forsworn") {
        note("nobody was told to repair it");
    }
    if told.event_type == "checkout.cancelled.v1" && !kinds.contains("forsworn") {
        note("nobody was told that it was given up");
    }
    let is_lost = [
        "checkout.cancelled.v1",
        "checkout.expired.v1",
        "checkout.unresolved.v1",
    ]
    .contains(&told.event_type.as_str());
    let there_was_time = book.is_some_and(|_| session.plan.age <= SignedDuration::from_hours(23));
    if is_lost && there_was_time && kinds.is_empty() {
        note("it was lost, and nobody was told before");
    }
    for alert in alerts {
        let stays = ["conflict", "contradiction"].contains(&alert["kind"].as_str().unwrap());
        if alert["status"] == "firing" && !stays {
            note(&format!("an alert is left: {alert}"));
        }
    }
}

/// All that is known of the sessions that something is wrong with; of all where it cannot be told which.
pub(super) fn stories(world: &World, sessions: &[Session<'_>], wrong: &[String]) -> String {
    let books = world.sandbox.books();
    let named = |session: &&Session<'_>| wrong.iter().any(|wrong| wrong.contains(&session.id));
    let mut chosen: Vec<_> = sessions.iter().filter(named).collect();
    if chosen.is_empty() {
        chosen = sessions.iter().filter(|session| !session.is_over()).collect();
    }
    let told = chosen.into_iter().map(|session| {
        let book = books.session(&session.id);
        let book = serde_json::to_value(book).unwrap_or_default();
        format!(
            "---- {}\nplan: {:#?}\nbook: {book:#}\nstory: {:#}\n",
            session.id, session.plan, session.shown
        )
    });
    told.collect()
}
