//! Whose turn it is: the earliest deadline first, within bounds.

use std::collections::BTreeMap;

use checkout::{AccountName, SessionId, Timestamp};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use reconciler::ports::{Call, Due};
use reconciler::turns::WhenNotAll;
use reconciler::turns::{Claim, Window};
use testkit::model::{hours, mins, money, secs, t};

use crate::given::{account, session};
use crate::plan::plan_of;

fn other_account() -> AccountName {
    AccountName::parse("us_shop").expect("a literal name")
}

fn due(name: &str, due_at: Timestamp) -> Due {
    Due {
        id: session(name),
        account: Some(account()),
        due_at,
        deadline: t(hours(24)),
    }
}

fn sleep(window: &mut Window, name: &str, until: Timestamp) {
    window.sleep(&session(name), Some(&account()), t(hours(24)), until);
}

fn claim(deadline: Timestamp) -> Claim {
    Claim {
        deadline,
        amount: None,
        fresh_until: t(secs(0)),
    }
}

fn want(window: &mut Window, name: &str, deadline: Timestamp) {
    window.want(&session(name), &account(), claim(deadline), Call::Confirm, None);
}

fn pull(window: &mut Window, now: Timestamp) -> Option<SessionId> {
    window.pull(&account(), Call::Confirm, now)
}

#[test]
fn whoever_is_to_be_woken_first_wakes_first() {
    let mut window = Window::new(9);
    sleep(&mut window, "late", t(mins(5)));
    sleep(&mut window, "early", t(mins(1)));
    assert_eq!(window.next_wake(), Some(t(mins(1))));
    assert_eq!(window.wake(t(secs(59))), None);
    assert_eq!(window.wake(t(mins(5))), Some(session("early")));
    assert_eq!(window.wake(t(mins(5))), Some(session("late")));
    assert_eq!(window.wake(t(mins(5))), None);
}

#[test]
fn the_earliest_deadline_goes_first() {
    let mut window = Window::new(9);
    want(&mut window, "calm", t(hours(20)));
    want(&mut window, "urgent", t(hours(2)));
    want(&mut window, "middling", t(hours(9)));
    let order: Vec<_> = std::iter::from_fn(|| pull(&mut window, t(hours(1)))).collect();
    assert_eq!(order, [session("urgent"), session("middling"), session("calm")]);
}

#[test]
fn whoever_can_still_be_saved_goes_before_whoever_cannot() {
    let mut window = Window::new(9);
    want(&mut window, "lost", t(hours(1)));
    want(&mut window, "saved", t(hours(20)));
    assert_eq!(pull(&mut window, t(hours(1))), Some(session("saved")));
    assert_eq!(
        pull(&mut window, t(hours(1))),
        Some(session("lost")),
        "asked about all the same"
    );
}

#[test]
fn a_token_pulls_only_who_wants_that_call_of_that_account() {
    let mut window = Window::new(9);
    want(&mut window, "S-1", t(hours(9)));
    assert_eq!(window.pull(&account(), Call::LookUp, t(secs(0))), None);
    assert_eq!(window.pull(&other_account(), Call::Confirm, t(secs(0))), None);
    assert_eq!(window.wanted().collect::<Vec<_>>(), [&(account(), Call::Confirm)]);
    assert_eq!(pull(&mut window, t(secs(0))), Some(session("S-1")));
    assert_eq!(window.wanted().count(), 0);
}

#[test]
fn a_full_account_loses_its_longest_sleeper_first() {
    let mut window = Window::new(2);
    want(&mut window, "waiting", t(hours(20)));
    sleep(&mut window, "asleep", t(hours(3)));
    sleep(&mut window, "soon", t(mins(1)));
    assert_eq!(window.place(&session("asleep")), None);
    assert_eq!(window.len(), 2);
}

