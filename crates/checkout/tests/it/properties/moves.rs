//! What workers, shops, operators and Amazon do, in any order.

use std::time::Duration;

use checkout::{
    AccountIs, BodyRef, ChargeFound, Class, Command, ConfirmAnswer, ForswornBy, Found, Statement,
};
use proptest::prelude::*;
use proptest::sample::select;
use testkit::model::*;

use super::any::{any_charge, any_found, any_kind, statement};

/// What happens next.
#[derive(Debug, Clone)]
pub(super) enum Move {
    /// The step that is due is taken, and Amazon answers this; it takes a while.
    Step(Answers, Duration),
    /// From now on every look-up is answered so.
    Standing(Found),
    /// Time passes.
    Pass(Duration),
    /// Time passes until the deadline is near.
    NearTheEnd,
    /// Time passes until the session is due.
    UntilDue,
    /// The shop says something.
    Said(Statement),
    /// An answer to an earlier attempt comes, late or again.
    Late(u32, ConfirmAnswer),
    /// A look-up that was sent this much earlier comes back.
    LateLookUp(Found, Duration),
    /// An operator acts.
    Operator(Command),
    /// A worker asks for what may not be due.
    OutOfTurn(Command),
}

/// What Amazon says to whatever is asked.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) confirm: Option<ConfirmAnswer>,
    pub(super) look_up: Option<Found>,
    pub(super) charge: Option<ChargeFound>,
}

/// Each as often as it stands here.
fn any_confirm() -> BoxedStrategy<ConfirmAnswer> {
    let read_first_by_its_code = failed(Class::Fix { content: true }, true, answer(500, "AmountMismatch"));
    select(vec![
        accepted(),
        accepted_pending(),
        accepted_without_charge(),
        lost(),
        lost(),
        lost(),
        server_error(500),
        server_error(500),
        server_error(500),
        throttled(),
        throttled(),
        not_in_a_state_for_this(),
        not_in_a_state_for_this(),
        hard_declined(),
        authorization_timed_out(),
        amount_mismatch(),
        amount_mismatch(),
        invalid_request(),
        account_refused(),
        not_sent(),
        read_first_by_its_code,
    ])
    .boxed()
}

fn any_pause() -> BoxedStrategy<Duration> {
    select(vec![
        secs(0),
        secs(1),
        secs(20),
        secs(61),
        mins(6),
        mins(11),
        hours(1),
        hours(5),
        hours(23),
    ])
    .boxed()
}

pub(super) fn any_move() -> BoxedStrategy<Move> {
    let amazon = (any_confirm(), any_found(), any_charge(), 0..10_u8);
    let others = (any_pause(), statement(), any_kind(), 1..4_u32);
    (0..34_u8, amazon, others)
        .prop_map(
            |(which, (confirm, found, charge, how), (pause, statement, kind, attempt))| {
                // One in ten is lost; six in ten look-ups say "open", which is where the story goes on.
                let answers = Answers {
                    confirm: (how != 0).then_some(confirm.clone()),
                    look_up: match how {
                        1 => None,
                        2..=7 => Some(open()),
                        _ => Some(found.clone()),
                    },
                    charge: (how != 2).then_some(charge),
                };
                let account = if how < 5 {
                    AccountIs::Missing
                } else {
                    AccountIs::Configured
                };
                let takes = match how {
                    3 => secs(3),
                    4 => mins(1),
                    _ => secs(0),
                };
                match which {
                    0..=11 => Move::Step(answers, takes),
                    12..=13 => Move::Pass(pause),
                    14 if how < 4 => Move::NearTheEnd,
                    14 => Move::Pass(pause),
                    15..=20 => Move::UntilDue,
                    21..=22 => Move::Said(statement),
                    23..=24 => Move::Late(attempt, confirm),
                    25 => Move::LateLookUp(found, pause),
                    26 if how < 5 => Move::Standing(Found::NotFound),
                    26 => Move::Standing(found),
                    27 => Move::Operator(Command::Release(account)),
                    28 => Move::Operator(Command::Retry(account)),
                    29 => Move::Operator(Command::Forswear(ForswornBy::Operator)),
                    30 if how < 5 => Move::OutOfTurn(Command::Forswear(ForswornBy::Policy)),
                    30 => Move::OutOfTurn(Command::Alert(kind)),
                    31..=32 => Move::OutOfTurn(Command::Account(account)),
                    _ => Move::OutOfTurn(Command::Start {
                        key: key(99),
                        body: BodyRef(99),
                    }),
                }
            },
        )
        .boxed()
}
