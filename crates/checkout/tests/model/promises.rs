//! What must hold in every state, and what must be met in some.

use checkout::{AlertKind, Evidence, Hold, Outcome, Session};
use stateright::{Model, Property};

use crate::amazon::{Breach, Charge, State, Why};
use crate::worker::Doing;
use crate::world::{Action, Protocol, Verdict, World};

pub(crate) const CLEARED: &str = "a second request leaves only after proof or a look-up made since the first";
pub(crate) const ONE_KEY: &str = "what may have landed is repeated under its own key";
pub(crate) const ON_RECORD: &str = "no request leaves without its intent on record";
pub(crate) const ONE_EFFECT: &str = "the session is confirmed at most once";
pub(crate) const TRUE: &str = "an outcome is what Amazon's books say";
pub(crate) const SAID: &str = "whoever records an outcome has Amazon's word for it";
pub(crate) const ONE_OUTCOME: &str = "there is at most one outcome";
pub(crate) const RECORDED_FIRST: &str = "what is told is on record";
pub(crate) const UNCONTRADICTED: &str = "no outcome is contradicted later";

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.deliveries)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.actions_of(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        self.after(world, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(CLEARED, |_, world: &World| {
                !breaks(world, Breach::EarlierOneNotCleared)
            }),
            Property::always(ONE_KEY, |protocol: &Self, world| {
                protocol.rotates_keys || !breaks(world, Breach::AnotherKeyInDoubt)
            }),
            Property::always(ON_RECORD, |_, world: &World| {
                !breaks(world, Breach::IntentNotOnRecord)
            }),
            Property::always(ONE_EFFECT, |_, world: &World| world.amazon.effects <= 1),
            Property::always(TRUE, |_, world: &World| {
                verdicts(world).all(|verdict| is_true(world, verdict))
            }),
            Property::always(SAID, |_, world: &World| {
                world.recorded.iter().all(|(_, has_its_word)| *has_its_word)
            }),
            Property::always(ONE_OUTCOME, |_, world: &World| world.recorded.len() <= 1),
            Property::always(RECORDED_FIRST, |_, world: &World| {
                world.told.len() <= world.recorded.len()
            }),
            Property::always(UNCONTRADICTED, |_, world: &World| {
                !world.has_told(AlertKind::Contradiction)
            }),
        ];
        let reaches = self.reaches.iter();
        properties.extend(reaches.map(|(name, is_there)| Property::sometimes(name, *is_there)));
        properties
    }
}

fn breaks(world: &World, breach: Breach) -> bool {
    world
        .amazon
        .posts
        .iter()
        .any(|post| post.breaches.contains(&breach))
}

fn verdicts(world: &World) -> impl Iterator<Item = Verdict> {
    let recorded = world.recorded.iter().map(|(verdict, _)| verdict);
    recorded.chain(&world.told).copied()
}

fn is_true(world: &World, verdict: Verdict) -> bool {
    let amazon = &world.amazon;
    match verdict {
        Verdict::Captured => amazon.charge == Some(Charge::Captured) && amazon.effects > 0,
        Verdict::Declined => matches!(amazon.state, State::Canceled(Why::BuyerCanceled | Why::Declined)),
        Verdict::Cancelled | Verdict::Expired => {
            amazon.state == State::Canceled(Why::Expired) && amazon.effects == 0
        }
        Verdict::Authorized | Verdict::Unpaid | Verdict::Unresolved => false,
    }
}

