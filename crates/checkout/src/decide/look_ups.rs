//! Look-ups of the session.

use std::time::Duration;

use super::Story;
use crate::session::{Doubt, Hold, Open, Outcome, Question};
use crate::{
    AlertKind, Answer, Event, Evidence, Flaw, Found, Ids, LookUp, LookUpAnswer, Mode, Order, Payment,
    PaymentIntent, Policy, Session, Step, Timestamp, next_step,
};

impl Story<'_> {
    pub(super) fn looked_up(&mut self, answer: LookUpAnswer, spread: f64) {
        let Session::Open(open) = &self.session else {
            if let (
                LookUpAnswer::Told(LookUp {
                    found: Found::Completed(_),
                    ..
                }),
                Session::Settled(settled),
            ) = (&answer, &self.session)
            {
                self.check_late_success(&settled.clone());
            }
            return;
        };
        let open = open.clone();
        match answer {
            LookUpAnswer::Told(look_up) => self.told_of_session(&open, look_up, spread),
            LookUpAnswer::Failed {
                retry_after, answer, ..
            } => {
                self.look_up_failed(&open, retry_after, answer, spread);
            }
        }
    }

    fn look_up_failed(&mut self, open: &Open, retry_after: Option<Duration>, answer: Answer, spread: f64) {
        if self.is_in_flight(open) {
            return;
        }
        let retry_at = match open.hold {
            // Nothing waits for this answer but the true deadline.
            Hold::NeedsRepair(_) if open.doubt.is_none() => {
                let gap = Policy::buyer_not_done_gap(open.look_up_failures);
                self.no_later_than_proof(open.ends_at(), self.now.plus(gap))
            }
            Hold::NeedsRepair(_) | Hold::Ready | Hold::BuyerNotDone(_) | Hold::Forsworn { .. } => {
                self.retry_at(open.look_up_failures + 1, retry_after, spread)
            }
        };
        let text = answer.as_text();
        self.tell(Event::LookUpDeferred {
            answer: answer.clone(),
            retry_at,
        });
        if open.subject.created_at().plus(Policy::KEPT_BY_AMAZON) <= self.now {
            let because =
                format!("Amazon Pay deletes sessions after 30 days, and until then said only: {text}");
            self.settle(Outcome::Unresolved { because }, answer);
        }
    }

    fn told_of_session(&mut self, open: &Open, look_up: LookUp, spread: f64) {
        let LookUp {
            begun_at,
            found,
            created_at,
            expires_at,
            left,
            answer,
        } = look_up;
        // What was asked before the last attempt had left for sure, or while it is still on its way, says nothing
        // of it: an intent is on record a while before its request leaves. What is over, or confirmed, is so
        // whenever it was asked.
        let is_early = self.is_in_flight(open) || open.subject.last_left_by.is_some_and(|by| begun_at < by);
        if is_early && (found.is_open() || found == Found::NotFound) {
            self.asked_too_early(open, answer, spread);
            return;
        }
        let brings_address = matches!(
            found,
            Found::Open {
                has_address: true,
                ..
            }
        );
        let deadline = expires_at.unwrap_or(open.subject.deadline.at);
        let ends_at = open.ends_at_after(begun_at, left, deadline);
        let next_at = self.next_at_after_look_up(open, begun_at, ends_at, brings_address, spread);
        self.tell(Event::LookedUp {
            begun_at,
            found: found.clone(),
            created_at,
            expires_at,
            left,
            next_at,
            answer: answer.clone(),
        });
        let order = open.subject.statement.order;
        match found {
            Found::Open { ids: Some(ids), .. } if ids.charge_id.is_some() => {
                let ids = filled_from(order, ids);
                self.confirmed_at_amazon(open, ids, Evidence::LookUp, answer, None);
            }
            Found::Open { .. } => self.still_open(open),
            Found::Completed(ids) => {
                let ids = filled_from(order, ids);
                // A lost 202 must not become "Captured": the charge itself is asked.
                let payment = ids.charge_id.is_none().then_some(Payment::None);
                let lacks_charge = payment.is_some()
                    && order
                        .and_then(|order| order.intent())
                        .is_some_and(|intent| intent != PaymentIntent::Confirm);
                self.confirmed_at_amazon(open, ids, Evidence::LookUp, answer, payment);
                if lacks_charge {
                    self.raise(
                        AlertKind::Contradiction,
                        "Amazon Pay says that it is confirmed and names no charge, though its order asks for \
                         one: look at Seller Central before anything is charged."
                            .to_owned(),
                    );
                }
            }
            Found::Canceled { reason } => {
                let lapses_at = created_at
                    .map(|at| at.plus(Policy::LIFETIME))
                    .or(expires_at)
                    .unwrap_or(open.subject.deadline.at);
                let lapsed = match reason.as_deref() {
                    Some(reason) => reason == "Expired",
                    None => lapses_at <= begun_at,
                };
                let outcome = match (lapsed, open.forsworn_at()) {
                    (true, Some(decided_at)) => Outcome::Cancelled { decided_at },
                    (true, None) => Outcome::Expired,
                    (false, _) => Outcome::Declined {
                        reason_code: reason.or_else(|| open.refused_with.clone()),
                    },
                };
                self.settle(outcome, answer);
            }
            Found::NotFound => self.session_not_found(answer),
        }
    }

    /// By a clock that is behind the one of whoever sent the attempt, every look-up is too early for a while: the next
    /// one waits, or it would follow at once, and again.
    fn asked_too_early(&mut self, open: &Open, answer: Answer, spread: f64) {
        let is_due =
            open.in_flight.is_some() || next_step(&self.session, self.now, self.policy) == Step::LookUp;
        if is_due && !self.is_in_flight(open) {
            let retry_at = self.retry_at(open.look_up_failures + 1, None, spread);
            self.tell(Event::LookUpDeferred { answer, retry_at });
        }
    }

    fn still_open(&mut self, before: &Open) {
        let Session::Open(after) = &self.session else {
            return;
        };
        if before.question == Some(Question::Refused) && after.doubt.is_none() {
            self.tell(Event::AttemptDeclined {
                reason_code: before.refused_with.clone(),
            });
        }
    }

    fn session_not_found(&mut self, answer: Answer) {
        let Session::Open(open) = &self.session else {
            return;
        };
        let past = open.ends_at() <= self.now;
        if past && open.not_found.is_some_and(|(times, _)| times >= 3) {
            let because =
                "Amazon Pay says \"not found\" past the deadline, three times an hour apart".to_owned();
            return self.settle(Outcome::Unresolved { because }, answer);
        }
        if !past && matches!(open.hold, Hold::Ready | Hold::BuyerNotDone(_)) {
            let flaw = Flaw {
                field: "checkoutSessionId".to_owned(),
                problem: "Amazon Pay knows no such session: the id, the account or the environment is wrong"
                    .to_owned(),
            };
            self.needs_repair(flaw, None, false, answer);
        }
    }

    /// Hands off: its worker may still be waiting for the answer.
    pub(super) fn is_in_flight(&self, open: &Open) -> bool {
        open.in_flight
            .as_ref()
            .is_some_and(|flight| self.now < flight.until(self.policy))
    }

    /// When an open session is next looked at, had the look-up found it open.
    fn next_at_after_look_up(
        &self,
        open: &Open,
        begun_at: Timestamp,
        ends_at: Timestamp,
        brings_address: bool,
        spread: f64,
    ) -> Timestamp {
        let in_doubt = match &open.doubt {
            Some(doubt) => doubt
                .content_refused_at
                .is_none_or(|at| begun_at < at.plus(Policy::CONTENT_REFUSAL_SETTLES_AFTER)),
            None => open.in_flight.is_some(),
        };
        let gap = Policy::buyer_not_done_gap(open.looks());
        let at_most = self.policy.longest_wait(ends_at.since(self.now));
        let looks_in_doubt = open.doubt.as_ref().and_then(Doubt::buyer_not_done_looks);
        let wait = match (&open.hold, open.question) {
            // Nothing can be sent, but the doubt is still to be ended.
            (Hold::NeedsRepair(_) | Hold::Forsworn { .. }, _) if in_doubt => {
                self.policy.retry.max.min(at_most)
            }
            (Hold::NeedsRepair(_) | Hold::Forsworn { .. }, _) => Duration::ZERO,
            (_, Some(Question::Status)) if in_doubt => match looks_in_doubt {
                Some(looks) => Policy::buyer_not_done_gap(looks).min(at_most),
                None => {
                    let tries = open.failures.max(open.subject.attempts);
                    self.policy.retry.delay(tries, spread).min(at_most)
                }
            },
            (_, Some(Question::Status | Question::Refused)) => gap,
            (Hold::BuyerNotDone(waiting), _) if !waiting.try_again => gap,
            // A watched session is looked up at its thresholds and not in between.
            (Hold::BuyerNotDone(_) | Hold::Ready, _)
                if open.lacks_address() && !brings_address && self.policy.mode == Mode::Confirm =>
            {
                gap
            }
            // The wait was before the look-up.
            (Hold::BuyerNotDone(_) | Hold::Ready, _) => Duration::ZERO,
        };
        self.no_later_than_proof(ends_at, self.now.plus(wait))
    }
}

fn filled_from(order: Option<Order>, mut ids: Ids) -> Ids {
    if let Some(order) = order {
        ids.charge_permission_type.get_or_insert(order.permission_type);
    }
    ids
}
