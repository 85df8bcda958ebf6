//! One trace a session, whoever works on it: from the shop's event through the log and Amazon to the outcome.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use crate::world::{Collector, Span, Told, World};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SHOPS_SPAN: &str = "b7ad6b7169203331";

async fn world(name: &str) -> Option<(World, Collector)> {
    let mut world = World::new(name).await?;
    let collector = Collector::start().await;
    world.set("telemetry.otlp_endpoint", collector.url.clone());
    world.set("telemetry.log_format", "json");
    Some((world, collector))
}

/// The `traceparent` with which the outcome of a session was told: trace, span and flags.
async fn handed_on(world: &World, id: &str) -> [String; 3] {
    let records = world.everything_on(&world.kafka.outcomes_topic).await;
    let mine = records
        .iter()
        .find(|record| Told::of(record).session.as_deref() == Some(id) && Told::of(record).is_outcome());
    let traceparent = mine.unwrap().header("traceparent").unwrap();
    let [version, trace, span, flags] =
        <[&str; 4]>::try_from(traceparent.split('-').collect::<Vec<_>>()).unwrap();
    assert_eq!(version, "00");
    [trace, span, flags].map(ToOwned::to_owned)
}

fn of_session<'a>(spans: &'a [Span], id: &str) -> Vec<&'a Span> {
    let mine = spans
        .iter()
        .filter(|span| span.attribute("confirmd.session") == Some(id));
    let trace = mine.map(|span| span.trace.clone()).next();
    spans
        .iter()
        .filter(|span| Some(&span.trace) == trace.as_ref())
        .collect()
}

/// The one span of this name.
fn the<'a>(spans: &[&'a Span], name: &str) -> &'a Span {
    let [one] = spans.iter().filter(|span| span.name == name).collect::<Vec<_>>()[..] else {
        panic!("{name}: {spans:#?}");
    };
    one
}

