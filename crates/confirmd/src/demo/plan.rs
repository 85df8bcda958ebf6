//! What happens on the day, drawn from a seed before it begins: who buys what and when, and what goes wrong.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;

use super::trouble::Trouble;
use crate::cli::Weather;

/// The shop sells during the first hours of the day, so that what is left undone meets its deadline within it.
const OPEN_FOR: Duration = hours(14);
/// Checkouts come at no more moments than these: many sessions are many at a time, not a longer day.
const MOMENTS: usize = 100;
/// Each kind of rough weather strikes at least so often.
const LEAST_STRIKES: usize = 5;
/// And at most so often, however many checkouts there are.
const MOST_STRIKES: usize = 25;
/// With fewer checkouts, rough weather would not find enough of them.
pub(crate) const LEAST_IN_ROUGH_WEATHER: usize = 60;

/// A day.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) checkouts: Vec<Checkout>,
    /// Events that nobody can read, each right before the event of the checkout of this number, whose partition it
    /// shares.
    pub(crate) unreadable: Vec<(usize, Garbage)>,
}

/// One buyer's checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// When the shop tells of it, since the beginning of the day.
    pub(crate) at: Duration,
    /// How old its session is then.
    pub(crate) age: Duration,
    pub(crate) shop: Shop,
    pub(crate) purchase: Purchase,
    pub(crate) amount: Decimal,
    pub(crate) twist: Twist,
    /// What strikes its confirmation, call after call.
    pub(crate) troubles: Vec<Trouble>,
    /// Whether its event is CloudEvents in structured mode, and not in binary mode.
    pub(crate) structured: bool,
    /// Whether the shop knows when the session was made.
    pub(crate) tells_creation: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shop {
    Eu,
    Us,
    Jp,
}

impl Shop {
    pub(crate) fn account(self) -> &'static str {
        match self {
            Self::Eu => "eu_shop",
            Self::Us => "us_shop",
            Self::Jp => "jp_shop",
        }
    }

    pub(crate) fn currency(self) -> &'static str {
        match self {
            Self::Eu => "EUR",
            Self::Us => "USD",
            Self::Jp => "JPY",
        }
    }
}

/// What is bought, and by which of Amazon's ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purchase {
    /// Goods, captured at once.
    Goods,
    /// Goods, authorized now and captured when they are shipped.
    GoodsLater,
    /// Goods whose charge the shop makes by itself afterwards.
    Consent,
    /// Something without a delivery.
    Download,
    /// By the redirect flow, which ends with Complete.
    Redirect,
    /// No payment yet: Amazon Pay is saved as a payment method.
    SaveWallet,
    /// An authorization that Amazon takes its time over.
    Pending,
}

/// Of every twenty checkouts, these.
const ASSORTMENT: [Purchase; 20] = {
    use Purchase::{Consent, Download, Goods, GoodsLater, Pending, Redirect, SaveWallet};
    [
        Goods, GoodsLater, Redirect, Download, Goods, SaveWallet, Goods, Pending, GoodsLater, Consent, Goods,
        Download, Goods, Redirect, Goods, GoodsLater, Goods, Consent, Goods, Download,
    ]
};

impl Purchase {
    /// Amazon's path word of the call that confirms it.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Redirect | Self::SaveWallet => "complete",
            Self::Goods | Self::GoodsLater | Self::Consent | Self::Download | Self::Pending => "finalize",
        }
    }
}

/// What buyer or shop do otherwise than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twist {
    None,
    /// The payment is declined; a pending one after a while.
    Declined,
    /// The buyer never finishes on Amazon's page.
    BuyerGone,
    /// The buyer finishes this long after the shop has told of it.
    BuyerLate(Duration),
    /// The shop tells of it when its 24 hours are over, or nearly: see [`Checkout::age`].
    ToldLate,
    /// The event comes a second time after this.
    Redelivered(Duration),
    /// The event has a wrong amount, which is put right after this.
    WrongAmount(Duration),
    /// Another event says something else after this.
    Conflict(Duration),
}

/// Events without a readable session id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Garbage {
    NoJson,
    Empty,
    NoSessionId,
    StrangeSessionId,
    List,
    OtherType,
}

impl Garbage {
    const ALL: [Self; 6] = [
        Self::NoJson,
        Self::Empty,
        Self::NoSessionId,
        Self::StrangeSessionId,
        Self::List,
        Self::OtherType,
    ];
}

