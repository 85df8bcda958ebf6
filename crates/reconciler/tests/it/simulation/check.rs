//! What must hold after every run, whatever went wrong in it: judged from Amazon's books, from the log and
//! from what the broker has.

use std::collections::{BTreeMap, BTreeSet};

use checkout::{ChargeFound, Evidence, Policy, SessionId, Statement};
use reconciler::{Announcement, Content, Version, replay};
use testkit::broker::{is_alert, is_outcome};
use testkit::fake_amazon::{End, FakeAmazon, Request, SessionBook, Told};
use testkit::memory_log::MemoryLog;

use super::plan::Planned;

/// A promise that was broken.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) of: &'static str,
    pub(crate) detail: String,
}

impl Violation {
    pub(crate) fn new(of: &'static str, detail: impl Into<String>) -> Self {
        Self {
            of,
            detail: detail.into(),
        }
    }
}

pub(crate) fn check(
    planned: &[Planned],
    log: &MemoryLog,
    amazon: &FakeAmazon,
    delivered: &[Announcement],
) -> Vec<Violation> {
    let requests = amazon.requests();
    let mut found = Vec::new();
    for one in planned {
        let of_session: Vec<&Request> = requests.iter().filter(|request| request.id == one.id).collect();
        let told: Vec<&Announcement> = delivered.iter().filter(|told| told.id == one.id).collect();
        let book = amazon.book(&one.id);
        let mut note = |of, detail: String| {
            let story = log.story(&one.id);
            found.push(Violation::new(of, format!("{}: {detail}; {story:?}", one.id)));
        };
        if let Some(book) = &book {
            safety(book, &mut note);
        }
        heard(one, log, &mut note);
        keys(&of_session, &mut note);
        announced(&one.id, log, &told, &mut note);
        outcome(one, book.as_ref(), &told, &mut note);
    }
    found
}

