//! An Amazon Pay in memory, behind the reconciler's ports: sessions and charges with their lives, the
//! idempotency store, quotas, and whatever goes wrong. It keeps books of what really happened.
//!
//! ```text
//!   confirm ─► leaves ─► arrives (state and key are checked) ─► takes effect ─► is answered
//!                 │          └── lost, 5xx, throttled               └── lost, 5xx, too late
//!                 └── a caller that is dropped here is in doubt; what it sent is not undone
//! ```
//!
//! What guards against a second effect is a switch: with [`Guards::KeyAlone`] two requests under different keys
//! both take effect, so that this Amazon charges twice where a caller's own guard fails, and a test can see it.

mod books;
mod manners;
mod session;
mod world;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use checkout::{
    AccountName, Answer, ChargeAnswer, ConfirmAnswer, LookUp as LookedUp, LookUpAnswer, Order, SessionId,
    Timestamp, Work,
};
use reconciler::Personal;
use reconciler::ports::{Attempt, Call, Clock, ConfirmCheckout, LookUp, NoTurn, Turns};

pub use books::{Completion, Request, Told};
pub use manners::Manners;
pub use session::{Buyer, Card, Checkout, End, SessionBook};
use world::{Reply, World};

use crate::chance::Seeded;
use crate::clock::SimClock;
use crate::tasks::pause;

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection: no byte leaves.
    NotSent,
    /// 425: nothing is done.
    TooEarly,
    /// 429: nothing is done.
    Throttled,
    /// 403: the whole account is refused, and nothing is done.
    AccountRefused,
    /// The connection breaks before the request is worked on.
    LostBefore,
    /// The connection breaks when it has taken effect.
    LostAfter,
    /// Nobody answers for as long as the caller waits; it is never worked on.
    Silence,
    /// 500, and no effect.
    ErrorBefore,
    /// 500, and it has taken effect.
    ErrorAfter,
    /// `TransactionTimedOut`, without an effect, or with one.
    AuthorizationTimedOut {
        /// Whether it takes effect.
        landed: bool,
    },
    /// It takes effect this much later, and is answered then if anyone still waits.
    Slow(Duration),
}

/// A sort of trouble that the weather may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// [`Fault::NotSent`] and [`Fault::TooEarly`].
    Connecting,
    /// [`Fault::Throttled`].
    Throttling,
    /// [`Fault::AccountRefused`].
    Account,
    /// [`Fault::LostBefore`] and [`Fault::Silence`].
    Requests,
    /// [`Fault::LostAfter`].
    Answers,
    /// [`Fault::ErrorBefore`] and [`Fault::ErrorAfter`].
    Errors,
    /// [`Fault::AuthorizationTimedOut`].
    Authorization,
    /// [`Fault::Slow`], by up to a minute and a half.
    Slowness,
    /// [`Fault::Slow`], by up to a quarter of an hour: long after nobody waits any more.
    Lateness,
}

impl Trouble {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self::Connecting,
        Self::Throttling,
        Self::Account,
        Self::Requests,
        Self::Answers,
        Self::Errors,
        Self::Authorization,
        Self::Slowness,
        Self::Lateness,
    ];
}

/// By what Amazon recognises a confirmation that it must not carry out again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Guards {
    /// The idempotency key, and the session's single use.
    #[default]
    Both,
    /// The idempotency key alone: under another one the buyer pays again.
    KeyAlone,
    /// The session's single use alone: a key means nothing.
    SingleUseAlone,
}

/// How calls fare that no script speaks of.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// Of a hundred calls, how many meet a fault.
    pub rough: u64,
    /// Of these sorts.
    pub troubles: Vec<Trouble>,
    /// From when on it is calm, if ever.
    pub calm_from: Option<Timestamp>,
    /// A call takes no longer than this where nothing else slows it.
    pub latency: Duration,
    /// What nobody knows of Amazon.
    pub manners: Manners,
    /// What keeps it from confirming twice.
    pub guards: Guards,
}

/// Amazon's quota for one kind of call.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Tokens at the start, and at most.
    pub burst: u32,
    /// A new token comes this often.
    pub every: Duration,
}

