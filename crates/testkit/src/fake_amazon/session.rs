//! A checkout session at Amazon: what is known of it beforehand, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use checkout::{
    AccountName, Amount, ChargeFound, ConfirmAnswer, Found, IdempotencyKey, Ids, PaymentIntent, Policy,
    Timestamp,
};
use reconciler::{Address, Personal};

use super::Guards;
use super::books::Completion;
use super::manners::Manners;

/// How the payment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// Well, at once.
    Good,
    /// It is decided later.
    Pending {
        /// How long after.
        after: Duration,
        /// Whether it is declined then.
        declined: bool,
    },
    /// It is refused.
    Refused {
        /// Whether that ends the session.
        ends: bool,
    },
}

/// What people do to the session besides us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buyer {
    /// Finishes at this instant.
    Finishes(Timestamp),
    /// Never finishes.
    Leaves,
    /// Has finished at the first instant, and cancels at the second.
    Cancels(Timestamp, Timestamp),
}

/// A session as it begins.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Its account.
    pub account: AccountName,
    /// Amazon's clock runs from here.
    pub created_at: Timestamp,
    /// What Amazon will agree to charge; none for a Saved Wallet setup.
    pub amount: Option<Amount>,
    /// What becomes of the money.
    pub intent: PaymentIntent,
    /// How the payment goes.
    pub card: Card,
    /// What the buyer does.
    pub buyer: Buyer,
    /// When the shop front confirms it by itself, if it does.
    pub shop_confirms_at: Option<Timestamp>,
}

impl Checkout {
    /// A buyer who has finished and a card that is good.
    pub fn new(account: &AccountName, created_at: Timestamp, amount: Amount) -> Self {
        Self {
            account: account.clone(),
            created_at,
            amount: Some(amount),
            intent: PaymentIntent::AuthorizeWithCapture,
            card: Card::Good,
            buyer: Buyer::Finishes(created_at),
            shop_confirms_at: None,
        }
    }
}

/// How a session has ended at Amazon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    Open,
    /// Confirmed.
    Completed,
    /// Canceled, for this reason.
    Canceled(String),
}

/// What the books say of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionBook {
    /// How it has ended.
    pub end: End,
    /// Every time that it was completed: once, if all is well.
    pub completions: Vec<Completion>,
    /// Every charge that was made, and how it stands.
    pub charges: BTreeMap<String, ChargeFound>,
    /// Whether its payment was refused, or said to be timed out.
    pub refused: bool,
}

/// A request that has arrived and not yet taken effect.
pub(super) struct UnderWay {
    pub(super) request: usize,
    pub(super) key: IdempotencyKey,
    pub(super) effect_at: Timestamp,
}

pub(super) enum Change {
    Effect(usize),
    Decided(String),
    ShopConfirms,
    BuyerCancels,
    Expires,
}

pub(super) struct Session {
    pub(super) checkout: Checkout,
    pub(super) book: SessionBook,
    pub(super) ids: Option<Ids>,
    pub(super) under_way: Vec<UnderWay>,
    pub(super) deciding: Option<(Timestamp, String)>,
    /// The bytes and the answer that each key has brought.
    pub(super) keys: BTreeMap<String, (Vec<u8>, ConfirmAnswer)>,
}

/// What a look-up shows.
pub(super) struct Seen {
    pub(super) found: Found,
    pub(super) created_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) personal: Option<Personal>,
}

impl Session {
    pub(super) fn new(checkout: Checkout) -> Self {
        let book = SessionBook {
            end: End::Open,
            completions: Vec::new(),
            charges: BTreeMap::new(),
            refused: false,
        };
        Self {
            checkout,
            book,
            ids: None,
            under_way: Vec::new(),
            deciding: None,
            keys: BTreeMap::new(),
        }
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.checkout.created_at.plus(Policy::LIFETIME)
    }

    /// When it is over for Amazon.
    pub(super) fn lapses_at(&self, manners: &Manners) -> Timestamp {
        self.expires_at().plus(manners.expiry_lag)
    }

