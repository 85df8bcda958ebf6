//! All switches drawn at random together, with sessions, faults and people: whatever Amazon turns out to be, each
//! session is told as the sandbox's books have it.
//!
//! `UNKNOWNS_SEEDS=200` runs more seeds, `UNKNOWNS_SEED=7` runs one. (Whatever begins with CONFIRMD is a key of the
//! configuration to the daemon.)

mod draws;
mod judge;

use amazon_pay::{Algorithm, CheckoutSessionId, CompleteCheckoutSession, IdempotencyKey, Price, Request};
use jiff::{SignedDuration, Timestamp};
use sandbox::{Profile, SandboxClock as _};
use serde_json::{Value, json};

use super::well_formed_keys_of_their_own;
use crate::world::{Daemon, World, client_of};
use draws::{Corrected, Draw, Plan, ShopFront};

/// Seeds in a plain `cargo test`, over both parts.
const SEEDS: u64 = 14;
/// The parts run side by side, each in a world of its own.
const PARTS: u64 = 2;
/// Twice as fast as elsewhere: there is much to wait for.
const SPEED: f64 = 20.0;
/// Between two looks, by the scenario's clock.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// What is due so soon is waited for: the clock is moved to what is later.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// Looks that a draw takes at most: a minute or two.
const LOOKS: u32 = 1_200;
/// How often people see to one session.
const PATIENCE_OF_PEOPLE: u32 = 3;
/// What is due and known may take so long to be tried: a look-up every half hour, and half an hour of nothing.
const LAST_CALL: SignedDuration = SignedDuration::from_mins(65);

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is to be a number")),
    )
}

