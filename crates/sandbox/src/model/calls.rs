//! How a call is made on both sides: to the sandbox as a request, to the ledger as what it means.
//!
//! A fault strikes the next call. One that is held up by it is worked on, or answered, when the clock has moved far
//! enough; other calls go on meanwhile.

use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use futures::FutureExt as _;
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::Value;

use super::ledger::{Did, Moment, REFUSED};
use super::sessions::Session;
use super::steps::Break;
use super::{Checked, Run};
use crate::api::{self, Answer, Reply, Request};
use crate::control::faults::{Fault, Kind, When};
use crate::shared::Shared;
use crate::time::span::Span;
use crate::unknowns::Unknowns;

/// A call, as the ledger needs to see it.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) caller: usize,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
    pub(super) key: Option<String>,
    pub(super) code: Option<&'static str>,
    /// None: it makes one.
    pub(super) session: Option<usize>,
    pub(super) effect: Effect,
}

pub(super) type Effect = Rc<dyn Fn(&mut Vec<Session>, Moment, &Unknowns) -> Did>;

/// What a key came with at first, and what became of it.
pub(super) struct Saved {
    path: String,
    body: String,
    did: Did,
    answer: Option<Bytes>,
}

/// What the ledger expects of an answer.
struct Expected {
    did: Did,
    /// Whose first answer it is, or is again.
    saved: Option<Slot>,
}

pub(super) type Slot = (usize, String);

/// A call that a fault delays.
pub(super) struct Held<'a> {
    reply: Pin<Box<dyn Future<Output = Reply> + 'a>>,
    call: Call,
    broken: Break,
    arrived: i64,
    until: i64,
    /// None: it has yet to be worked on.
    expected: Option<Expected>,
}

impl Call {
    fn slot(&self, rules: &Unknowns) -> Option<Slot> {
        let key = self.key.as_ref().filter(|_| self.method == "POST")?;
        let path = if rules.key_is_bound_to_path {
            ""
        } else {
            self.path.as_str()
        };
        Some((self.caller, format!("{key} {path}")))
    }

    fn confirms(&self) -> bool {
        self.path.ends_with("/finalize") || self.path.ends_with("/complete")
    }

    fn send<'a>(&self, shared: &'a Shared) -> Pin<Box<dyn Future<Output = Reply> + 'a>> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amz-pay-idempotency-key", self.key.as_deref()),
            ("x-amz-pay-simulation-code", self.code),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let request = Request {
            method: self.method.to_owned(),
            path: self.path.clone(),
            query: String::new(),
            headers,
            body: Bytes::from(self.body.to_string()),
        };
        let caller = self.caller;
        Box::pin(async move { api::answer_for_merchant(shared, &request, caller).await })
    }
}

