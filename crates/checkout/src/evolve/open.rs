//! How each fact changes a session that is open.

use crate::session::{BuyerNotDone, Deadline, DeadlineFrom, Doubt, Hold, InFlight, Open, Pending, Question};
use crate::session::{SameAnswer, Session, Settled, Subject};
use crate::step::first_proof;
use crate::{Alerts, Answer, Event, Found, Policy, Refusal, Statement, Timestamp};

fn hold_of(statement: &Statement) -> Hold {
    statement.needs_repair().map_or(Hold::Ready, Hold::NeedsRepair)
}

/// Whether both make the same request to the same account.
fn asks_the_same(one: &Statement, other: &Statement) -> bool {
    one.account == other.account && one.order == other.order && one.private == other.private
}

impl Open {
    pub(super) fn new(
        at: Timestamp,
        statement: &Statement,
        said_at: Timestamp,
        created: Option<Timestamp>,
    ) -> Self {
        // A shop's clock that runs ahead must not move the deadline out.
        let said_at = said_at.min(at);
        let deadline = match created {
            Some(created) => Deadline {
                // Nor does a creation that comes after its own event.
                at: created.min(said_at).plus(Policy::LIFETIME),
                from: DeadlineFrom::Event,
            },
            None => Deadline {
                at: said_at.plus(Policy::LIFETIME),
                from: DeadlineFrom::UpperBound,
            },
        };
        Self {
            subject: Subject {
                statement: statement.clone(),
                heard: vec![statement.clone()],
                set_aside: Vec::new(),
                said_at,
                seen_at: at,
                deadline,
                attempts: 0,
                last_left_by: None,
                alerts: Alerts::default(),
            },
            hold: hold_of(statement),
            doubt: None,
            in_flight: None,
            question: None,
            left_to_buyer: None,
            kept: None,
            past_key: None,
            found_open_at: None,
            looked_at: None,
            lasts_until: None,
            refused_with: None,
            address_found: false,
            failures: 0,
            look_up_failures: 0,
            not_before: at,
            not_found: None,
        }
    }

    fn amend(&mut self, at: Timestamp, statement: &Statement) {
        self.subject.hear(statement);
        self.subject.set_aside.retain(|other| other != statement);
        // Bytes that a past doubt was about keep their key for as long as they are the same bytes.
        self.past_key
            .take_if(|_| !asks_the_same(&self.subject.statement, statement));
        self.subject.statement = statement.clone();
        self.hold = hold_of(statement);
        self.left_to_buyer = None;
        self.kept = None;
        self.address_found = false;
        self.make_due(at);
    }

    fn make_due(&mut self, at: Timestamp) {
        self.failures = 0;
        self.look_up_failures = 0;
        self.not_before = at;
    }

    /// An unanswered attempt becomes doubt: whoever looks up has waited until its worker must be gone.
    fn doubt_what_was_in_flight(&mut self) {
        if let Some(flight) = self.in_flight.take() {
            self.doubt_attempt(flight, None, true);
        }
    }

    /// The last attempt under the doubt; `landed` where it may itself have had its effect.
    fn doubt_attempt(&mut self, flight: InFlight, answer: Option<&Answer>, landed: bool) {
        let earlier = self.doubt.take();
        let same_key = earlier.as_ref().is_some_and(|doubt| doubt.key == flight.key);
        let counted = earlier.as_ref().and_then(|doubt| doubt.same_answer.clone());
        // Only these might be Amazon repeating a stored answer instead of trying again.
        let may_be_stored = |status: &u16| matches!(*status, 408 | 422 | 500..=599);
        let told = answer.and_then(|answer| {
            let status = answer.status.filter(may_be_stored)?;
            Some((status, answer.reason_code.clone()))
        });
        let same_answer = told.map(|(status, code)| {
            let before = counted.filter(|same| same.status == status && same.code == code);
            let (times, in_a_row) = before.map_or((0, 0), |same| (same.times, same.in_a_row));
            SameAnswer {
                status,
                code,
                times: if same_key { times + 1 } else { 1 },
                in_a_row: in_a_row + 1,
            }
        });
        self.doubt = Some(Doubt {
            since: earlier.as_ref().map_or(flight.started_at, |doubt| doubt.since),
            key: flight.key,
            body: flight.body,
            same_answer,
            // What was refused before may be taken now, if it was repaired at Amazon in between.
            content_refused_at: earlier
                .filter(|_| !landed)
                .and_then(|doubt| doubt.content_refused_at),
        });
    }

    /// An attempt that had no effect. Where it brought a new key, that one is repeated from here on, and the
    /// answers under it are counted anew.
    fn no_effect(&mut self, attempt: u32, at: Timestamp) {
        let flight = self.land(attempt, at);
        if let (Some(doubt), Some(flight)) = (&mut self.doubt, flight)
            && doubt.key != flight.key
        {
            doubt.key = flight.key;
            if let Some(same) = &mut doubt.same_answer {
                same.times = 0;
            }
        }
    }

