//! Amazon Pay cannot be reached for most of a day, with thousands waiting.

use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use sandbox::SandboxClock as _;
use serde_json::{Value, json};

use super::line::Line;
use crate::world::{Recovery, World, confirmations};

const WAITING: usize = 5_000;
const GONE_FOR: SignedDuration = SignedDuration::from_hours(20);
/// An hour passes in a second.
const FAST: f64 = 3_600.0;
/// Any machine follows this, and none more than that.
const SLOW: f64 = 5.0;
const QUICK: f64 = 30.0;
/// Three quarters of what Amazon gives: the rest is the shop front's.
const CONFIRMATIONS_A_SECOND: f64 = 3.0;
/// When Amazon is back, the first deadline is so far away.
const FIRST_DEADLINE: SignedDuration = SignedDuration::from_mins(30);
/// Between two deadlines there is time for two confirmations: enough to save all, but only in their order.
const BETWEEN_DEADLINES: Duration = Duration::from_millis(667);

/// Lets time run as fast as this machine can follow, until all is settled or it is too late: what is tried is the order in
/// which a quota is used, not a machine.
async fn keeping_up(world: &World, too_late: Timestamp) {
    let settled = || -> usize {
        let settled = world.sql("SELECT count(*) FROM sessions WHERE settled");
        settled.trim().parse().unwrap()
    };
    let (mut before, mut then, mut speed) = (settled(), world.clock.now(), SLOW);
    while before <= WAITING && then < too_late {
        world.clock.sleep(Duration::from_secs(10)).await;
        let (count, now) = (settled(), world.clock.now());
        let a_second = number(count - before) / now.duration_since(then).as_secs_f64();
        let follows = CONFIRMATIONS_A_SECOND * 0.8 < a_second;
        speed = if follows { speed * 1.2 } else { speed * 0.7 };
        speed = speed.clamp(SLOW, QUICK);
        world.clock.set_speed(speed);
        (before, then) = (count, now);
    }
    println!(
        "{before} were settled by {then}, {} s before it was too late",
        too_late.duration_since(then).as_secs()
    );
}

/// How many places these sessions were confirmed from where their deadlines would have them, on average; a third of their
/// number where there is no order at all.
fn astray(world: &World, ids: &[String]) -> usize {
    let books = world.sandbox.books();
    let mut confirmed: Vec<(Timestamp, usize)> = ids
        .iter()
        .enumerate()
        .map(|(number, id)| {
            let last = confirmations(books.session(id).unwrap())
                .pop()
                .map_or(Timestamp::MAX, |c| c.at);
            (last, place(number))
        })
        .collect();
    confirmed.sort_unstable();
    let places = confirmed.iter().enumerate();
    let astray: usize = places.map(|(place, (_, wanted))| place.abs_diff(*wanted)).sum();
    println!(
        "{} places from the order of the deadlines, on average",
        astray / ids.len()
    );
    astray / ids.len()
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// The places of the deadlines, mixed: 1,999 and 5,000 have no divisor in common.
fn place(number: usize) -> usize {
    number * 1_999 % WAITING
}

#[tokio::test(flavor = "multi_thread")]
async fn after_twenty_hours_without_amazon_all_that_the_quota_can_save_are_saved_in_the_order_of_their_deadlines()
 {
    let Some(mut world) = World::new("twenty-hours").await else {
        return;
    };
    let mut line = Line::to(&world.sandbox.info().url);
    world.set("accounts.eu_shop.endpoint", line.url());
    for (call, burst, per_second) in [("confirm", 20, 4), ("look_up", 40, 8), ("charge", 20, 4)] {
        world.set(&format!("accounts.eu_shop.quota.{call}.burst"), burst);
        world.set(&format!("accounts.eu_shop.quota.{call}.per_second"), per_second);
    }
    // More of them would only be more to tell.
    world.set("deadline.alert_before", vec!["45m"]);
    let daemon = world.daemon_at_work().await;
    // One that is confirmed as ever, so that there are connections to lose.
    let before = world.completed(json!({}), json!({})).await;
    world.outcome(&before).await;
    line.cut().await;

    let gone_at = world.clock.now();
    let back_at = gone_at + GONE_FOR;
    let sessions: Vec<(Value, Timestamp)> = (0..WAITING)
        .map(|number| {
            let after = BETWEEN_DEADLINES.saturating_mul(u32::try_from(place(number)).unwrap());
            let deadline = back_at + FIRST_DEADLINE + after;
            let created_at = deadline - SignedDuration::from_hours(24);
            let session = world.session(json!({"creationTimestamp": created_at}));
            (session, created_at)
        })
        .collect();
    let mut ids = Vec::with_capacity(WAITING);
    for some in sessions.chunks(250) {
        let said = some
            .iter()
            .map(|(session, created_at)| world.say(session, json!({"sessionCreatedAt": created_at})));
        ids.extend(join_all(said).await);
    }
    world
        .until("all to be on record", async || {
            let recorded = world.sql("SELECT count(*) FROM sessions WHERE NOT settled");
            recorded.trim() == WAITING.to_string()
        })
        .await;
    let took = world.clock.now().duration_since(gone_at).as_secs_f64() / world.clock.speed();
    println!("{WAITING} sessions were on record {took:.1} s after the line was cut");

    world.clock.set_speed(FAST);
    let rest = back_at.duration_since(world.clock.now());
    world.clock.sleep(rest.try_into().unwrap()).await;
    world.clock.set_speed(SLOW);
    let in_doubt = world.sql("SELECT count(*) FROM sessions WHERE state = 'in-doubt'");
    let in_doubt: usize = in_doubt.trim().parse().unwrap();
    println!("{in_doubt} were in doubt");
    // Nothing has left. But where time runs this fast, an attempt's half a minute may be over before this machine has
    // told that the connection is refused.
    assert!(
        in_doubt < WAITING / 100,
        "{in_doubt} are in doubt, and nothing has left"
    );
    line.mend();
    let recovery = Recovery::of(&world, "20 hours without Amazon Pay");
    keeping_up(&world, back_at + SignedDuration::from_hours(4)).await;
    let told = world.outcomes(&ids).await;
    recovery.print(&world, &told);
    world.check_each(&ids, "checkout.confirmed.v1").await;
    let astray = astray(&world, &ids);
    assert!(
        astray < WAITING / 10,
        "on average {astray} places from the order of the deadlines"
    );
    world.end(daemon).await;
}