    /// What happens next without a call, and when.
    pub(super) fn next_change(&self, manners: &Manners) -> Option<(Timestamp, Change)> {
        let open = self.book.end == End::Open;
        let free = open && self.ids.is_none();
        let effect = self
            .under_way
            .iter()
            .enumerate()
            .min_by_key(|(_, one)| one.effect_at)
            .map(|(place, one)| (one.effect_at, Change::Effect(place)));
        let decided = self
            .deciding
            .as_ref()
            .map(|(at, charge)| (*at, Change::Decided(charge.clone())));
        let shop = self
            .checkout
            .shop_confirms_at
            .filter(|_| free)
            .map(|at| (at, Change::ShopConfirms));
        let buyer = match self.checkout.buyer {
            Buyer::Cancels(_, at) if free => Some((at, Change::BuyerCancels)),
            Buyer::Cancels(..) | Buyer::Finishes(_) | Buyer::Leaves => None,
        };
        let waits = manners.arrival_counts && !self.under_way.is_empty();
        let expires = (free && !waits).then(|| (self.lapses_at(manners), Change::Expires));
        [effect, decided, shop, buyer, expires]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// Whether it has been confirmed, where that guards.
    pub(super) fn is_used_up(&self, guards: Guards) -> bool {
        guards != Guards::KeyAlone && (self.book.end == End::Completed || self.ids.is_some())
    }

    pub(super) fn buyer_is_done(&self, now: Timestamp) -> bool {
        match self.checkout.buyer {
            Buyer::Finishes(at) | Buyer::Cancels(at, _) => at <= now,
            Buyer::Leaves => false,
        }
    }

    pub(super) fn seen(&self, now: Timestamp, manners: &Manners) -> Seen {
        let address = Address {
            city: Some("Amsterdam".to_owned()),
            ..Address::default()
        };
        let confirmed_at = self.book.completions.last().map(|one| one.at);
        let found = match (&self.book.end, &self.ids) {
            _ if confirmed_at.is_some_and(|at| manners.hides(at, now)) => Found::Open {
                ids: None,
                has_address: true,
            },
            (End::Open, ids) => Found::Open {
                ids: ids.clone(),
                has_address: true,
            },
            (End::Completed, Some(ids)) => Found::Completed(ids.clone()),
            (End::Canceled(reason), _) => Found::Canceled {
                reason: Some(reason.clone()),
            },
            (End::Completed, None) => unreachable!("whatever was completed has ids"),
        };
        Seen {
            found,
            created_at: Some(self.checkout.created_at),
            expires_at: Some(self.expires_at()),
            personal: Some(Personal {
                shipping_address: Some(address.clone()),
                billing_address: Some(address),
                supplementary_data: None,
            }),
        }
    }

    /// The request, or the shop front, confirms it.
    pub(super) fn complete(
        &mut self,
        id: &str,
        by: Option<(IdempotencyKey, bool)>,
        at: Timestamp,
        manners: &Manners,
    ) -> (Ids, bool) {
        let finalizes = by.as_ref().is_some_and(|(_, finalizes)| *finalizes);
        let key = by.map(|(key, _)| key);
        let times = self.book.completions.len() + 1;
        let charge_id = (self.checkout.intent != PaymentIntent::Confirm && self.checkout.amount.is_some())
            .then(|| format!("C-{id}-{times}"));
        let sets_up_wallet = self.checkout.amount.is_none();
        let is_none = manners.shows_charges_that_are_none && finalizes != sets_up_wallet;
        let shown = is_none.then(|| format!("N-{id}-{times}"));
        let ids = Ids {
            charge_permission_id: format!("P-{id}"),
            charge_permission_type: None,
            charge_id: charge_id.clone().or(shown),
        };
        self.book.completions.push(Completion {
            at,
            key,
            charge_id: charge_id.clone(),
        });
        self.ids = Some(ids.clone());
        let pending = match (self.checkout.card, &charge_id) {
            (Card::Pending { after, .. }, Some(charge)) => Some((at.plus(after), charge.clone())),
            (Card::Pending { .. } | Card::Good | Card::Refused { .. }, _) => None,
        };
        let is_pending = pending.is_some();
        if let Some(charge) = charge_id {
            let state = if is_pending {
                ChargeFound::Pending
            } else {
                self.paid()
            };
            self.book.charges.insert(charge, state);
        }
        self.deciding = pending;
        if !is_pending || manners.pending_is_completed {
            self.book.end = End::Completed;
        }
        (ids, is_pending)
    }

    fn paid(&self) -> ChargeFound {
        match self.checkout.intent {
            PaymentIntent::AuthorizeWithCapture => ChargeFound::Captured,
            PaymentIntent::Authorize | PaymentIntent::Confirm => ChargeFound::Authorized,
        }
    }

    pub(super) fn decide(&mut self, charge: &str) {
        self.deciding = None;
        let declined = matches!(self.checkout.card, Card::Pending { declined: true, .. });
        let (state, end) = if declined {
            let reason = Some("HardDeclined".to_owned());
            (
                ChargeFound::Declined { reason },
                End::Canceled("Declined".to_owned()),
            )
        } else {
            (self.paid(), End::Completed)
        };
        self.book.charges.insert(charge.to_owned(), state);
        if self.book.end == End::Open {
            self.book.end = end;
        }
    }
}
