//! The machine's clock and Amazon's disagree: by minutes all along, or of a sudden by half an hour. The sandbox's clock
//! is Amazon's; it refuses signatures that are a quarter of an hour off.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sandbox::{BuyerAction, SandboxClock as _};
use serde_json::{Value, json};

use crate::world::{Daemon, MachinesClock, World, address, time_of};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Seconds by which a measured time may be off either way: a fact comes that much after its time, an answer's second
/// begins that much before it is sent, and what an answer says is left is taken to be left when its request began.
const MEASURED: i64 = 20;

struct Scene {
    world: World,
    clock: MachinesClock,
    daemon: Daemon,
}

impl Scene {
    async fn new(name: &str, ahead: i64) -> Option<Self> {
        let mut world = World::new(name).await?;
        world.set("deadline.near", "cancel");
        let clock = MachinesClock::ahead_of(&world.clock, ahead).await;
        let daemon = world.daemon_by(&clock).await;
        Some(Self { world, clock, daemon })
    }

    /// A session that has so long left, and what the shop says of it. Confirmd waits.
    async fn begun(&self, left: Duration, session: Value, event: Value) -> String {
        let mut session = session;
        let age = SignedDuration::try_from(24 * HOUR - left).unwrap();
        session["creationTimestamp"] = json!((self.world.clock.now() - age).to_string());
        let id = self.world.completed(session, event).await;
        let knows = |shown: &Value| shown["deadlineFrom"] == "look-up";
        self.world.shown(&self.daemon, &id, "its deadline", knows).await;
        id
    }

    /// Its buyer is still on Amazon's page.
    async fn unfinished(&self, left: Duration) -> String {
        let event = json!({"shippingAddress": address()});
        self.begun(left, json!({"buyerFinished": false}), event).await
    }

    /// Its event says no amount.
    async fn broken(&self, left: Duration) -> String {
        self.begun(left, json!({}), json!({"chargeAmount": null})).await
    }

    /// Amazon is not in a state for it until the buyer "finishes" once more.
    async fn stuck(&self, left: Duration) -> String {
        let refuse = json!({"status": 425, "reasonCode": "TooEarly"});
        self.begun(left, json!({"refuse": refuse}), json!({})).await
    }

    /// So long before the end of a session, at Amazon.
    fn before_end(&self, id: &str, left: Duration) -> Timestamp {
        self.world.book(id).expiration_timestamp - SignedDuration::try_from(left).unwrap()
    }

    /// Lets the time pass until then, from one thing that is due to the next.
    async fn pass_until(&self, then: Timestamp, ids: &[&str]) {
        loop {
            let mut next = then;
            for id in ids {
                let rests = |shown: &Value| {
                    let last = shown["history"].as_array().and_then(|history| history.last());
                    let is_sent = last.is_some_and(|last| last["type"] == "confirmation-started");
                    let due = due_at(shown);
                    !shown["outcome"].is_null() || (!is_sent && due.is_some_and(|due| self.clock.now() < due))
                };
                let shown = self.world.shown(&self.daemon, id, "rest", rests).await;
                if let Some(due) = due_at(&shown) {
                    next = next.min(self.clock.at_amazon(due));
                }
            }
            if then <= self.world.clock.now() {
                return;
            }
            if self.world.clock.now() < next {
                self.world.clock.set(next);
            }
        }
    }

    /// What was left by Amazon's clock, in seconds, when each fact of this type was recorded.
    async fn left_at(&self, id: &str, fact: &str, kind: Option<&str>) -> Vec<i64> {
        let shown = self.daemon.session(id).await;
        let end = self.world.book(id).expiration_timestamp;
        let facts = shown["history"].as_array().unwrap().iter();
        let meant = facts.filter(|one| one["type"] == fact && kind.is_none_or(|kind| one["kind"] == kind));
        meant
            .map(|one| {
                let at = time_of(&one["at"]);
                end.duration_since(self.clock.at_amazon(at)).as_secs()
            })
            .collect()
    }

    /// It was forsworn when half an hour was left, by Amazon's clock, and no sooner.
    async fn is_forsworn_in_time(&self, id: &str, no_later_than: Duration) {
        let left = self.left_at(id, "confirmation-forsworn", None).await;
        let shown = self.daemon.session(id).await;
        assert_eq!(left.len(), 1, "{shown:#}");
        let latest = i64::try_from(no_later_than.as_secs()).unwrap() - MEASURED;
        let earliest = 30 * 60 + MEASURED;
        assert!((latest..=earliest).contains(&left[0]), "{left:?}: {shown:#}");
    }
}

fn due_at(shown: &Value) -> Option<Timestamp> {
    shown["dueAt"].as_str().map(|due| due.parse().unwrap())
}