/// The fake. Its clones are one Amazon.
#[derive(Clone)]
pub struct FakeAmazon {
    world: Arc<Mutex<World>>,
    /// Amazon's.
    clock: SimClock,
    /// Of the machine that calls.
    callers: SimClock,
}

/// A token.
pub struct Turn {
    world: Arc<Mutex<World>>,
    of: Option<(AccountName, Call)>,
}

impl Turn {
    fn spend(mut self) {
        self.of = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let (Some((account, call)), Ok(mut world)) = (self.of.take(), self.world.lock()) {
            world.give_back(&account, call);
        }
    }
}

impl FakeAmazon {
    /// Without sessions, under a blue sky.
    pub fn new(clock: SimClock, chance: Seeded) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(chance))),
            callers: clock.clone(),
            clock,
        }
    }

    /// The same Amazon, called by a machine with a clock of its own.
    #[must_use]
    pub fn called_by(&self, callers: SimClock) -> Self {
        Self {
            callers,
            ..self.clone()
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().expect("nobody panics while holding the world");
        world.catch_up(self.clock.now());
        world
    }

    /// A buyer begins a checkout.
    pub fn open(&self, id: &SessionId, checkout: Checkout) {
        self.world().open(id, checkout);
    }

    /// What goes wrong with the next calls of this kind, oldest first; none for a call that goes well.
    pub fn script(&self, call: Call, faults: &[Option<Fault>]) {
        self.world().script(call, faults);
    }

    /// How calls fare that no script speaks of.
    pub fn weather(&self, weather: Weather) {
        self.world().weather = weather;
    }

    /// A quota where there was none.
    pub fn quota(&self, call: Call, quota: Quota) {
        let now = self.clock.now();
        self.world().set_quota(call, quota, now);
    }

    /// No turns of this kind for anybody, or turns again.
    pub fn no_turns(&self, call: Call, because: Option<NoTurn>) {
        let mut world = self.world();
        match because {
            Some(because) => world.no_turns.insert(call, because),
            None => world.no_turns.remove(&call),
        };
    }

    /// This account is not configured.
    pub fn does_not_know(&self, account: &AccountName) {
        self.world().unknown.insert(account.clone());
    }

    /// This account is configured after all.
    pub fn knows_again(&self, account: &AccountName) {
        self.world().unknown.remove(account);
    }

    /// Calls `witness` at the moment at which a request to confirm leaves.
    pub fn on_leaving(&self, witness: impl Fn(&Attempt) + Send + Sync + 'static) {
        self.world().witness = Some(Arc::new(witness));
    }

    /// Every request to confirm that has left, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.world().requests.clone()
    }

    /// Every look-up that was answered, oldest first: of which session, and when it was made.
    pub fn look_ups(&self) -> Vec<(SessionId, Timestamp)> {
        self.world().look_ups.clone()
    }

    /// How many calls of a kind have left.
    pub fn calls(&self, call: Call) -> usize {
        self.world().calls.get(&call).copied().unwrap_or(0)
    }

    /// What the books say of a session; none if Amazon never knew it.
    pub fn book(&self, id: &SessionId) -> Option<SessionBook> {
        self.world().sessions.get(id).map(|session| session.book.clone())
    }

    /// When something changes at Amazon without a call.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.world().next_change()
    }
}

impl Turns for FakeAmazon {
    type Turn = Turn;

    fn knows(&self, account: &AccountName) -> bool {
        !self.world().unknown.contains(account)
    }

    fn turn(&self, account: &AccountName, call: Call) -> Result<Turn, NoTurn> {
        let now = self.clock.now();
        let turn = self.world().take_turn(account, call, now);
        turn.map_err(|because| match because {
            NoTurn::Until(at) => NoTurn::Until(self.callers.shown(at)),
            NoTurn::Halted | NoTurn::UnknownAccount => because,
        })?;
        Ok(Turn {
            world: self.world.clone(),
            of: Some((account.clone(), call)),
        })
    }
}

