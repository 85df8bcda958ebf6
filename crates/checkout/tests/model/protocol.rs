//! What each step makes of the world. What a worker decides, and what a fact means, is the shipped code's:
//! `next_step`, `decide` and `Session::evolve`.

use std::time::Duration;

use checkout::{
    Answer, Command, Event, ForswornBy, Found, IdempotencyKey, KeyChoice, Outcome, Policy, Session, Step,
    Timestamp, decide, next_step,
};
use testkit::model::*;

use crate::amazon::{Breach, Key, Post, Reply, Seen, State, Why};
use crate::worker::{Doing, Read, Worker};
use crate::world::{Action, Protocol, Verdict, Without, World};

impl Protocol {
    /// An attempt moves the clock a little when it is begun and when it leaves, so that what was asked before is
    /// earlier.
    pub(crate) fn now(&self, world: &World) -> Timestamp {
        let ticks = usize::from(world.begun) + world.amazon.posts.len();
        t(self.instants[world.instant]).plus(Duration::from_micros(ticks as u64))
    }

    pub(crate) fn step(&self, worker: &Worker, now: Timestamp) -> Step {
        next_step(&worker.view, now, &self.policy)
    }

    fn decide(&self, session: &Session, now: Timestamp, command: Command) -> Vec<Event> {
        decide(session, now, &self.policy, command).unwrap_or_default()
    }

    fn evolve(&self, session: &Session, at: Timestamp, events: &[Event]) -> Read {
        let mut session = session.clone();
        for event in events {
            session = session.evolve(at, event);
            let says_open = matches!(event, Event::LookedUp { found, .. } if found.is_open());
            if let (Without::StickyDoubt, true, Session::Open(open)) = (self.without, says_open, &mut session)
            {
                open.doubt = None;
                open.question = None;
            }
        }
        Read::new(session)
    }

    pub(crate) fn after(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        let now = self.now(before);
        match action {
            Action::TimePasses => self.time_passes(&mut world),
            Action::Hear(w) => self.hear(&mut world, w, now),
            Action::Read(w) => {
                world.workers[w] = Worker {
                    view: world.log.clone(),
                    is_overtaken: false,
                    doing: Doing::Reads,
                };
            }
            Action::Decide(w) => self.decide_to_confirm(&mut world, w)?,
            Action::Commit(w) => self.commit_intent(&mut world, w),
            Action::Send(w) => self.send(&mut world, w, now)?,
            Action::FailToSend(w) => {
                let attempt = in_flight(&world.workers[w].view)?.attempt;
                world.workers[w].doing = not_sent(attempt);
            }
            Action::Lose(w) => lose(&mut world.workers[w]),
            Action::LookUp(w) => {
                let seen = Some(Seen(world.amazon.state));
                world.workers[w].doing = Doing::LookedUp {
                    begun_at: now,
                    posts: world.amazon.posts.len(),
                    seen,
                };
            }
            Action::FailToLookUp(w) => {
                world.workers[w].doing = Doing::LookedUp {
                    begun_at: now,
                    posts: 0,
                    seen: None,
                };
            }
            Action::LookUpCharge(w) => {
                world.workers[w].doing = Doing::ChargeLookedUp(world.amazon.charge);
            }
            Action::Record(w) => self.record(&mut world, w, now, true)?,
            Action::RecordAndLoseTheAnswer(w) => self.record(&mut world, w, now, false)?,
            Action::Note(w) => self.note(&mut world, w, now)?,
            Action::GiveUp(w) => {
                let settled = Event::Settled {
                    outcome: Outcome::Expired,
                    answer: Answer::default(),
                };
                self.append(&mut world, w, now, &[settled]);
                world.workers[w] = Worker::idle();
            }
            Action::Crash(w) => world.workers[w] = Worker::idle(),
            Action::Tell => {
                let (next, _) = world.recorded[world.told.len()];
                world.told.push(next);
            }
            Action::Deal(post, how) => {
                let reply = world.amazon.deal_with(post, how, self.honours);
                answer(&mut world.workers, post, reply);
            }
            Action::DecidePayment(charge) => world.amazon.decide(charge),
            Action::Expire => world.amazon.state = State::Canceled(Why::Expired),
            Action::BuyerCancels => world.amazon.state = State::Canceled(Why::BuyerCanceled),
        }
        let now = self.now(&world);
        for worker in &mut world.workers {
            // Its pass is over, unless it still has to read what overtook it.
            if worker.doing == Doing::Reads && !has_work(self.step(worker, now)) {
                *worker = Worker::idle();
            }
        }
        Some(world.made_canonical())
    }

    fn time_passes(&self, world: &mut World) {
        world.instant += 1;
        let now = self.now(world);
        for worker in &mut world.workers {
            if let Doing::Waits { answer_by, .. } = worker.doing
                && answer_by <= now
            {
                lose(worker);
            }
        }
    }

