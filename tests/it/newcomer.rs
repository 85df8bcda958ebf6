//! A newcomer who follows README.md and docs/operations.md, and nothing else: every fenced command of both is run as it
//! stands there, beside Apache Kafka, PostgreSQL, Prometheus and the sandbox, and what it is said to show is shown.

mod page;
mod shell;

use serde_json::{Value, json};
use testkit::real::{browser_driver, missing};

use crate::console::{browser, until_it_says};
use crate::tidy::root;
use page::Page;
use shell::Shell;

/// What the documents use and nobody here brings along. None where something is missing.
fn everything_is_there(programs: &[&str]) -> Option<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in programs {
        if !std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
            return missing(format_args!("install {program}, which the documents use"));
        }
    }
    testkit::real::java_with_kafka()?;
    testkit::real::postgres().map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_the_operations_sees_problems_everywhere_and_acts_on_them() {
    let (Some(()), Some(driver)) = (
        everything_is_there(&["curl", "jq", "openssl", "prometheus"]),
        browser_driver(),
    ) else {
        return;
    };
    let mut page = Page::open("docs/operations.md");
    let mut shell = Shell::open();
    let console = format!("http://{}", shell.here("127.0.0.1:9464"));
    let client = browser(&driver, &[]).await;

    follow(&mut shell, &mut page, "Rehearse").await;
    let started = follow(&mut shell, &mut page, "Start it").await;
    for told in [
        "the database has schema",
        "Amazon Pay accepts its key and signature",
        r#""ready":true"#,
    ] {
        assert!(started.contains(told), "{told}: {started}");
    }

    let told = follow(&mut shell, &mut page, "A good day").await;
    assert!(told.contains(r#""type":"checkout.confirmed.v1""#), "{told}");
    client.goto(&console).await.unwrap();
    until_it_says(&client, "All that waits will be confirmed in time.").await;

    // A problem of one checkout: in an alert, on the console, on the command line.
    let mut blocks = page.take("The shop sends a wrong amount", "sh");
    let told = shell.run(&blocks.pop_front().unwrap().text).await.well();
    let alert = first_json(&told);
    assert_eq!(alert["kind"], "needs-repair");
    let id = alert["checkoutSessionId"].as_str().unwrap();
    until_it_says(&client, "send a corrected event, or release it").await;
    let told = shell.run(&blocks.pop_front().unwrap().text).await.well();
    assert!(
        told.contains("AmountMismatch") && told.contains("24.00 EUR"),
        "{told}"
    );
    let runbook = told.lines().find_map(|line| line.strip_prefix("runbook"));
    assert_eq!(
        runbook.map(str::trim),
        Some("deploy/runbook/ConfirmdSessionsNeedPeople.md")
    );
    let told = shell.run(&blocks.pop_front().unwrap().text).await.well();
    assert!(
        told.contains(id) && told.contains("checkout.confirmed.v1"),
        "{told}"
    );

    // A problem of all: it rings, and the runbook that it names leads to what is wrong.
    let mut blocks = page.take("Somebody rolls out a wrong key", "sh");
    shell.run(&blocks.pop_front().unwrap().text).await.well();
    until_it_says(&client, "stopped").await;
    let told = shell.run(&blocks.pop_front().unwrap().text).await.well();
    let (_, url) = told
        .split_once(r#""runbook_url": ""#)
        .unwrap_or_else(|| panic!("{told}"));
    let (runbook, _) = url.split_once('"').unwrap();
    assert_eq!(runbook, "deploy/runbook/ConfirmdAccountStopped.md");
    let refused = shell.run(&blocks.pop_front().unwrap().text).await;
    assert!(
        refused
            .text
            .contains("in Seller Central, Integration Central, compare"),
        "{refused:#?}"
    );
    assert_eq!(refused.failed, ["(3): confirmd check --online"]);
    let look = look_of(runbook).replace("NAME", "eu_shop");
    let looked = shell.run(&look).await;
    assert!(looked.text.contains("403 InvalidAuthentication"), "{looked:#?}");
    assert!(
        looked
            .failed
            .iter()
            .all(|failed| failed.starts_with("(3): confirmd check")),
        "{looked:#?}"
    );
    let told = shell.run(&blocks.pop_front().unwrap().text).await.well();
    assert!(
        told.contains("checkout.confirmed.v1") && told.contains("running"),
        "{told}"
    );
    until_it_says(&client, "All that waits will be confirmed in time.").await;

    let told = follow(&mut shell, &mut page, "The buyer has cancelled by telephone").await;
    assert!(
        told.contains("because: the buyer has cancelled by telephone"),
        "{told}"
    );
    assert!(told.contains("what is this?"), "{told}");

    // The backup, a checkout that it does not know, and the restore.
    let mut backup = page.take("Back up and restore", "sh");
    shell.run(&backup.pop_front().unwrap().text).await.well();
    shell
        .run("ID=$(checkout); publish \"$ID\" 23.45; outcome \"$ID\"")
        .await
        .well();
    shell.run(&backup.pop_front().unwrap().text).await.well();
    let told = follow(&mut shell, &mut page, "The database is gone").await;
    assert!(told.contains("checkout.confirmed.v1"), "{told}");
    assert_eq!(told.matches(r#""chargeId": "#).count(), 1, "charged once: {told}");

    follow(&mut shell, &mut page, "Upgrade, and back").await;
    let end = page.take_one("The end", "sh");
    client.close().await.unwrap();
    shell.leave(&end.text).await;
    page.is_at_its_end();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_the_readme_has_it_running_and_looks_at_it() {
    let Some(()) = everything_is_there(&["curl", "promtool"]) else {
        return;
    };
    let mut page = Page::open("README.md");
    let mut shell = Shell::open();

    let mut see_it = page.take("See it", "sh");
    let demo = shell.run(&see_it.pop_front().unwrap().text).await.well();
    assert!(demo.contains("All is as it should be"), "{demo}");
    let tests = see_it.pop_front().unwrap().text;
    shell.run(&tests).await.well();
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.contains(tests.trim()), "CI runs other tests than `{tests}`");
    assert!(see_it.is_empty());

    // What the reader has: Kafka, PostgreSQL, and a sandbox in place of Amazon Pay, in another terminal each.
    shell
        .run("cargo run --release -p scenarios --bin servers -- bash")
        .await
        .well();
    let mut run_it = page.take_one("Run it", "sh").text;
    let start = run_it.split_off(run_it.find("confirmd --config").unwrap());
    shell.run(&run_it).await.well();
    let mut try_it = page.take_one("An Amazon Pay to test against", "sh").text;
    let calls = try_it.split_off(try_it.find("curl").unwrap());
    let sandbox = replaced(
        &try_it,
        "sandbox ",
        "sandbox --listen 127.0.0.1:0 >sandbox.json & ",
    );
    shell.run(&sandbox).await.well();
    let sandbox = shell
        .run("until [ -s sandbox.json ]; do sleep 1; done; cat sandbox.json")
        .await
        .well();
    let sandbox: Value = serde_json::from_str(&sandbox).unwrap();
    let calls = replaced(&calls, "CONTROL_URL", sandbox["control_url"].as_str().unwrap());
    let answers = shell.run(&calls).await.well();
    let session = first_json(&answers);
    let id = session["checkoutSessionId"].as_str().unwrap();

    let merchant = &sandbox["merchants"][0];
    let configuration = page.take_one("Run it", "toml").text;
    let configuration = replaced(
        &configuration,
        r#""SANDBOX-…""#,
        &merchant["publicKeyId"].to_string(),
    );
    let place = format!(
        "{}\nendpoint = {}\nca_file = {}\n#",
        merchant["privateKeyFile"], sandbox["url"], sandbox["ca_file"]
    );
    let configuration = replaced(&configuration, r#""amazon-pay.pem""#, &place);
    shell.write("confirmd.toml", &configuration);
    let start = replaced(
        &start,
        " run\n",
        " run 2>confirmd.log &\nuntil confirmd health --ready; do sleep 1; done\n",
    );
    let started = shell.run(&start).await.well();
    assert!(
        started.contains("Amazon Pay accepts its key and signature; mode \"watch\""),
        "{started}"
    );

    let mut event: Value = serde_json::from_str(&page.take_one("Run it", "json").text).unwrap();
    event["checkoutSessionId"] = json!(id);
    shell.write("event", &format!("{id}|{event}\n"));
    let publish = "kafka-console-producer.sh --bootstrap-server \"$KAFKA\" --topic checkout.completed \
        --reader-property parse.key=true --reader-property 'key.separator=|' <event";
    shell.run(publish).await.well();
    shell
        .run(&format!("until confirmd sessions show {id}; do sleep 1; done"))
        .await
        .well();
    let look = page.take_one("Look at it", "sh").text;
    let look = replaced(&look, "ID", id);
    let look = replaced(
        &replaced(&look, "NAME", "eu_shop"),
        "TEXT",
        "'to see what it does'",
    );
    let seen = shell.run(&look).await.well();
    for told in [
        "ORDER-1001",
        "23.45 EUR",
        "account    eu_shop: running",
        "is paused",
    ] {
        assert!(seen.contains(told), "{told}: {seen}");
    }

    let load = shell
        .run(&page.take_one("How fast it is", "sh").text)
        .await
        .well();
    assert!(load.contains("--only"), "{load}");
    shell.write("prometheus.yaml", &page.take_one("Operate", "yaml").text);
    let checked = shell.run("promtool check config prometheus.yaml").await.well();
    assert_eq!(checked.matches("rules found").count(), 2, "{checked}");
    page.is_at_its_end();
    shell.leave("kill $(jobs -p)\nwait\nexit\n").await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_ends_with_the_test() {
    let mut shell = Shell::open();
    let told = shell.run("sleep 1000 &\necho \"it is $!\"").await.well();
    let id = told.lines().find_map(|line| line.strip_prefix("it is ")).unwrap();
    let process = std::path::Path::new("/proc").join(id).join("exe");
    assert!(process.exists());
    drop(shell);
    // It is killed by then, and gone a moment later.
    crate::world::in_time("the end of what was typed", async {
        while process.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// What a reader fills in.
fn replaced(text: &str, what: &str, with: &str) -> String {
    assert!(text.contains(what), "{what}: {text}");
    text.replace(what, with)
}

fn first_json(shown: &str) -> Value {
    let line = shown.lines().find(|line| line.starts_with('{'));
    // Where nothing ends the line, the next answer begins in it.
    let mut all = serde_json::Deserializer::from_str(line.unwrap_or_else(|| panic!("{shown}"))).into_iter();
    all.next().unwrap().unwrap()
}

/// Runs all under this heading, of which nothing fails, and says what was shown.
async fn follow(shell: &mut Shell, page: &mut Page, heading: &str) -> String {
    let mut shown = String::new();
    for block in page.take(heading, "sh") {
        shown.push_str(&shell.run(&block.text).await.well());
    }
    shown
}

/// The commands under `Look` of a runbook.
fn look_of(runbook: &str) -> String {
    let text = std::fs::read_to_string(root().join(runbook)).unwrap();
    Page::of("a runbook", &text).take_one("Look", "sh").text
}
