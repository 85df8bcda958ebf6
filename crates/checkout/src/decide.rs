//! What a request adds to the history of a session. An empty answer means "already so", which is what
//! makes redelivery, a second worker and a late answer harmless.

use crate::session::{Hold, Open, Outcome, Pending, Question, Settled};
use crate::step::{first_proof, next_proof};
use crate::{
    AlertKind, Answer, Because, BodyRef, ChargeAnswer, ChargeFound, Class, ConfirmAnswer, Event, Evidence,
    Flaw, ForswornBy, Found, IdempotencyKey, Ids, LookUp, LookUpAnswer, Operation, Order, Payment,
    PaymentIntent, Policy, Refusal, Session, Statement, Step, Timestamp, Work, next_step,
};

/// What someone asks of a session. `spread` in 0..=1 is drawn by the caller (see [`crate::Backoff`]).
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// An event of the shop arrived.
    Observe {
        /// What it says.
        statement: Statement,
        /// The event's own time.
        said_at: Timestamp,
        /// The session's creation, where the shop knows it.
        session_created_at: Option<Timestamp>,
    },
    /// An attempt is about to be sent; only where [`next_step`] says so.
    Start {
        /// Under which key.
        key: IdempotencyKey,
        /// Which stored bytes.
        body: BodyRef,
    },
    /// An attempt was answered, or was not.
    Answered {
        /// Which attempt.
        attempt: u32,
        /// How.
        answer: ConfirmAnswer,
        /// For the wait that may follow.
        spread: f64,
    },
    /// A look-up of the session was answered, or was not.
    LookedUp {
        /// How.
        answer: LookUpAnswer,
        /// For the wait that may follow.
        spread: f64,
    },
    /// A look-up of the charge was answered, or was not.
    ChargeLookedUp {
        /// How.
        answer: ChargeAnswer,
        /// For the wait that may follow.
        spread: f64,
    },
    /// The alert that [`next_step`] asks for.
    Alert(AlertKind),
    /// Not to be confirmed: by policy only where [`next_step`] says so.
    Forswear(ForswornBy),
    /// An operator ends a hold, or acknowledges a conflict or contradiction.
    Release,
    /// An operator makes the next step due.
    Retry,
}

/// Why an operator's act is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing is known of it.
    #[error("this session was never heard of")]
    Unseen,
    /// It has its outcome, or is confirmed already.
    #[error("it is {0} already")]
    Over(&'static str),
    /// The one thing that must not be closed.
    #[error("it may have landed: Amazon is asked until it tells, and nothing is closed before")]
    InDoubt,
    /// There is no hold and nothing to acknowledge.
    #[error(
        "there is nothing to release: it neither needs repair nor is forsworn, and nothing waits to be acknowledged"
    )]
    NothingToRelease,
    /// The event did not say enough.
    #[error("its event cannot be confirmed as it stands (`{field}`: {problem}): publish a corrected event", field = .0.field, problem = .0.problem)]
    Incomplete(Flaw),
    /// The deadline is too near.
    #[error("it is too late: no confirmation is started this near to its deadline")]
    TooLate,
    /// Already so.
    #[error("it is forsworn already")]
    Forsworn,
}

/// The facts that `command` adds to `session` at `now`. Only operators' acts are ever refused.
pub fn decide(
    session: &Session,
    now: Timestamp,
    policy: &Policy,
    command: Command,
) -> Result<Vec<Event>, Refused> {
    let mut story = Story {
        session: session.clone(),
        now,
        policy,
        told: Vec::new(),
    };
    match command {
        Command::Observe {
            statement,
            said_at,
            session_created_at,
        } => {
            story.observe(statement, said_at, session_created_at);
        }
        Command::Start { key, body } => story.start(key, body),
        Command::Answered {
            attempt,
            answer,
            spread,
        } => story.answered(attempt, answer, spread),
        Command::LookedUp { answer, spread } => story.looked_up(answer, spread),
        Command::ChargeLookedUp { answer, spread } => story.charge_looked_up(answer, spread),
        Command::Alert(kind) => story.alert(kind),
        Command::Forswear(by) => story.forswear(by)?,
        Command::Release => story.release()?,
        Command::Retry => story.retry()?,
    }
    story.judge_what_was_kept();
    story.resolve_alerts();
    Ok(story.told)
}

/// The session as it becomes while facts are added.
struct Story<'a> {
    session: Session,
    now: Timestamp,
    policy: &'a Policy,
    told: Vec<Event>,
}

