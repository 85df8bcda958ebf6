//! The page at `/`: what it shows, what its buttons do, and who may press them.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Answer, control, read_answer};
use crate::world::{World, captured, order};

async fn page(world: &World) -> String {
    let answer = control(world.sandbox.info(), "GET", "/", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    answer.text
}

/// A form sent by a browser, with these headers.
async fn press(world: &World, path: &str, headers: &str) -> Answer {
    let address = world
        .sandbox
        .info()
        .control_url
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let host = if headers.contains("host:") {
        String::new()
    } else {
        format!("host: {address}\r\n")
    };
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\n{host}{headers}connection: close\r\ncontent-length: 0\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    read_answer(&bytes).expect("a whole answer")
}

#[tokio::test]
async fn the_page_shows_sessions_calls_and_money_the_newest_first() {
    let world = World::start().await;
    assert!(page(&world).await.contains("None yet"));
    let (permission, charge) = world.confirmed(captured("23.45")).await;
    let newer = world.session(json!({"merchantMetadata": {"merchantReferenceId": "ORD-77"}}));
    let refused = world.finalize(&newer, &json!({"chargeAmount": 1})).await;
    world.advance(3_700);
    let page = page(&world).await;
    for shown in [
        &permission,
        &charge,
        "Captured",
        "23.45 EUR",
        "ORD-77",
        "made 1 h 1 min ago",
        "expires in 22 h",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(
        page.contains(&refused.reason()) && page.contains(refused.header("x-amz-pay-request-id").unwrap())
    );
    let (open, done) = (page.find(&newer).unwrap(), page.find(&permission).unwrap());
    assert!(open < done, "the newest first");
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "nothing from elsewhere"
    );
}

#[tokio::test]
async fn a_button_does_what_the_buyer_does_or_moves_the_clock() {
    let world = World::start().await;
    let session = world.session(json!({"buyerFinished": false}));
    assert!(page(&world).await.contains("the buyer is not done"));
    let address = world.sandbox.info().control_url.clone();
    let own = format!("origin: {address}\r\nsec-fetch-site: same-origin\r\n");
    let pressed = press(&world, &format!("/page/sessions/{session}/finish"), &own).await;
    assert_eq!((pressed.status, pressed.header("location")), (303, Some("/")));
    assert!(page(&world).await.contains("the buyer has finished"));
    let action = format!("action=\"/page/sessions/{session}/decline\"");
    assert!(page(&world).await.contains(&action));
    press(&world, &format!("/page/sessions/{session}/decline"), &own).await;
    assert_eq!(world.book(&session)["state"], "Canceled");
    assert!(!page(&world).await.contains(&action), "nothing is left to do");
    let again = press(&world, &format!("/page/sessions/{session}/cancel"), &own).await;
    assert_eq!(again.status, 409);

    let before = world.now();
    press(&world, "/page/clock/advance/23h", &own).await;
    assert_eq!(world.now().duration_since(before).as_secs(), 23 * 3_600);
    press(&world, "/page/clock/speed/60", &own).await;
    assert!(page(&world).await.contains("speed 60 ×"));
    press(&world, "/page/clock/speed/0", &own).await;
    for nonsense in [
        "/page",
        "/page/clock/speed/fast",
        "/page/sessions/x/finish",
        "/page/sessions/x/y",
    ] {
        assert_eq!(press(&world, nonsense, &own).await.status, 404, "{nonsense}");
    }
}

#[tokio::test]
async fn hostile_text_is_only_text_on_the_page() {
    let world = World::start().await;
    let hostile = "<script>alert(1)</script>\"'&";
    let session = world.session(json!({
        "merchantMetadata": {"merchantReferenceId": hostile},
        "refuse": {
            "status": 422, "reasonCode": hostile,
            "sessionAfter": "Canceled", "sessionReasonCode": hostile,
        },
    }));
    assert_eq!(world.finalize(&session, &order()).await.reason(), hostile);
    let page = page(&world).await;
    assert!(!page.contains("<script"), "{page}");
    let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;";
    for before in ["order ", "Canceled · ", "422</b> "] {
        assert!(page.contains(&format!("{before}{escaped}")), "{before}: {page}");
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_presses_no_button_and_another_name_reads_nothing() {
    let world = World::start().await;
    let session = world.session(json!({}));
    for foreign in [
        "origin: http://shop.example\r\n",
        "origin: null\r\n",
        "sec-fetch-site: cross-site\r\n",
        "host: shop.example\r\n",
        "host: shop.example\r\norigin: http://shop.example\r\nsec-fetch-site: same-origin\r\n",
    ] {
        for path in [
            format!("/page/sessions/{session}/cancel"),
            "/sessions".to_owned(),
            "/clock".to_owned(),
        ] {
            assert_eq!(press(&world, &path, foreign).await.status, 403, "{foreign}");
        }
    }
    assert_eq!(world.book(&session)["state"], "Open");
    assert_eq!(world.sandbox.books().sessions.len(), 1);
}