impl Plan {
    /// The same for the same arguments. Rough weather needs [`LEAST_IN_ROUGH_WEATHER`] checkouts.
    pub(crate) fn draw(checkouts: usize, weather: Weather, seed: u64) -> Self {
        let mut drawer = Drawer {
            chance: StdRng::seed_from_u64(seed),
        };
        let mut checkouts = drawer.checkouts(checkouts.max(1));
        let strikes = (checkouts.len() / 40).clamp(LEAST_STRIKES, MOST_STRIKES);
        let mut plain = drawer.shuffled(checkouts.len());
        drawer.twists(&mut checkouts, &mut plain, weather, strikes);
        let mut unreadable = Vec::new();
        if weather == Weather::Rough {
            drawer.troubles(&mut checkouts, &plain, strikes);
            let before = drawer.shuffled(checkouts.len());
            unreadable = before
                .into_iter()
                .zip(Garbage::ALL.into_iter().cycle())
                .take(strikes.max(6))
                .collect();
        }
        // Somebody whose outcome comes at once opens the day.
        let at_once = checkouts
            .iter_mut()
            .filter(|checkout| checkout.twist == Twist::None && checkout.purchase != Purchase::Pending);
        if let Some(first) = at_once.min_by_key(|checkout| checkout.troubles.len()) {
            first.at = Duration::ZERO;
        }
        Self {
            checkouts,
            unreadable,
        }
    }

    /// How the shop numbers the order of this checkout.
    pub(crate) fn order_number(checkout: usize) -> String {
        format!("ORDER-{:04}", checkout + 1)
    }
}

struct Drawer {
    chance: StdRng,
}

