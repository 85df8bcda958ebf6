//! Who is let in: signatures, keys, dates, regions.

use sandbox::MerchantStatus;
use serde_json::json;

use crate::client::{Call, Client, V1, V2, hex_sha256};
use crate::world::World;

fn look_up(world: &World, session: &str) -> Call {
    Call::get(format!("/v2/checkoutSessions/{session}"), world.now())
}

#[tokio::test]
async fn each_algorithm_takes_exactly_its_own_salt() {
    let world = World::start().await;
    let session = world.session(json!({}));
    for (algorithm, salt, status) in [
        (V1, 20, 200),
        (V2, 32, 200),
        (V1, 32, 403),
        (V2, 20, 403),
        (V2, 31, 403),
    ] {
        let call = Call {
            algorithm,
            salt,
            ..look_up(&world, &session)
        };
        assert_eq!(
            world.eu.send(&call).await.status,
            status,
            "{algorithm} with {salt}"
        );
    }
}

#[tokio::test]
async fn a_bad_signature_is_told_the_string_that_should_have_been_signed() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let call = look_up(&world, &session);
    let request = String::from_utf8(world.eu.signed(&call)).unwrap();
    let spoiled = request.replace("accept: application/json", "accept: text/html");
    let answer = world.eu.send_bytes(spoiled.as_bytes()).await.unwrap();
    assert_eq!(answer.verdict(), (403, "InvalidRequestSignature".to_owned()));
    let canonical = format!(
        "GET\n/v2/checkoutSessions/{session}\n\naccept:text/html\ncontent-type:application/json\nx-amz-pay-date:{}\n\
         x-amz-pay-host:pay-api.sandbox.example\nx-amz-pay-region:eu\n\n\
         accept;content-type;x-amz-pay-date;x-amz-pay-host;x-amz-pay-region\n{}",
        call.date,
        hex_sha256(b"")
    );
    let expected = format!("{V2}\n{}", hex_sha256(canonical.as_bytes()));
    assert!(
        answer.json()["message"].as_str().unwrap().contains(&expected),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn whatever_an_sdk_signs_is_checked_as_it_spells_it() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for signed in [
        vec![header("user-agent", "a test")],
        vec![header("X-Amz-Pay-Integrator-Id", "A1B2")],
        vec![header("x-amz-pay-sdk-type", " padded ")],
    ] {
        let call = Call {
            signed: signed.clone(),
            ..look_up(&world, &session)
        };
        assert_eq!(world.eu.send(&call).await.status, 200, "{signed:?}");
    }
    let query = Call {
        path: format!("/v2/checkoutSessions/{session}?a=1&b=%20x"),
        ..look_up(&world, &session)
    };
    assert_eq!(world.eu.send(&query).await.status, 200);
    let extended = Call {
        date: "2026-01-05T10:00:00Z".to_owned(),
        ..look_up(&world, &session)
    };
    assert_eq!(world.eu.send(&extended).await.status, 200);
}

#[tokio::test]
async fn white_space_may_be_collapsed_before_signing() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let call = Call {
        signed: vec![("x-amz-pay-platform-version".to_owned(), "one two".to_owned())],
        ..look_up(&world, &session)
    };
    let request = String::from_utf8(world.eu.signed(&call))
        .unwrap()
        .replace("one two", "one   two");
    assert_eq!(world.eu.send_bytes(request.as_bytes()).await.unwrap().status, 200);
}