#[test]
fn a_full_account_where_nobody_sleeps_loses_the_least_urgent() {
    let mut window = Window::new(2);
    want(&mut window, "a", t(hours(2)));
    want(&mut window, "b", t(hours(20)));
    want(&mut window, "c", t(hours(1)));
    assert_eq!(window.place(&session("b")), None);
    assert_eq!(window.place(&session("c")), Some(1));
    assert_eq!(window.place(&session("a")), Some(2));
}

#[test]
fn a_full_account_loses_who_is_past_saving_before_anybody_who_can_be_saved() {
    let mut window = Window::new(2);
    want(&mut window, "past", t(hours(1)));
    want(&mut window, "just-past", t(hours(2)));
    assert_eq!(window.wake(t(hours(3))), None);
    want(&mut window, "can-be-saved", t(hours(24)));
    assert_eq!(window.len(), 2);
    assert_eq!(pull(&mut window, t(hours(3))), Some(session("can-be-saved")));
    assert_eq!(pull(&mut window, t(hours(3))), Some(session("past")));
}

#[test]
fn a_full_account_takes_no_room_from_another() {
    let mut window = Window::new(1);
    want(&mut window, "S-1", t(hours(2)));
    window.want(
        &session("S-2"),
        &other_account(),
        claim(t(hours(9))),
        Call::Confirm,
        None,
    );
    window.sleep(&session("S-3"), None, t(hours(9)), t(hours(1)));
    assert_eq!(window.len(), 3);
}

#[test]
fn what_the_log_says_is_due_is_woken_earlier_but_never_later() {
    let mut window = Window::new(9);
    window.note_due(&due("new", t(mins(3))));
    sleep(&mut window, "long", t(hours(1)));
    window.note_due(&due("long", t(mins(1))));
    sleep(&mut window, "short", t(mins(2)));
    window.note_due(&due("short", t(mins(30))));
    for (minute, name) in [(1, "long"), (2, "short"), (3, "new")] {
        assert_eq!(window.wake(t(mins(minute)).minus(secs(1))), None);
        assert_eq!(window.wake(t(mins(minute))), Some(session(name)));
    }
}

#[test]
fn what_the_log_brings_up_is_looked_at_however_full_the_account_is() {
    let mut window = Window::new(2);
    want(&mut window, "a", t(hours(2)));
    want(&mut window, "b", t(hours(3)));
    for beyond in ["c", "d"] {
        window.note_due(&due(beyond, t(mins(1))));
    }
    assert_eq!(window.len(), 4, "nobody has left for them");
    assert_eq!(window.wake(t(mins(1))), Some(session("c")));
    assert_eq!(window.wake(t(mins(1))), Some(session("d")));
    // Looked at, it waits as the others do, and is the least urgent of them.
    want(&mut window, "c", t(hours(24)));
    assert_eq!(window.place(&session("c")), None);
    assert_eq!(
        (window.place(&session("a")), window.place(&session("b"))),
        (Some(1), Some(2))
    );
}

#[test]
fn what_the_log_brings_up_stays_within_bounds_too() {
    let mut window = Window::new(2);
    for (name, at) in [("late", mins(9)), ("early", mins(1)), ("middling", mins(5))] {
        window.note_due(&due(name, t(at)));
    }
    let order: Vec<_> = std::iter::from_fn(|| window.wake(t(mins(10)))).collect();
    assert_eq!(order, [session("early"), session("middling")]);
    assert!(window.is_empty());
}

#[test]
fn whoever_waits_for_a_token_goes_on_waiting_when_it_is_due() {
    let mut window = Window::new(9);
    want(&mut window, "S-1", t(hours(2)));
    window.note_due(&due("S-1", t(secs(0))));
    assert_eq!(window.wake(t(hours(1))), None);
    assert_eq!(pull(&mut window, t(hours(1))), Some(session("S-1")));
}