impl Drawer {
    fn between(&mut self, from: Duration, to: Duration) -> Duration {
        Duration::from_secs(self.chance.random_range(from.as_secs()..=to.as_secs()))
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..count).collect();
        numbers.shuffle(&mut self.chance);
        numbers
    }

    /// As if nothing ever went wrong.
    fn checkouts(&mut self, count: usize) -> Vec<Checkout> {
        let mut moments: Vec<Duration> = (0..count.min(MOMENTS))
            .map(|_| self.between(minutes(5), OPEN_FOR))
            .collect();
        moments.sort_unstable();
        (0..count)
            .map(|number| {
                let shop = match self.chance.random_range(0..20) {
                    0..10 => Shop::Eu,
                    10..17 => Shop::Us,
                    _ => Shop::Jp,
                };
                let amount = match shop {
                    Shop::Jp => Decimal::from(self.chance.random_range(300..18_000)),
                    Shop::Eu | Shop::Us => Decimal::new(self.chance.random_range(495..19_000), 2),
                };
                Checkout {
                    at: moments[number % moments.len()],
                    age: self.between(minutes(1), minutes(20)),
                    shop,
                    purchase: ASSORTMENT[number % ASSORTMENT.len()],
                    amount,
                    twist: Twist::None,
                    troubles: Vec::new(),
                    structured: self.chance.random_bool(0.3),
                    tells_creation: self.chance.random_bool(0.7),
                }
            })
            .collect()
    }

    /// Takes checkouts out of `plain` and gives each a twist.
    fn twists(
        &mut self,
        checkouts: &mut [Checkout],
        plain: &mut Vec<usize>,
        weather: Weather,
        strikes: usize,
    ) {
        let rough = weather == Weather::Rough;
        let some = |of: usize| (checkouts.len() / of).clamp(1, MOST_STRIKES);
        let struck = |calm: usize| if rough { strikes } else { calm };
        let counts = [
            (Twist::Declined, struck(some(40))),
            (Twist::BuyerGone, struck(some(66).min(4))),
            (Twist::ToldLate, some(40)),
            (Twist::BuyerLate(Duration::ZERO), some(66)),
            (Twist::Redelivered(Duration::ZERO), some(40)),
            (Twist::WrongAmount(Duration::ZERO), struck(0)),
            (Twist::Conflict(Duration::ZERO), struck(0)),
        ];
        for (twist, count) in counts {
            for nth in 0..count {
                // However few there are, one goes well.
                if plain.len() < 2 {
                    return;
                }
                let Some(number) = plain.pop() else { return };
                self.twist(&mut checkouts[number], twist, nth);
            }
        }
    }

    fn twist(&mut self, checkout: &mut Checkout, twist: Twist, nth: usize) {
        let a_while = self.between(minutes(15), minutes(80));
        checkout.twist = match twist {
            Twist::BuyerGone => {
                // Told at the beginning of the day: today's are over at its end, yesterday's before that.
                checkout.at = self.between(minutes(5), minutes(30));
                if 1 < nth {
                    checkout.age = self.between(hours(4), hours(20));
                }
                twist
            }
            Twist::ToldLate => {
                checkout.age = if nth.is_multiple_of(2) {
                    self.between(hours(24) + minutes(5), hours(26))
                } else {
                    self.between(hours(23), hours(23) + minutes(20))
                };
                twist
            }
            Twist::BuyerLate(_) => Twist::BuyerLate(a_while),
            Twist::Redelivered(_) => Twist::Redelivered(a_while),
            Twist::WrongAmount(_) | Twist::Conflict(_) => {
                // There must be an amount to differ in.
                if checkout.purchase == Purchase::SaveWallet {
                    checkout.purchase = Purchase::Goods;
                }
                if matches!(twist, Twist::WrongAmount(_)) {
                    Twist::WrongAmount(a_while)
                } else {
                    Twist::Conflict(a_while)
                }
            }
            Twist::None | Twist::Declined => twist,
        };
    }

    /// Each kind of trouble strikes so often: first those that end a session's calls, one a session; the others
    /// then where nothing strikes yet, or before one of those.
    fn troubles(&mut self, checkouts: &mut [Checkout], plain: &[usize], strikes: usize) {
        let (last, first): (Vec<Trouble>, Vec<Trouble>) = Trouble::ALL
            .into_iter()
            .flat_map(|trouble| std::iter::repeat_n(trouble, strikes))
            .partition(|trouble| trouble.has_its_effect());
        let mut struck = plain.iter().cycle();
        for trouble in last.into_iter().take(plain.len()).chain(first) {
            let Some(number) = struck.next() else { return };
            // The one that has its effect comes last.
            checkouts[*number].troubles.insert(0, trouble);
        }
    }
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const fn hours(hours: u64) -> Duration {
    minutes(hours * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(plan: &Plan, trouble: Trouble) -> usize {
        plan.checkouts
            .iter()
            .flat_map(|checkout| &checkout.troubles)
            .filter(|struck| **struck == trouble)
            .count()
    }

    fn twisted(plan: &Plan, twisted: impl Fn(&Twist) -> bool) -> usize {
        plan.checkouts
            .iter()
            .filter(|checkout| twisted(&checkout.twist))
            .count()
    }

    #[test]
    fn a_seed_repeats_the_day() {
        let days = [7, 7, 8].map(|seed| Plan::draw(200, Weather::Rough, seed).checkouts);
        assert_eq!(days[0], days[1]);
        assert_ne!(days[0], days[2]);
    }

    #[test]
    fn every_kind_of_rough_weather_is_planned_five_times_or_more_however_few_checkouts_there_are() {
        for (checkouts, seed) in [
            (LEAST_IN_ROUGH_WEATHER, 1),
            (61, 2),
            (120, 3),
            (200, 4),
            (5_000, 5),
        ] {
            let plan = Plan::draw(checkouts, Weather::Rough, seed);
            assert_eq!(plan.checkouts.len(), checkouts);
            for trouble in Trouble::ALL {
                assert!(
                    LEAST_STRIKES <= struck(&plan, trouble),
                    "{trouble:?} of {checkouts}"
                );
            }
            assert!(LEAST_STRIKES <= twisted(&plan, |twist| *twist == Twist::Declined));
            assert!(LEAST_STRIKES <= twisted(&plan, |twist| *twist == Twist::BuyerGone));
            assert!(LEAST_STRIKES <= twisted(&plan, |twist| matches!(twist, Twist::WrongAmount(_))));
            assert!(LEAST_STRIKES <= twisted(&plan, |twist| matches!(twist, Twist::Conflict(_))));
            assert!(LEAST_STRIKES <= plan.unreadable.len());
        }
    }

    #[test]
    fn what_has_its_effect_strikes_a_session_last_and_once() {
        let plan = Plan::draw(LEAST_IN_ROUGH_WEATHER, Weather::Rough, 11);
        for checkout in &plan.checkouts {
            let before = checkout.troubles.len().saturating_sub(1);
            let early = checkout.troubles[..before]
                .iter()
                .filter(|trouble| trouble.has_its_effect())
                .count();
            assert_eq!(early, 0, "{:?}", checkout.troubles);
        }
    }

    #[test]
    fn in_calm_weather_nothing_fails_and_yet_every_outcome_is_seen() {
        let plan = Plan::draw(200, Weather::Calm, 3);
        assert!(plan.checkouts.iter().all(|checkout| checkout.troubles.is_empty()));
        assert!(plan.unreadable.is_empty());
        for twist in [Twist::Declined, Twist::BuyerGone, Twist::ToldLate] {
            assert!(3 <= twisted(&plan, |found| *found == twist), "{twist:?}");
        }
        assert_eq!(
            plan.checkouts
                .iter()
                .filter(|checkout| checkout.at.is_zero())
                .count(),
            1
        );
    }

    #[test]
    fn a_single_checkout_goes_well() {
        let plan = Plan::draw(1, Weather::Calm, 5);
        assert_eq!(plan.checkouts[0].twist, Twist::None);
    }
}
