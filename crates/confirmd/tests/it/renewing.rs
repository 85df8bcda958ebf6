//! Keys that are replaced while it runs.

use sandbox::MerchantStatus;
use serde_json::{Value, json};

use crate::support::{Daemon, Place, id_of};

/// Another merchant's key: as good as any, and not this one's.
fn put_a_wrong_key(place: &Place) {
    std::fs::copy(place.path("us_shop.pem"), place.path("eu_shop.pem")).unwrap();
}

fn put_the_right_key(place: &Place) {
    let info = place.sandbox.info();
    let merchant = info.merchants.iter().find(|it| it.account == "eu_shop").unwrap();
    std::fs::copy(&merchant.private_key_file, place.path("eu_shop.pem")).unwrap();
}

/// A checkout that is confirmed now.
async fn one_is_confirmed(place: &Place, daemon: &Daemon) {
    let checkout = place.checkout(json!({}));
    let imported = place.import(&[checkout.to_string()], &[]).await;
    assert_eq!(imported.code(), Some(0), "{imported:?}");
    is_confirmed(&checkout, daemon).await;
}

async fn is_confirmed(checkout: &Value, daemon: &Daemon) {
    let path = format!("/api/sessions/{}/outcome?wait=60s", id_of(checkout));
    let (status, outcome) = daemon.get(&path).await;
    assert_eq!(
        (status, &outcome["type"]),
        (200, &json!("checkout.confirmed.v1")),
        "{outcome}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_new_key_is_refused_and_the_old_one_goes_on() {
    let place = Place::migrated().await;
    let mut daemon = place.daemon().await;
    daemon.line("confirmd runs").await;
    put_a_wrong_key(&place);
    daemon.hang_up();
    daemon
        .line("Amazon Pay refuses the new key of `eu_shop`, and the old one stays")
        .await;
    daemon
        .line("the key and the limits of `us_shop` are those of the configuration")
        .await;
    // A command reads the file as it is: it would be refused, and is not asked to call Amazon.
    one_is_confirmed(&place, &daemon).await;

    let right = place.path("confirmd.toml");
    let configuration = std::fs::read_to_string(&right).unwrap();
    std::fs::write(place.path("eu_shop.pem"), "no key at all").unwrap();
    daemon.hang_up();
    let said = daemon.line("the configuration cannot be used as it is now").await;
    assert!(!said.contains("no key at all"), "{said}");
    put_the_right_key(&place);
    std::fs::write(&right, format!("{configuration}\n[unknown]\nkey = 1\n")).unwrap();
    daemon.hang_up();
    daemon.line("unknown").await;
    std::fs::write(&right, configuration).unwrap();
    one_is_confirmed(&place, &daemon).await;
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_key_is_taken_up_when_its_file_is_there_and_what_waited_goes_on() {
    let place = Place::migrated().await;
    put_a_wrong_key(&place);
    let mut daemon = place.daemon().await;
    daemon.line("confirmd runs").await;
    let checkout = place.checkout(json!({}));
    place.import(&[checkout.to_string()], &[]).await;
    daemon.line("InvalidRequestSignature").await;
    // Nobody says so: it sees by itself that the file is another.
    put_the_right_key(&place);
    daemon
        .line("the key and the limits of `eu_shop` are those of the configuration")
        .await;
    is_confirmed(&checkout, &daemon).await;
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_limits_are_kept_from_then_on() {
    let place = Place::migrated().await;
    let mut daemon = place.daemon().await;
    daemon.line("confirmd runs").await;
    let configuration = std::fs::read_to_string(place.path("confirmd.toml")).unwrap();
    let slower = configuration.replace(
        "[accounts.us_shop]",
        "[accounts.eu_shop.quota]\nconfirm = { burst = 7, per_second = 3 }\nshop_front_share = 0.5\n[accounts.us_shop]",
    );
    std::fs::write(place.path("confirmd.toml"), slower).unwrap();
    daemon.hang_up();
    daemon
        .line("the key and the limits of `eu_shop` are those of the configuration")
        .await;
    let (_, accounts) = daemon.get("/api/accounts").await;
    assert_eq!(accounts[0]["quotaPerSecond"]["confirm"], 1.5, "{accounts}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_or_missing_is_tried_again_without_anybody_saying_so() {
    let place = Place::migrated().await;
    let mut daemon = place.daemon().await;
    daemon.line("confirmd runs").await;
    // A key that is new at Amazon, and not accepted yet.
    place
        .sandbox
        .set_merchant("eu_shop", MerchantStatus::Refused)
        .unwrap();
    daemon.hang_up();
    daemon
        .line("Amazon Pay refuses the new key of `eu_shop`, and the old one stays")
        .await;
    daemon
        .line("the key and the limits of `us_shop` are those of the configuration")
        .await;
    place
        .sandbox
        .set_merchant("eu_shop", MerchantStatus::Active)
        .unwrap();
    daemon
        .line("the key and the limits of `eu_shop` are those of the configuration")
        .await;

    // A configuration that names a file before it is there.
    let file = place.path("confirmd.toml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    let renamed = configuration.replace("eu_shop.pem", "eu_shop_2.pem");
    assert_ne!(renamed, configuration);
    std::fs::write(&file, renamed).unwrap();
    daemon.line("eu_shop_2.pem").await;
    std::fs::copy(place.path("eu_shop.pem"), place.path("eu_shop_2.pem")).unwrap();
    daemon
        .next_line("the key and the limits of `us_shop` are those of the configuration")
        .await;
    // Of each it was said once, and nobody else was asked again.
    let said = daemon.terminate().await.stderr;
    assert_eq!(said.matches("refuses the new key").count(), 1, "{said}");
    assert_eq!(said.matches("cannot be used as it is now").count(), 1, "{said}");
    assert_eq!(
        said.matches("the limits of `us_shop` are those").count(),
        2,
        "{said}"
    );
}
