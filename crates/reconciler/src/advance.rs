//! One session, taken as far as it goes: load, ask, act, record, and again.

use std::collections::BTreeMap;

use checkout::{
    AccountName, Answer, BodyRef, ChargeAnswer, Class, Command, ConfirmAnswer, ForswornBy, IdempotencyKey,
    KeyChoice, LookUpAnswer, Order, Policy, Session, SessionId, Step, Timestamp, next_step, turnless_at,
};

use crate::boundary;
use crate::personal::Personal;
use crate::ports::{
    Attempt, Call, Chance, Clock, ConfirmCheckout, LogError, LookUp, NoTurn, Outlet, PersonalRecord,
    SessionLog,
};
use crate::recording::{Beside, Loaded};
use crate::turns::{Claim, Line};

/// More rounds than any session has steps at one instant: a guard, not a limit that is met.
const ROUNDS: u32 = 32;

/// The rules for each account.
#[derive(Debug, Clone)]
pub struct Policies {
    /// For accounts that are not configured.
    pub otherwise: Policy,
    /// For those that are.
    pub of_account: BTreeMap<AccountName, Policy>,
}

impl Policies {
    /// The rules for a session's account.
    pub fn of(&self, account: Option<&AccountName>) -> &Policy {
        account
            .and_then(|account| self.of_account.get(account))
            .unwrap_or(&self.otherwise)
    }
}

/// The use cases over their ports. See the crate's documentation.
pub struct Reconciler<L, A, C, R, O> {
    /// Where facts are kept.
    pub log: L,
    /// Amazon Pay.
    pub amazon: A,
    /// Time.
    pub clock: C,
    /// Chance.
    pub chance: R,
    /// Takes what is to be told.
    pub outlet: O,
    /// The rules.
    pub policies: Policies,
    /// Who waits for a token, and is not to be overtaken.
    pub line: Line,
}

/// How far a session was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advanced {
    /// There is nothing more to do, for good.
    Rests,
    /// Nothing until then.
    Waits {
        /// When it wants to be looked at again.
        until: Timestamp,
        /// Its account.
        account: Option<AccountName>,
        /// When Amazon cancels it.
        deadline: Timestamp,
    },
    /// It is its turn as soon as there is one.
    NeedsTurn {
        /// Of which account.
        account: AccountName,
        /// For which call.
        call: Call,
        /// Why there is none now.
        because: NoTurn,
        /// What its turn is judged by.
        claim: Claim,
        /// When it wants to be looked at whether it has had its turn or not: people are to be told, say.
        look_at: Option<Timestamp>,
    },
}

/// An attempt on record that has not been sent yet.
pub struct Begun<T> {
    pub(crate) loaded: Loaded,
    pub(crate) turn: T,
    pub(crate) attempt: Attempt,
    pub(crate) number: u32,
}

/// What became of beginning an attempt.
pub(crate) enum Beginning<T> {
    /// It is on record, to be sent.
    Begun(Begun<T>),
    /// The session is not to be confirmed any more.
    Unchanged(Loaded),
}

impl<T> Begun<T> {
    /// Of which session.
    pub fn id(&self) -> &SessionId {
        &self.loaded.id
    }

    /// Through which account.
    pub fn account(&self) -> &AccountName {
        &self.attempt.account
    }
}

