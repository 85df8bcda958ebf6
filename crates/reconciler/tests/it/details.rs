//! Who the buyers of confirmed sessions are: asked for when nobody waits, kept once, given up in the end.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use checkout::{AccountName, Event, Outcome, SessionId};
use reconciler::ports::{Call, Clock, NoTurn, PermissionAnswer, PermissionDetails, Share, Turns};
use reconciler::{AskForDetails, BuyerDetails};
use testkit::chance::Seeded;
use testkit::model::{order, t0};

use crate::given::{World, account, arrival_of, session, world};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KEPT_FOR: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Answers as it was told to, and keeps what it was asked for.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<PermissionAnswer>>,
    asked: Mutex<Vec<String>>,
    turns: Mutex<Option<u32>>,
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().expect("nobody panics while holding it")
}

impl Turns for Scripted {
    type Turn = ();

    fn knows(&self, _: &AccountName) -> bool {
        true
    }

    fn turn(&self, of: &AccountName, call: Call) -> Result<(), NoTurn> {
        assert_eq!((of, call), (&account(), Call::Permission));
        match &mut *held(&self.turns) {
            Some(0) => Err(NoTurn::Halted),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl PermissionDetails for Scripted {
    fn permission_details(
        &self,
        (): (),
        _: &AccountName,
        id: &str,
    ) -> impl Future<Output = PermissionAnswer> + Send {
        held(&self.asked).push(id.to_owned());
        let answer = held(&self.answers).pop_front();
        ready(answer.unwrap_or_else(|| told("Ada")))
    }
}

impl Scripted {
    fn answers(answers: impl IntoIterator<Item = PermissionAnswer>) -> Self {
        let scripted = Self::default();
        held(&scripted.answers).extend(answers);
        scripted
    }

    fn times_asked(&self) -> usize {
        held(&self.asked).len()
    }
}

fn told(name: &str) -> PermissionAnswer {
    PermissionAnswer::Told(Box::new(details(name)))
}

fn details(name: &str) -> BuyerDetails {
    BuyerDetails {
        name: Some(name.to_owned()),
        ..BuyerDetails::default()
    }
}

fn not_now() -> PermissionAnswer {
    PermissionAnswer::NotNow { retry_after: None }
}

impl World {
    fn confirmed(&self, name: &str) -> SessionId {
        let id = self.opens(name);
        self.takes_in(arrival_of(&id, order().build(), self.clock.now()));
        assert_eq!(self.log.story(&id).last(), Some(&"confirmed"));
        id
    }

    fn permission_of(&self, id: &SessionId) -> String {
        let last = self.log.look(id, |kept| kept.facts.last().cloned()).flatten();
        match last.map(|fact| fact.event) {
            Some(Event::Settled {
                outcome: Outcome::Confirmed { ids, .. },
                ..
            }) => ids.charge_permission_id,
            other => panic!("it is not confirmed: {other:?}"),
        }
    }

    fn asks(&self, asking: &mut AskForDetails, amazon: &Scripted) {
        let chance = Seeded::new(1);
        let pass = asking.pass(&self.log, amazon, &self.clock, &chance, &Share::All);
        self.run(pass).expect("the log is there");
    }
}

#[test]
fn a_confirmed_sessions_buyer_is_asked_for_once_and_kept_from_the_outcome_on() {
    let world = world();
    let id = world.confirmed("S-1");
    world.clock.advance(DAY);
    let amazon = Scripted::answers([told("Ada")]);
    let mut asking = AskForDetails::new(account(), KEPT_FOR);
    world.asks(&mut asking, &amazon);
    world.asks(&mut asking, &amazon);
    assert_eq!(*held(&amazon.asked), [world.permission_of(&id)]);
    assert!(world.log.details(&id) == Some(Some((details("Ada"), t0().plus(KEPT_FOR)))));
    assert_eq!(
        world.log.story(&id).last(),
        Some(&"confirmed"),
        "no fact comes of it"
    );
}

#[test]
fn a_buyer_of_whom_amazon_tells_nothing_is_given_up() {
    let world = world();
    let ids = ["S-1", "S-2"].map(|name| world.confirmed(name));
    let nobody = PermissionAnswer::Told(Box::default());
    let amazon = Scripted::answers([PermissionAnswer::Gone, nobody]);
    let mut asking = AskForDetails::new(account(), KEPT_FOR);
    world.asks(&mut asking, &amazon);
    assert!(ids.iter().all(|id| world.log.details(id) == Some(None)));
    world.asks(&mut asking, &amazon);
    assert_eq!(amazon.times_asked(), 2);
}

#[test]
fn what_fails_is_asked_for_again_ever_later_and_holds_up_nobody() {
    let world = world();
    let first = world.confirmed("S-1");
    world.clock.advance(Duration::from_secs(1));
    let second = world.confirmed("S-2");
    let later = PermissionAnswer::NotNow {
        retry_after: Some(Duration::from_secs(200)),
    };
    let amazon = Scripted::answers([not_now(), told("Eve"), not_now(), later]);
    let mut asking = AskForDetails::new(account(), KEPT_FOR);
    world.asks(&mut asking, &amazon);
    assert_eq!(amazon.times_asked(), 1, "a pass ends at the first that fails");
    world.asks(&mut asking, &amazon);
    assert!(
        world.log.details(&second)
            == Some(Some((
                details("Eve"),
                t0().plus(Duration::from_secs(1)).plus(KEPT_FOR)
            )))
    );

    // A minute, then two, each half spread; then as long as Amazon says.
    for (seconds, asked) in [(20, 2), (41, 3), (58, 3), (63, 4), (150, 4), (91, 5)] {
        world.clock.advance(Duration::from_secs(seconds));
        world.asks(&mut asking, &amazon);
        assert_eq!(amazon.times_asked(), asked, "{seconds} s later");
    }
    assert!(world.log.details(&first).is_some_and(|kept| kept.is_some()));
}

#[test]
fn after_thirty_days_or_past_its_keep_nobody_is_asked_for() {
    let world = world();
    let id = world.confirmed("S-1");
    let amazon = Scripted::answers([not_now()]);
    let mut asking = AskForDetails::new(account(), KEPT_FOR);
    world.asks(&mut asking, &amazon);
    world.clock.move_to(t0().plus(30 * DAY));
    world.asks(&mut asking, &amazon);
    assert_eq!(amazon.times_asked(), 1);
    assert!(world.log.details(&id).is_none());

    let world = crate::given::world();
    let id = world.confirmed("S-1");
    let mut asking = AskForDetails::new(account(), DAY);
    world.clock.advance(DAY);
    world.asks(&mut asking, &amazon);
    assert_eq!(
        (amazon.times_asked(), world.log.details(&id).is_some()),
        (1, true)
    );
}

#[test]
fn nobody_is_asked_for_without_a_turn() {
    let world = world();
    let ids = ["S-1", "S-2", "S-3"].map(|name| world.confirmed(name));
    let amazon = Scripted::default();
    let mut asking = AskForDetails::new(account(), KEPT_FOR);
    for (turns, asked) in [(0, 0), (2, 2), (0, 2), (9, 3)] {
        *held(&amazon.turns) = Some(turns);
        world.asks(&mut asking, &amazon);
        assert_eq!(amazon.times_asked(), asked, "{turns} turns");
    }
    assert!(ids.iter().all(|id| world.log.details(id).is_some()));
}

#[test]
fn what_is_not_confirmed_is_not_asked_for() {
    let world = world();
    let id = session("S-9");
    world.takes_in(arrival_of(&id, order().build(), world.clock.now()));
    let amazon = Scripted::default();
    let mut asking = AskForDetails::new(account(), KEPT_FOR);
    world.asks(&mut asking, &amazon);
    assert_eq!(amazon.times_asked(), 0);
}
