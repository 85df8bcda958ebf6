//! Faults: what the caller sees, and what is booked all the same.

use std::time::Duration;

use futures::FutureExt as _;
use sandbox::{Fault, Kind, Span, When};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::{Broken, Call, Client};
use crate::world::{World, order};

fn once(when: When, kind: Kind) -> Fault {
    Fault {
        times: Some(1),
        ..Fault::new("finalize", when, Some(kind))
    }
}

#[tokio::test]
async fn before_books_nothing_and_after_books_all_whatever_becomes_of_the_answer() {
    let world = World::start().await;
    for (when, state, effect) in [
        (When::Before, "Open", json!(null)),
        (When::After, "Completed", json!("completed")),
    ] {
        for kind in [Kind::Reset, Kind::Truncate, Kind::Status, Kind::Html] {
            let session = world.session(json!({}));
            world.sandbox.fault(once(when, kind)).unwrap();
            let answer = world.try_finalize(&session, &order()).await;
            let status = match kind {
                Kind::Reset => {
                    assert_eq!(answer.unwrap_err(), Broken::Reset);
                    json!(null)
                }
                Kind::Truncate => {
                    assert_eq!(answer.unwrap_err(), Broken::CutShort);
                    json!(null)
                }
                Kind::Status => {
                    assert_eq!(answer.unwrap().verdict(), (500, "InternalServerError".to_owned()));
                    json!(500)
                }
                Kind::Html => {
                    let answer = answer.unwrap();
                    assert_eq!(
                        (answer.status, answer.header("content-type")),
                        (503, Some("text/html"))
                    );
                    assert!(
                        answer.text.starts_with("<html>") && answer.header("x-amz-pay-request-id").is_some()
                    );
                    json!(503)
                }
                Kind::Hang => unreachable!(),
            };
            let book = world.book(&session);
            assert_eq!(book["state"], state, "{when:?} {kind:?}");
            let call = &book["calls"][0];
            assert_eq!(
                (&call["status"], &call["effect"]),
                (&status, &effect),
                "{when:?} {kind:?}"
            );
            assert_eq!(call["fault"]["kind"], serde_json::to_value(kind).unwrap());
            assert_eq!(call["fault"]["when"], serde_json::to_value(when).unwrap());
        }
    }
}

#[tokio::test]
async fn after_a_lost_answer_the_same_key_gets_it_and_another_meets_a_completed_session() {
    let world = World::start().await;
    let session = world.session(json!({}));
    world.sandbox.fault(once(When::After, Kind::Reset)).unwrap();
    let call = world.finalizing(&session, &order()).with_key("k");
    assert_eq!(world.eu.try_send(&call).await.unwrap_err(), Broken::Reset);
    let other = world
        .eu
        .send(&world.finalizing(&session, &order()).with_key("other"))
        .await;
    assert_eq!(other.verdict(), (422, "InvalidCheckoutSessionStatus".to_owned()));
    assert_eq!(world.eu.send(&call).await.status, 200);
    assert_eq!(
        world.sandbox.books().session(&session).unwrap().times_completed(),
        1
    );
}

#[tokio::test]
async fn a_hanging_call_is_never_answered_and_its_connection_stays_open() {
    let world = World::start().await;
    let session = world.session(json!({}));
    world.sandbox.fault(once(When::After, Kind::Hang)).unwrap();
    let mut stream = world.eu.connect("127.0.0.1").await.unwrap();
    stream
        .write_all(&world.eu.signed(&world.finalizing(&session, &order())))
        .await
        .unwrap();
    // Other calls are answered meanwhile; once they show it completed, the hanging one has been worked on.
    while world.get(&session).await.json()["statusDetails"]["state"] != "Completed" {}
    let mut byte = [0];
    assert!(
        stream.read(&mut byte).now_or_never().is_none(),
        "answered or closed"
    );
    assert_eq!(world.book(&session)["calls"][0]["status"], json!(null));
    world.sandbox.shutdown().await;
    assert_eq!(
        stream.read(&mut byte).await.unwrap_or_default(),
        0,
        "the sandbox ends with a call hanging"
    );
}

