//! What the shops and their buyers do in one run, drawn from its chance.

use std::time::Duration;

use checkout::{PaymentIntent, SessionId, Timestamp};
use reconciler::{Arrival, Personal};
use testkit::chance::Seeded;
use testkit::fake_amazon::{Buyer, Card, Checkout, Guards};
use testkit::model::{hours, mins, money, order, secs, t0};

use crate::given::{account, address_in, arrival_of, session};

/// The fates whose payment is decided later.
const PENDING: [u64; 2] = [0, 1];

/// One session of a run.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) id: SessionId,
    /// What Amazon knows of it, if it does.
    pub(crate) checkout: Option<Checkout>,
    /// What the shop publishes, and when.
    pub(crate) messages: Vec<(Timestamp, Arrival)>,
    /// From when on nothing but weather stands in its way, if ever.
    pub(crate) ready_at: Option<Timestamp>,
}

pub(crate) fn plan(chance: &Seeded, guards: Guards) -> Vec<Planned> {
    let count = 20 + chance.below(5);
    (0..count).map(|number| planned(number, chance, guards)).collect()
}

fn up_to(chance: &Seeded, most: Duration) -> Duration {
    Duration::from_millis(chance.below(u64::try_from(most.as_millis()).unwrap_or(u64::MAX)))
}

fn planned(number: u64, chance: &Seeded, guards: Guards) -> Planned {
    let id = session(&format!("S-{number}"));
    let created_at = t0().plus(up_to(chance, if number < 8 { mins(3) } else { hours(2) }));
    let mut checkout = Checkout::new(&account(), created_at, money("23.45", "EUR"));
    let intents = [
        PaymentIntent::AuthorizeWithCapture,
        PaymentIntent::AuthorizeWithCapture,
        PaymentIntent::Authorize,
        PaymentIntent::Confirm,
    ];
    checkout.intent = *chance.pick(&intents).expect("it is not empty");
    let mut said = order().intent(checkout.intent);
    let mut can_be_confirmed = true;
    match chance.below(6) {
        0 => said = order().complete(),
        1 => {
            said = order().sets_up_wallet();
            checkout.amount = None;
        }
        2 => said = said.without_address(),
        _ => {}
    }
    let fate = chance.below(20);
    let is_finalized = said
        .clone()
        .build()
        .order
        .and_then(|order| order.intent())
        .is_some();
    if PENDING.contains(&fate) && is_finalized {
        checkout.intent = PaymentIntent::Authorize;
        said = said.intent(checkout.intent).may_pend();
    }
    let right = said.clone().build();
    let mut said_at = created_at.plus(up_to(chance, secs(60)));
    let mut statements = vec![right.clone()];
    let mut known = true;
    let mut done_at = created_at;
    let later = |most| created_at.plus(up_to(chance, most));
    match fate {
        0 => {
            checkout.card = Card::Pending {
                after: up_to(chance, hours(30)),
                declined: false,
            }
        }
        1 => {
            checkout.card = Card::Pending {
                after: up_to(chance, hours(30)),
                declined: true,
            };
            can_be_confirmed = false;
        }
        2 => {
            checkout.card = Card::Refused {
                ends: chance.percent(50),
            };
            can_be_confirmed = false;
        }
        // Its look-ups are 30 minutes apart in the end, and near the deadline it is given up.
        3 => {
            let at = later(hours(4));
            checkout.buyer = Buyer::Finishes(at);
            done_at = at.plus(mins(35));
        }
        4 => {
            checkout.buyer = Buyer::Leaves;
            can_be_confirmed = false;
        }
        5 => {
            checkout.buyer = Buyer::Cancels(created_at, later(hours(3)));
            can_be_confirmed = false;
        }
        // Under a key of its own, which guards nothing where keys alone do.
        6 if guards != Guards::KeyAlone => {
            checkout.shop_confirms_at = Some(later(hours(1)));
        }
        // A field is missing, and a corrected event follows.
        7 => statements = vec![order().flawed().build(), right.clone()],
        // The shop corrects itself before it was told that it must, or after.
        8 => {
            statements = vec![order().amount("99.00").build(), right.clone()];
            can_be_confirmed = false;
        }
        // The shop contradicts itself.
        9 => {
            statements.push(order().amount("99.00").build());
            can_be_confirmed = false;
        }
        10 => {
            known = false;
            can_be_confirmed = false;
        }
        // The shop's events have been lying around.
        11 => said_at = later(hours(23)),
        12 => {
            said_at = later(hours(26));
            can_be_confirmed = false;
        }
        _ => {}
    }
    let city = if chance.percent(50) { "Utrecht" } else { "Delft" };
    let dated = chance.percent(70);
    let mut messages = Vec::new();
    let mut at = said_at;
    for statement in statements {
        let order = statement.order;
        let mut arrival = arrival_of(&id, statement, at);
        arrival.session_created_at = dated.then_some(created_at);
        arrival.partition = u32::try_from(chance.below(4)).unwrap_or(0);
        arrival.personal = if order.is_some_and(|order| !order.has_address) {
            Personal::default()
        } else {
            address_in(city)
        };
        let published_at = at.plus(up_to(chance, secs(20)));
        // The same event again: at once, or much later.
        for _ in 0..chance.below(3) {
            let again_at =
                published_at.plus(up_to(chance, if chance.percent(70) { secs(5) } else { hours(2) }));
            messages.push((again_at, arrival.clone()));
        }
        messages.push((published_at, arrival));
        at = at.plus(up_to(
            chance,
            if chance.percent(50) { secs(40) } else { hours(3) },
        ));
    }
    messages.sort_by_key(|(at, _)| *at);
    let said_rightly_at = messages
        .iter()
        .filter(|(_, arrival)| arrival.statement == right)
        .map(|(at, _)| *at)
        .min();
    Planned {
        id,
        checkout: known.then_some(checkout),
        ready_at: said_rightly_at
            .map(|at| at.max(done_at))
            .filter(|_| can_be_confirmed),
        messages,
    }
}