#[test]
fn whoever_waits_for_a_token_is_looked_at_meanwhile_if_it_asked_for_that() {
    let mut window = Window::new(9);
    let id = session("S-1");
    window.want(
        &id,
        &account(),
        claim(t(hours(9))),
        Call::Confirm,
        Some(t(hours(3))),
    );
    assert_eq!(window.next_wake(), Some(t(hours(3))));
    assert_eq!(window.wake(t(hours(3))), Some(id));
    assert_eq!(pull(&mut window, t(hours(3))), None);
}

#[test]
fn a_session_stands_in_one_place_only() {
    let mut window = Window::new(9);
    sleep(&mut window, "S-1", t(mins(1)));
    want(&mut window, "S-1", t(hours(2)));
    assert_eq!(window.len(), 1);
    assert_eq!(window.next_wake(), None);
    sleep(&mut window, "S-1", t(mins(2)));
    assert_eq!(window.wanted().count(), 0);
    window.remove(&session("S-1"));
    assert!(window.is_empty());
}

fn want_worth(window: &mut Window, name: &str, deadline: Timestamp, amount: &str) {
    let worth = Claim {
        amount: Some(money(amount, "EUR")),
        ..claim(deadline)
    };
    window.want(&session(name), &account(), worth, Call::Confirm, None);
}

fn want_fresh(window: &mut Window, name: &str, arrived: Timestamp) {
    let fresh = Claim {
        fresh_until: arrived.plus(mins(1)),
        ..claim(arrived.plus(hours(24)))
    };
    window.want(&session(name), &account(), fresh, Call::Confirm, None);
}

fn pulled(window: &mut Window, now: Timestamp, count: usize) -> Vec<String> {
    let next = || pull(window, now).map(|id| id.as_str().to_owned());
    std::iter::from_fn(next).take(count).collect()
}

/// As many sessions as letters, an hour before the deadline of each.
fn backlog(window: &mut Window, names: &str) {
    for name in names.split(' ') {
        want(window, name, t(hours(1)));
    }
}

#[test]
fn a_part_of_the_tokens_goes_to_buyers_who_wait_the_last_to_come_first() {
    let mut window = Window::new(99);
    window.set_fresh_share(&account(), 0.25);
    backlog(&mut window, "a b c d e f g h");
    want_fresh(&mut window, "came-first", t(secs(1)));
    want_fresh(&mut window, "came-last", t(secs(2)));
    assert_eq!(
        pulled(&mut window, t(secs(3)), 8),
        ["a", "b", "c", "d", "came-last", "e", "f", "g"]
    );
    // A minute later its buyer has left, and it waits as all do.
    assert_eq!(pulled(&mut window, t(mins(2)), 9), ["h", "came-first"]);
}

#[test]
fn no_buyer_who_waits_goes_first_without_a_share_or_where_somebody_would_be_lost_by_it() {
    for (share, capacity) in [(0.0, 1_000.0), (0.25, 0.001)] {
        let mut window = Window::new(99);
        window.set_fresh_share(&account(), share);
        window.set_plan(
            &account(),
            plan_of(&[(hours(1), 8, 80.0)], capacity, WhenNotAll::MostSessions),
        );
        backlog(&mut window, "a b c d e f g h");
        want_fresh(&mut window, "fresh", t(secs(1)));
        let order = pulled(&mut window, t(secs(3)), 9);
        assert_eq!(order.last().map(String::as_str), Some("fresh"), "{order:?}");
    }
}

#[test]
fn whoever_is_given_up_waits_for_all_others_who_can_be_saved() {
    let mut window = Window::new(9);
    for (name, deadline, amount) in [("cheap", 2, "1.00"), ("dear", 2, "90.00"), ("late", 0, "90.00")] {
        want_worth(&mut window, name, t(hours(deadline)), amount);
    }
    let cells = [(hours(3), 100, 100.0), (hours(3), 100, 9_000.0)];
    window.set_plan(
        &account(),
        plan_of(&cells, 100.0 / 10_800.0, WhenNotAll::MostValue),
    );
    assert_eq!(pulled(&mut window, t(secs(1)), 9), ["dear", "cheap", "late"]);
}

