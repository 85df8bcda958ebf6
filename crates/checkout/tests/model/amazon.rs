//! Amazon Pay as the protocol meets it: one session, and every request to confirm it that was ever sent.

use checkout::{ChargeFound, ConfirmAnswer, Found, Ids};
use testkit::model::*;

/// The how-manieth key it is.
pub(crate) type Key = u8;

/// What Amazon holds to. The effect exists once as long as it is either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Honours {
    /// A repeated key brings the stored answer of its success.
    pub(crate) key: bool,
    /// What is completed is not completed again.
    pub(crate) single_use: bool,
}

/// Why a session was canceled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    Expired,
    BuyerCanceled,
    Declined,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Open,
    /// Confirmed; open until its payment is decided.
    Pending,
    Completed,
    Canceled(Why),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Charge {
    Pending,
    Captured,
    Declined,
}

/// An answer to a request to confirm, in a worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    /// None came, though the request had left.
    Lost,
    /// No byte left.
    NotSent,
    Accepted,
    Pending,
    Throttled,
    /// 500. The request may or may not have had its effect.
    Error,
    /// "Not in a state for this."
    Status,
    /// The request is wrong.
    Wrong,
    /// The payment method is refused.
    Refused,
}

impl Reply {
    pub(crate) fn as_answer(self) -> ConfirmAnswer {
        match self {
            Self::Lost => lost(),
            Self::NotSent => not_sent(),
            Self::Accepted => accepted(),
            Self::Pending => accepted_pending(),
            Self::Throttled => throttled(),
            Self::Error => server_error(500),
            Self::Status => not_in_a_state_for_this(),
            Self::Wrong => invalid_request(),
            Self::Refused => hard_declined(),
        }
    }

    /// Whether it says that this request had no effect and will have none.
    pub(crate) fn proves_no_effect(self) -> bool {
        match self {
            Self::NotSent | Self::Throttled | Self::Status | Self::Wrong | Self::Refused => true,
            Self::Lost | Self::Accepted | Self::Pending | Self::Error => false,
        }
    }
}

/// What becomes of a request that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum How {
    /// What the session's state makes of it.
    AsItStands,
    /// The same, and its payment is pending.
    WithPaymentPending,
    /// A 500 is answered, and it goes on: it has its effect at once, later or never.
    WithAnErrorFirst,
    /// It has none, and this is answered.
    Without(Reply),
}

/// A request to confirm that has left.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Post {
    pub(crate) key: Key,
    /// It may still have its effect.
    pub(crate) is_under_way: bool,
    /// Whether it is on record that it had no effect, or what a look-up said that was made after it left.
    pub(crate) is_cleared: bool,
    /// Whether it is on record that it had no effect.
    pub(crate) is_disproved: bool,
    pub(crate) breaches: Vec<Breach>,
}

/// How a request broke the rules by leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Breach {
    IntentNotOnRecord,
    EarlierOneNotCleared,
    AnotherKeyInDoubt,
}

/// What a look-up was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Seen(pub(crate) State);

impl Seen {
    pub(crate) fn as_found(self) -> Found {
        let open = |ids: Option<Ids>| Found::Open {
            ids,
            has_address: true,
        };
        match self.0 {
            State::Open => open(None),
            State::Pending => open(Some(ids())),
            State::Completed => Found::Completed(ids()),
            State::Canceled(why) => Found::Canceled {
                reason: Some(format!("{why:?}")),
            },
        }
    }
}

impl Charge {
    pub(crate) fn as_found(self) -> ChargeFound {
        match self {
            Self::Pending => ChargeFound::Pending,
            Self::Captured => ChargeFound::Captured,
            Self::Declined => ChargeFound::Declined { reason: None },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Amazon {
    pub(crate) state: State,
    pub(crate) charge: Option<Charge>,
    /// How often the session was confirmed.
    pub(crate) effects: u8,
    /// The keys under which it was, and what was answered.
    keys: Vec<(Key, Reply)>,
    pub(crate) posts: Vec<Post>,
}

impl Amazon {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Open,
            charge: None,
            effects: 0,
            keys: Vec::new(),
            posts: Vec::new(),
        }
    }

    /// A request that is under way is dealt with, and answered.
    pub(crate) fn deal_with(&mut self, post: usize, how: How, honours: Honours) -> Reply {
        let reply = match how {
            How::Without(reply) => reply,
            How::AsItStands => self.confirm(post, honours, Charge::Captured),
            How::WithPaymentPending => self.confirm(post, honours, Charge::Pending),
            How::WithAnErrorFirst => return Reply::Error,
        };
        if reply == Reply::Refused {
            self.state = State::Canceled(Why::Declined);
        }
        self.posts[post].is_under_way = false;
        reply
    }

    fn confirm(&mut self, post: usize, honours: Honours, charge: Charge) -> Reply {
        let key = self.posts[post].key;
        let stored = self.keys.iter().find(|(used, _)| honours.key && *used == key);
        if let Some((_, reply)) = stored {
            return *reply;
        }
        let takes_it = match self.state {
            State::Open => true,
            State::Pending | State::Completed => !honours.single_use,
            State::Canceled(_) => false,
        };
        if !takes_it {
            return Reply::Status;
        }
        let (state, reply) = match charge {
            Charge::Pending => (State::Pending, Reply::Pending),
            Charge::Captured | Charge::Declined => (State::Completed, Reply::Accepted),
        };
        self.effects += 1;
        self.keys.push((key, reply));
        self.charge = Some(charge);
        self.state = state;
        reply
    }

    pub(crate) fn decide(&mut self, charge: Charge) {
        self.charge = Some(charge);
        self.state = if charge == Charge::Captured {
            State::Completed
        } else {
            State::Canceled(Why::Declined)
        };
    }
}