    /// Ends what `attempt` had in flight, and says what it was.
    fn land(&mut self, attempt: u32, at: Timestamp) -> Option<InFlight> {
        let flight = self.in_flight.take_if(|flight| flight.attempt == attempt)?;
        self.subject.last_left_by = Some(flight.send_by.min(at));
        Some(flight)
    }

    fn answered_look_up(&mut self, begun_at: Timestamp, next_at: Timestamp) {
        self.doubt_what_was_in_flight();
        self.looked_at = Some(begun_at);
        self.look_up_failures = 0;
        self.not_before = next_at;
    }

    fn found_open(&mut self, begun_at: Timestamp, next_at: Timestamp, has_address: bool) {
        self.answered_look_up(begun_at, next_at);
        self.found_open_at = Some(begun_at);
        let lacked_address = self.lacks_address();
        self.address_found |= has_address;
        self.not_found = None;
        let settled = self.doubt.take_if(|doubt| {
            doubt
                .content_refused_at
                .is_some_and(|refused| begun_at >= refused.plus(Policy::CONTENT_REFUSAL_SETTLES_AFTER))
        });
        if let Some(doubt) = settled {
            self.past_key = Some((doubt.key, doubt.body));
        }
        let asked = self.question.take();
        match (&self.hold, asked) {
            (Hold::Ready | Hold::BuyerNotDone(_), Some(Question::Status)) if self.doubt.is_none() => {
                self.hold = Hold::BuyerNotDone(BuyerNotDone {
                    looks: self.looks() + 1,
                    try_again: true,
                });
            }
            (Hold::Ready | Hold::BuyerNotDone(_), Some(Question::Refused)) => {
                self.hold = Hold::BuyerNotDone(BuyerNotDone {
                    looks: self.looks() + 1,
                    try_again: false,
                });
            }
            (Hold::BuyerNotDone(waiting), _) if !waiting.try_again => {
                self.hold = Hold::BuyerNotDone(BuyerNotDone {
                    looks: waiting.looks + 1,
                    try_again: false,
                });
            }
            (Hold::Ready | Hold::BuyerNotDone(_), _) if self.lacks_address() => {
                self.hold = Hold::BuyerNotDone(BuyerNotDone {
                    looks: self.looks() + 1,
                    try_again: true,
                });
            }
            // That was all that kept it: without an address nothing was ever tried.
            (Hold::BuyerNotDone(_), _) if lacked_address => self.hold = Hold::Ready,
            (Hold::Ready | Hold::BuyerNotDone(_) | Hold::NeedsRepair(_) | Hold::Forsworn { .. }, _) => {}
        }
        // What cannot be sent again can still be asked about, until the doubt is over.
        let nothing_to_send = match &self.hold {
            Hold::NeedsRepair(_) | Hold::Forsworn { .. } => true,
            Hold::BuyerNotDone(waiting) => !waiting.try_again,
            Hold::Ready => false,
        };
        if self.doubt.is_some() && nothing_to_send {
            self.question = Some(Question::Landed);
        }
    }