impl<L, A, C, R, O> Reconciler<L, A, C, R, O>
where
    L: SessionLog,
    A: ConfirmCheckout + LookUp,
    C: Clock,
    R: Chance,
    O: Outlet,
{
    /// Takes a session as far as it goes now. `turn` is a token that the caller already has for it;
    /// others are taken where there are some.
    pub async fn advance(&self, id: &SessionId, turn: Option<(Call, A::Turn)>) -> Result<Advanced, LogError> {
        let loaded = self.load_with_account(id).await?;
        let now = self.clock.now();
        if let Step::WaitUntil(until) = next_step(&loaded.session, now, self.policy(&loaded.session)) {
            self.put_off(&loaded, now).await?;
            return Ok(waits(&loaded.session, until));
        }
        self.advance_from(loaded, turn).await
    }

    /// Sends an attempt that is on record, and takes the session on from its answer.
    pub async fn send(&self, begun: Begun<A::Turn>) -> Result<Advanced, LogError> {
        let loaded = self.send_attempt(begun).await?;
        self.advance_from(loaded, None).await
    }

    async fn advance_from(
        &self,
        mut loaded: Loaded,
        mut in_hand: Option<(Call, A::Turn)>,
    ) -> Result<Advanced, LogError> {
        for _ in 0..ROUNDS {
            let now = self.clock.now();
            let id = loaded.id.clone();
            let step = next_step(&loaded.session, now, self.policy(&loaded.session));
            let recorded = match step {
                Step::Rest => return Ok(Advanced::Rests),
                Step::WaitUntil(until) => return Ok(waits(&loaded.session, until)),
                Step::Alert(kind) => self.record(loaded, Command::Alert(kind), Beside::default()).await,
                Step::Forswear => {
                    self.record(loaded, Command::Forswear(ForswornBy::Policy), Beside::default())
                        .await
                }
                Step::Confirm => match self.take(&mut in_hand, &loaded.session, Call::Confirm) {
                    Ok((turn, account)) => self.confirm(loaded, turn, account).await,
                    Err(needs) => return Ok(self.needs(needs, &loaded.session, Call::Confirm, now)),
                },
                Step::LookUp => match self.take(&mut in_hand, &loaded.session, Call::LookUp) {
                    Ok((turn, account)) => self.look_up(loaded, turn, &account).await,
                    Err(Needs::Account) => self.cannot_look_up(loaded).await,
                    Err(needs) => return Ok(self.needs(needs, &loaded.session, Call::LookUp, now)),
                },
                Step::LookUpCharge => match self.take(&mut in_hand, &loaded.session, Call::Charge) {
                    Ok((turn, account)) => self.look_up_charge(loaded, turn, &account).await,
                    Err(Needs::Account) => self.cannot_look_up_charge(loaded).await,
                    Err(needs) => return Ok(self.needs(needs, &loaded.session, Call::Charge, now)),
                },
            };
            loaded = match recorded {
                Ok(next) => next,
                Err(LogError::Overtaken) => self.load(&id).await?,
                Err(error @ (LogError::Unavailable(_) | LogError::Rejected(_))) => return Err(error),
            };
        }
        Ok(waits(&loaded.session, self.clock.now()))
    }

    async fn confirm(&self, loaded: Loaded, turn: A::Turn, account: AccountName) -> Result<Loaded, LogError> {
        let begun = self.begin(loaded, turn, account, None).await?;
        match begun {
            Beginning::Begun(begun) => self.send_attempt(begun).await,
            Beginning::Unchanged(loaded) => Ok(loaded),
        }
    }

    /// Puts the intent on record; gives the session back where it is not to be confirmed any more.
    async fn begin(
        &self,
        loaded: Loaded,
        turn: A::Turn,
        account: AccountName,
        personal: Option<&PersonalRecord>,
    ) -> Result<Beginning<A::Turn>, LogError> {
        let Session::Open(open) = &loaded.session else {
            return Ok(Beginning::Unchanged(loaded));
        };
        let Some(order) = open.subject.statement.order else {
            return Ok(Beginning::Unchanged(loaded));
        };
        let next_body = BodyRef(open.subject.attempts + 1);
        let (key, body, bytes, beside) = match open.key_choice() {
            KeyChoice::Repeat(key, body) => (
                key,
                body,
                self.stored_body(&loaded.id, body).await?,
                Beside::default(),
            ),
            KeyChoice::NewKey(body) => (
                self.draw_key(),
                body,
                self.stored_body(&loaded.id, body).await?,
                Beside::default(),
            ),
            KeyChoice::New => {
                let bytes = match personal {
                    Some(record) => self.build_body(&order, &loaded.session, record),
                    None => {
                        let record = self.log.personal(&loaded.id).await?;
                        self.build_body(&order, &loaded.session, &record)
                    }
                };
                let beside = Beside {
                    body: Some((next_body, bytes.clone())),
                    ..Beside::default()
                };
                (self.draw_key(), next_body, bytes, beside)
            }
        };
        let command = Command::Start {
            key: key.clone(),
            body,
        };
        let before = loaded.version;
        boundary("start");
        // On record before the call leaves: a crash from here on reads as "may have landed", and a second
        // worker at the same version is overtaken here.
        let loaded = self.record(loaded, command, beside).await?;
        boundary("started");
        if loaded.version == before {
            return Ok(Beginning::Unchanged(loaded));
        }
        Ok(self.begun(loaded, turn, account, &order, bytes))
    }

    /// The attempt that the session's last fact has put on record.
    pub(crate) fn begun(
        &self,
        loaded: Loaded,
        turn: A::Turn,
        account: AccountName,
        order: &Order,
        bytes: Vec<u8>,
    ) -> Beginning<A::Turn> {
        let Session::Open(open) = &loaded.session else {
            return Beginning::Unchanged(loaded);
        };
        let Some(flight) = open.in_flight.clone() else {
            return Beginning::Unchanged(loaded);
        };
        let answer_by = flight.until(self.policy(&loaded.session));
        let attempt = Attempt {
            account,
            id: loaded.id.clone(),
            operation: order.operation(),
            key: flight.key,
            body: bytes,
            send_by: flight.send_by,
            answer_by,
            traceparent: loaded.traceparent.clone(),
        };
        Beginning::Begun(Begun {
            loaded,
            turn,
            attempt,
            number: flight.attempt,
        })
    }

    async fn send_attempt(&self, begun: Begun<A::Turn>) -> Result<Loaded, LogError> {
        let Begun {
            loaded,
            turn,
            attempt,
            number,
        } = begun;
        let now = self.clock.now();
        let policy = self.policy(&loaded.session);
        let may_leave = match &loaded.session {
            Session::Open(open) => open.may_be_tried(now, policy),
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => false,
        };
        boundary("send");
        let answer = if now > attempt.send_by || !may_leave {
            ConfirmAnswer::NotSent(said("its time to leave had passed before it could be sent"))
        } else {
            self.amazon.confirm(turn, attempt).await
        };
        boundary("answered");
        let spread = self.chance.spread();
        let command = Command::Answered {
            attempt: number,
            answer,
            spread,
        };
        self.record_answer(loaded, command, None).await
    }

    async fn look_up(
        &self,
        loaded: Loaded,
        turn: A::Turn,
        account: &AccountName,
    ) -> Result<Loaded, LogError> {
        let trace = loaded.traceparent.as_deref();
        boundary("look-up");
        let (answer, found) = self.amazon.look_up(turn, account, &loaded.id, trace).await;
        boundary("looked-up");
        let command = Command::LookedUp {
            answer,
            spread: self.chance.spread(),
        };
        self.record_answer(loaded, command, found).await
    }

    async fn look_up_charge(
        &self,
        loaded: Loaded,
        turn: A::Turn,
        account: &AccountName,
    ) -> Result<Loaded, LogError> {
        let charge_id = match &loaded.session {
            Session::PaymentPending(pending) => pending.ids.charge_id.clone().unwrap_or_default(),
            Session::Unseen | Session::Open(_) | Session::Settled(_) => return Ok(loaded),
        };
        let trace = loaded.traceparent.as_deref();
        boundary("look-up-charge");
        let answer = self.amazon.look_up_charge(turn, account, &charge_id, trace).await;
        boundary("charge-looked-up");
        let command = Command::ChargeLookedUp {
            answer,
            spread: self.chance.spread(),
        };
        self.record_answer(loaded, command, None).await
    }

    async fn cannot_look_up(&self, loaded: Loaded) -> Result<Loaded, LogError> {
        let answer = LookUpAnswer::Failed {
            class: Class::Lane,
            retry_after: None,
            answer: said("its account is not configured"),
        };
        let command = Command::LookedUp {
            answer,
            spread: self.chance.spread(),
        };
        self.record(loaded, command, Beside::default()).await
    }

    async fn cannot_look_up_charge(&self, loaded: Loaded) -> Result<Loaded, LogError> {
        let answer = ChargeAnswer::Failed {
            class: Class::Lane,
            retry_after: None,
            answer: said("its account is not configured"),
        };
        let command = Command::ChargeLookedUp {
            answer,
            spread: self.chance.spread(),
        };
        self.record(loaded, command, Beside::default()).await
    }

    fn take(
        &self,
        in_hand: &mut Option<(Call, A::Turn)>,
        session: &Session,
        call: Call,
    ) -> Result<(A::Turn, AccountName), Needs> {
        let account = session
            .subject()
            .and_then(|subject| subject.account())
            .ok_or(Needs::Account)?
            .clone();
        if let Some((_, turn)) = in_hand.take_if(|(held, _)| *held == call) {
            return Ok((turn, account));
        }
        match self.turn(&account, call, &claim_of(session)) {
            Ok(turn) => Ok((turn, account)),
            Err(NoTurn::UnknownAccount) if call != Call::Confirm => Err(Needs::Account),
            Err(because) => Err(Needs::Turn(account, because)),
        }
    }

    /// A token, unless somebody waits for it who is to go first.
    pub(crate) fn turn(&self, account: &AccountName, call: Call, claim: &Claim) -> Result<A::Turn, NoTurn> {
        let turn = self.amazon.turn(account, call)?;
        let now = self.clock.now();
        if self.line.window().may_go_first(account, call, claim, now) {
            Ok(turn)
        } else {
            Err(NoTurn::Until(now))
        }
    }

    fn needs(&self, needs: Needs, session: &Session, call: Call, now: Timestamp) -> Advanced {
        match needs {
            Needs::Turn(account, because) => Advanced::NeedsTurn {
                account,
                call,
                because,
                claim: claim_of(session),
                look_at: turnless_at(session, now, self.policy(session)),
            },
            Needs::Account => waits(session, now),
        }
    }

    fn draw_key(&self) -> IdempotencyKey {
        IdempotencyKey::from_bits(self.chance.bits())
    }

    pub(crate) fn build_body(&self, order: &Order, session: &Session, record: &PersonalRecord) -> Vec<u8> {
        let said = session.subject().and_then(|subject| {
            let wanted = subject.statement.private;
            record
                .statements
                .iter()
                .find(|(number, _)| *number == wanted)
                .map(|(_, personal)| personal)
        });
        let mut personal = said.cloned().unwrap_or_default();
        if let Some(found) = record.found.as_ref().filter(|_| !order.has_address) {
            let Personal {
                shipping_address,
                billing_address,
                ..
            } = found.clone();
            personal.shipping_address = personal.shipping_address.or(shipping_address);
            personal.billing_address = personal.billing_address.or(billing_address);
        }
        self.amazon.request_body(order, &personal)
    }
}

/// Why a call cannot be made now.
enum Needs {
    Turn(AccountName, NoTurn),
    Account,
}

/// When Amazon cancels it, as far as it is known: what Amazon gives time can still be saved.
pub(crate) fn deadline_of(session: &Session) -> Timestamp {
    match session {
        Session::Open(open) => open.ends_at(),
        Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => session
            .subject()
            .map_or(Timestamp::from_micros(0), |subject| subject.deadline.at),
    }
}

pub(crate) fn claim_of(session: &Session) -> Claim {
    let subject = session.subject();
    Claim {
        deadline: deadline_of(session),
        amount: subject
            .and_then(|subject| subject.statement.order)
            .and_then(|order| order.charge_amount()),
        fresh_until: subject.map_or(Timestamp::from_micros(0), |subject| {
            subject.said_at.plus(Policy::FRESH_FOR)
        }),
    }
}

pub(crate) fn waits(session: &Session, until: Timestamp) -> Advanced {
    let account = session.subject().and_then(|subject| subject.account()).cloned();
    Advanced::Waits {
        until,
        account,
        deadline: deadline_of(session),
    }
}

fn said(message: &str) -> Answer {
    Answer {
        message: Some(message.to_owned()),
        ..Answer::default()
    }
}