impl Run<'_> {
    pub(super) fn post_fault(&mut self, broken: Break) {
        if self.broken.is_some() || self.held.is_some() {
            return;
        }
        let fault = Fault {
            times: Some(1),
            delay: broken.delay.map(|s| Span(std::time::Duration::from_secs(s))),
            ..Fault::new("*", broken.when, broken.kind)
        };
        self.shared.post_fault(fault).unwrap();
        self.broken = Some(broken);
    }

    /// Makes the call on both sides; what it is answered, where that comes whole and now.
    pub(super) fn call(&mut self, call: Call) -> Checked<Option<Value>> {
        let (broken, arrived) = (self.broken.take(), self.now());
        let mut reply = call.send(self.shared);
        let answered = (&mut reply).now_or_never();
        let waits = broken.filter(|broken| broken.delay.is_some());
        prop_assert_eq!(answered.is_none(), waits.is_some());
        if call.method != "GET" {
            self.last.push(call.clone());
        }
        let too_early = waits.is_some_and(|broken| broken.when == When::Before);
        let expected = (!too_early).then(|| self.work(&call, arrived, broken));
        match (answered, expected, waits) {
            (Some(reply), Some(expected), _) => self.judge(reply, expected, broken),
            (_, expected, Some(broken)) => {
                self.held = Some(Held {
                    reply,
                    call,
                    broken,
                    arrived,
                    until: arrived + i64::try_from(broken.delay.unwrap_or_default()).unwrap(),
                    expected,
                });
                Ok(None)
            }
            (None | Some(_), _, None) => unreachable!("only delays wait"),
        }
    }

    /// After the clock has moved: whether the call that was held up came through.
    pub(super) fn wake(&mut self) -> Checked<bool> {
        let Some(mut held) = self.held.take() else {
            return Ok(false);
        };
        let reply = (&mut held.reply).now_or_never();
        prop_assert_eq!(reply.is_some(), self.now() >= held.until);
        let Some(reply) = reply else {
            self.held = Some(held);
            return Ok(false);
        };
        let expected = match held.expected {
            Some(expected) => expected,
            None => self.work(&held.call, held.arrived, Some(held.broken)),
        };
        self.judge(reply, expected, Some(held.broken))?;
        Ok(true)
    }

    /// What the ledger makes of a call that is worked on now.
    fn work(&mut self, call: &Call, arrived: i64, broken: Option<Break>) -> Expected {
        self.calls += 1;
        let rules = self.rules.clone();
        let now = self.now();
        let moment = Moment { arrived, now };
        let slot = call.slot(&rules);
        let (path, body) = (call.path.clone(), call.body.to_string());
        let struck = |when| {
            broken
                .filter(|broken| broken.when == when)
                .and_then(|broken| broken.kind)
        };
        let mut saved = Saved {
            path,
            body,
            did: REFUSED,
            answer: None,
        };
        let expected = |did, saved| Expected { did, saved };
        if let Some(kind) = struck(When::Before) {
            if let Some(slot) = slot.filter(|_| kind == Kind::Status && rules.replay_errors) {
                self.keys.entry(slot).or_insert(saved);
            }
            return expected(REFUSED, None);
        }
        let known = slot.as_ref().and_then(|slot| self.keys.get(slot));
        let first = known.is_none();
        let replays = !call.confirms() || rules.replay_confirmations;
        match known {
            Some(known) if (&known.path, &known.body) != (&saved.path, &saved.body) => {
                return expected(REFUSED, None);
            }
            Some(known) if replays => {
                return expected(known.did, slot);
            }
            Some(_) | None => {}
        }
        for session in &mut self.sessions {
            session.advance(moment, &rules);
        }
        let owned = call
            .session
            .is_none_or(|index| self.sessions[index].merchant == call.caller);
        let did = if owned {
            (call.effect)(&mut self.sessions, moment, &rules)
        } else {
            Did::Unseen
        };
        if let Did::Done(Some(effect)) | Did::Refused(Some(effect)) = did {
            let index = call.session.unwrap_or(self.sessions.len() - 1);
            self.sessions[index].effects.push(effect);
        }
        let done = matches!(did, Did::Done(_));
        let slot = slot.filter(|_| done || rules.replay_errors);
        if let Some(slot) = slot.clone() {
            let refused = first && rules.replay_errors && struck(When::After) == Some(Kind::Status);
            saved.did = if refused { REFUSED } else { did };
            self.keys.insert(slot, saved);
        }
        expected(did, slot.filter(|_| replays))
    }

    /// The sandbox's answer against the ledger's; a fault spoils it, whatever was done.
    fn judge(&mut self, reply: Reply, expected: Expected, broken: Option<Break>) -> Checked<Option<Value>> {
        if broken.is_some_and(|broken| broken.kind.is_some()) {
            return Ok(None);
        }
        let Reply::Answer(Answer { status, body, .. }) = reply else {
            prop_assert!(false, "nothing spoils this answer");
            return Ok(None);
        };
        let as_expected = match expected.did {
            Did::Unseen => status == 404,
            Did::Refused(_) => status >= 400,
            Did::Done(_) => status < 300,
        };
        prop_assert!(as_expected, "{:?}: {} {:?}", expected.did, status, body);
        if let Some(saved) = expected.saved.and_then(|slot| self.keys.get_mut(&slot)) {
            prop_assert_eq!(saved.answer.get_or_insert_with(|| body.clone()), &body);
        }
        Ok(serde_json::from_slice(&body).ok())
    }
}