#[test]
fn every_switch_has_more_than_one_position_to_be_drawn() {
    for (switch, default) in draws::defaults() {
        for position in draws::positions(&switch, &default) {
            super::case::standing(&json!({switch.as_str(): position}));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_all_unknowns_stand_together_every_session_is_told_as_the_books_have_it_1_of_2() {
    play_part(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_all_unknowns_stand_together_every_session_is_told_as_the_books_have_it_2_of_2() {
    play_part(1).await;
}

/// Plays the seeds of a part in one world, one after the other: the switches are the whole sandbox's.
async fn play_part(part: u64) {
    let seeds = match number("UNKNOWNS_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("UNKNOWNS_SEEDS").unwrap_or(SEEDS),
    };
    let mut seeds = seeds.filter(|seed| seed % PARTS == part).peekable();
    if seeds.peek().is_none() {
        return;
    }
    let Some(mut world) = World::with_quotas_of("mixed", Profile::Live).await else {
        return;
    };
    world.clock.set_speed(SPEED);
    let daemon = world.daemon_at_work().await;
    for seed in seeds {
        play(&mut world, &daemon, &Draw::of(seed)).await;
    }
    well_formed_keys_of_their_own(&world);
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
}

/// A session on its way.
struct Session<'a> {
    id: String,
    plan: &'a Plan,
    /// As the sandbox showed it when it was made.
    made: Value,
    /// As the console shows it.
    shown: Value,
    rests: u32,
    seen_to: u32,
    acted: bool,
    shop_front_acted: bool,
    /// A correction was published when so many were on record.
    heard_before: Option<usize>,
    /// Whatever was to be done for it came in time.
    can_be_confirmed: bool,
}

async fn play(world: &mut World, daemon: &Daemon, draw: &Draw) {
    world.sandbox.set_unknowns(draw.unknowns());
    let mut sessions: Vec<Session<'_>> = draw.plans.iter().map(|plan| made(world, plan)).collect();
    for session in &mut sessions {
        session.is_told_of(world).await;
    }
    let wrong = if drive(world, daemon, &mut sessions).await {
        judge::judge(world, draw, &sessions).await
    } else {
        vec!["not every session has come to its end".to_owned()]
    };
    assert!(
        wrong.is_empty(),
        "UNKNOWNS_SEED={} runs it alone\n{}\nswitches: {:#}\n{}",
        draw.seed,
        wrong.join("\n"),
        draw.moved(),
        judge::stories(world, &sessions, &wrong),
    );
}

fn made<'a>(world: &World, plan: &'a Plan) -> Session<'a> {
    let mut overrides = plan.session.clone();
    let creation = world.clock.now() - plan.age;
    overrides["creationTimestamp"] = json!(creation.to_string());
    let mut made = world.session(overrides);
    if plan.unheard_of {
        made["checkoutSessionId"] = json!(format!("{}-0", made["checkoutSessionId"].as_str().unwrap()));
    }
    let id = made["checkoutSessionId"].as_str().unwrap().to_owned();
    for fault in &plan.faults {
        let mut fault = fault.clone();
        fault["session"] = json!(id);
        world.fault(fault);
    }
    Session {
        id,
        plan,
        made,
        shown: Value::Null,
        rests: 0,
        seen_to: 0,
        acted: false,
        shop_front_acted: false,
        heard_before: None,
        can_be_confirmed: plan.can_be_confirmed && !plan.unheard_of,
    }
}

impl Session<'_> {
    async fn is_told_of(&mut self, world: &World) {
        if self.plan.shop_front == Some(ShopFront::Before) {
            self.shop_front_completes(world).await;
        }
        let mut event = self.plan.event.clone();
        self.with_creation(world, &mut event);
        for _ in 0..=usize::from(self.plan.said_twice) {
            if self.plan.said_late {
                world.say_an_hour_ago(&self.made, event.clone()).await;
            } else {
                world.say(&self.made, event.clone()).await;
            }
        }
        if self.plan.shop_front == Some(ShopFront::AtOnce) {
            self.shop_front_completes(world).await;
        }
    }

    fn with_creation(&self, world: &World, event: &mut Value) {
        if self.plan.says_its_creation || self.plan.unheard_of {
            let created = match world.sandbox.books().session(&self.id) {
                Some(book) => book.creation_timestamp,
                None => world.clock.now() - SignedDuration::from_hours(23),
            };
            event["sessionCreatedAt"] = json!(created.to_string());
        }
    }

    /// The shop front completes it by itself. What comes of it stands in the books.
    async fn shop_front_completes(&mut self, world: &World) {
        self.shop_front_acted = true;
        let amount = &self.plan.session["paymentDetails"]["chargeAmount"];
        let text = |field: &str| amount[field].as_str().unwrap();
        let body = CompleteCheckoutSession::new(Price::parse(text("amount"), text("currencyCode")).unwrap());
        let id = CheckoutSessionId::parse(&self.id).unwrap();
        let key = IdempotencyKey::parse(&format!("front-{}", &self.id.replace('-', "")[..20])).unwrap();
        let request = Request::complete_checkout_session(&id, body.to_body(), Some(key));
        let client = client_of(&world.sandbox, Algorithm::V2);
        let _ = client.call(&request, world.clock.now()).await;
    }

    fn facts(&self) -> impl DoubleEndedIterator<Item = &str> {
        let history = self.shown["history"].as_array().into_iter().flatten();
        history.filter_map(|fact| fact["type"].as_str())
    }

    /// How many corrections are on record.
    fn heard(&self) -> usize {
        let words = ["checkout-amended", "amendment-kept", "conflict-found"];
        self.facts().filter(|fact| words.contains(fact)).count()
    }

    fn is_over(&self) -> bool {
        !self.shown["outcome"].is_null()
    }

    fn is_firing(&self, kind: &str) -> bool {
        let alerts = self.shown["alerts"].as_array().into_iter().flatten();
        alerts
            .into_iter()
            .any(|alert| alert["kind"] == kind && alert["status"] == "firing")
    }

    /// When it wants to be looked at, unless something of it is on its way or soon will be.
    fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        let answers = ["not-sent", "deferred", "unclear", "refused", "accepted"];
        let is_answer = |fact: &str| {
            let answer = fact.strip_prefix("confirmation-");
            answer.is_some_and(|answer| answers.contains(&answer)) || fact == "repair-needed"
        };
        let last = self
            .facts()
            .rev()
            .find(|fact| *fact == "confirmation-started" || is_answer(fact));
        if self.heard_before.is_some_and(|before| self.heard() <= before) {
            return None;
        }
        let due: Timestamp = self.shown["dueAt"].as_str()?.parse().ok()?;
        (last != Some("confirmation-started") && now + SOON < due).then_some(due)
    }

    /// What buyer, shop and people do at a rest. Says whether anything was done.
    async fn is_acted_for(&mut self, world: &World) -> bool {
        self.rests += 1;
        if self.plan.shop_front == Some(ShopFront::Later) && !self.shop_front_acted && 1 < self.rests {
            self.shop_front_completes(world).await;
            return true;
        }
        if let Some((rests, buyer)) = self.plan.buyer.as_ref().filter(|_| !self.acted)
            && *rests < self.rests
            && !self.plan.unheard_of
        {
            self.acted = true;
            self.buyer_acts(world, buyer);
            return true;
        }
        let wants_repair = self.is_firing("needs-repair") || self.is_firing("forsworn");
        if wants_repair && self.seen_to < PATIENCE_OF_PEOPLE {
            self.seen_to += 1;
            return self.is_seen_to(world).await;
        }
        false
    }

    fn buyer_acts(&mut self, world: &World, buyer: &Value) {
        let act: sandbox::Buyer = serde_json::from_value(buyer.clone()).unwrap();
        let expires = world.book(&self.id).expiration_timestamp;
        // Refused where the session is not open any more.
        let is_done = world.sandbox.buyer(&self.id, act).is_ok();
        if buyer["action"] != "finish" {
            self.can_be_confirmed &= !is_done;
        } else if self.plan.lacks_its_buyer_alone {
            self.can_be_confirmed = is_done && world.clock.now() + LAST_CALL < expires;
        }
    }

    /// Corrected if that helps, else released.
    async fn is_seen_to(&mut self, world: &World) -> bool {
        if self.plan.contradiction.is_some() && self.seen_to == 1 {
            if self.plan.corrected == Corrected::Never {
                return false;
            }
            let mut event = self.plan.correction.clone();
            self.with_creation(world, &mut event);
            self.heard_before = Some(self.heard());
            world.say(&self.made, event).await;
            return true;
        }
        let release = [
            "sessions",
            "release",
            &self.id,
            "--reason",
            "it was repaired elsewhere",
        ];
        world.command(&release).await.status.success()
    }
}

/// Moves the clock from due time to due time until every session has its outcome. False where that never comes.
async fn drive(world: &World, daemon: &Daemon, sessions: &mut [Session<'_>]) -> bool {
    for _ in 0..LOOKS {
        for session in sessions.iter_mut().filter(|session| !session.is_over()) {
            session.shown = daemon.session(&session.id).await;
        }
        let now = world.clock.now();
        let mut open: Vec<_> = sessions.iter_mut().filter(|session| !session.is_over()).collect();
        if open.is_empty() {
            return true;
        }
        let rests: Option<Vec<Timestamp>> = open.iter().map(|session| session.rests_until(now)).collect();
        let Some(rests) = rests else {
            world.clock.sleep(LOOK_EVERY).await;
            continue;
        };
        let mut acted = false;
        for session in &mut open {
            acted |= session.is_acted_for(world).await;
        }
        if let (false, Some(first)) = (acted, rests.into_iter().min()) {
            world.clock.set(first);
        }
    }
    false
}