/// A place that an exploration must have come by, so that no promise is kept by doing nothing.
pub(crate) type Reached = (&'static str, fn(&Protocol, &World) -> bool);

pub(crate) const DOUBT: Reached = ("an attempt is in doubt", |_, world| in_doubt(world));
pub(crate) const DOUBT_WITHOUT_REQUEST: Reached = ("a crash before sending leaves a doubt", |_, world| {
    in_doubt(world) && world.amazon.posts.is_empty()
});
pub(crate) const CONFIRMED_BY_LOOK_UP: Reached = ("a look-up ends a doubt", |_, world| {
    evidence(world) == Some(Evidence::LookUp)
});
pub(crate) const CONFIRMED_BY_ANSWER: Reached = ("Amazon's answer confirms", |_, world| {
    evidence(world) == Some(Evidence::Answer)
});
pub(crate) const LATE_LANDING: Reached = ("a request lands after a look-up has said open", |_, world| {
    let is_cleared = world.amazon.posts.iter().any(|post| post.is_cleared);
    in_doubt(world) && world.amazon.effects == 1 && is_cleared
});
pub(crate) const SECOND_AFTER_PROOF: Reached = (
    "a second request leaves after proof",
    |_, world| matches!(&world.amazon.posts[..], [first, _, ..] if first.is_disproved),
);
pub(crate) const SECOND_IN_DOUBT: Reached = (
    "a second request leaves in doubt",
    |_, world| matches!(&world.amazon.posts[..], [first, _, ..] if !first.is_disproved),
);
pub(crate) const TWO_UNDER_WAY: Reached = ("two requests are under way at once", |_, world| {
    world.amazon.posts.iter().filter(|post| post.is_under_way).count() > 1
});
pub(crate) const THROTTLED_REPEAT: Reached = ("a repeat is throttled and the doubt stays", |_, world| {
    let posts = &world.amazon.posts[..];
    matches!(posts, [first, second, ..] if !first.is_disproved && second.is_disproved) && in_doubt(world)
});
pub(crate) const INTENT_OVERTAKEN: Reached = ("a worker is overtaken with its intent", |_, world| {
    is_overtaken(world, |doing| matches!(doing, Doing::Decided { .. }))
});
pub(crate) const ANSWER_OVERTAKEN: Reached = ("a worker is overtaken with an answer", |_, world| {
    is_overtaken(world, |doing| matches!(doing, Doing::Answered { .. }))
});
pub(crate) const LOOK_UP_OVERTAKEN: Reached = ("a worker is overtaken with a look-up", |_, world| {
    is_overtaken(world, |doing| matches!(doing, Doing::LookedUp { .. }))
});
pub(crate) const NEW_KEY_IN_DOUBT: Reached = ("a new key is tried in doubt", |_, world| {
    breaks(world, Breach::AnotherKeyInDoubt)
});
pub(crate) const BUYER_NOT_DONE: Reached = ("the buyer is found not to be done", |_, world| {
    let open = world.open();
    open.is_some_and(|open| matches!(open.hold, Hold::BuyerNotDone(_)))
});
pub(crate) const FORSWORN: Reached = ("it is forsworn", |_, world| {
    world.open().is_some_and(|open| open.forsworn_at().is_some())
});
pub(crate) const PAYMENT_PENDING: Reached = (
    "the shop hears that the payment is pending",
    |_, world| matches!(&*world.log, Session::PaymentPending(pending) if pending.told),
);
pub(crate) const CAPTURED_TOLD: Reached = ("captured is told", |_, world| {
    world.told.contains(&Verdict::Captured)
});
pub(crate) const DECLINED_TOLD: Reached = ("declined is told", |_, world| {
    world.told.contains(&Verdict::Declined)
});
pub(crate) const CANCELLED_TOLD: Reached = ("cancelled is told", |_, world| {
    world.told.contains(&Verdict::Cancelled)
});
pub(crate) const EXPIRED_TOLD: Reached = ("expired is told", |_, world| {
    world.told.contains(&Verdict::Expired)
});

fn in_doubt(world: &World) -> bool {
    world.open().is_some_and(|open| open.doubt.is_some())
}

fn is_overtaken(world: &World, is_at_it: impl Fn(&Doing) -> bool) -> bool {
    let mut workers = world.workers.iter();
    workers.any(|worker| worker.is_overtaken && is_at_it(&worker.doing))
}

fn evidence(world: &World) -> Option<Evidence> {
    match &*world.log {
        Session::Settled(settled) => match settled.outcome {
            Outcome::Confirmed { evidence, .. } => Some(evidence),
            Outcome::Declined { .. }
            | Outcome::Cancelled { .. }
            | Outcome::Expired
            | Outcome::Unresolved { .. } => None,
        },
        Session::Unseen | Session::Open(_) | Session::PaymentPending(_) => None,
    }
}
