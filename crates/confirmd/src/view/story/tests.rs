use std::path::Path;

use checkout::{Flaw, Policy, SessionId};
use reconciler::Condition;

use super::super::tests::{at, completed, condition, policy, put_off, recorded};
use super::*;

fn id() -> SessionId {
    SessionId::parse("s-1").unwrap()
}

fn told(history: &[Recorded], time: &str, account: OfAccount<'_>) -> Story {
    story(&id(), history, at(time), &policy(), account).unwrap()
}

const RUNNING: OfAccount<'_> = OfAccount::Configured(None);

fn commands(story: &Story) -> Vec<&str> {
    let commands = story.acts.iter().filter_map(|act| act.command.as_deref());
    commands.collect()
}

#[test]
fn a_session_that_was_put_off_tells_why_what_comes_then_and_what_meanwhile() {
    let story = told(&put_off(), "10:00:05", RUNNING);
    assert_eq!((story.state, story.since), ("waiting", Some(at("10:00:00"))));
    assert_eq!(
        story.last.unwrap().what,
        "Amazon Pay throttled attempt 1; nothing was charged: 429 TooManyRequests"
    );
    let then = story.then.unwrap();
    assert_eq!((then.at, then.step), (at("10:04:00"), "look-up"));
    let meanwhile = story.meanwhile.unwrap();
    let near = at("10:00:00").plus(std::time::Duration::from_secs(22 * 3600));
    assert_eq!((meanwhile.at, meanwhile.step), (near, "alert"));
    assert_eq!(meanwhile.because, "people are to be told: deadline-near");
}

#[test]
fn what_a_person_can_do_is_what_would_not_be_refused() {
    let all = told(&put_off(), "10:00:05", RUNNING);
    assert_eq!(
        commands(&all),
        [
            "confirmd sessions release s-1 --reason TEXT",
            "confirmd sessions retry s-1 --reason TEXT",
            "confirmd sessions forswear s-1 --reason TEXT",
        ]
    );
    let fresh = told(&recorded(vec![completed(None)]), "10:00:05", RUNNING);
    assert_eq!(commands(&fresh), ["confirmd sessions forswear s-1 --reason TEXT"]);
    assert_eq!(fresh.runbook, None);
    // Nobody can say what it is worth: only a corrected event helps, and releasing it would be refused.
    let flawed = {
        let mut event = completed(Some(Flaw {
            field: "chargeAmount".to_owned(),
            problem: "it is missing".to_owned(),
        }));
        if let Event::CheckoutCompleted { statement, .. } = &mut event {
            statement.order = None;
        }
        told(&recorded(vec![event]), "10:00:05", RUNNING)
    };
    assert_eq!(flawed.acts[0].command, None);
    assert!(
        flawed.acts[0].what.contains("publish a corrected event"),
        "{flawed:?}"
    );
    assert_eq!(flawed.runbook, Some("ConfirmdSessionsNeedPeople.md"));
}

#[test]
fn an_account_that_does_nothing_is_what_helps_first() {
    for (set, command, runbook) in [
        (
            Condition::Paused,
            "confirmd accounts resume eu_shop --reason TEXT",
            "ConfirmdPausedNearDeadline.md",
        ),
        (
            Condition::Stopped,
            "confirmd check --online",
            "ConfirmdAccountStopped.md",
        ),
    ] {
        let set = condition(set, "ann", "the shop moves house");
        let account = OfAccount::Configured(Some(&set));
        let story = told(&put_off(), "10:00:05", account);
        assert_eq!((commands(&story)[0], story.runbook), (command, Some(runbook)));
        assert!(
            !commands(&story).iter().any(|command| command.contains(" retry ")),
            "{story:?}"
        );
    }
}

#[test]
fn a_doubt_closes_nothing_and_names_its_runbook() {
    let mut history = put_off();
    history.truncate(2);
    let later = Policy::SEND_WITHIN + policy().attempt_timeout;
    let time = at("10:00:00").plus(later + std::time::Duration::from_secs(3));
    let story = story(&id(), &history, time, &policy(), RUNNING).unwrap();
    assert_eq!((story.state, story.since), ("in-doubt", None));
    assert_eq!(
        story.last.as_ref().unwrap().what,
        "attempt 1 to confirm it was begun"
    );
    assert!(
        !commands(&story)
            .iter()
            .any(|command| command.contains("forswear")),
        "{story:?}"
    );
    assert_eq!(story.runbook, Some("ConfirmdInDoubtNearDeadline.md"));
}

#[test]
fn every_runbook_that_is_named_is_there() {
    let source = include_str!("../story.rs");
    let named: Vec<&str> = source
        .split('"')
        .filter(|text| text.starts_with("Confirmd") && text.ends_with(".md"))
        .collect();
    assert!(7 <= named.len(), "{named:?}");
    let runbooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/runbook");
    for name in named {
        assert!(runbooks.join(name).is_file(), "{name}");
    }
}
