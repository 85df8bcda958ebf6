//! Attempts and their answers.

use super::Story;
use super::words::{pending_repair_summary, repair_summary};
use crate::session::{KeyChoice, Open, Outcome, Settled};
use crate::{
    AlertKind, Answer, Because, BodyRef, Class, ConfirmAnswer, Event, Evidence, Flaw, IdempotencyKey, Ids,
    Operation, Payment, PaymentIntent, Policy, Refusal, Session, Step, Timestamp, Work, next_step,
};

impl Story<'_> {
    pub(super) fn start(&mut self, key: IdempotencyKey, body: BodyRef) {
        if next_step(&self.session, self.now, self.policy) != Step::Confirm {
            return;
        }
        let Session::Open(open) = &self.session else {
            return;
        };
        // Whoever brings other bytes has read an older history.
        let as_chosen = match open.key_choice() {
            KeyChoice::Repeat(chosen, bytes) => key == chosen && body == bytes,
            KeyChoice::NewKey(bytes) => body == bytes,
            KeyChoice::New => true,
        };
        if !as_chosen {
            return;
        }
        let attempt = open.subject.attempts + 1;
        let send_by = self.now.plus(Policy::SEND_WITHIN);
        self.tell(Event::ConfirmationStarted {
            attempt,
            key,
            body,
            send_by,
        });
    }

    pub(super) fn answered(&mut self, attempt: u32, answer: ConfirmAnswer, spread: f64) {
        match &self.session {
            Session::Unseen | Session::PaymentPending(_) => {}
            Session::Settled(settled) => match answer {
                // A payment that was pending may have been declined since, and the session canceled for it.
                ConfirmAnswer::Accepted { pending: true, .. }
                    if matches!(settled.outcome, Outcome::Declined { .. }) => {}
                ConfirmAnswer::Accepted { .. } => self.check_late_success(&settled.clone()),
                ConfirmAnswer::NotSent(_) | ConfirmAnswer::Failed { .. } => {}
            },
            Session::Open(open) => {
                let open = open.clone();
                self.open_answered(&open, attempt, answer, spread);
            }
        }
    }

    pub(super) fn check_late_success(&mut self, settled: &Settled) {
        // That the session is confirmed is what the record says; its charge was refused.
        if settled.was_confirmed {
            return;
        }
        match settled.outcome {
            Outcome::Confirmed { .. } => {}
            Outcome::Declined { .. }
            | Outcome::Cancelled { .. }
            | Outcome::Expired
            | Outcome::Unresolved { .. } => self.raise(
                AlertKind::Contradiction,
                format!(
                    "Amazon Pay says that this session is confirmed; its outcome here is {}.",
                    settled.outcome.state().as_str()
                ),
            ),
        }
    }

    fn open_answered(&mut self, open: &Open, attempt: u32, answer: ConfirmAnswer, spread: f64) {
        let retry_at = |retry_after| self.retry_at(open.failures + 1, retry_after, spread);
        match answer {
            ConfirmAnswer::Accepted { ids, pending, answer } => {
                let retry_at = retry_at(None);
                self.accepted(open, attempt, ids, pending, answer, retry_at);
            }
            // On record already; or its doubt is, and only a look-up ends that.
            ConfirmAnswer::NotSent(_) | ConfirmAnswer::Failed { .. } if !is_in_flight(open, attempt) => {}
            ConfirmAnswer::NotSent(answer) => {
                let retry_at = retry_at(None);
                self.tell(Event::ConfirmationNotSent {
                    attempt,
                    answer,
                    retry_at,
                });
            }
            ConfirmAnswer::Failed {
                class,
                may_have_landed,
                retry_after,
                answer,
            } => {
                let retry_at = retry_at(retry_after);
                let deferred = |because, answer| Event::ConfirmationDeferred {
                    attempt,
                    because,
                    answer,
                    retry_at,
                };
                match class {
                    Class::Final => {
                        let refusal = Refusal::Final;
                        self.tell(Event::ConfirmationRefused {
                            attempt,
                            refusal,
                            answer,
                            may_have_landed,
                        });
                    }
                    // Whatever else is said, it may have landed.
                    Class::Retry | Class::Slow | Class::Ask | Class::Fix { .. } | Class::Lane
                        if may_have_landed =>
                    {
                        self.tell(Event::ConfirmationUnclear {
                            attempt,
                            answer,
                            retry_at,
                        });
                    }
                    Class::Retry => self.tell(deferred(Because::Transient, answer)),
                    Class::Slow => self.tell(deferred(Because::Throttled, answer)),
                    Class::Lane => self.tell(deferred(Because::AccountStopped, answer)),
                    Class::Ask => {
                        let refusal = Refusal::Status;
                        self.tell(Event::ConfirmationRefused {
                            attempt,
                            refusal,
                            answer,
                            may_have_landed,
                        });
                    }
                    Class::Fix { content } => {
                        let flaw = Flaw {
                            field: "request".to_owned(),
                            problem: answer.as_text(),
                        };
                        self.needs_repair(flaw, Some(attempt), content, answer);
                    }
                }
            }
        }
    }

    fn accepted(
        &mut self,
        open: &Open,
        attempt: u32,
        mut ids: Ids,
        pending: bool,
        answer: Answer,
        retry_at: Timestamp,
    ) {
        let Some(order) = open.subject.statement.order else {
            let payment = ids.charge_id.is_none().then_some(Payment::None);
            return self.confirmed_at_amazon(open, ids, Evidence::Answer, answer, payment);
        };
        ids.charge_permission_type.get_or_insert(order.permission_type);
        let charged = ids.charge_id.is_some();
        let payment = match (order.work, charged) {
            // Finalize sends the intent, so that Amazon's plain success says what became of the money; but where the
            // payment may pend, it is not known that Finalize says so by a 202.
            (Work::Finalize { intent, .. }, true) if !pending && !order.can_handle_pending => paid_by(intent),
            (
                Work::Finalize {
                    intent: PaymentIntent::Confirm,
                    ..
                },
                false,
            )
            | (Work::Complete { .. } | Work::SetUpWallet, false)
                if !pending =>
            {
                Some(Payment::None)
            }
            // A charge that nobody has told the state of is asked for.
            (Work::Finalize { .. } | Work::Complete { .. } | Work::SetUpWallet, true) => None,
            // A payment that should have a charge has none: cannot be read as the success it claims.
            (Work::Finalize { .. } | Work::Complete { .. } | Work::SetUpWallet, false) => {
                if is_in_flight(open, attempt) {
                    self.tell(Event::ConfirmationUnclear {
                        attempt,
                        answer,
                        retry_at,
                    });
                }
                return;
            }
        };
        self.confirmed_at_amazon(open, ids, Evidence::Answer, answer, payment);
        if pending && order.operation() == Operation::Finalize {
            self.tell(Event::PaymentPending);
        }
    }

    /// Amazon has confirmed it: the outcome where the money's fate is known, else the charge is asked for.
    pub(super) fn confirmed_at_amazon(
        &mut self,
        open: &Open,
        ids: Ids,
        evidence: Evidence,
        answer: Answer,
        payment: Option<Payment>,
    ) {
        match payment {
            Some(payment) => self.settle(
                Outcome::Confirmed {
                    ids,
                    payment,
                    evidence,
                },
                answer,
            ),
            None => self.tell(Event::ConfirmationAccepted {
                evidence,
                ids,
                answer,
            }),
        }
        if open.forsworn_at().is_some() {
            self.raise(
                AlertKind::Contradiction,
                "We had decided not to confirm this session, and Amazon Pay says that it is confirmed."
                    .to_owned(),
            );
        }
    }

    pub(super) fn needs_repair(&mut self, flaw: Flaw, attempt: Option<u32>, content: bool, answer: Answer) {
        let summary = match &self.session {
            Session::Open(open) => repair_summary(&flaw, &open.subject.statement),
            Session::PaymentPending(_) => pending_repair_summary(&flaw),
            Session::Unseen | Session::Settled(_) => return,
        };
        self.tell(Event::RepairNeeded {
            flaw,
            attempt,
            content,
            answer,
        });
        if self.is_to_be_repaired() {
            self.raise(AlertKind::NeedsRepair, summary);
        }
    }
}

fn is_in_flight(open: &Open, attempt: u32) -> bool {
    open.in_flight
        .as_ref()
        .is_some_and(|flight| flight.attempt == attempt)
}

fn paid_by(intent: PaymentIntent) -> Option<Payment> {
    match intent {
        PaymentIntent::AuthorizeWithCapture => Some(Payment::Captured),
        PaymentIntent::Authorize => Some(Payment::Authorized),
        // No charge was asked for, and one is there: its state is asked.
        PaymentIntent::Confirm => None,
    }
}
