//! What operators do, and what nobody else does.

use console::{Act, On};

use crate::support::{Console, OPERATE, READ, SESSION, basic, bearer};

const FORM: &str = "content-type: application/x-www-form-urlencoded";
const JSON: &str = "content-type: application/json";

fn acts() -> [(String, &'static str); 5] {
    let session = |act| (format!("/sessions/{SESSION}/{act}"), act);
    let account = |act| (format!("/accounts/eu_shop/{act}"), act);
    [
        session("retry"),
        session("release"),
        session("forswear"),
        account("pause"),
        account("resume"),
    ]
}

#[tokio::test]
async fn a_reader_is_asked_for_the_operators_token_and_nothing_is_done() {
    let console = Console::with(Some(READ), Some(OPERATE)).await;
    for (path, act) in acts() {
        for role in [bearer(READ), basic("ada", READ)] {
            for answer in [
                console.get(&path, &[&role]).await,
                console
                    .send("POST", &path, &[&role, FORM], "reason=because")
                    .await,
                console
                    .send(
                        "POST",
                        &format!("/api{path}"),
                        &[&role, JSON],
                        r#"{"reason": "because"}"#,
                    )
                    .await,
            ] {
                assert_eq!(answer.status, 401, "{act}: {}", answer.head);
                assert_eq!(answer.header("www-authenticate").len(), 2);
            }
        }
    }
    assert_eq!(*console.desk.done.lock().unwrap(), []);
}

#[tokio::test]
async fn where_no_operator_is_known_there_are_no_acts() {
    let console = Console::with(None, None).await;
    for (path, _) in acts() {
        let answer = console
            .send("POST", &path, &[FORM], "reason=because&by=ada")
            .await;
        assert_eq!(answer.status, 403, "{}", answer.head);
        assert!(
            answer.body.contains("console.operator_token_file"),
            "{}",
            answer.body
        );
    }
    assert_eq!(*console.desk.done.lock().unwrap(), []);
}

#[tokio::test]
async fn an_act_is_shown_first_and_done_with_who_and_why() {
    let console = Console::with(None, Some(OPERATE)).await;
    let ada = basic("ada", OPERATE);
    let path = format!("/sessions/{SESSION}/forswear");
    let shown = console.get(&path, &[&ada]).await;
    assert_eq!(shown.status, 200);
    assert!(
        shown.body.contains("we will not confirm it") && shown.body.contains("<strong>ada</strong>"),
        "{}",
        shown.body
    );
    assert_eq!(
        *console.desk.done.lock().unwrap(),
        [],
        "looking at it does nothing"
    );

    let done = console
        .send(
            "POST",
            &path,
            &[&ada, FORM],
            "reason=the+buyer+called+%26+cancelled",
        )
        .await;
    assert_eq!(done.status, 303, "{}", done.head);
    assert_eq!(
        done.header("location"),
        [format!("/sessions/{SESSION}?done=forswear")]
    );
    let session = console.desk.done.lock().unwrap().pop().unwrap();
    let (act, on, by, reason) = session;
    assert_eq!((act, on), (Act::Forswear, On::Session(SESSION.parse_id())));
    assert_eq!(
        (by.as_str(), reason.as_str()),
        ("ada", "the buyer called & cancelled")
    );
}

trait ParseId {
    fn parse_id(&self) -> checkout::SessionId;
}

impl ParseId for str {
    fn parse_id(&self) -> checkout::SessionId {
        checkout::SessionId::parse(self).unwrap()
    }
}

#[tokio::test]
async fn a_program_says_who_it_is_and_cannot_take_another_operators_name() {
    let console = Console::with(None, Some(OPERATE)).await;
    let path = "/api/accounts/eu_shop/pause";
    let said = |by: &str| format!(r#"{{"reason": "sale", "by": "{by}"}}"#);
    let answer = console
        .send("POST", path, &[&bearer(OPERATE), JSON], &said("deploy-bot"))
        .await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"{"account":"eu_shop","done":true}"#)
    );
    let answer = console
        .send("POST", path, &[&basic("ada", OPERATE), JSON], &said("eve"))
        .await;
    assert_eq!(answer.status, 200);
    let by: Vec<String> = console
        .desk
        .done
        .lock()
        .unwrap()
        .iter()
        .map(|done| done.2.clone())
        .collect();
    assert_eq!(by, ["deploy-bot", "ada"]);
    let nameless = console
        .send("POST", path, &[&bearer(OPERATE), JSON], r#"{"reason": "sale"}"#)
        .await;
    assert_eq!(nameless.status, 400);
    assert!(nameless.body.contains("`by`"), "{}", nameless.body);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_its_field() {
    let console = Console::with(None, Some(OPERATE)).await;
    let ada = basic("ada", OPERATE);
    let long = format!(r#"{{"reason": "{}"}}"#, "x".repeat(501));
    for (path, body, status, told) in [
        ("/api/sessions/S-1/retry", r#"{"reason": " "}"#, 400, "`reason`"),
        (
            "/api/sessions/S-1/retry",
            r#"{"reason": "a\nb"}"#,
            400,
            "`reason`",
        ),
        ("/api/sessions/S-1/retry", &long, 400, "`reason`"),
        ("/api/sessions/S-1/retry", r"{}", 400, "reason"),
        (
            "/api/sessions/S-1/retry",
            r#"{"reason": "x", "more": 1}"#,
            400,
            "more",
        ),
        ("/api/sessions/S-1/retry", "no json", 400, "the body"),
        (
            "/api/sessions/S-1/release",
            r#"{"reason": "x"}"#,
            409,
            "it needs no release",
        ),
        (
            "/api/sessions/S-9/retry",
            r#"{"reason": "x"}"#,
            404,
            "never heard of",
        ),
        (
            "/api/sessions/S-1/delete",
            r#"{"reason": "x"}"#,
            404,
            "no such act",
        ),
        (
            "/api/sessions/S-1/pause",
            r#"{"reason": "x"}"#,
            404,
            "no such act",
        ),
        (
            "/api/sessions/S%201/retry",
            r#"{"reason": "x"}"#,
            400,
            "session id",
        ),
        ("/api/accounts/EU/pause", r#"{"reason": "x"}"#, 400, "account"),
    ] {
        let answer = console.send("POST", path, &[&ada, JSON], body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        assert!(answer.body.contains(told), "{path} {body}: {}", answer.body);
    }
    assert_eq!(*console.desk.done.lock().unwrap(), []);
}

#[tokio::test]
async fn another_sites_page_makes_nobodys_browser_act() {
    let console = Console::with(None, Some(OPERATE)).await;
    let ada = basic("ada", OPERATE);
    let own = format!("origin: http://{}", console.address);
    for (path, _) in acts() {
        for foreign in [
            &["sec-fetch-site: cross-site"][..],
            &["sec-fetch-site: same-site"],
            &["sec-fetch-site: cross-site", own.as_str()],
            &["origin: https://evil.example"],
            &["origin: null"],
        ] {
            let more: Vec<&str> = foreign.iter().copied().chain([ada.as_str(), FORM]).collect();
            let answer = console.send("POST", &path, &more, "reason=because").await;
            assert_eq!(answer.status, 403, "{path} {foreign:?}");
        }
    }
    assert_eq!(*console.desk.done.lock().unwrap(), []);
    for ours in [&["sec-fetch-site: same-origin"][..], &[own.as_str()], &[]] {
        let more: Vec<&str> = ours.iter().copied().chain([ada.as_str(), FORM]).collect();
        let answer = console
            .send("POST", "/sessions/S-1/retry", &more, "reason=because")
            .await;
        assert_eq!(answer.status, 303, "{ours:?}: {}", answer.body);
    }
}