#[tokio::test]
async fn a_delay_lasts_on_the_sandbox_s_clock() {
    let world = World::start().await;
    for (when, meanwhile) in [(When::Before, "Open"), (When::After, "Completed")] {
        let session = world.session(json!({}));
        let delay = Span::parse("40s");
        world
            .sandbox
            .fault(Fault {
                delay,
                times: Some(1),
                ..Fault::new("finalize", when, None)
            })
            .unwrap();
        let call = world.finalizing(&session, &order());
        let answer = world.eu.send(&call);
        let watch = async {
            while world.book(&session)["calls"][0]["fault"].is_null() {
                tokio::task::yield_now().await;
            }
            while world.get(&session).await.json()["statusDetails"]["state"] != meanwhile {}
            world.advance(39);
            assert_eq!(
                world.get(&session).await.json()["statusDetails"]["state"],
                meanwhile
            );
            world.advance(1);
        };
        let (answer, ()) = tokio::join!(answer, watch);
        assert_eq!(answer.status, 200, "{when:?}");
    }
}

#[tokio::test]
async fn a_call_whose_caller_has_gone_is_done_all_the_same_and_its_answer_lost() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let delay = Span::parse("40s");
    world
        .sandbox
        .fault(Fault {
            delay,
            times: Some(1),
            ..Fault::new("finalize", When::Before, None)
        })
        .unwrap();
    let mut stream = world.eu.connect("127.0.0.1").await.unwrap();
    stream
        .write_all(&world.eu.signed(&world.finalizing(&session, &order())))
        .await
        .unwrap();
    while world.book(&session)["calls"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    // Several whole conversations later the sandbox has seen that the connection is closed.
    for _ in 0..3 {
        assert_eq!(world.get(&session).await.json()["statusDetails"]["state"], "Open");
    }
    world.advance(40);
    while world.get(&session).await.json()["statusDetails"]["state"] != "Completed" {}
    let call = world.book(&session)["calls"][0].clone();
    assert_eq!(
        (&call["status"], &call["effect"]),
        (&json!(null), &json!("completed"))
    );
    let books = serde_json::to_value(world.sandbox.books()).unwrap();
    assert_eq!(books["answers"]["finalize"], json!({"lost": 1}));
}