#[test]
fn whoever_is_given_up_makes_room_for_those_who_are_not() {
    let mut window = Window::new(2);
    let cells = [(hours(3), 100, 100.0), (hours(3), 100, 9_000.0)];
    window.set_plan(
        &account(),
        plan_of(&cells, 100.0 / 10_800.0, WhenNotAll::MostValue),
    );
    for (name, deadline, amount) in [("a", 1, "1.00"), ("b", 1, "1.00"), ("dear", 2, "90.00")] {
        want_worth(&mut window, name, t(hours(deadline)), amount);
    }
    assert_eq!(pulled(&mut window, t(secs(1)), 9), ["dear", "a"]);
}

#[test]
fn who_has_not_stood_in_line_overtakes_only_the_less_urgent() {
    let mut window = Window::new(9);
    let now = t(secs(1));
    let may =
        |window: &mut Window, deadline| window.may_go_first(&account(), Call::Confirm, &claim(deadline), now);
    assert!(may(&mut window, t(hours(9))), "nobody waits");
    want(&mut window, "a", t(hours(5)));
    assert!(may(&mut window, t(hours(4))));
    assert!(!may(&mut window, t(hours(5))));
    assert!(!may(&mut window, t(hours(6))));
    assert!(!may(&mut window, now), "nothing can be lost there any more");
    assert!(window.may_go_first(&account(), Call::LookUp, &claim(t(hours(6))), now));
}

#[test]
fn a_buyer_who_waits_may_go_first_as_often_as_the_share_allows() {
    let mut window = Window::new(99);
    window.set_fresh_share(&account(), 0.5);
    backlog(&mut window, "a b c d");
    let fresh = Claim {
        fresh_until: t(mins(1)),
        ..claim(t(hours(24)))
    };
    let goes = |window: &mut Window| window.may_go_first(&account(), Call::Confirm, &fresh, t(secs(1)));
    assert!(!goes(&mut window));
    assert_eq!(pulled(&mut window, t(secs(1)), 2), ["a", "b"]);
    assert!(goes(&mut window));
    assert!(!goes(&mut window));
}

#[test]
fn accounts_take_turns_in_being_looked_at() {
    let mut window = Window::new(99);
    for name in ["a", "b", "c"] {
        sleep(&mut window, name, t(mins(1)));
        let other = session(&format!("other-{name}"));
        window.sleep(&other, Some(&other_account()), t(hours(24)), t(mins(2)));
    }
    let order: Vec<_> = std::iter::from_fn(|| window.wake(t(mins(3)))).collect();
    let names: Vec<&str> = order.iter().map(SessionId::as_str).collect();
    assert_eq!(names, ["a", "other-a", "b", "other-b", "c", "other-c"]);
}

