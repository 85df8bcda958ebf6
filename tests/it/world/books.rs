//! What was told, held against the truth.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::Books;

use super::Told;

/// Every session that anything was told of has exactly one outcome, under one id, and the books agree.
pub(crate) fn check(books: &Books, told: &[Told]) {
    let mut outcomes: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for one in told.iter().filter(|told| told.is_outcome()) {
        let session = one.session.as_deref().expect("an outcome names its session");
        outcomes
            .entry(session)
            .or_default()
            .insert((&one.id, &one.event_type));
    }
    for session in &books.sessions {
        let id = session.checkout_session_id.as_str();
        assert!(
            session.times_completed() <= 1,
            "{id} was completed twice: {session:#?}"
        );
        let Some(outcomes) = outcomes.get(id) else {
            continue;
        };
        assert_eq!(
            outcomes.len(),
            1,
            "{id} has not exactly one outcome: {outcomes:?}"
        );
        let (_, outcome) = outcomes.first().unwrap();
        let charge_refused = session.charges.iter().all(|charge| {
            matches!(
                charge.state,
                sandbox::ChargeState::Declined | sandbox::ChargeState::Canceled
            )
        }) && !session.charges.is_empty();
        let fits = match *outcome {
            "checkout.confirmed.v1" => session.state == "Completed" && !charge_refused,
            "checkout.declined.v1" => {
                charge_refused
                    || (session.state == "Canceled" && session.reason_code.as_deref() != Some("Expired"))
            }
            "checkout.cancelled.v1" | "checkout.expired.v1" => {
                session.state == "Canceled" && session.reason_code.as_deref() == Some("Expired")
            }
            _ => true,
        };
        assert!(
            fits,
            "{id} was told as {outcome}, and the books say otherwise: {session:#?}"
        );
    }
}
