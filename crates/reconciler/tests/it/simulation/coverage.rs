//! What the runs have reached: a rare path that none of them takes is not tested by them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use checkout::{ConfirmAnswer, Event};
use reconciler::Advanced;
use reconciler::ports::{LogError, NoTurn};

/// How often each path was taken.
#[derive(Clone, Default)]
pub(crate) struct Reached(Arc<Mutex<BTreeMap<String, u64>>>);

impl Reached {
    pub(crate) fn note(&self, path: &str) {
        let mut reached = self.0.lock().expect("nobody panics while noting");
        match reached.get_mut(path) {
            Some(times) => *times += 1,
            None => drop(reached.insert(path.to_owned(), 1)),
        }
    }

    pub(crate) fn log_error(&self, error: &LogError) {
        self.note(match error {
            LogError::Overtaken => "log overtaken",
            LogError::Unavailable(_) => "log unavailable",
            LogError::Rejected(_) => "log rejected",
        });
    }

    pub(crate) fn advanced(&self, advanced: &Advanced) {
        self.note(match advanced {
            Advanced::Rests => "step rest",
            Advanced::Waits { .. } => "step wait",
            Advanced::NeedsTurn { because, .. } => match because {
                NoTurn::Until(_) => "turn later",
                NoTurn::Halted => "turn halted",
                NoTurn::UnknownAccount => "turn of an unknown account",
            },
        });
    }

    pub(crate) fn answer(&self, answer: &ConfirmAnswer) {
        match answer {
            ConfirmAnswer::Accepted { .. } => self.note("answer accepted"),
            ConfirmAnswer::NotSent(_) => self.note("answer not sent"),
            ConfirmAnswer::Failed {
                class,
                may_have_landed: false,
                ..
            } => self.note(&format!("answer {class:?}")),
            ConfirmAnswer::Failed { class, .. } => self.note(&format!("answer {class:?}, may have landed")),
        }
    }

    pub(crate) fn fact(&self, event: &Event) {
        self.note(&format!("fact {}", event.name()));
        if let Event::AlertRaised { kind, .. } = event {
            self.note(&format!("alert {}", kind.name()));
        }
    }

    pub(crate) fn all_of(&self, other: &Self) {
        let mut reached = self.0.lock().expect("nobody panics while noting");
        for (path, times) in other.all() {
            *reached.entry(path).or_insert(0) += times;
        }
    }

    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        self.0.lock().expect("nobody panics while noting").clone()
    }
}

/// Every kind of fact, of outcome, of alert and of step, and every class of answer.
pub(crate) const RARE_PATHS: [&str; 50] = [
    "fact checkout-completed",
    "fact checkout-amended",
    "fact amendment-kept",
    "fact conflict-found",
    "fact confirmation-started",
    "fact confirmation-not-sent",
    "fact confirmation-deferred",
    "fact confirmation-unclear",
    "fact confirmation-refused",
    "fact repair-needed",
    "fact looked-up",
    "fact look-up-deferred",
    "fact confirmation-accepted",
    "fact payment-pending",
    "fact charge-looked-up",
    "fact charge-look-up-deferred",
    "fact attempt-declined",
    "fact confirmation-forsworn",
    "fact released",
    "fact retry-requested",
    "fact confirmed",
    "fact declined",
    "fact cancelled",
    "fact expired",
    "fact unresolved",
    "fact alert-raised",
    "fact alert-resolved",
    "alert deadline-near",
    "alert in-doubt",
    "alert needs-repair",
    "alert conflict",
    "alert forsworn",
    "alert contradiction",
    "alert payment-overdue",
    "step rest",
    "step wait",
    "turn later",
    "log unavailable",
    "act refused",
    "answer accepted",
    "answer not sent",
    "answer Retry",
    "answer Retry, may have landed",
    "answer Slow",
    "answer Lane",
    "answer Ask",
    "answer Final",
    "answer Final, may have landed",
    "answer Fix { content: false }",
    "answer Fix { content: true }",
];