impl ConfirmCheckout for FakeAmazon {
    fn request_body(&self, order: &Order, personal: &Personal) -> Vec<u8> {
        let (product, amount) = match order.work {
            Work::Finalize { product, amount, .. } => (Some(product), Some(amount)),
            Work::Complete { amount } => (None, Some(amount)),
            Work::SetUpWallet => (None, None),
        };
        let amount = amount.map_or(String::new(), |amount| format!("amount={amount};"));
        let address = match product {
            Some(checkout::ProductType::PayAndShip) => personal.shipping_address.as_ref(),
            Some(checkout::ProductType::PayOnly) => personal.billing_address.as_ref(),
            None => None,
        };
        let to = address.and_then(|address| address.city.as_deref());
        let needs = if product.is_some() {
            "finalize;"
        } else {
            "complete;"
        };
        let to = to.map_or(String::new(), |city| format!("to={city};"));
        let more = personal
            .supplementary_data
            .as_deref()
            .map_or(String::new(), |text| format!("data={text};"));
        format!("{needs}{amount}{to}{more}").into_bytes()
    }

    fn confirm(&self, turn: Turn, attempt: Attempt) -> impl Future<Output = ConfirmAnswer> + Send {
        let this = self.clone();
        async move {
            turn.spend();
            pause().await;
            if attempt.send_by < this.callers.now() {
                return world::not_sent();
            }
            let now = this.clock.now();
            let answer_by = this.callers.meant(attempt.answer_by);
            let left = this.world().leave(&attempt, now, answer_by);
            let Some((request, ends_at)) = left else {
                return world::not_sent();
            };
            pause().await;
            this.clock.sleep_until(ends_at).await;
            let now = this.clock.now();
            this.world().tell(request, now)
        }
    }
}

impl LookUp for FakeAmazon {
    fn look_up(
        &self,
        turn: Turn,
        _: &AccountName,
        id: &SessionId,
        _: Option<&str>,
    ) -> impl Future<Output = (LookUpAnswer, Option<Personal>)> + Send {
        let (this, id) = (self.clone(), id.clone());
        async move {
            turn.spend();
            pause().await;
            let (begun_at, now) = (this.callers.now(), this.clock.now());
            let (reply, ends_at) = this.world().read(Call::LookUp, now);
            let seen = this.world().show(&id, now);
            this.clock.sleep_until(ends_at).await;
            match reply {
                Reply::Fails(class, answer) => {
                    let retry_after = None;
                    let failed = LookUpAnswer::Failed {
                        class,
                        retry_after,
                        answer,
                    };
                    (failed, None)
                }
                Reply::Goes => {
                    this.world().look_ups.push((id, now));
                    // By a clock that is behind it comes sooner.
                    let expires_at = seen.expires_at.map(|at| at.min(this.callers.shown(at)));
                    let told = LookUpAnswer::Told(LookedUp {
                        begun_at,
                        found: seen.found,
                        created_at: seen.created_at,
                        expires_at,
                        left: seen.expires_at.map(|at| at.since(now)),
                        answer: Answer {
                            status: Some(if seen.created_at.is_some() { 200 } else { 404 }),
                            ..Answer::default()
                        },
                    });
                    (told, seen.personal)
                }
            }
        }
    }

    fn look_up_charge(
        &self,
        turn: Turn,
        _: &AccountName,
        charge_id: &str,
        _: Option<&str>,
    ) -> impl Future<Output = ChargeAnswer> + Send {
        let (this, charge_id) = (self.clone(), charge_id.to_owned());
        async move {
            turn.spend();
            pause().await;
            let (reply, ends_at) = this.world().read(Call::Charge, this.clock.now());
            let found = this.world().show_charge(&charge_id);
            this.clock.sleep_until(ends_at).await;
            match reply {
                Reply::Fails(class, answer) => ChargeAnswer::Failed {
                    class,
                    retry_after: None,
                    answer,
                },
                Reply::Goes => ChargeAnswer::Told {
                    found,
                    answer: Answer {
                        status: Some(200),
                        ..Answer::default()
                    },
                },
            }
        }
    }
}

/// What stands between a caller and Amazon.
#[derive(Default)]
struct Gates {
    quotas: BTreeMap<Call, Quota>,
    tokens: BTreeMap<(AccountName, Call), (u32, Timestamp)>,
    scripts: BTreeMap<Call, std::collections::VecDeque<Option<Fault>>>,
}
