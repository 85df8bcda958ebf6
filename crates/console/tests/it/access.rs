//! Who is let in.

use std::time::Duration;

use crate::support::{Console, OPERATE, READ, at, basic, bearer};

const PAGES: [&str; 10] = [
    "/",
    "/sessions",
    "/sessions/S-1",
    "/dead-letters",
    "/metrics",
    "/api/overview",
    "/api/sessions",
    "/api/sessions/S-1/outcome",
    "/api/accounts",
    "/assets/console.css",
];

#[tokio::test]
async fn without_a_token_only_this_machines_own_names_are_answered_to() {
    let console = Console::with(None, None).await;
    for path in PAGES {
        for host in [
            "localhost",
            "LOCALHOST:9464",
            "127.0.0.1",
            "[::1]:9464",
            "console.localhost",
        ] {
            let answer = console.get(path, &[&format!("host: {host}")]).await;
            assert!(
                (200..203).contains(&answer.status),
                "{path} at {host}: {}",
                answer.head
            );
        }
        // Somebody's page has had its own name resolved to this machine.
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:9464",
            "",
        ] {
            let answer = console.get(path, &[&format!("host: {host}")]).await;
            assert_eq!(answer.status, 421, "{path} at `{host}`: {}", answer.head);
        }
    }
}

#[tokio::test]
async fn with_a_read_token_nothing_but_health_is_seen_without_it() {
    let console = Console::with(Some(READ), Some(OPERATE)).await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(console.get(path, &["host: anywhere"]).await.status, 200);
    }
    for path in PAGES.into_iter().chain(["/nowhere", "/sessions/S-1/retry"]) {
        let answer = console.get(path, &[]).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate").len(), 2, "{}", answer.head);
    }
    for path in PAGES {
        for authorization in [
            bearer(READ),
            bearer(OPERATE),
            basic("ada", READ),
            basic("", OPERATE),
        ] {
            let answer = console
                .get(path, &["host: console.example", &authorization])
                .await;
            assert!((200..203).contains(&answer.status), "{path} with {authorization}");
        }
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_whatever_it_looks_like() {
    let console = Console::with(Some(READ), Some(OPERATE)).await;
    for wrong in [
        bearer("wrong"),
        bearer(&READ[..READ.len() - 1]),
        bearer(&format!("{READ}x")),
        basic("ada", "wrong"),
        "authorization: Basic %%%".to_owned(),
        "authorization: Bearer".to_owned(),
        "authorization: \u{e4}".to_owned(),
    ] {
        assert_eq!(console.get("/", &[&wrong]).await.status, 401, "{wrong}");
    }
    // A page that is open to all on this machine is so to no wrong token either.
    let open = Console::with(None, None).await;
    assert_eq!(open.get("/", &[&bearer("wrong")]).await.status, 401);
}

#[tokio::test]
async fn whoever_guesses_is_told_to_wait_and_locks_nobody_out() {
    let console = Console::with(Some(READ), None).await;
    for _ in 0..10 {
        assert_eq!(console.get("/", &[&bearer("guess")]).await.status, 401);
    }
    let answer = console.get("/", &[&bearer("guess")]).await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), ["6"]);
    // Behind a proxy all come from one address.
    assert_eq!(console.get("/", &[&bearer(READ)]).await.status, 200);
    for (seconds, guesses) in [(6, 1), (18, 2), (1_000, 10)] {
        *console.desk.now.lock().unwrap() = at(0).plus(Duration::from_secs(seconds));
        for _ in 0..guesses {
            assert_eq!(
                console.get("/", &[&bearer("guess")]).await.status,
                401,
                "{seconds}"
            );
        }
        assert_eq!(
            console.get("/", &[&bearer("guess")]).await.status,
            429,
            "{seconds}"
        );
    }
}

#[tokio::test]
async fn every_answer_forbids_what_a_browser_need_not_do() {
    let console = Console::with(Some(READ), None).await;
    let token = bearer(READ);
    for path in PAGES.into_iter().chain(["/nowhere", "/livez"]) {
        for more in [&[][..], &[token.as_str()]] {
            let answer = console.get(path, more).await;
            let [policy] = answer.header("content-security-policy")[..] else {
                panic!("{path}: {}", answer.head);
            };
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
            assert_eq!(answer.header("x-content-type-options"), ["nosniff"]);
            assert_eq!(answer.header("referrer-policy"), ["same-origin"]);
            let expected = if answer.status == 200 && path.starts_with("/assets") {
                "no-cache"
            } else {
                "no-store"
            };
            assert_eq!(answer.header("cache-control"), [expected], "{path}");
        }
    }
}