#[derive(Debug, Clone)]
enum Move {
    Sleep(u8, bool, u64),
    Want(u8, bool, Option<u64>),
    NoteDue(u8, u64),
    Remove(u8),
    Wake(u64),
    Pull(bool, u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let minutes = || 0..600_u64;
    let one = prop_oneof![
        (0..12_u8, proptest::bool::ANY, minutes()).prop_map(|(id, ours, at)| Move::Sleep(id, ours, at)),
        (0..12_u8, proptest::bool::ANY, proptest::option::of(minutes()))
            .prop_map(|(id, ours, at)| Move::Want(id, ours, at)),
        (0..12_u8, minutes()).prop_map(|(id, at)| Move::NoteDue(id, at)),
        (0..12_u8).prop_map(Move::Remove),
        minutes().prop_map(Move::Wake),
        (proptest::bool::ANY, minutes()).prop_map(|(ours, at)| Move::Pull(ours, at)),
    ];
    proptest::collection::vec(one, 0..60)
}

fn name_of(ours: bool) -> AccountName {
    if ours { account() } else { other_account() }
}

fn deadline_of(id: u8) -> Timestamp {
    t(mins(u64::from(id) * 37))
}

proptest! {
    /// Whatever is put in and taken out: no account holds more than its share and what the log has just
    /// brought up, nobody is brought up who was not put in, and of those that can still be saved the earliest
    /// deadline comes first.
    #[test]
    fn a_window_stays_within_bounds_and_in_order(moves in moves()) {
        const LIMIT: usize = 3;
        let mut window = Window::new(LIMIT);
        let mut wanting: BTreeMap<u8, AccountName> = BTreeMap::new();
        let id_of = |number: u8| session(&format!("S-{number}"));
        let number_of = |id: &SessionId| id.as_str()[2..].parse::<u8>().unwrap();
        for one in moves {
            match one {
                Move::Sleep(id, ours, at) => {
                    wanting.remove(&id);
                    window.sleep(&id_of(id), Some(&name_of(ours)), deadline_of(id), t(mins(at)));
                }
                Move::Want(id, ours, look_at) => {
                    wanting.insert(id, name_of(ours));
                    let look_at = look_at.map(|at| t(mins(at)));
                    window.want(&id_of(id), &name_of(ours), claim(deadline_of(id)), Call::Confirm, look_at);
                }
                Move::NoteDue(id, at) => window.note_due(&Due {
                    id: id_of(id),
                    account: Some(account()),
                    due_at: t(mins(at)),
                    deadline: deadline_of(id),
                }),
                Move::Remove(id) => {
                    wanting.remove(&id);
                    window.remove(&id_of(id));
                }
                Move::Wake(at) => {
                    let first = window.next_wake();
                    let woken = window.wake(t(mins(at)));
                    prop_assert_eq!(woken.is_some(), first.is_some_and(|first| first <= t(mins(at))));
                    if let Some(id) = woken {
                        wanting.remove(&number_of(&id));
                        prop_assert_eq!(window.place(&id), None);
                    }
                }
                Move::Pull(ours, at) => {
                    let now = t(mins(at));
                    // Those that had to leave a full window are brought back by the log, not by the window.
                    wanting.retain(|id, _| window.place(&id_of(*id)).is_some());
                    let of_account = wanting.iter().filter(|(_, of)| **of == name_of(ours));
                    let best = of_account.map(|(id, _)| *id).min_by_key(|id| (deadline_of(*id) <= now, *id));
                    let pulled = window.pull(&name_of(ours), Call::Confirm, now);
                    prop_assert_eq!(pulled.as_ref().map(number_of), best);
                    if let Some(id) = best {
                        wanting.remove(&id);
                    }
                }
            }
            wanting.retain(|id, _| window.place(&id_of(*id)).is_some());
            let placed = (0..12).filter(|id| window.place(&id_of(*id)).is_some()).count();
            prop_assert!(placed <= 2 * LIMIT);
            // The log brings up sessions of one of the two accounts.
            prop_assert!(window.len() <= 3 * LIMIT);
        }
    }
}

#[test]
fn whoever_has_no_room_is_passed_over_and_not_forgotten() {
    let mut window = Window::new(9);
    let quick = AccountName::parse("quick").unwrap();
    let slow = AccountName::parse("slow").unwrap();
    window.sleep(&session("first"), Some(&slow), t(hours(24)), t(mins(1)));
    window.sleep(&session("second"), Some(&quick), t(hours(24)), t(mins(2)));
    let not_slow = |account: Option<&AccountName>| account != Some(&slow);
    assert_eq!(window.next_wake_where(not_slow), Some(t(mins(2))));
    assert_eq!(window.wake_where(t(mins(1)), not_slow), None);
    let woken = window.wake_where(t(mins(2)), not_slow);
    assert_eq!(woken, Some((session("second"), Some(quick))));
    assert_eq!(window.next_wake_where(not_slow), None);
    assert_eq!(window.wake(t(mins(2))), Some(session("first")));
}