fn is_told(id: &str) -> impl Fn(&[Span]) -> bool {
    move |spans| {
        let mine = of_session(spans, id);
        mine.iter().any(|span| span.name == "send checkout.confirmed.v1")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_leads_from_the_shops_event_through_log_and_amazon_to_the_outcome_and_on() {
    let Some((mut world, collector)) = world("traces").await else {
        return;
    };
    let daemon = world.daemon().await;
    let session = world.session(json!({}));
    let shops = format!("00-{TRACE}-{SHOPS_SPAN}-01");
    let id = world.say_in_trace(&session, &shops).await;
    world.outcome(&id).await;

    let spans = collector.spans("the whole trace", is_told(&id)).await;
    let mine = of_session(&spans, &id);
    assert!(
        mine.iter()
            .all(|span| span.trace == TRACE && span.service == "confirmd"),
        "{mine:#?}"
    );
    let taken_in = the(&mine, "process checkout.completed");
    assert_eq!(
        (taken_in.parent.as_str(), taken_in.kind),
        (SHOPS_SPAN, SpanKind::Consumer)
    );
    assert_eq!(taken_in.attribute("confirmd.account"), Some("eu_shop"));
    // On a machine that is slow one may not have left in time, which is no failure of anybody's.
    let mut calls = mine.iter().filter(|span| span.name == "Amazon Pay finalize");
    let asked = calls.next_back().unwrap();
    assert!(
        calls.all(|call| call.attribute("error.type") == Some("not-sent")),
        "{mine:#?}"
    );
    assert_eq!(asked.kind, SpanKind::Client);
    assert_eq!(asked.attribute("http.response.status_code"), Some("200"));
    let book = world.book(&id);
    let request = &book
        .calls
        .iter()
        .find(|call| call.operation == "finalize")
        .unwrap()
        .request_id;
    assert_eq!(asked.attribute("amazon_pay.request_id"), Some(request.as_str()));
    let sent = the(&mine, "send checkout.confirmed.v1");
    assert_eq!(sent.kind, SpanKind::Producer);
    let facts: Vec<&str> = mine
        .iter()
        .filter_map(|span| span.attribute("confirmd.facts"))
        .collect();
    assert_eq!(
        facts.first(),
        Some(&"checkout-completed confirmation-started"),
        "{facts:?}"
    );
    assert_eq!(facts.last(), Some(&"confirmed"), "{facts:?}");
    for span in &mine {
        assert!(!span.is_error || span.name == asked.name, "{span:#?}");
        assert!(span.nanoseconds.start() <= span.nanoseconds.end(), "{span:#?}");
        assert!(span.id == taken_in.id || span.parent == taken_in.id, "{span:#?}");
    }
    assert!(
        taken_in.nanoseconds.start() <= asked.nanoseconds.start(),
        "{mine:#?}"
    );
    assert!(asked.nanoseconds.end() <= sent.nanoseconds.start(), "{mine:#?}");

    // Whoever reads the outcome goes on in the same trace, behind the span that sent it.
    let [trace, span, flags] = handed_on(&world, &id).await;
    assert_eq!((trace.as_str(), &span, flags.as_str()), (TRACE, &sent.id, "01"));
    let said = daemon.said();
    let lines = said.lines().filter(|line| line.contains("Amazon Pay: finalize"));
    let with_trace = lines.filter(|line| line.contains(&format!(r#""trace_id":"{TRACE}""#)));
    assert!(0 < with_trace.count(), "{said}");
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_another_process_goes_on_with_stays_in_its_trace() {
    let Some((mut world, collector)) = world("traces_on").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let session = world.session(json!({}));
    let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
    let away = world.fault(json!({"operation": "finalize", "session": id, "when": "before",
                                  "kind": "status", "status": 503, "times": null}));
    // It says nothing of a trace: it has its own.
    world.say(&session, json!({})).await;
    world.until_struck(away, 1).await;
    let begun = |spans: &[Span]| {
        let mine = of_session(spans, &id);
        mine.iter().any(|span| span.name == "Amazon Pay finalize")
    };
    collector.spans("what the first has done", begun).await;
    daemon.kill().await;
    world.sandbox.clear_faults();

    let daemon = world.daemon_at_work().await;
    world.outcome(&id).await;
    let spans = collector.spans("what the second has done", is_told(&id)).await;
    let mine = of_session(&spans, &id);
    let taken_in = the(&mine, "process checkout.completed");
    assert!(taken_in.parent.is_empty(), "{taken_in:#?}");
    let asked: Vec<_> = mine
        .iter()
        .filter(|span| span.name == "Amazon Pay finalize")
        .collect();
    let (last, refused) = asked.split_last().unwrap();
    assert!(!refused.is_empty() && !last.is_error, "{asked:#?}");
    for span in refused {
        assert!(span.is_error, "{span:#?}");
        let error = span.attribute("error.type").unwrap();
        assert!(["retry", "not-sent"].contains(&error), "{span:#?}");
    }
    assert!(asked.iter().all(|span| span.parent == taken_in.id), "{asked:#?}");
    let [trace, span, _] = handed_on(&world, &id).await;
    assert_eq!(
        (trace, span),
        (
            taken_in.trace.clone(),
            the(&mine, "send checkout.confirmed.v1").id.clone()
        )
    );
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sampled_is_not_told_and_a_collector_that_is_away_holds_up_nobody() {
    let Some((mut world, collector)) = world("traces_away").await else {
        return;
    };
    collector.is_away(true);
    let daemon = world.daemon_at_work().await;
    let unsampled = format!("00-{TRACE}-{SHOPS_SPAN}-00");
    let quiet = world.say_in_trace(&world.session(json!({})), &unsampled).await;
    world.outcome(&quiet).await;
    assert_eq!(handed_on(&world, &quiet).await, [TRACE, SHOPS_SPAN, "00"]);
    let unheard = world.completed(json!({}), json!({})).await;
    world.outcome(&unheard).await;
    daemon.line("the collector did not take").await;
    collector.is_away(false);
    let id = world.completed(json!({}), json!({})).await;
    world.outcome(&id).await;
    let spans = collector.spans("a trace", is_told(&id)).await;
    assert!(of_session(&spans, &quiet).is_empty(), "{spans:#?}");
    daemon.line("the collector takes spans again").await;
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
    let told = finished
        .stderr
        .lines()
        .filter(|line| line.contains("the collector did not take"));
    assert_eq!(told.count(), 1, "{finished:?}");
    world.check_books().await;
}