#[tokio::test]
async fn whether_a_confirmation_on_its_way_at_the_expiry_counts_is_a_switch() {
    let world = World::start().await;
    for (counts, status) in [(false, 422), (true, 200)] {
        world.switch(|unknowns| unknowns.arrival_counts = counts);
        let session = world.session(json!({}));
        world.advance(24 * 3600 - 1);
        let delay = Span::parse("2s");
        let fault = Fault {
            delay,
            times: Some(1),
            ..Fault::new("finalize", When::Before, None)
        };
        world.sandbox.fault(fault).unwrap();
        let call = world.finalizing(&session, &order());
        let answer = world.eu.send(&call);
        let watch = async {
            while world.book(&session)["calls"].as_array().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            world.advance(2);
        };
        let (answer, ()) = tokio::join!(answer, watch);
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_fault_strikes_only_whom_it_is_meant_for_and_as_often_as_it_is_to() {
    let world = World::start().await;
    let (one, other) = (world.session(json!({})), world.session(json!({})));
    let look_ups = Fault::new("get", When::Before, Some(Kind::Status));
    let of_one = Fault {
        session: Some(one.clone()),
        times: Some(2),
        status: Some(503),
        ..look_ups.clone()
    };
    assert_eq!(world.sandbox.fault(of_one).unwrap(), 1);
    for (session, status) in [(&other, 200), (&one, 503), (&one, 503), (&one, 200)] {
        assert_eq!(world.get(session).await.status, status);
    }
    let of_us = Fault {
        account: Some("us_shop".to_owned()),
        ..look_ups
    };
    assert_eq!(world.sandbox.fault(of_us).unwrap(), 2);
    let us = Client::new(&world.sandbox, "us_shop");
    let probe = Call::get(
        "/v2/checkoutSessions/00000000-0000-4000-8000-000000000000",
        world.now(),
    );
    assert_eq!(
        (us.send(&probe).await.status, world.eu.send(&probe).await.status),
        (500, 404)
    );
    world.sandbox.clear_faults();
    assert_eq!(us.send(&probe).await.status, 404);
    let struck: Vec<(u64, u64, bool)> = world
        .sandbox
        .books()
        .faults
        .iter()
        .map(|fault| (fault.id, fault.struck, fault.active))
        .collect();
    assert_eq!(struck, [(1, 2, false), (2, 1, false)]);
}

#[tokio::test]
async fn a_star_fits_every_operation_and_charges_lead_to_their_session() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let charge = world.finalize(&session, &order()).await.json()["chargeId"]
        .as_str()
        .unwrap()
        .to_owned();
    let everything = Fault::new("*", When::Before, Some(Kind::Status));
    world
        .sandbox
        .fault(Fault {
            session: Some(session.clone()),
            ..everything
        })
        .unwrap();
    assert_eq!(world.get(&session).await.status, 500);
    assert_eq!(world.get_charge(&charge).await.status, 500);
    assert_eq!(world.book(&session)["calls"][2]["operation"], "charge");
}

#[tokio::test]
async fn a_fault_says_what_is_answered_instead() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let body = json!({"reasonCode": "ProcessingFailure", "message": "x"});
    let odd = Fault {
        status: Some(500),
        body: Some(body),
        ..once(When::Before, Kind::Status)
    };
    world.sandbox.fault(odd).unwrap();
    assert_eq!(
        world.finalize(&session, &order()).await.verdict(),
        (500, "ProcessingFailure".to_owned())
    );
    let page = Fault {
        status: Some(502),
        body: Some(json!("<p>Bad Gateway")),
        ..once(When::Before, Kind::Html)
    };
    world.sandbox.fault(page).unwrap();
    let answer = world.finalize(&session, &order()).await;
    assert_eq!((answer.status, answer.text.as_str()), (502, "<p>Bad Gateway"));
    let throttled = Fault {
        status: Some(429),
        ..once(When::Before, Kind::Status)
    };
    world.sandbox.fault(throttled).unwrap();
    assert_eq!(
        world.finalize(&session, &order()).await.verdict(),
        (429, "TooManyRequests".to_owned())
    );
}

#[tokio::test]
async fn chance_comes_from_the_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::start().await;
        let session = world.session(json!({}));
        let half = Fault {
            probability: 0.5,
            ..Fault::new("get", When::Before, Some(Kind::Status))
        };
        world.sandbox.fault(half).unwrap();
        let mut struck = Vec::new();
        for _ in 0..24 {
            struck.push(world.get(&session).await.status == 500);
        }
        runs.push(struck);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(
        runs[0].contains(&true) && runs[0].contains(&false),
        "{:?}",
        runs[0]
    );
}

#[tokio::test]
async fn a_fault_that_could_never_strike_is_refused() {
    let world = World::start().await;
    let fault = Fault::new("get", When::Before, Some(Kind::Status));
    for wrong in [
        Fault {
            operation: "chargeback".to_owned(),
            ..fault.clone()
        },
        Fault {
            probability: 1.5,
            ..fault.clone()
        },
        Fault {
            kind: None,
            ..fault.clone()
        },
        Fault {
            status: Some(99),
            ..fault.clone()
        },
        Fault {
            account: Some("nobody".to_owned()),
            ..fault.clone()
        },
    ] {
        assert!(world.sandbox.fault(wrong.clone()).is_err(), "{wrong:?}");
    }
    assert!(
        world
            .sandbox
            .fault(Fault {
                kind: None,
                delay: Some(Span(Duration::from_secs(1))),
                ..fault
            })
            .is_ok()
    );
}
