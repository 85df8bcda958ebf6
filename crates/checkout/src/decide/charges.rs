//! Look-ups of the charge.

use super::Story;
use crate::session::{Outcome, Pending};
use crate::{Answer, ChargeAnswer, ChargeFound, Event, Payment, PaymentIntent, Policy, Session, Work};

impl Story<'_> {
    pub(super) fn charge_looked_up(&mut self, answer: ChargeAnswer, spread: f64) {
        let Session::PaymentPending(pending) = &self.session else {
            return;
        };
        let pending = pending.clone();
        match answer {
            ChargeAnswer::Told { found, answer } => self.told_of_charge(&pending, found, answer),
            ChargeAnswer::Failed {
                retry_after, answer, ..
            } => {
                let retry_at = self.retry_at(pending.failures + 1, retry_after, spread);
                let text = answer.as_text();
                self.tell(Event::ChargeLookUpDeferred {
                    answer: answer.clone(),
                    retry_at,
                });
                if pending.since.plus(Policy::KEPT_BY_AMAZON) <= self.now {
                    let because =
                        format!("whether the payment was made could not be learned in 30 days: {text}");
                    self.settle(Outcome::Unresolved { because }, answer);
                }
            }
        }
    }

    fn told_of_charge(&mut self, pending: &Pending, found: ChargeFound, answer: Answer) {
        let next_at = self.now.plus(Policy::buyer_not_done_gap(pending.looks));
        self.tell(Event::ChargeLookedUp {
            found: found.clone(),
            next_at,
            answer: answer.clone(),
        });
        let confirmed = |payment| Outcome::Confirmed {
            ids: pending.ids.clone(),
            payment,
            evidence: pending.evidence,
        };
        let order = pending.subject.statement.order;
        let moves_no_money = order.is_some_and(|order| {
            order.work == Work::SetUpWallet || order.intent() == Some(PaymentIntent::Confirm)
        });
        match found {
            ChargeFound::Authorized => self.settle(confirmed(Payment::Authorized), answer),
            ChargeFound::Captured => self.settle(confirmed(Payment::Captured), answer),
            ChargeFound::Declined { reason } | ChargeFound::Canceled { reason } => {
                self.settle(Outcome::Declined { reason_code: reason }, answer);
            }
            // Amazon's own sample of a setup shows a charge id, and an answer to the intent Confirm may; nothing was
            // charged under it.
            ChargeFound::NotFound if moves_no_money => self.settle(confirmed(Payment::None), answer),
            ChargeFound::NotFound => {
                let Session::PaymentPending(after) = &self.session else {
                    return;
                };
                if after.not_found.is_some_and(|(times, _)| times >= 3) {
                    let because =
                        "Amazon Pay says \"not found\" of the charge past its 24 hours, three times \
                                   an hour apart"
                            .to_owned();
                    self.settle(Outcome::Unresolved { because }, answer);
                }
            }
            ChargeFound::Pending if !pending.told => self.tell(Event::PaymentPending),
            ChargeFound::Pending => {}
        }
    }
}
