//! Builders for the model: each sets only what a case is about; the rest is one fixed checkout.

use std::time::Duration;

use checkout::{
    AccountIs, AccountName, Amount, Answer, Backoff, BodyRef, ChargeAnswer, ChargeFound,
    ChargePermissionType, Class, Command, ConfirmAnswer, Flaw, ForswornBy, Found, IdempotencyKey, Ids,
    LookUp, LookUpAnswer, Mode, Near, Order, PaymentIntent, Policy, PrivateRef, ProductType, Statement,
    Timestamp, Work,
};

/// When the checkout of every test was created, completed and heard of.
pub fn t0() -> Timestamp {
    Timestamp::parse("2026-01-05T10:00:00Z").expect("a literal in RFC 3339")
}

/// This long after [`t0`].
pub fn t(after: Duration) -> Timestamp {
    t0().plus(after)
}

/// Seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Minutes.
pub const fn mins(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// Hours.
pub const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

/// The defaults of the contract.
pub fn policy() -> Policy {
    Policy {
        mode: Mode::Confirm,
        near: Near::Cancel,
        cancel_before: mins(30),
        alert_before: vec![hours(6), hours(2), mins(45)],
        last_attempt_before: secs(60),
        retry: Backoff {
            first: secs(1),
            max: mins(5),
        },
        attempt_timeout: secs(30),
        personal_data_for: hours(24 * 30),
    }
}

/// [`policy`] with `mode = "watch"`.
pub fn watching() -> Policy {
    Policy {
        mode: Mode::Watch,
        ..policy()
    }
}

/// [`policy`] with `near = "alert"`.
pub fn alerting() -> Policy {
    Policy {
        near: Near::Alert,
        ..policy()
    }
}

/// An amount of money.
pub fn money(amount: &str, currency: &str) -> Amount {
    Amount::parse(amount, currency).expect("a test's own amount")
}

/// A key; equal for equal numbers.
pub fn key(n: u32) -> IdempotencyKey {
    IdempotencyKey::from_bits(u128::from(n))
}

/// Something wrong with a field.
pub fn flaw(field: &str, problem: &str) -> Flaw {
    Flaw {
        field: field.to_owned(),
        problem: problem.to_owned(),
    }
}

/// What the shop said: Finalize, capture at once, 23.45 EUR, with its address.
#[derive(Debug, Clone)]
#[must_use]
pub struct OrderBuilder(Statement);

/// The one checkout, to be changed where a case is about the change.
pub fn order() -> OrderBuilder {
    OrderBuilder(Statement {
        account: Some(AccountName::parse("eu_shop").expect("a literal name")),
        merchant_reference_id: Some("ORDER-1001".to_owned()),
        order: Some(Order {
            work: Work::Finalize {
                product: ProductType::PayAndShip,
                intent: PaymentIntent::AuthorizeWithCapture,
                amount: money("23.45", "EUR"),
            },
            permission_type: ChargePermissionType::OneTime,
            total_order_amount: None,
            can_handle_pending: false,
            has_address: true,
        }),
        flaw: None,
        private: PrivateRef(1),
    })
}

impl OrderBuilder {
    fn change(mut self, change: impl FnOnce(&mut Order)) -> Self {
        if let Some(order) = &mut self.0.order {
            change(order);
        }
        self
    }

    fn work(self, work: Work) -> Self {
        self.change(|order| order.work = work)
    }

    /// Finalize with another intent.
    pub fn intent(self, intent: PaymentIntent) -> Self {
        self.work(Work::Finalize {
            product: ProductType::PayAndShip,
            intent,
            amount: money("23.45", "EUR"),
        })
    }

    /// Finalize for goods that are not shipped.
    pub fn pay_only(self) -> Self {
        self.work(Work::Finalize {
            product: ProductType::PayOnly,
            intent: PaymentIntent::AuthorizeWithCapture,
            amount: money("23.45", "EUR"),
        })
    }

    /// Complete for a one-time checkout.
    pub fn complete(self) -> Self {
        self.work(Work::Complete {
            amount: money("23.45", "EUR"),
        })
    }

    /// Complete for a Saved Wallet setup.
    pub fn sets_up_wallet(self) -> Self {
        self.work(Work::SetUpWallet)
            .change(|order| order.permission_type = ChargePermissionType::PaymentMethodOnFile)
    }

    /// Finalize for another amount.
    pub fn amount(self, amount: &str) -> Self {
        self.work(Work::Finalize {
            product: ProductType::PayAndShip,
            intent: PaymentIntent::AuthorizeWithCapture,
            amount: money(amount, "EUR"),
        })
    }

    /// The shop can wait for the authorization.
    pub fn may_pend(self) -> Self {
        self.change(|order| order.can_handle_pending = true)
    }

    /// The event brought no address.
    pub fn without_address(self) -> Self {
        self.change(|order| order.has_address = false)
    }

    /// The shop's own number.
    pub fn reference(mut self, number: &str) -> Self {
        self.0.merchant_reference_id = Some(number.to_owned());
        self
    }

    /// Another account.
    pub fn account(mut self, name: &str) -> Self {
        self.0.account = Some(AccountName::parse(name).expect("a test's own name"));
        self
    }

    /// A field is missing or unreadable: there is no order to confirm.
    pub fn flawed(mut self) -> Self {
        self.0.order = None;
        self.0.flaw = Some(flaw("chargeAmount", "is missing"));
        self
    }

    /// The order is whole, but its account is not configured.
    pub fn of_an_unknown_account(mut self) -> Self {
        self = self.account("nobody");
        self.0.flaw = Some(flaw("account", "is not configured"));
        self
    }

    /// What it says.
    pub fn build(self) -> Statement {
        self.0
    }
}

/// An answer of Amazon Pay; 0 stands for no answer at all.
pub fn answer(status: u16, reason_code: &str) -> Answer {
    Answer {
        status: (status != 0).then_some(status),
        reason_code: (!reason_code.is_empty()).then(|| reason_code.to_owned()),
        message: None,
        request_id: None,
    }
}

/// What Amazon makes of a paid session. It leaves out the permission's type, as it does in fact.
pub fn ids() -> Ids {
    Ids {
        charge_permission_id: "P01-1234567-1234567".to_owned(),
        charge_permission_type: None,
        charge_id: Some("P01-1234567-1234567-C000001".to_owned()),
    }
}

/// [`ids`] of a session that charged nothing.
pub fn ids_without_charge() -> Ids {
    Ids {
        charge_id: None,
        ..ids()
    }
}

/// [`ids`] as an outcome tells them of the order of every test.
pub fn told(ids: Ids) -> Ids {
    Ids {
        charge_permission_type: Some(ChargePermissionType::OneTime),
        ..ids
    }
}

/// What a person or a worker asks of a session; some of it depends on when.
pub struct Ask(Box<dyn Fn(Timestamp) -> Command>);

impl Ask {
    fn new(command: impl Fn(Timestamp) -> Command + 'static) -> Self {
        Self(Box::new(command))
    }

    /// The command, asked at `now`.
    pub fn at(&self, now: Timestamp) -> Command {
        (self.0)(now)
    }
}

impl From<Command> for Ask {
    fn from(command: Command) -> Self {
        Self::new(move |_| command.clone())
    }
}

/// The event of `order` arrives, said and created at [`t0`].
pub fn observe(order: OrderBuilder) -> Ask {
    Ask::from(Command::Observe {
        statement: order.build(),
        said_at: t0(),
        session_created_at: Some(t0()),
    })
}

/// The event of `order` arrives, said at [`t0`], of a session created nobody knows when.
pub fn observe_undated(order: OrderBuilder) -> Ask {
    Ask::from(Command::Observe {
        statement: order.build(),
        said_at: t0(),
        session_created_at: None,
    })
}

/// The one checkout's event.
pub fn completed() -> Ask {
    observe(order())
}

/// An attempt with the n-th key and the n-th bytes.
pub fn start(n: u32) -> Ask {
    start_with(n, n)
}

/// An attempt with this key and these bytes.
pub fn start_with(n: u32, body: u32) -> Ask {
    Ask::from(Command::Start {
        key: key(n),
        body: BodyRef(body),
    })
}

/// The attempt is answered; waits are not spread, so that they are as tabulated.
pub fn answered(attempt: u32, answer: ConfirmAnswer) -> Ask {
    Ask::from(Command::Answered {
        attempt,
        answer,
        spread: 1.0,
    })
}

/// 200 with a permission and a charge.
pub fn accepted() -> ConfirmAnswer {
    ConfirmAnswer::Accepted {
        ids: ids(),
        pending: false,
        answer: answer(200, ""),
    }
}

/// 202 with a permission and a charge.
pub fn accepted_pending() -> ConfirmAnswer {
    ConfirmAnswer::Accepted {
        ids: ids(),
        pending: true,
        answer: answer(202, ""),
    }
}

/// 200 with a permission only.
pub fn accepted_without_charge() -> ConfirmAnswer {
    ConfirmAnswer::Accepted {
        ids: ids_without_charge(),
        pending: false,
        answer: answer(200, ""),
    }
}

/// Any other answer.
pub fn failed(class: Class, may_have_landed: bool, answer: Answer) -> ConfirmAnswer {
    ConfirmAnswer::Failed {
        class,
        may_have_landed,
        retry_after: None,
        answer,
    }
}

/// A timeout or a reset after the request was written.
pub fn lost() -> ConfirmAnswer {
    failed(Class::Retry, true, answer(0, ""))
}

/// A 5xx.
pub fn server_error(status: u16) -> ConfirmAnswer {
    failed(Class::Retry, true, answer(status, "InternalServerError"))
}

/// 429.
pub fn throttled() -> ConfirmAnswer {
    failed(Class::Slow, false, answer(429, "TooManyRequests"))
}

/// 422 InvalidCheckoutSessionStatus.
pub fn not_in_a_state_for_this() -> ConfirmAnswer {
    failed(Class::Ask, false, answer(422, "InvalidCheckoutSessionStatus"))
}

/// The payment is refused for good.
pub fn hard_declined() -> ConfirmAnswer {
    failed(Class::Final, false, answer(422, "HardDeclined"))
}

/// TransactionTimedOut: refused, and yet it may have landed.
pub fn authorization_timed_out() -> ConfirmAnswer {
    failed(Class::Final, true, answer(422, "TransactionTimedOut"))
}

/// These bytes would always have been refused.
pub fn amount_mismatch() -> ConfirmAnswer {
    failed(Class::Fix { content: true }, false, answer(409, "AmountMismatch"))
}

/// Something of ours is wrong, but not the content.
pub fn invalid_request() -> ConfirmAnswer {
    failed(
        Class::Fix { content: false },
        false,
        answer(400, "InvalidRequest"),
    )
}

/// The whole account is refused.
pub fn account_refused() -> ConfirmAnswer {
    failed(Class::Lane, false, answer(403, "InvalidAuthentication"))
}

/// No byte left.
pub fn not_sent() -> ConfirmAnswer {
    ConfirmAnswer::NotSent(answer(0, ""))
}

/// A look-up that is sent and answered at the same instant. While the session is open, it tells when
/// it was created and when it expires; an address comes along.
pub fn look_up(found: Found) -> Ask {
    let open = matches!(found, Found::Open { .. });
    look_up_dated(found, open.then(t0), open.then(|| t(hours(24))))
}

/// A look-up with these times.
pub fn look_up_dated(found: Found, created_at: Option<Timestamp>, expires_at: Option<Timestamp>) -> Ask {
    look_up_begun(Duration::ZERO, found, created_at, expires_at)
}

/// A look-up that was sent this much earlier than it is recorded.
pub fn look_up_begun(
    before: Duration,
    found: Found,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
) -> Ask {
    look_up_told(before, found, created_at, expires_at, None)
}

/// A look-up that finds it open, with so long left by Amazon's own clock.
pub fn open_with_left(left: Duration) -> Ask {
    look_up_told(Duration::ZERO, open(), Some(t0()), Some(t(hours(24))), Some(left))
}

fn look_up_told(
    before: Duration,
    found: Found,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    left: Option<Duration>,
) -> Ask {
    Ask::new(move |now| Command::LookedUp {
        answer: LookUpAnswer::Told(LookUp {
            begun_at: now.minus(before),
            found: found.clone(),
            created_at,
            expires_at,
            left,
            answer: answer(200, ""),
        }),
        spread: 1.0,
    })
}

/// Open, no ids.
pub fn open() -> Found {
    Found::Open {
        ids: None,
        has_address: true,
    }
}

/// Open, no ids and no address.
pub fn open_without_address() -> Found {
    Found::Open {
        ids: None,
        has_address: false,
    }
}

/// Open with ids: confirmed, its payment pending.
pub fn open_with_ids() -> Found {
    Found::Open {
        ids: Some(ids()),
        has_address: true,
    }
}

/// Completed, with a charge.
pub fn found_completed() -> Found {
    Found::Completed(ids())
}

/// Completed, and nothing charged.
pub fn found_completed_without_charge() -> Found {
    Found::Completed(ids_without_charge())
}

/// Canceled; an empty reason stands for none.
pub fn canceled(reason: &str) -> Found {
    Found::Canceled {
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
    }
}

/// A look-up that brings nothing.
pub fn look_up_fails() -> Ask {
    Ask::from(Command::LookedUp {
        answer: LookUpAnswer::Failed {
            class: Class::Retry,
            retry_after: None,
            answer: answer(503, "ServiceUnavailable"),
        },
        spread: 1.0,
    })
}

/// A look-up of the charge.
pub fn charge(found: ChargeFound) -> Ask {
    Ask::from(Command::ChargeLookedUp {
        answer: ChargeAnswer::Told {
            found,
            answer: answer(200, ""),
        },
        spread: 1.0,
    })
}

/// A look-up of the charge that brings nothing.
pub fn charge_look_up_fails() -> Ask {
    Ask::from(Command::ChargeLookedUp {
        answer: ChargeAnswer::Failed {
            class: Class::Retry,
            retry_after: None,
            answer: answer(503, "ServiceUnavailable"),
        },
        spread: 1.0,
    })
}

/// The policy decides not to confirm.
pub fn forswear() -> Ask {
    Ask::from(Command::Forswear(ForswornBy::Policy))
}

/// An operator decides not to confirm.
pub fn operator_forswears() -> Ask {
    Ask::from(Command::Forswear(ForswornBy::Operator))
}

/// An operator releases.
pub fn release() -> Ask {
    Ask::from(Command::Release(AccountIs::Configured))
}

/// An operator wants the next step now.
pub fn retry() -> Ask {
    Ask::from(Command::Retry(AccountIs::Configured))
}

/// Its account is found to be configured, or not to be.
pub fn account_is(is: AccountIs) -> Ask {
    Ask::from(Command::Account(is))
}

/// The alert that is due is raised.
pub fn alert(kind: checkout::AlertKind) -> Ask {
    Ask::from(Command::Alert(kind))
}
