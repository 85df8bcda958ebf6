//! Amazon Pay as a simulated worker calls it: from a machine with a clock of its own, and with one guard of the
//! client's taken out, where a test shows what the guard is for.

use std::future::Future;

use checkout::{AccountName, ChargeAnswer, ChargeFound, ConfirmAnswer, LookUpAnswer, Order, SessionId};
use reconciler::Personal;
use reconciler::ports::{Attempt, Call, ConfirmCheckout, LookUp, NoTurn, Turns};
use testkit::fake_amazon::{FakeAmazon, Turn};

use super::coverage::Reached;
use super::mutant::Without;

#[derive(Clone)]
pub(crate) struct SimAmazon {
    pub(crate) amazon: FakeAmazon,
    pub(crate) without: Without,
    pub(crate) reached: Reached,
}

impl Turns for SimAmazon {
    type Turn = Turn;

    fn knows(&self, account: &AccountName) -> bool {
        self.amazon.knows(account)
    }

    fn turn(&self, account: &AccountName, call: Call) -> Result<Turn, NoTurn> {
        self.amazon.turn(account, call)
    }
}

impl ConfirmCheckout for SimAmazon {
    fn request_body(&self, order: &Order, personal: &Personal) -> Vec<u8> {
        self.amazon.request_body(order, personal)
    }

    fn confirm(&self, turn: Turn, mut attempt: Attempt) -> impl Future<Output = ConfirmAnswer> + Send {
        if self.without == Without::TheRecheckOfSendBy {
            attempt.send_by = attempt
                .send_by
                .plus(std::time::Duration::from_secs(365 * 24 * 3600));
        }
        let (asked, reached) = (self.amazon.confirm(turn, attempt), self.reached.clone());
        async move {
            let answer = asked.await;
            reached.answer(&answer);
            answer
        }
    }
}

impl LookUp for SimAmazon {
    fn look_up(
        &self,
        turn: Turn,
        account: &AccountName,
        id: &SessionId,
        trace: Option<&str>,
    ) -> impl Future<Output = (LookUpAnswer, Option<Personal>)> + Send {
        self.amazon.look_up(turn, account, id, trace)
    }

    fn look_up_charge(
        &self,
        turn: Turn,
        account: &AccountName,
        charge_id: &str,
        trace: Option<&str>,
    ) -> impl Future<Output = ChargeAnswer> + Send {
        let asked = self.amazon.look_up_charge(turn, account, charge_id, trace);
        let taken = self.without == Without::TheLookUpOfTheCharge;
        async move {
            match asked.await {
                ChargeAnswer::Told { answer, .. } if taken => ChargeAnswer::Told {
                    found: ChargeFound::Captured,
                    answer,
                },
                answer => answer,
            }
        }
    }
}
