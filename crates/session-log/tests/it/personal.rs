//! What no fact holds, and how it goes.

use checkout::{BodyRef, PrivateRef};
use reconciler::ports::SessionLog;

use crate::support::{
    Backend, Story, address, alert, append, at, completed, confirmed, heard, on_both, started,
};

on_both!(
    personal_data_and_bodies_are_kept_beside_the_facts,
    erasing_leaves_the_facts_alone,
    what_is_erased_stays_erased,
);

async fn personal_data_and_bodies_are_kept_beside_the_facts(backend: &Backend) {
    let log = &backend.log;
    let mut story = Story::of("s-1");
    let mut first = story.then(at(0), [completed(at(0)), started(1, at(0))]);
    first.personal = vec![(PrivateRef(0), address("Ada")), (PrivateRef(1), address("Eve"))];
    first.found = Some(address("looked up"));
    first.body = Some((BodyRef(1), vec![0, 159, 146, 150]));
    append(log, first).await.unwrap();
    let mut second = story.then(at(1), [alert(1)]);
    second.found = Some(address("looked up again"));
    append(log, second).await.unwrap();

    let record = log.personal(&story.id).await.unwrap();
    // Personal data do not print themselves, so no `assert_eq!`.
    assert!(record.statements == [(PrivateRef(0), address("Ada")), (PrivateRef(1), address("Eve"))]);
    assert!(record.found == Some(address("looked up again")));
    assert!(!record.erased);
    let bytes = log.body(&story.id, BodyRef(1)).await.unwrap();
    assert_eq!(bytes, Some(vec![0, 159, 146, 150]));
}

/// A settled session whose personal data may be erased from `at(60)` on.
async fn settled_with_personal_data(backend: &Backend, name: &str) -> Story {
    let mut story = Story::of(name);
    let mut first = story.then(at(0), [completed(at(0))]);
    first.personal = vec![(PrivateRef(0), address("Ada"))];
    first.body = Some((BodyRef(1), b"{}".to_vec()));
    append(&backend.log, first).await.unwrap();
    let mut last = story.then(at(1), [confirmed()]);
    last.erase_after = Some(at(60));
    append(&backend.log, last).await.unwrap();
    story
}

async fn erasing_leaves_the_facts_alone(backend: &Backend) {
    let log = &backend.log;
    let one = settled_with_personal_data(backend, "s-1").await;
    let two = settled_with_personal_data(backend, "s-2").await;
    let open = heard(log, "s-3").await;

    assert_eq!(log.erase(at(59), 10).await.unwrap(), 0);
    assert!(!log.personal(&one.id).await.unwrap().statements.is_empty());
    assert_eq!(log.erase(at(60), 1).await.unwrap(), 1);
    assert_eq!(log.erase(at(60), 10).await.unwrap(), 1);
    assert_eq!(log.erase(at(60), 10).await.unwrap(), 0);

    for story in [&one, &two] {
        let record = log.personal(&story.id).await.unwrap();
        assert!(record.erased && record.statements.is_empty());
        assert_eq!(log.body(&story.id, BodyRef(1)).await.unwrap(), None);
        assert_eq!(log.load(&story.id).await.unwrap(), story.history);
        assert_eq!(
            log.find(&story.id).await.unwrap().unwrap().erased_at,
            Some(at(60))
        );
    }
    assert!(!log.personal(&open.id).await.unwrap().erased);
}

async fn what_is_erased_stays_erased(backend: &Backend) {
    let log = &backend.log;
    let mut story = settled_with_personal_data(backend, "s-1").await;
    log.erase(at(60), 10).await.unwrap();
    let mut late = story.then(at(61), [alert(1)]);
    late.personal = vec![(PrivateRef(1), address("Eve"))];
    late.found = Some(address("Eve"));
    late.body = Some((BodyRef(2), b"{}".to_vec()));
    append(log, late).await.unwrap();
    let record = log.personal(&story.id).await.unwrap();
    assert!(record.erased && record.statements.is_empty() && record.found.is_none());
    assert_eq!(log.body(&story.id, BodyRef(2)).await.unwrap(), None);
}