    /// As if it had never been heard of, which the log refuses if it has.
    fn hear(&self, world: &mut World, w: usize, now: Timestamp) {
        world.deliveries -= 1;
        let events = self.decide(&Session::Unseen, now, self.heard());
        let session = self.evolve(&Session::Unseen, now, &events);
        let begins = next_step(&session, now, &self.policy) == Step::Confirm && world.begun < self.attempts;
        world.workers[w].is_overtaken = *world.log != Session::Unseen;
        if begins {
            world.begun += 1;
            world.workers[w].doing = Doing::Decided {
                at: now,
                key: world.begun,
                hears: true,
            };
        } else {
            self.append(world, w, now, &events);
            world.workers[w] = Worker::idle();
        }
    }

    fn heard(&self) -> Command {
        Command::Observe {
            statement: self.statement.clone(),
            said_at: t0(),
            session_created_at: Some(t0()),
        }
    }

    fn decide_to_confirm(&self, world: &mut World, w: usize) -> Option<()> {
        let Session::Open(open) = &*world.workers[w].view else {
            return None;
        };
        world.begun += 1;
        let key = match open.key_choice() {
            KeyChoice::Repeat(key, _) => number_of(&key),
            KeyChoice::NewKey(_) | KeyChoice::New => world.begun,
        };
        world.workers[w].doing = Doing::Decided {
            at: self.now(world),
            key,
            hears: false,
        };
        Some(())
    }

    fn intent(&self, view: &Read, at: Timestamp, number: Key, hears: bool) -> Vec<Event> {
        let mut events = Vec::new();
        let mut session = view.clone();
        if hears {
            events = self.decide(&session, at, self.heard());
            session = self.evolve(&session, at, &events);
        }
        let Session::Open(open) = &*session else {
            return events;
        };
        let attempt = open.subject.attempts + 1;
        let body = match open.key_choice() {
            KeyChoice::Repeat(_, body) | KeyChoice::NewKey(body) => body,
            KeyChoice::New => checkout::BodyRef(attempt),
        };
        let send_by = at.plus(Policy::SEND_WITHIN);
        let key = key(u32::from(number));
        let started = Command::Start {
            key: key.clone(),
            body,
        };
        match self.without {
            Without::LookUpInDoubt => events.push(Event::ConfirmationStarted {
                attempt,
                key,
                body,
                send_by,
            }),
            _ => events.extend(self.decide(&session, at, started)),
        }
        events
    }

    fn commit_intent(&self, world: &mut World, w: usize) {
        let Doing::Decided { at, key, hears } = world.workers[w].doing.clone() else {
            return;
        };
        let view = world.workers[w].view.clone();
        let events = self.intent(&view, at, key, hears);
        if events.is_empty() || !self.append(world, w, at, &events) {
            if hears {
                // It has been heard of, and says the same.
                world.workers[w] = Worker::idle();
            } else {
                self.reload(world, w);
                world.workers[w].doing = Doing::Reads;
            }
            return;
        }
        world.workers[w].doing = match in_flight(&world.workers[w].view) {
            Some(_) => Doing::Begun,
            None => Doing::Reads,
        };
    }

    fn reload(&self, world: &mut World, w: usize) {
        world.workers[w].view = world.log.clone();
        world.workers[w].is_overtaken = false;
    }

    /// Whether it was taken. Whoever is overtaken is told so.
    fn append(&self, world: &mut World, w: usize, at: Timestamp, events: &[Event]) -> bool {
        let is_overtaken = world.workers[w].is_overtaken;
        let told = events.iter().filter_map(|event| match event {
            Event::Settled { outcome, .. } => Some(Verdict::of(outcome)),
            Event::ConfirmationForsworn { .. } if self.without == Without::ProofOfCancel => {
                Some(Verdict::Cancelled)
            }
            _ => None,
        });
        let told: Vec<Verdict> = told.collect();
        if self.without == Without::RecordBeforeTelling {
            world.told.extend(&told);
        }
        if is_overtaken && self.without != Without::ExpectedVersion {
            return false;
        }
        let is_kept = |event: &&Event| {
            self.without != Without::IntentRecord || !matches!(event, Event::ConfirmationStarted { .. })
        };
        let kept: Vec<Event> = events.iter().filter(is_kept).cloned().collect();
        world.workers[w].view = self.evolve(&world.workers[w].view, at, events);
        world.log = self.evolve(&world.log, at, &kept);
        world.workers[w].is_overtaken |= kept.len() < events.len();
        if !kept.is_empty() {
            world.workers[1 - w].is_overtaken = true;
        }
        let doing = &world.workers[w].doing;
        let recorded: Vec<(Verdict, bool)> =
            told.iter().map(|told| (*told, doing.bears_out(*told))).collect();
        world.recorded.extend(recorded);
        true
    }