    fn not_found(&mut self, begun_at: Timestamp, next_at: Timestamp) {
        self.answered_look_up(begun_at, next_at);
        self.ask_again_if_in_doubt();
        if begun_at >= self.ends_at() {
            self.not_found = match self.not_found {
                Some((times, last)) if begun_at.since(last) < Policy::NOT_FOUND_APART => Some((times, last)),
                Some((times, _)) => Some((times + 1, begun_at)),
                None => Some((1, begun_at)),
            };
        }
    }
}
impl Open {
    pub(super) fn evolve(mut self, at: Timestamp, event: &Event) -> Session {
        match event {
            // A second first event is no fact that the log can hold.
            Event::CheckoutCompleted { .. } => {}
            Event::CheckoutAmended { statement } => self.amend(at, statement),
            Event::AmendmentKept { statement } => {
                self.subject.hear(statement);
                self.kept = Some(statement.clone());
            }
            Event::ConflictFound { statement } => {
                self.subject.hear(statement);
                self.subject.set_aside.push(statement.clone());
                self.kept.take_if(|kept| kept == statement);
            }
            Event::ConfirmationStarted {
                attempt,
                key,
                body,
                send_by,
            } => {
                self.subject.attempts = *attempt;
                self.subject.last_left_by = Some(*send_by);
                self.in_flight = Some(InFlight {
                    attempt: *attempt,
                    key: key.clone(),
                    body: *body,
                    started_at: at,
                    send_by: *send_by,
                });
            }
            Event::ConfirmationNotSent {
                attempt, retry_at, ..
            }
            | Event::ConfirmationDeferred {
                attempt, retry_at, ..
            } => {
                self.no_effect(*attempt, at);
                self.failures += 1;
                self.not_before = *retry_at;
                self.ask_again_if_in_doubt();
            }
            Event::ConfirmationUnclear {
                attempt,
                answer,
                retry_at,
            } => {
                if let Some(flight) = self.land(*attempt, at) {
                    self.doubt_attempt(flight, Some(answer), true);
                }
                self.failures += 1;
                self.not_before = *retry_at;
                self.question = Some(Question::Landed);
            }
            Event::ConfirmationRefused {
                attempt,
                refusal,
                answer,
                may_have_landed,
            } => {
                let flight = self.land(*attempt, at);
                if let Some(flight) = flight.filter(|_| *may_have_landed || self.doubt.is_some()) {
                    self.doubt_attempt(flight, Some(answer), *may_have_landed);
                }
                self.failures = 0;
                self.not_before = at;
                self.question = Some(match refusal {
                    Refusal::Status => Question::Status,
                    Refusal::Final => {
                        self.refused_with.clone_from(&answer.reason_code);
                        Question::Refused
                    }
                });
            }
            Event::RepairNeeded {
                flaw,
                attempt,
                content,
                ..
            } => {
                let flight = attempt.and_then(|attempt| self.land(attempt, at));
                if let (Some(doubt), Some(flight), true) = (&mut self.doubt, flight, *content)
                    && doubt.body == flight.body
                {
                    doubt.content_refused_at = Some(at);
                }
                self.left_to_buyer = match &self.hold {
                    Hold::BuyerNotDone(waiting) if flaw.is_of_account() => Some(*waiting),
                    Hold::BuyerNotDone(_) | Hold::Ready | Hold::NeedsRepair(_) | Hold::Forsworn { .. } => {
                        None
                    }
                };
                if !matches!(self.hold, Hold::Forsworn { .. }) {
                    self.hold = Hold::NeedsRepair(flaw.clone());
                }
                self.failures = 0;
                self.question = self.doubt.is_some().then_some(Question::Landed);
                if let Some(doubt) = &self.doubt {
                    let asked_at = match doubt.content_refused_at {
                        Some(refused) => refused.plus(Policy::CONTENT_REFUSAL_SETTLES_AFTER),
                        None => at.plus(Policy::buyer_not_done_gap(0)),
                    };
                    self.not_before = asked_at.min(first_proof(self.ends_at()));
                }
            }
            Event::LookedUp {
                begun_at,
                found,
                created_at,
                expires_at,
                left,
                next_at,
                ..
            } => {
                let from = DeadlineFrom::LookUp;
                match (expires_at, created_at) {
                    (Some(at), _) => self.subject.deadline = Deadline { at: *at, from },
                    // An expiration told earlier is the better word: skew has shortened it.
                    (None, Some(created)) if self.subject.deadline.from != from => {
                        let at = created.plus(Policy::LIFETIME);
                        self.subject.deadline = Deadline { at, from };
                    }
                    (None, Some(_) | None) => {}
                }
                match found {
                    Found::Open { has_address, .. } if found.is_open() => {
                        self.hear_time_left(*begun_at, *left);
                        self.found_open(*begun_at, *next_at, *has_address);
                    }
                    Found::NotFound => self.not_found(*begun_at, *next_at),
                    // What these mean is a fact of its own, recorded together with this one.
                    Found::Open { .. } | Found::Completed(_) | Found::Canceled { .. } => {}
                }
            }
            Event::LookUpDeferred { retry_at, .. } => {
                self.doubt_what_was_in_flight();
                self.ask_again_if_in_doubt();
                self.look_up_failures += 1;
                self.not_before = *retry_at;
            }
            Event::ConfirmationAccepted {
                evidence,
                ids,
                answer,
            } => {
                return Session::PaymentPending(Pending {
                    forsworn_at: self.forsworn_at(),
                    subject: self.subject,
                    ids: ids.clone(),
                    evidence: *evidence,
                    answer: answer.clone(),
                    since: at,
                    told: false,
                    not_before: at,
                    looks: 0,
                    failures: 0,
                    not_found: None,
                    repair: None,
                });
            }
            Event::ConfirmationForsworn { by } => {
                self.hold = Hold::Forsworn { by: *by, at };
                self.left_to_buyer = None;
            }
            Event::Released => {
                if matches!(self.hold, Hold::NeedsRepair(_) | Hold::Forsworn { .. }) {
                    let left = self.left_to_buyer.take();
                    self.hold = left.map_or(Hold::Ready, Hold::BuyerNotDone);
                    self.make_due(at);
                }
            }
            Event::RetryRequested => self.make_due(at),
            Event::PaymentPending
            | Event::ChargeLookedUp { .. }
            | Event::ChargeLookUpDeferred { .. }
            | Event::AttemptDeclined { .. } => {}
            Event::AlertRaised {
                kind,
                ordinal,
                summary,
            } => {
                self.subject.alerts.raise(*kind, *ordinal, summary, at);
            }
            Event::AlertResolved { ordinal } => self.subject.alerts.resolve(*ordinal),
            Event::Settled { outcome, .. } => {
                return Session::Settled(Settled {
                    subject: self.subject,
                    outcome: outcome.clone(),
                    was_confirmed: false,
                    at,
                });
            }
        }
        Session::Open(self)
    }

    /// While it may have landed, a look-up comes before every further attempt.
    fn ask_again_if_in_doubt(&mut self) {
        if self.doubt.is_some() {
            self.question.get_or_insert(Question::Landed);
        }
    }
}
