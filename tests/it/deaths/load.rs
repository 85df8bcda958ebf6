//! What goes on while a daemon is to die: never fewer than so many sessions under way.

use std::convert::Infallible;
use std::time::Duration;

use sandbox::SandboxClock as _;
use serde_json::json;
use testkit::chance::Seeded;

use crate::world::{UNREADABLE, World};

/// Sessions at Amazon that are not confirmed yet.
const UNDER_WAY: usize = 20;
/// Between two looks, on the world's clock: a twentieth of a second outside.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// More than a daemon's messages may have, where that is so.
const LARGE: usize = 30_000;

pub(super) struct Load {
    /// Every session that the shop has told of, but for those that Amazon declines.
    pub(super) ids: Vec<String>,
    /// Those that it declines.
    pub(super) declined: Vec<String>,
    /// Unreadable events are large ones.
    pub(super) letters_are_large: bool,
    chance: Seeded,
}

impl Load {
    pub(super) fn new(chance: Seeded) -> Self {
        Self {
            ids: Vec::new(),
            declined: Vec::new(),
            letters_are_large: false,
            chance,
        }
    }

    /// One of each kind.
    pub(super) async fn one_of_each(&mut self, world: &World) {
        self.fresh(world).await;
        self.old(world).await;
        self.pending(world).await;
        self.declined(world).await;
        self.unreadable(world).await;
    }

    /// Tells of more whenever too few are under way, for ever.
    pub(super) async fn go_on(&mut self, world: &World) -> Infallible {
        loop {
            self.top_up(world).await;
            world.clock.sleep(LOOK_EVERY).await;
        }
    }

    pub(super) async fn top_up(&mut self, world: &World) {
        let books = world.sandbox.books();
        let open = books
            .sessions
            .iter()
            .filter(|session| session.state == "Open")
            .count();
        for _ in open..UNDER_WAY {
            match self.chance.below(9) {
                0 | 1 => self.old(world).await,
                2 => self.pending(world).await,
                3 => self.unreadable(world).await,
                4 => self.declined(world).await,
                _ => self.fresh(world).await,
            }
        }
    }

    /// It is confirmed at once.
    async fn fresh(&mut self, world: &World) {
        let session = world.session(json!({}));
        self.ids.push(id_of(&session));
        world.say(&session, json!({})).await;
    }

    /// It is asked about before it is confirmed.
    async fn old(&mut self, world: &World) {
        let session = world.session(json!({}));
        self.ids.push(id_of(&session));
        world.say_an_hour_ago(&session, json!({})).await;
    }

    /// Its payment is still to be decided when it is confirmed.
    async fn pending(&mut self, world: &World) {
        let details = json!({"paymentIntent": "Authorize", "canHandlePendingAuthorization": true});
        let session = world.session(json!({"card": "0701", "pendingFor": "20s", "paymentDetails": details}));
        self.ids.push(id_of(&session));
        world.say(&session, json!({})).await;
    }

    /// Amazon cancels it when it is to be confirmed.
    async fn declined(&mut self, world: &World) {
        let session = world.session(json!({"card": "3434"}));
        self.declined.push(id_of(&session));
        world.say(&session, json!({})).await;
    }

    async fn unreadable(&mut self, world: &World) {
        let mut bytes = UNREADABLE.to_vec();
        if self.letters_are_large {
            bytes.resize(LARGE, b'.');
        }
        world.shop.send(None, &[], Some(&bytes)).await.unwrap();
    }
}

fn id_of(session: &serde_json::Value) -> String {
    session["checkoutSessionId"].as_str().unwrap().to_owned()
}