    fn send(&self, world: &mut World, w: usize, now: Timestamp) -> Option<()> {
        let flight = in_flight(&world.workers[w].view)?.clone();
        let closing = t(hours(24)).minus(self.policy.last_attempt_before);
        let is_late = now > flight.send_by || now >= closing;
        if is_late && self.without != Without::SendBy {
            world.workers[w].doing = not_sent(flight.attempt);
            return Some(());
        }
        let key = number_of(&flight.key);
        let on_record = world.log.subject().map_or(0, |subject| subject.attempts);
        let posts = &world.amazon.posts;
        let mut breaches = Vec::new();
        if on_record < flight.attempt {
            breaches.push(Breach::IntentNotOnRecord);
        }
        if posts.iter().any(|post| !post.is_disproved && post.key != key) {
            breaches.push(Breach::AnotherKeyInDoubt);
        }
        if posts.iter().any(|post| !post.is_cleared) {
            breaches.push(Breach::EarlierOneNotCleared);
        }
        world.workers[w].doing = Doing::Waits {
            attempt: flight.attempt,
            post: posts.len(),
            answer_by: flight.until(&self.policy),
        };
        world.amazon.posts.push(Post {
            key,
            is_under_way: true,
            is_cleared: false,
            is_disproved: false,
            breaches,
        });
        Some(())
    }

    fn record(&self, world: &mut World, w: usize, now: Timestamp, is_answered: bool) -> Option<()> {
        let command = world.workers[w].command()?;
        let events = self.decide(&world.workers[w].view, now, command);
        let before = world.workers[w].clone();
        if events.is_empty() {
            world.workers[w].doing = Doing::Reads;
            return is_answered.then_some(());
        }
        if !self.append(world, w, now, &events) {
            self.reload(world, w);
            return is_answered.then_some(());
        }
        clear(world, &before.doing, &events);
        if is_answered {
            world.workers[w].doing = Doing::Reads;
        } else {
            world.lost_commits += 1;
            world.workers[w] = Worker {
                is_overtaken: true,
                ..before
            };
        }
        Some(())
    }

    /// What needs no call.
    fn note(&self, world: &mut World, w: usize, now: Timestamp) -> Option<()> {
        let command = match self.step(&world.workers[w], now) {
            Step::Alert(kind) => Command::Alert(kind),
            Step::Forswear => Command::Forswear(ForswornBy::Policy),
            Step::Confirm | Step::LookUp | Step::LookUpCharge | Step::WaitUntil(_) | Step::Rest => {
                return None;
            }
        };
        let events = self.decide(&world.workers[w].view, now, command);
        if !self.append(world, w, now, &events) {
            self.reload(world, w);
        }
        Some(())
    }
}

/// What the record says of earlier requests from now on.
fn clear(world: &mut World, doing: &Doing, events: &[Event]) {
    match doing {
        Doing::Answered {
            post: Some(post),
            reply,
            ..
        } if reply.proves_no_effect() => {
            world.amazon.posts[*post].is_cleared = true;
            world.amazon.posts[*post].is_disproved = true;
        }
        Doing::LookedUp { posts, .. } => {
            let is_told = |event: &Event| {
                matches!(
                    event,
                    Event::LookedUp {
                        found: Found::Open { .. },
                        ..
                    }
                )
            };
            if events.iter().any(is_told) {
                for post in &mut world.amazon.posts[..*posts] {
                    post.is_cleared = true;
                }
            }
        }
        _ => {}
    }
}

fn number_of(key: &IdempotencyKey) -> Key {
    Key::from_str_radix(key.as_str().trim_start_matches('0'), 16).expect("the model draws small keys")
}

pub(crate) fn has_work(step: Step) -> bool {
    !matches!(step, Step::WaitUntil(_) | Step::Rest)
}

fn in_flight(session: &Session) -> Option<&checkout::InFlight> {
    match session {
        Session::Open(open) => open.in_flight.as_ref(),
        Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => None,
    }
}

fn not_sent(attempt: u32) -> Doing {
    Doing::Answered {
        attempt,
        post: None,
        reply: Reply::NotSent,
    }
}

/// Whoever waits for it has it.
fn answer(workers: &mut [Worker], of: usize, reply: Reply) {
    for worker in workers {
        if let Doing::Waits { attempt, post, .. } = worker.doing
            && post == of
        {
            worker.doing = Doing::Answered {
                attempt,
                post: Some(post),
                reply,
            };
        }
    }
}

fn lose(worker: &mut Worker) {
    if let Doing::Waits { attempt, post, .. } = worker.doing {
        worker.doing = Doing::Answered {
            attempt,
            post: Some(post),
            reply: Reply::Lost,
        };
    }
}