impl Story<'_> {
    fn tell(&mut self, event: Event) {
        let session = std::mem::replace(&mut self.session, Session::Unseen);
        self.session = session.evolve(self.now, &event);
        self.told.push(event);
    }

    fn raise(&mut self, kind: AlertKind, summary: String) {
        let Some(subject) = self.session.subject() else {
            return;
        };
        if subject.alerts.is_firing(kind) && !matches!(kind, AlertKind::DeadlineNear { .. }) {
            return;
        }
        let ordinal = subject.alerts.next_ordinal();
        self.tell(Event::AlertRaised {
            kind,
            ordinal,
            summary,
        });
    }

    fn settle(&mut self, outcome: Outcome, answer: Answer) {
        self.tell(Event::Settled { outcome, answer });
    }

    fn retry_at(&self, failures: u32, retry_after: Option<std::time::Duration>, spread: f64) -> Timestamp {
        let wait = self.policy.retry.delay(failures, spread);
        self.now.plus(retry_after.map_or(wait, |asked| asked.max(wait)))
    }

    // ---- the way in

    fn observe(&mut self, statement: Statement, said_at: Timestamp, created: Option<Timestamp>) {
        let Some(subject) = self.session.subject() else {
            let flaw = statement.flaw.clone();
            self.tell(Event::CheckoutCompleted {
                statement,
                said_at,
                session_created_at: created,
            });
            if let Some(flaw) = flaw {
                self.raise(AlertKind::NeedsRepair, repair_summary(&flaw));
            }
            return;
        };
        if subject.heard.contains(&statement) {
            return;
        }
        match &self.session {
            Session::Open(open) if open.in_flight.is_some() || open.doubt.is_some() => {
                self.tell(Event::AmendmentKept { statement });
            }
            Session::Open(open) if self.takes_amendments(open) => self.amend(statement),
            Session::Open(_) | Session::PaymentPending(_) | Session::Settled(_) => self.conflict(statement),
            Session::Unseen => {}
        }
    }

    fn takes_amendments(&self, open: &Open) -> bool {
        match open.hold {
            Hold::NeedsRepair(_) => true,
            Hold::Forsworn {
                by: ForswornBy::Policy,
                ..
            } => self.in_time(open),
            Hold::Forsworn {
                by: ForswornBy::Operator,
                ..
            }
            | Hold::Ready
            | Hold::BuyerNotDone(_) => false,
        }
    }

    fn in_time(&self, open: &Open) -> bool {
        self.now < open.subject.deadline.at.minus(self.policy.last_attempt_before)
    }

    fn amend(&mut self, statement: Statement) {
        let flaw = statement.flaw.clone();
        self.tell(Event::CheckoutAmended { statement });
        if let Some(flaw) = flaw {
            self.raise(AlertKind::NeedsRepair, repair_summary(&flaw));
        }
    }

    fn conflict(&mut self, statement: Statement) {
        self.tell(Event::ConflictFound { statement });
        let summary = "A second event says something else of this session; the first one holds.";
        self.raise(AlertKind::Conflict, summary.to_owned());
    }

    // ---- attempts

    fn start(&mut self, key: IdempotencyKey, body: BodyRef) {
        if next_step(&self.session, self.now, self.policy) != Step::Confirm {
            return;
        }
        let Session::Open(open) = &self.session else {
            return;
        };
        let attempt = open.subject.attempts + 1;
        let send_by = self.now.plus(Policy::SEND_WITHIN);
        self.tell(Event::ConfirmationStarted {
            attempt,
            key,
            body,
            send_by,
        });
    }

    fn answered(&mut self, attempt: u32, answer: ConfirmAnswer, spread: f64) {
        match &self.session {
            Session::Unseen | Session::PaymentPending(_) => {}
            Session::Settled(settled) => {
                if let ConfirmAnswer::Accepted { .. } = answer {
                    self.check_late_success(&settled.clone());
                }
            }
            Session::Open(open) => {
                let open = open.clone();
                self.open_answered(&open, attempt, answer, spread);
            }
        }
    }

    fn check_late_success(&mut self, settled: &Settled) {
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
                    Class::Retry | Class::Ask if may_have_landed => {
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
                    Class::Final => {
                        let refusal = Refusal::Final;
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
                            problem: answer_text(&answer),
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
            return self.confirmed_at_amazon(open, ids, Evidence::Answer, answer, None);
        };
        ids.charge_permission_type.get_or_insert(order.permission_type);
        let charged = ids.charge_id.is_some();
        let payment = match (order.work, charged) {
            // Finalize sends the intent, so that Amazon's plain success says what became of the money.
            (Work::Finalize { intent, .. }, true) if !pending => paid_by(intent),
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
                return self.tell(Event::ConfirmationUnclear {
                    attempt,
                    answer,
                    retry_at,
                });
            }
        };
        self.confirmed_at_amazon(open, ids, Evidence::Answer, answer, payment);
        if pending && order.operation() == Operation::Finalize {
            self.tell(Event::PaymentPending);
        }
    }

    /// Amazon has confirmed it: the outcome where the money's fate is known, else the charge is asked for.
    fn confirmed_at_amazon(
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
        if let Some(kept) = &open.kept {
            self.conflict(kept.clone());
        }
    }

    fn needs_repair(&mut self, flaw: Flaw, attempt: Option<u32>, content: bool, answer: Answer) {
        let summary = repair_summary(&flaw);
        self.tell(Event::RepairNeeded {
            flaw,
            attempt,
            content,
            answer,
        });
        if let Session::Open(Open {
            hold: Hold::NeedsRepair(_),
            ..
        }) = self.session
        {
            self.raise(AlertKind::NeedsRepair, summary);
        }
    }

    // ---- look-ups of the session

    fn looked_up(&mut self, answer: LookUpAnswer, spread: f64) {
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

    fn look_up_failed(
        &mut self,
        open: &Open,
        retry_after: Option<std::time::Duration>,
        answer: Answer,
        spread: f64,
    ) {
        let deadline = open.subject.deadline.at;
        let retry_at = if deadline <= self.now {
            next_proof(deadline, self.now)
        } else {
            self.retry_at(open.failures + 1, retry_after, spread)
        };
        let text = answer_text(&answer);
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
            answer,
        } = look_up;
        let next_at = self.next_at_after_look_up(open, begun_at, expires_at, spread);
        self.tell(Event::LookedUp {
            begun_at,
            found: found.clone(),
            created_at,
            expires_at,
            next_at,
            answer: answer.clone(),
        });
        let order = open.subject.statement.order;
        match found {
            Found::Open { ids: Some(ids), .. } if ids.charge_id.is_some() => {
                let ids = filled_from(order, ids);
                self.confirmed_at_amazon(open, ids, Evidence::LookUp, answer, None);
            }
            Found::Open { has_address, .. } => self.still_open(open, order, has_address, answer),
            Found::Completed(ids) => {
                let ids = filled_from(order, ids);
                // A lost 202 must not become "Captured": the charge itself is asked.
                let payment = ids.charge_id.is_none().then_some(Payment::None);
                self.confirmed_at_amazon(open, ids, Evidence::LookUp, answer, payment);
            }
            Found::Canceled { reason } => {
                let lapses_at = created_at.map_or(open.subject.deadline.at, |at| at.plus(Policy::LIFETIME));
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

    fn still_open(&mut self, before: &Open, order: Option<Order>, has_address: bool, answer: Answer) {
        let Session::Open(after) = &self.session else {
            return;
        };
        let refused = before.question == Some(Question::Refused);
        let lacks_address =
            order.is_some_and(|order| !order.has_address) && !after.address_found && !has_address;
        let ready = after.hold == Hold::Ready;
        if refused && after.doubt.is_none() {
            self.tell(Event::AttemptDeclined {
                reason_code: before.refused_with.clone(),
            });
        }
        if lacks_address && ready && self.policy.mode == crate::Mode::Confirm {
            let flaw = Flaw {
                field: "shippingAddress or billingAddress".to_owned(),
                problem: "neither the event nor Amazon Pay has the address that Finalize needs".to_owned(),
            };
            self.needs_repair(flaw, None, false, answer);
        }
    }

    fn session_not_found(&mut self, answer: Answer) {
        let Session::Open(open) = &self.session else {
            return;
        };
        let past = open.subject.deadline.at <= self.now;
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

    /// When an open session is next looked at, had the look-up found it open.
    fn next_at_after_look_up(
        &self,
        open: &Open,
        begun_at: Timestamp,
        expires_at: Option<Timestamp>,
        spread: f64,
    ) -> Timestamp {
        let deadline = expires_at.unwrap_or(open.subject.deadline.at);
        if deadline <= self.now {
            return next_proof(deadline, self.now);
        }
        let in_doubt = match &open.doubt {
            Some(doubt) => doubt
                .content_refused_at
                .is_none_or(|at| begun_at < at.plus(Policy::CONTENT_REFUSAL_SETTLES_AFTER)),
            None => open.in_flight.is_some(),
        };
        let gap = Policy::buyer_not_done_gap(open.looks());
        let wait = match (&open.hold, open.question) {
            // Nothing can be sent, but the doubt is still to be ended.
            (Hold::NeedsRepair(_) | Hold::Forsworn { .. }, _) if in_doubt => self.policy.retry.max,
            (Hold::NeedsRepair(_) | Hold::Forsworn { .. }, _) => return self.now,
            (_, Some(Question::Status)) if in_doubt => self
                .policy
                .retry
                .delay(open.failures.max(open.subject.attempts), spread),
            (_, Some(Question::Status | Question::Refused)) => gap,
            (Hold::BuyerNotDone(waiting), _) if !waiting.try_again => gap,
            // The wait was before the look-up.
            (Hold::BuyerNotDone(_) | Hold::Ready, _) => return self.now,
        };
        // Whatever the wait, the look-up that proves the end is not late for it.
        self.now.plus(wait).min(first_proof(deadline))
    }

    // ---- look-ups of the charge

    fn charge_looked_up(&mut self, answer: ChargeAnswer, spread: f64) {
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
                let text = answer_text(&answer);
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
        let sets_up_wallet = pending
            .subject
            .statement
            .order
            .is_some_and(|order| order.work == Work::SetUpWallet);
        match found {
            ChargeFound::Authorized => self.settle(confirmed(Payment::Authorized), answer),
            ChargeFound::Captured => self.settle(confirmed(Payment::Captured), answer),
            ChargeFound::Declined { reason } | ChargeFound::Canceled { reason } => {
                self.settle(Outcome::Declined { reason_code: reason }, answer);
            }
            // Amazon's own sample of a setup shows a charge id; nothing was charged under it.
            ChargeFound::NotFound if sets_up_wallet => self.settle(confirmed(Payment::None), answer),
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

    // ---- time and people

    fn alert(&mut self, kind: AlertKind) {
        if next_step(&self.session, self.now, self.policy) != Step::Alert(kind) {
            return;
        }
        let summary = match kind {
            AlertKind::DeadlineNear { before } => {
                format!(
                    "Still not confirmed less than {} before its deadline.",
                    hours_and_minutes(before)
                )
            }
            AlertKind::InDoubt => {
                "An attempt to confirm it may have landed, and Amazon Pay has not told yet.".to_owned()
            }
            AlertKind::PaymentOverdue => "Amazon Pay has not decided its payment within 24 hours.".to_owned(),
            AlertKind::NeedsRepair | AlertKind::Conflict | AlertKind::Forsworn | AlertKind::Contradiction => {
                return;
            }
        };
        self.raise(kind, summary);
    }

    fn forswear(&mut self, by: ForswornBy) -> Result<(), Refused> {
        match by {
            ForswornBy::Policy if next_step(&self.session, self.now, self.policy) != Step::Forswear => {
                return Ok(());
            }
            ForswornBy::Policy => {}
            ForswornBy::Operator => {
                let open = self.open()?;
                if open.in_flight.is_some() || open.doubt.is_some() {
                    return Err(Refused::InDoubt);
                }
                if let Hold::Forsworn {
                    by: ForswornBy::Operator,
                    ..
                } = open.hold
                {
                    return Err(Refused::Forsworn);
                }
            }
        }
        self.tell(Event::ConfirmationForsworn { by });
        let summary = match by {
            ForswornBy::Policy => {
                "It cannot be confirmed as it stands and its deadline is near: we will not confirm it."
            }
            ForswornBy::Operator => "An operator decided not to confirm it.",
        };
        self.raise(AlertKind::Forsworn, summary.to_owned());
        Ok(())
    }

    fn release(&mut self) -> Result<(), Refused> {
        let Some(subject) = self.session.subject() else {
            return Err(Refused::Unseen);
        };
        let acknowledged: Vec<u32> = subject
            .alerts
            .firing()
            .filter(|alert| matches!(alert.kind, AlertKind::Conflict | AlertKind::Contradiction))
            .map(|alert| alert.ordinal)
            .collect();
        let held = match &self.session {
            Session::Open(open) => matches!(open.hold, Hold::NeedsRepair(_) | Hold::Forsworn { .. }),
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => false,
        };
        if held {
            let open = self.open()?;
            if let (None, Some(flaw)) = (&open.subject.statement.order, &open.subject.statement.flaw) {
                return Err(Refused::Incomplete(flaw.clone()));
            }
            if !self.in_time(open) {
                return Err(Refused::TooLate);
            }
        } else if acknowledged.is_empty() {
            return Err(Refused::NothingToRelease);
        }
        self.tell(Event::Released);
        for ordinal in acknowledged {
            self.tell(Event::AlertResolved { ordinal });
        }
        Ok(())
    }

    fn retry(&mut self) -> Result<(), Refused> {
        match &self.session {
            Session::Unseen => Err(Refused::Unseen),
            Session::Settled(settled) => Err(Refused::Over(settled.outcome.state().as_str())),
            Session::Open(_) | Session::PaymentPending(_) => {
                self.tell(Event::RetryRequested);
                Ok(())
            }
        }
    }

    fn open(&self) -> Result<&Open, Refused> {
        match &self.session {
            Session::Open(open) => Ok(open),
            Session::Unseen => Err(Refused::Unseen),
            Session::PaymentPending(_) => Err(Refused::Over("confirmed at Amazon Pay")),
            Session::Settled(settled) => Err(Refused::Over(settled.outcome.state().as_str())),
        }
    }

    // ---- what follows from whatever was told

    /// A different event that came during doubt is judged when the doubt is over.
    fn judge_what_was_kept(&mut self) {
        let Session::Open(open) = &self.session else {
            return;
        };
        if open.in_flight.is_some() || open.doubt.is_some() || open.question.is_some() {
            return;
        }
        let Some(kept) = open.kept.clone() else { return };
        if self.takes_amendments(open) {
            self.amend(kept);
        } else {
            self.conflict(kept);
        }
    }

    fn resolve_alerts(&mut self) {
        let Some(subject) = self.session.subject() else {
            return;
        };
        let over: Vec<u32> = subject
            .alerts
            .firing()
            .filter(|alert| self.is_over(alert.kind))
            .map(|alert| alert.ordinal)
            .collect();
        for ordinal in over {
            self.tell(Event::AlertResolved { ordinal });
        }
    }

    fn is_over(&self, kind: AlertKind) -> bool {
        let open = match &self.session {
            Session::Open(open) => Some(open),
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => None,
        };
        match kind {
            AlertKind::DeadlineNear { before } => open.is_none_or(|open| {
                matches!(open.hold, Hold::Forsworn { .. })
                    || self.now < open.subject.deadline.at.minus(before)
            }),
            AlertKind::InDoubt => open.is_none_or(|open| open.doubt.is_none()),
            AlertKind::NeedsRepair => open.is_none_or(|open| !matches!(open.hold, Hold::NeedsRepair(_))),
            AlertKind::Forsworn => open.is_none_or(|open| !matches!(open.hold, Hold::Forsworn { .. })),
            AlertKind::PaymentOverdue => !matches!(self.session, Session::PaymentPending(_)),
            // Only a person's acknowledgement ends these.
            AlertKind::Conflict | AlertKind::Contradiction => false,
        }
    }
}

fn paid_by(intent: PaymentIntent) -> Option<Payment> {
    match intent {
        PaymentIntent::AuthorizeWithCapture => Some(Payment::Captured),
        PaymentIntent::Authorize => Some(Payment::Authorized),
        // No charge was asked for, and one is there: its state is asked.
        PaymentIntent::Confirm => None,
    }
}

fn filled_from(order: Option<Order>, mut ids: Ids) -> Ids {
    if let Some(order) = order {
        ids.charge_permission_type.get_or_insert(order.permission_type);
    }
    ids
}

fn repair_summary(flaw: &Flaw) -> String {
    format!(
        "It cannot be confirmed as it stands: `{}`: {}.",
        flaw.field,
        flaw.problem.trim_end_matches('.')
    )
}

/// An answer in one line for people.
fn answer_text(answer: &Answer) -> String {
    let mut parts = Vec::new();
    parts.extend(answer.status.map(|status| status.to_string()));
    parts.extend(answer.reason_code.clone());
    parts.extend(answer.message.clone());
    if parts.is_empty() {
        "no answer".to_owned()
    } else {
        parts.join(" ")
    }
}

fn hours_and_minutes(duration: std::time::Duration) -> String {
    match (duration.as_secs() / 3600, duration.as_secs() / 60 % 60) {
        (0, minutes) => format!("{minutes} minutes"),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} hours {minutes} minutes"),
    }
}
