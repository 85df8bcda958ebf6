//! Which steps there are from a state of the world.

use checkout::{Session, Step, Timestamp, next_step};
use testkit::model::*;

use crate::amazon::{Charge, How, State};
use crate::protocol::has_work;
use crate::worker::{Doing, Worker};
use crate::world::{Action, Protocol, Without, World};

impl Protocol {
    pub(crate) fn actions_of(&self, world: &World, actions: &mut Vec<Action>) {
        let now = self.now(world);
        if world.instant + 1 < self.instants.len() {
            actions.push(Action::TimePasses);
        }
        for (number, worker) in world.workers.iter().enumerate() {
            if self.workers == 1 && !world.workers[1 - number].is_idle() {
                continue;
            }
            // Two that do nothing are one.
            if number == 1 && worker.is_idle() && world.workers[0].is_idle() {
                continue;
            }
            self.actions_of_worker(world, number, worker, now, actions);
        }
        if world.told.len() < world.recorded.len() {
            actions.push(Action::Tell);
        }
        for (number, post) in world.amazon.posts.iter().enumerate() {
            if post.is_under_way {
                actions.push(Action::Deal(number, How::AsItStands));
                if world.amazon.state == State::Open {
                    // What is answered to nobody is only lost.
                    let told = |how: &&How| world.waits_for(number) || **how == How::WithPaymentPending;
                    let others = self.manners.iter().filter(told);
                    actions.extend(others.map(|how| Action::Deal(number, *how)));
                }
            }
        }
        match world.amazon.state {
            State::Open if t(hours(24)) <= now => actions.push(Action::Expire),
            State::Open if self.buyer_may_cancel => actions.push(Action::BuyerCancels),
            State::Pending => {
                actions.push(Action::DecidePayment(Charge::Captured));
                actions.push(Action::DecidePayment(Charge::Declined));
            }
            State::Open | State::Completed | State::Canceled(_) => {}
        }
    }

    fn actions_of_worker(
        &self,
        world: &World,
        number: usize,
        worker: &Worker,
        now: Timestamp,
        actions: &mut Vec<Action>,
    ) {
        match &worker.doing {
            Doing::Nothing => {
                if world.deliveries > 0 {
                    actions.push(Action::Hear(number));
                }
                if has_work(next_step(&world.log, now, &self.policy)) {
                    actions.push(Action::Read(number));
                }
                return;
            }
            Doing::Reads => self.actions_of_step(world, number, worker, now, actions),
            Doing::Decided { .. } => actions.push(Action::Commit(number)),
            Doing::Begun => actions.extend([Action::Send(number), Action::FailToSend(number)]),
            // A request that has its effect and whose answer is lost is one whose answer is lost before.
            Doing::Waits { .. } => actions.push(Action::Lose(number)),
            Doing::Answered { .. } | Doing::LookedUp { .. } | Doing::ChargeLookedUp(_) => {
                actions.push(Action::Record(number));
                if world.lost_commits < self.lost_commits {
                    actions.push(Action::RecordAndLoseTheAnswer(number));
                }
            }
        }
        // Whoever crashes with nothing sent or recorded leaves the world as if it had done nothing.
        if let Doing::Begun | Doing::Waits { .. } | Doing::Answered { .. } = worker.doing {
            actions.push(Action::Crash(number));
        }
    }

    fn actions_of_step(
        &self,
        world: &World,
        number: usize,
        worker: &Worker,
        now: Timestamp,
        actions: &mut Vec<Action>,
    ) {
        let step = self.step(worker, now);
        match step {
            Step::Confirm if world.begun < self.attempts => actions.push(Action::Decide(number)),
            Step::LookUp => {
                actions.push(Action::LookUp(number));
                if self.look_ups_may_fail {
                    actions.push(Action::FailToLookUp(number));
                }
            }
            Step::LookUpCharge => actions.push(Action::LookUpCharge(number)),
            Step::Alert(_) | Step::Forswear => actions.push(Action::Note(number)),
            Step::Confirm | Step::WaitUntil(_) | Step::Rest => {}
        }
        let in_doubt =
            matches!(&*worker.view, Session::Open(open) if open.may_have_landed(now, &self.policy));
        match self.without {
            Without::LookUpInDoubt if step == Step::LookUp && in_doubt && world.begun < self.attempts => {
                actions.push(Action::Decide(number));
            }
            Without::LookUpAfterDeadline
                if matches!(&*worker.view, Session::Open(_)) && t(hours(24)) <= now =>
            {
                actions.push(Action::GiveUp(number));
            }
            _ => {}
        }
    }
}