#[tokio::test]
async fn the_body_the_path_and_the_region_are_part_of_what_is_signed() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let other = world.session(json!({}));
    let complete = json!({"chargeAmount": {"amount": "23.45", "currencyCode": "EUR"}});
    let request = String::from_utf8(world.eu.signed(&world.completing(&session, &complete))).unwrap();
    for (from, to) in [
        ("23.45", "23.46"),
        (session.as_str(), other.as_str()),
        ("x-amz-pay-region: eu", "x-amz-pay-region: jp"),
    ] {
        let answer = world
            .eu
            .send_bytes(request.replace(from, to).as_bytes())
            .await
            .unwrap();
        assert_eq!(
            answer.verdict(),
            (403, "InvalidRequestSignature".to_owned()),
            "{from}"
        );
    }
    assert_eq!(world.eu.send_bytes(request.as_bytes()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_date_that_is_left_unsigned_could_be_replayed_and_is_refused() {
    let world = World::start().await;
    let request = String::from_utf8(world.eu.signed(&look_up(&world, "a1"))).unwrap();
    let spoiled = request.replace(";x-amz-pay-date", "");
    let answer = world.eu.send_bytes(spoiled.as_bytes()).await.unwrap();
    assert_eq!(answer.verdict(), (403, "InvalidRequestSignature".to_owned()));
    assert!(
        answer.text.contains("x-amz-pay-date is not signed"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_date_more_than_fifteen_minutes_off_is_refused() {
    let world = World::start().await;
    let session = world.session(json!({}));
    for (date, status) in [
        ("20260105T094500Z", 200),
        ("20260105T101500Z", 200),
        ("20260105T094459Z", 403),
        ("20260105T101501Z", 403),
        ("last week", 400),
    ] {
        let call = Call {
            date: date.to_owned(),
            ..look_up(&world, &session)
        };
        assert_eq!(world.eu.send(&call).await.status, status, "{date}");
    }
    world.switch(|unknowns| unknowns.allowed_clock_skew = None);
    let call = Call {
        date: "20200105T100000Z".to_owned(),
        ..look_up(&world, &session)
    };
    assert_eq!(world.eu.send(&call).await.status, 200);
}

#[tokio::test]
async fn unknown_keys_missing_headers_and_the_wrong_region_are_refused() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let request = String::from_utf8(world.eu.signed(&look_up(&world, &session))).unwrap();
    let spoil = |from: &str, to: &str| request.replace(from, to).into_bytes();
    for (bytes, status, reason) in [
        (
            spoil(&world.eu.key_id, "SANDBOX-AAAAAAAAAAAAAAAAAAAAAAAA"),
            403,
            "InvalidAuthentication",
        ),
        (spoil("authorization:", "x-authorization:"), 400, "MissingHeader"),
        (spoil("PublicKeyId=", "Key="), 400, "InvalidHeaderValue"),
        (spoil("x-amz-pay-date:", "x-date:"), 400, "MissingHeader"),
        (spoil("x-amz-pay-host:", "x-host:"), 400, "MissingHeader"),
    ] {
        assert_eq!(
            world.eu.send_bytes(&bytes).await.unwrap().verdict(),
            (status, reason.to_owned())
        );
    }
    let mut client = Client::new(&world.sandbox, "eu_shop");
    for (region, status) in [("EU", 200), ("de", 200), ("na", 403)] {
        client.region = region.to_owned();
        assert_eq!(
            client.send(&look_up(&world, &session)).await.status,
            status,
            "{region}"
        );
    }
    world.switch(|unknowns| unknowns.check_region = false);
    assert_eq!(client.send(&look_up(&world, &session)).await.status, 200);
}

#[tokio::test]
async fn a_refused_account_gets_nothing_until_it_is_active_again() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let us = Client::new(&world.sandbox, "us_shop");
    let theirs = world.session(json!({"account": "us_shop"}));
    world
        .sandbox
        .set_merchant("eu_shop", MerchantStatus::Refused)
        .unwrap();
    let refused = world.eu.send(&look_up(&world, &session)).await;
    assert_eq!(refused.verdict(), (403, "InvalidAuthentication".to_owned()));
    assert_eq!(us.send(&look_up(&world, &theirs)).await.status, 200);
    world
        .sandbox
        .set_merchant("eu_shop", MerchantStatus::Active)
        .unwrap();
    assert_eq!(world.eu.send(&look_up(&world, &session)).await.status, 200);
}

#[tokio::test]
async fn every_form_of_a_path_works_and_the_environment_must_be_the_key_s() {
    let world = World::start().await;
    let session = world.session(json!({}));
    for (prefix, suffix, status) in [
        ("", "", 200),
        ("", "/", 200),
        ("/sandbox", "", 200),
        ("/sandbox", "/", 200),
        ("/live", "", 403),
    ] {
        let path = format!("{prefix}/v2/checkoutSessions/{session}{suffix}");
        let call = Call {
            path,
            ..look_up(&world, &session)
        };
        assert_eq!(world.eu.send(&call).await.status, status, "{prefix} {suffix}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_the_date_of_the_sandbox_s_clock() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let unknown = Call {
        path: "/v2/nothing".to_owned(),
        ..look_up(&world, "x")
    };
    let wrong_method = Call {
        method: "DELETE",
        ..look_up(&world, &session)
    };
    let unsigned = b"GET /v2/charges/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_vec();
    for (bytes, status, reason) in [
        (world.eu.signed(&look_up(&world, &session)), 200, ""),
        (world.eu.signed(&unknown), 404, "ResourceNotFound"),
        (world.eu.signed(&wrong_method), 405, "UnsupportedOperation"),
        (unsigned, 400, "MissingHeader"),
    ] {
        let answer = world.eu.send_bytes(&bytes).await.unwrap();
        assert_eq!(answer.verdict(), (status, reason.to_owned()));
        assert_eq!(answer.header("x-amz-pay-request-id").map(str::len), Some(36));
        assert_eq!(answer.header("date"), Some("Mon, 05 Jan 2026 10:00:00 GMT"));
    }
}