/// By a clock that is off by this many minutes.
async fn all_sorts_end_as_by_a_right_clock(name: &str, ahead: i64) {
    let Some(mut scene) = Scene::new(name, 60 * ahead).await else {
        return;
    };
    let mut confirmed = Vec::new();
    for _ in 0..3 {
        let id = scene.world.completed(json!({}), json!({})).await;
        scene.world.outcome(&id).await;
        confirmed.push(id);
    }
    let left = 150 * MINUTE;
    let given_up = [scene.unfinished(left).await, scene.broken(left).await];
    let [late, stuck] = [scene.unfinished(left).await, scene.stuck(left).await];
    let all: Vec<&str> = given_up
        .iter()
        .chain([&late, &stuck])
        .map(String::as_str)
        .collect();
    scene.pass_until(scene.before_end(&late, 75 * MINUTE), &all).await;
    scene.world.sandbox.buyer(&late, BuyerAction::Finish).unwrap();
    // In its last moments, when it is long too late by a clock that is ahead.
    scene.pass_until(scene.before_end(&stuck, 4 * MINUTE), &all).await;
    scene.world.sandbox.buyer(&stuck, BuyerAction::Finish).unwrap();
    scene
        .pass_until(
            scene.before_end(&stuck, Duration::ZERO) + SignedDuration::from_mins(12),
            &all,
        )
        .await;
    for id in [late, stuck] {
        let told = scene.world.outcome(&id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
        confirmed.push(id);
    }
    for id in &given_up {
        assert_eq!(scene.world.outcome(id).await.event_type, "checkout.cancelled.v1");
        scene.is_forsworn_in_time(id, 30 * MINUTE).await;
        let near = scene.left_at(id, "alert-raised", Some("deadline-near")).await;
        let (mins, early) = (60, 60 * ahead.max(0));
        assert_eq!(
            near.len(),
            3,
            "six hours at once, two hours, 45 minutes: {near:?}"
        );
        for (left, before) in near[1..].iter().zip([120 * mins, 45 * mins]) {
            let in_time = before - MEASURED..=before + early + MEASURED;
            assert!(in_time.contains(left), "{near:?}");
        }
    }
    scene.world.check_each(&confirmed, "checkout.confirmed.v1").await;
    scene.world.check_each(&given_up, "checkout.cancelled.v1").await;
    scene.world.end(scene.daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_a_clock_ten_minutes_ahead_nothing_is_given_up_early_and_nothing_is_missed() {
    all_sorts_end_as_by_a_right_clock("ahead", 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_a_clock_ten_minutes_behind_nothing_is_missed() {
    all_sorts_end_as_by_a_right_clock("behind", -10).await;
}

/// Half an hour of a sudden, with 25 minutes left of what can be confirmed and 50 of what cannot.
async fn nothing_is_missed_for_a_jump(name: &str, jump: impl Fn(&MachinesClock), left_out: Duration) {
    let Some(mut scene) = Scene::new(name, 0).await else {
        return;
    };
    let first = scene.world.completed(json!({}), json!({})).await;
    scene.world.outcome(&first).await;
    let stuck = scene.stuck(left_out + 40 * MINUTE).await;
    let waiting = scene.unfinished(left_out + 65 * MINUTE).await;
    let both = [stuck.as_str(), waiting.as_str()];
    scene
        .pass_until(scene.before_end(&stuck, left_out + 25 * MINUTE), &both)
        .await;
    jump(&scene.clock);
    scene.world.sandbox.buyer(&stuck, BuyerAction::Finish).unwrap();
    // Signed by a clock that is off, it is refused, until the difference is known.
    scene
        .pass_until(scene.before_end(&stuck, Duration::ZERO), &both)
        .await;
    let told = scene.world.outcome(&stuck).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    scene
        .pass_until(
            scene.before_end(&waiting, Duration::ZERO) + SignedDuration::from_mins(40),
            &[&waiting],
        )
        .await;
    assert_eq!(
        scene.world.outcome(&waiting).await.event_type,
        "checkout.cancelled.v1"
    );
    scene.is_forsworn_in_time(&waiting, 10 * MINUTE).await;
    let near = scene
        .left_at(&waiting, "alert-raised", Some("deadline-near"))
        .await;
    assert!(near.len() <= 3, "{near:?}");
    scene
        .world
        .check_each(&[first, stuck], "checkout.confirmed.v1")
        .await;
    scene.world.check_each(&[waiting], "checkout.cancelled.v1").await;
    scene.world.end(scene.daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_half_an_hour_forward_ends_no_session_that_amazon_gives_time() {
    let jump = |clock: &MachinesClock| clock.jumps(30 * MINUTE);
    nothing_is_missed_for_a_jump("forward", jump, Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_of_a_sudden_half_an_hour_behind_misses_nothing() {
    let jump = |clock: &MachinesClock| clock.is_left_behind(30 * MINUTE);
    nothing_is_missed_for_a_jump("left-behind", jump, 30 * MINUTE).await;
}
