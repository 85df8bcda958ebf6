//! What pages show, and what they must not.

use serde_json::Value;

use crate::support::{BUYER, Console, NASTY, OPERATE, READ, SESSION, basic, bearer};

#[tokio::test]
async fn the_overview_says_what_will_be_lost_and_what_helps() {
    let console = Console::with(None, None).await;
    let page = console.get("/", &[]).await.body;
    for told in [
        "2 sessions will not be confirmed in time, as things stand: 46.90 EUR.",
        "This replica foretells for its own 25 % of the sessions",
        "At risk, if nothing more happened: <strong>23.45 EUR</strong>",
        "in 1 h 0 min",
        "in 10 min 0 s",
        "nothing to do while look-ups go on",
        r#"href="/accounts/eu_shop/pause""#,
        "The highest bar is 4.",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test]
async fn a_session_is_told_as_a_story_with_amazons_own_words() {
    let console = Console::with(None, None).await;
    let page = console
        .get(&format!("/sessions/{SESSION}?done=retry"), &[])
        .await
        .body;
    for told in [
        "Recorded: retry, by ada at 2026-01-05T10:00:02Z",
        "<strong>wait</strong>: it needs repair",
        "<strong>look-up</strong>: its deadline is near",
        "<strong>alert</strong>: people are to be told",
        "once it is repaired elsewhere",
        "publish a corrected event",
        "deploy/runbook/ConfirmdSessionsNeedPeople.md",
        "Its place in the queue of its account: 1",
        "may have landed",
        "The amounts differ.",
        "What helps: send a corrected event",
        "confirmation-refused",
        "AmountMismatch",
        "amazon-7",
        r#"href="/sessions/S-1/release""#,
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let odd = console
        .get(&format!("/sessions/{SESSION}?done=everything"), &[])
        .await
        .body;
    assert!(!odd.contains("Recorded"), "{odd}");
}

#[tokio::test]
async fn only_what_would_not_be_refused_is_offered() {
    let console = Console::with(None, None).await;
    let page = console.get(&format!("/sessions/{SESSION}"), &[]).await.body;
    assert!(!page.contains("/sessions/S-1/retry"), "{page}");
    assert!(!page.contains("/sessions/S-1/forswear"), "{page}");
}

#[tokio::test]
async fn an_account_is_shown_with_what_it_has_before_it_and_what_helps() {
    let console = Console::with(None, None).await;
    let page = console.get("/accounts/eu_shop?done=pause", &[]).await.body;
    for told in [
        "Recorded: pause",
        "running",
        "2 will not be confirmed in time",
        "46.90 EUR, the first",
        "deploy/runbook/ConfirmdPredictedMisses.md",
        "1.2/s of 3.0/s",
        "– of 6.0/s",
        "The highest bar is 3.",
        r#"href="/accounts/eu_shop/pause""#,
        r#"href="/sessions?account=eu_shop""#,
        r#"href="/sessions/S-1""#,
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let odd = console.get("/accounts/eu_shop?done=everything", &[]).await.body;
    assert!(!odd.contains("Recorded"), "{odd}");
}

#[tokio::test]
async fn what_is_kept_of_a_buyer_is_for_operators_and_on_no_other_page() {
    let paths = ["/sessions/S-1/personal", "/api/sessions/S-1/personal"];
    let console = Console::with(Some(READ), Some(OPERATE)).await;
    for path in paths {
        for (token, status) in [(None, 401), (Some(READ), 401), (Some("guessed"), 401)] {
            let answer = console
                .get(
                    path,
                    &token.map(bearer).iter().map(String::as_str).collect::<Vec<_>>(),
                )
                .await;
            assert_eq!(answer.status, status, "{path}: {token:?}");
            assert!(!answer.body.contains(BUYER), "{path}: {token:?}");
        }
        let seen = console.get(path, &[&basic("ada", OPERATE)]).await;
        assert_eq!(seen.status, 200, "{path}");
        assert!(seen.body.contains(BUYER), "{}", seen.body);
        assert!(
            path.starts_with("/api") || !seen.body.contains(NASTY),
            "{}",
            seen.body
        );
        let unheard = console
            .get(&path.replace("S-1", "S-9"), &[&basic("ada", OPERATE)])
            .await;
        assert_eq!(unheard.status, 404, "{path}");
    }
    for path in [
        "/",
        "/sessions",
        "/sessions/S-1",
        "/accounts/eu_shop",
        "/api/sessions/S-1",
        "/api/sessions/S-1/explain",
    ] {
        let page = console.get(path, &[&bearer(OPERATE)]).await;
        assert!(
            page.status == 200 && !page.body.contains(BUYER),
            "{path}: {}",
            page.body
        );
    }
    let nobody = Console::with(None, None).await;
    assert_eq!(nobody.get(paths[0], &[]).await.status, 403);
}

#[tokio::test]
async fn what_a_shop_has_written_is_text_wherever_it_is_shown() {
    let console = Console::with(None, None).await;
    for path in [
        "/",
        "/sessions",
        "/sessions/S-1",
        "/accounts/eu_shop",
        "/sessions?reference=%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let page = console.get(path, &[]).await.body;
        assert!(!page.contains(NASTY), "{path}: {page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{path}");
    }
    // Nothing comes from anywhere else.
    for path in [
        "/",
        "/sessions",
        "/sessions/S-1",
        "/accounts/eu_shop",
        "/dead-letters",
    ] {
        let page = console.get(path, &[]).await.body;
        assert!(
            !page.contains("http://") && !page.contains("https://"),
            "{path}: {page}"
        );
    }
}

#[tokio::test]
async fn the_next_page_is_asked_for_with_what_was_asked_before() {
    let console = Console::with(None, None).await;
    let page = console
        .get("/sessions?state=all&account=&due_within=&reference=", &[])
        .await
        .body;
    assert!(
        page.contains(r#"<input type="hidden" name="after" value="the place">"#),
        "{page}"
    );
    assert!(
        page.contains(r#"<input type="hidden" name="state" value="all">"#),
        "{page}"
    );
    let last = console.get("/sessions?state=all&after=the+place", &[]).await.body;
    assert!(!last.contains("More"), "{last}");
}

#[tokio::test]
async fn a_slash_too_many_leads_to_the_sessions() {
    let console = Console::with(None, None).await;
    let answer = console.get("/sessions/", &[]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (308, vec!["/sessions"])
    );
}

#[tokio::test]
async fn what_is_not_there_is_said_to_people_and_to_programs_each_in_their_way() {
    let console = Console::with(None, None).await;
    for (path, status) in [
        ("/nowhere", 404),
        ("/sessions/S-9", 404),
        ("/accounts/nobody", 404),
        ("/accounts/eu_shop?colour=red", 400),
        ("/sessions/S%201", 400),
        ("/sessions?colour=red", 400),
        ("/sessions/..%2f..%2fetc%2fpasswd", 400),
        ("/assets/..%2fCargo.toml", 404),
        ("/../Cargo.toml", 404),
    ] {
        let answer = console.get(path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains("<h1>"), "{path}: {}", answer.body);
    }
    for (path, status) in [
        ("/api/nowhere", 404),
        ("/api/sessions/S-9", 404),
        ("/api/sessions/S-9/explain", 404),
        ("/api/sessions/S-9/outcome", 404),
        ("/api/sessions/S-many/outcome", 503),
        ("/api/sessions/S-1/outcome?wait=soon", 400),
        ("/api/sessions?state=nonsense", 400),
        ("/api/sessions?colour=red", 400),
    ] {
        let answer = console.get(path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(body["error"].is_string(), "{path}: {body}");
    }
    let told = console.get("/api/sessions/S-told/outcome", &[]).await;
    assert_eq!(
        (told.status, told.body.as_str()),
        (200, r#"{"type":"checkout.confirmed.v1"}"#)
    );
    let open = console.get("/api/sessions/S-1/outcome?wait=1s", &[]).await;
    assert_eq!(open.status, 202, "{}", open.body);
}