/// Whatever the shop has said is on record.
fn heard(planned: &Planned, log: &MemoryLog, note: &mut impl FnMut(&'static str, String)) {
    let heard = log
        .look(&planned.id, |kept| {
            let (session, _) = replay(&kept.facts);
            session.subject().map(|subject| subject.heard.clone())
        })
        .flatten()
        .unwrap_or_default();
    for (_, arrival) in &planned.messages {
        let is_heard = heard.iter().any(|said| {
            let private = said.private;
            let arrived = &arrival.statement;
            *said
                == Statement {
                    private,
                    ..arrived.clone()
                }
        });
        if !is_heard {
            note(
                "an event of the shop was lost",
                format!("{:?}", arrival.statement),
            );
        }
    }
}

fn safety(book: &SessionBook, note: &mut impl FnMut(&'static str, String)) {
    if book.completions.len() > 1 {
        note("a session was completed twice", format!("{:?}", book.completions));
    }
    if book.charges.len() > 1 {
        note("a buyer was charged twice", format!("{:?}", book.charges));
    }
}

/// While an earlier request may have landed, nothing leaves under another key, unless Amazon has given the
/// earlier one the same answer three times; and a key has one set of bytes.
fn keys(requests: &[&Request], note: &mut impl FnMut(&'static str, String)) {
    for (place, request) in requests.iter().enumerate() {
        let earlier = &requests[..place];
        if earlier
            .iter()
            .any(|one| one.key == request.key && one.body != request.body)
        {
            note("a key was used for other bytes", format!("{request:?}"));
        }
        let in_doubt = earlier.iter().find(|one| {
            let open = one.told_at.is_none_or(|at| request.left_at < at) || one.told.leaves_it_open();
            one.key != request.key && open && !may_be_left_behind(one, earlier, request)
        });
        if let Some(in_doubt) = in_doubt {
            let detail = format!("{in_doubt:?} and then {request:?}");
            note(
                "another key left while an earlier request may have landed",
                detail,
            );
        }
    }
}

fn may_be_left_behind(doubtful: &Request, earlier: &[&Request], next: &Request) -> bool {
    let same_key = || earlier.iter().filter(|one| one.key == doubtful.key);
    let content_refused = same_key().any(|one| {
        let long_ago = one
            .told_at
            .is_some_and(|at| at.plus(Policy::CONTENT_REFUSAL_SETTLES_AFTER) <= next.left_at);
        long_ago && matches!(one.told, Told::Refused { content: true, .. })
    });
    let mut run = (None, 0);
    for one in same_key() {
        let said = match &one.told {
            Told::Unclear(Some((status, code))) => Some((*status, code.clone())),
            // A question, while in doubt.
            Told::Refused { status: 422, .. } => Some((422, String::new())),
            Told::Unclear(None) | Told::Nothing => None,
            Told::Accepted | Told::Refused { .. } => continue,
        };
        run = match said {
            Some(said) if run.0.as_ref() == Some(&said) => (Some(said), run.1 + 1),
            Some(said) => (Some(said), 1),
            None => (None, 0),
        };
        if run.1 >= 3 {
            return true;
        }
    }
    content_refused
}

/// Everything that is to be told was told, in order, and says the same however often it is told.
fn announced(
    id: &SessionId,
    log: &MemoryLog,
    told: &[&Announcement],
    note: &mut impl FnMut(&'static str, String),
) {
    let mut first: BTreeMap<Version, &Announcement> = BTreeMap::new();
    let mut last: BTreeMap<bool, Version> = BTreeMap::new();
    for one in told {
        match first.get(&one.version) {
            Some(before) if before != one => {
                note("the same id says two things", format!("{before:?} and {one:?}"));
            }
            Some(_) => {}
            None => {
                first.insert(one.version, one);
                let before = last.insert(is_alert(one), one.version);
                if before.is_some_and(|before| one.version < before) {
                    note(
                        "a session's facts were told out of order",
                        format!("{before:?} before {one:?}"),
                    );
                }
            }
        }
    }
    let recorded: BTreeSet<Version> = log
        .look(id, |kept| {
            let announced = kept.facts.iter().filter(|fact| fact.event.is_announced());
            announced.map(|fact| fact.version).collect()
        })
        .unwrap_or_default();
    let told: BTreeSet<Version> = first.into_keys().collect();
    if recorded != told {
        note(
            "what was told is not what is on record",
            format!("{told:?} of {recorded:?}"),
        );
    }
}

/// Exactly one outcome, and it is what Amazon's books say.
fn outcome(
    planned: &Planned,
    book: Option<&SessionBook>,
    told: &[&Announcement],
    note: &mut impl FnMut(&'static str, String),
) {
    let outcomes: BTreeMap<Version, &Content> = told
        .iter()
        .filter(|one| is_outcome(one))
        .map(|one| (one.version, &one.content))
        .collect();
    let Some(outcome) = outcomes.values().next() else {
        return note("a session has no outcome", format!("{book:?}"));
    };
    if outcomes.len() > 1 {
        note("a session has more than one outcome", format!("{outcomes:?}"));
    }
    if !agrees(outcome, book) {
        note(
            "an outcome is not what Amazon's books say",
            format!("{outcome:?}, {book:?}"),
        );
    }
    let refused = book.is_some_and(|book| book.refused);
    let confirmed = matches!(outcome, Content::Confirmed { .. });
    if planned.can_be_confirmed && !refused && !confirmed {
        note(
            "a session that could be confirmed was lost",
            format!("{outcome:?}, {book:?}"),
        );
    }
}

fn agrees(outcome: &Content, book: Option<&SessionBook>) -> bool {
    let Some(book) = book else {
        return matches!(outcome, Content::Unresolved { .. });
    };
    let declined_charge = book.charges.values().any(|charge| {
        matches!(
            charge,
            ChargeFound::Declined { .. } | ChargeFound::Canceled { .. }
        )
    });
    match outcome {
        Content::Confirmed {
            ids,
            payment,
            evidence,
            ..
        } => {
            let charge = ids.charge_id.as_ref().and_then(|charge| book.charges.get(charge));
            let paid = match payment {
                checkout::Payment::Captured => charge == Some(&ChargeFound::Captured),
                checkout::Payment::Authorized => charge == Some(&ChargeFound::Authorized),
                checkout::Payment::None => book.charges.is_empty(),
            };
            book.end == End::Completed && paid && *evidence != Evidence::None
        }
        Content::Declined { .. } => {
            declined_charge || matches!(&book.end, End::Canceled(reason) if reason != "Expired")
        }
        Content::Cancelled { .. } | Content::Expired { .. } => {
            book.end == End::Canceled("Expired".to_owned()) && book.completions.is_empty()
        }
        Content::Unresolved { .. }
        | Content::PaymentPending { .. }
        | Content::AttemptDeclined { .. }
        | Content::Alert { .. } => false,
    }
}
