//! People at the console, by a real browser; and shops that wait for an outcome there.

use std::time::Duration;

use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use futures::future::join_all;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;

use testkit::real::{BrowserDriver, browser_driver, node_with_sdk};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::replicas::partitions;
use crate::world::{Daemon, World, get};

const TOKEN: &str = "the operators' own token";
const DARK: &str = "--blink-settings=preferredColorScheme=0";
/// As wide as a telephone.
const NARROW: (u32, u32) = (390, 800);

pub(crate) async fn browser(driver: &BrowserDriver, more: &[&str]) -> Client {
    let (binary, mut arguments) = driver.browser();
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    let options = json!({"binary": binary, "args": arguments});
    let wanted = serde_json::Map::from_iter([("goog:chromeOptions".to_owned(), options)]);
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(wanted);
    builder.connect(&driver.url()).await.unwrap()
}

async fn main_text(client: &Client) -> String {
    client
        .find(Locator::Css("main"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

/// Waits until the page says so, without anybody loading it again.
pub(crate) async fn until_it_says(client: &Client, words: &str) {
    let xpath = format!("//main[contains(., '{words}')]");
    let said = client
        .wait()
        .at_most(Duration::from_secs(60))
        .for_element(Locator::XPath(&xpath))
        .await;
    if let Err(error) = said {
        panic!(
            "the page does not say `{words}` but: {}: {error}",
            main_text(client).await
        );
    }
}

async fn press(client: &Client, keys: &str) {
    client
        .active_element()
        .await
        .unwrap()
        .send_keys(keys)
        .await
        .unwrap();
}

fn with_operators(world: &mut World) {
    let file = world.dir().join("operator-token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    world.set("console.operator_token_file", file.display().to_string());
}

fn at(daemon: &Daemon, path: &str) -> String {
    format!("http://{}{path}", daemon.address())
}

fn as_ada(daemon: &Daemon, path: &str) -> String {
    let token = TOKEN.replace(' ', "%20").replace('\'', "%27");
    format!("http://ada:{token}@{}{path}", daemon.address())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_a_problem_reads_its_story_and_acts_on_it() {
    let (Some(mut world), Some(driver)) = (World::new("console").await, browser_driver()) else {
        return;
    };
    with_operators(&mut world);
    let daemon = world.daemon_at_work().await;
    let client = browser(&driver, &[]).await;

    client.goto(&at(&daemon, "/")).await.unwrap();
    until_it_says(&client, "All that waits will be confirmed in time.").await;
    assert_eq!(client.title().await.unwrap(), "Overview · confirmd");

    // An order that differs from what the buyer has agreed to. The overview that is open says so by itself.
    let owes_more = json!({"chargeAmount": {"amount": "99.99", "currencyCode": "EUR"}});
    let id = world.completed(json!({}), owes_more).await;
    world.until_state(&daemon, &id, "needs-repair").await;
    until_it_says(&client, "some sessions need somebody").await;
    until_it_says(&client, "send a corrected event, or release it").await;

    client
        .find(Locator::LinkText(&id))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    until_it_says(&client, "AmountMismatch").await;
    let story = main_text(&client).await;
    for told in [
        "needs-repair",
        "checkout-completed",
        "confirmation-started",
        "Amazon's request",
    ] {
        assert!(story.contains(told), "{told}: {story}");
    }

    // Whoever has no token is refused.
    let act = format!("/sessions/{id}/forswear");
    client.goto(&at(&daemon, &act)).await.unwrap();
    assert!(client.find(Locator::Css("form")).await.is_err(), "it was let in");
    let (status, said) = daemon.get(&act).await;
    assert_eq!(status, 401);
    assert!(said.contains("this needs the operator token"), "{said}");
    assert_eq!(daemon.session(&id).await["state"], "needs-repair");

    // By keyboard alone: the field that is wanted has the focus, and Enter says yes.
    client.goto(&as_ada(&daemon, &act)).await.unwrap();
    until_it_says(&client, "It will be recorded as done by ada").await;
    press(&client, "the buyer wants another article").await;
    press(&client, &String::from(char::from(Key::Enter))).await;
    until_it_says(&client, "Recorded: forswear").await;
    until_it_says(&client, "the buyer wants another article").await;
    let shown = daemon.session(&id).await;
    assert_eq!(shown["state"], "forsworn");
    let mut history = shown["history"].as_array().unwrap().iter();
    let forsworn = history
        .find(|fact| fact["type"] == "confirmation-forsworn")
        .unwrap();
    assert_eq!(
        (&forsworn["actor"], &forsworn["reason"]),
        (&json!("ada"), &json!("the buyer wants another article"))
    );
    client.close().await.unwrap();
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_readable_on_a_telephone_in_the_dark_and_usable_by_keyboard() {
    let (Some(world), Some(driver)) = (World::new("console-dark").await, browser_driver()) else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let id = world.completed(json!({"buyerFinished": false}), json!({})).await;
    world.until_heard(&daemon, std::slice::from_ref(&id)).await;
    let paths = [
        "/".to_owned(),
        "/sessions".to_owned(),
        format!("/sessions/{id}"),
        "/accounts/eu_shop".to_owned(),
        "/dead-letters".to_owned(),
    ];
    for (arguments, is_dark) in [(&[DARK][..], true), (&[], false)] {
        let client = browser(&driver, arguments).await;
        client.set_window_size(NARROW.0, NARROW.1).await.unwrap();
        for path in &paths {
            client.goto(&at(&daemon, path)).await.unwrap();
            let look = "const light = text => { const [r, g, b] = text.match(/[0-9.]+/g).map(Number); return (r + g + b) / 3; };
                const style = getComputedStyle(document.body);
                return [light(style.backgroundColor), light(style.color),
                    document.documentElement.scrollWidth - document.documentElement.clientWidth];";
            let seen: Value = client.execute(look, vec![]).await.unwrap();
            let seen: Vec<f64> = serde_json::from_value(seen).unwrap();
            let (ground, text, too_wide) = (seen[0], seen[1], seen[2]);
            assert_eq!(ground < 128.0, is_dark, "{path}: {seen:?}");
            assert!((ground - text).abs() > 150.0, "{path}: {seen:?}");
            assert!(too_wide <= 0.0, "{path} is wider than a telephone: {seen:?}");
            // The first that Tab comes to leads past the navigation.
            press(&client, &String::from(char::from(Key::Tab))).await;
            press(&client, &String::from(char::from(Key::Enter))).await;
            let place = client.current_url().await.unwrap();
            assert_eq!(place.fragment(), Some("content"), "{path}");
        }
        client.close().await.unwrap();
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shops_that_wait_are_answered_by_whichever_replica_they_ask() {
    let Some(mut world) = World::new("waiting").await else {
        return;
    };
    let ours = world.daemon_at_work().await;
    let other = world.daemon().await;
    world
        .until("the partitions to be shared", async || {
            !partitions(&other).is_empty() && partitions(&ours).len() + partitions(&other).len() == 3
        })
        .await;
    // Nobody's outcome comes before everybody waits for it.
    let hanging = world.fault(json!({"operation": "finalize", "when": "before", "delay": "20s"}));
    let ids = world.completed_many(60).await;
    world.until_struck(hanging, 60).await;
    let waiting = ids.iter().flat_map(|id| {
        let path = format!("/api/sessions/{id}/outcome?wait=60s");
        [&ours, &other].map(|daemon| {
            let path = path.clone();
            async move { daemon.get(&path).await }
        })
    });
    for (status, body) in join_all(waiting).await {
        assert_eq!(status, 200, "{body}");
        let told: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(told["type"], "checkout.confirmed.v1", "{told}");
    }
    world.outcomes(&ids).await;

    // A shop may ask before its event has come.
    let session = world.session(json!({}));
    let early = session["checkoutSessionId"].as_str().unwrap();
    let asked = [&ours, &other].map(|daemon| {
        let (address, path) = (
            daemon.address().to_owned(),
            format!("/api/sessions/{early}/outcome?wait=60s"),
        );
        tokio::spawn(async move { get(&address, &path).await })
    });
    for daemon in [&ours, &other] {
        assert_eq!(daemon.get(&format!("/api/sessions/{early}/outcome")).await.0, 404);
    }
    world.say(&session, json!({})).await;
    for asked in asked {
        let (status, body) = asked.await.unwrap();
        assert_eq!(status, 200, "{body}");
    }
    world.outcome(early).await;
    other.terminate().await;
    world.end(ours).await;
}

/// The example of a shop's result page, as `deploy/examples` has it; it ends with the test.
async fn result_page(daemon: &Daemon, node: &Path) -> (tokio::process::Child, String) {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples/result-page/server.mjs");
    let mut child = Command::new(node)
        .arg(server)
        .env("CONFIRMD_URL", at(daemon, ""))
        .env("PORT", "0")
        .env_remove("CONFIRMD_READ_TOKEN_FILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.next_line().await.unwrap().unwrap();
    let address = said.split_once("at ").unwrap().1;
    (child, address.trim_end_matches('…').to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_on_the_shops_result_page_reads_the_outcome_as_soon_as_it_is_known() {
    let node = tokio::task::spawn_blocking(node_with_sdk).await.unwrap();
    let (Some(world), Some(driver), Some(node)) = (World::new("result-page").await, browser_driver(), node)
    else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let (_shop, page) = result_page(&daemon, &node.node).await;
    let client = browser(&driver, &[]).await;
    for (card, told) in [
        (json!({}), "Thank you! Your payment went through."),
        (
            json!({"card": "3434"}),
            "Your payment was not successful. Please try another payment method.",
        ),
    ] {
        // The buyer is back before the shop's event has left.
        let session = world.session(card);
        let id = session["checkoutSessionId"].as_str().unwrap();
        client.goto(&format!("{page}{id}")).await.unwrap();
        let status = client.find(Locator::Id("status")).await.unwrap();
        assert_eq!(
            status.text().await.unwrap(),
            "We are confirming your payment. This takes a moment."
        );
        world.say(&session, json!({})).await;
        let xpath = format!("//*[@id = 'status'][. = '{told}']");
        let wait = client.wait().at_most(Duration::from_secs(60));
        if let Err(error) = wait.for_element(Locator::XPath(&xpath)).await {
            panic!("the buyer reads {:?}: {error}", status.text().await);
        }
    }
    client.close().await.unwrap();
    world.end(daemon).await;
}
