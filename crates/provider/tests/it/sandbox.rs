//! The whole way, against something that checks signatures, addresses and amounts by itself.

use std::fs;
use std::time::Duration;

use checkout::{
    AccountName, Amount, ChargeAnswer, ChargeFound, ChargePermissionType, Class, ConfirmAnswer, Found,
    IdempotencyKey, LookUpAnswer, Operation, Order, PaymentIntent, ProductType, SessionId, Timestamp, Work,
};
use provider::{AccountSettings, PrivateKey, Probed, PublicKeyId};
use reconciler::Condition;
use reconciler::ports::{Attempt, Call, Clock, ConfirmCheckout, LookUp, Turns};
use sandbox::{
    ClockSource, MerchantSpec, MerchantStatus, NewSession, Options, Profile, Sandbox, SettableClock,
};

use crate::fixtures::{accounts_of, settings, start};

#[tokio::test]
async fn a_session_is_looked_up_confirmed_and_its_charge_found_captured() {
    let sandbox = Sandbox::start(Options {
        profile: Profile::Unlimited,
        merchants: vec![MerchantSpec {
            account: "eu_shop".to_owned(),
            region: sandbox::Region::Eu,
            environment: sandbox::Environment::Sandbox,
        }],
        clock: ClockSource::Settable(SettableClock::stopped_at(start().to_string().parse().unwrap())),
        seed: Some(7),
        ..Options::default()
    })
    .await
    .unwrap();
    let info = sandbox.info();
    let merchant = &info.merchants[0];
    let pem = fs::read_to_string(&merchant.private_key_file).unwrap();
    let name = AccountName::parse("eu_shop").unwrap();
    let settings = AccountSettings {
        public_key_id: PublicKeyId::parse(&merchant.public_key_id).unwrap(),
        private_key: PrivateKey::from_pem(&pem).unwrap(),
        ca_pem: Some(fs::read(&info.ca_file).unwrap()),
        ..settings(info.url.clone())
    };
    let (accounts, clock, _) = accounts_of(vec![settings], start());
    let session = sandbox.make_session(NewSession::default()).unwrap();
    let id = SessionId::parse(session["checkoutSessionId"].as_str().unwrap()).unwrap();

    let turn = accounts.turn(&name, Call::LookUp).unwrap();
    let (LookUpAnswer::Told(told), Some(personal)) = accounts.look_up(turn, &name, &id, None).await else {
        panic!("the sandbox knows it");
    };
    assert_eq!(
        told.found,
        Found::Open {
            ids: None,
            has_address: true
        }
    );
    assert_eq!(
        told.expires_at,
        Some(start().plus(Duration::from_secs(24 * 3600)))
    );

    let price = &session["paymentDetails"]["chargeAmount"];
    let amount = Amount::parse(
        price["amount"].as_str().unwrap(),
        price["currencyCode"].as_str().unwrap(),
    );
    let order = Order {
        work: Work::Finalize {
            product: ProductType::PayAndShip,
            intent: PaymentIntent::AuthorizeWithCapture,
            amount: amount.unwrap(),
        },
        permission_type: ChargePermissionType::OneTime,
        total_order_amount: None,
        can_handle_pending: false,
        has_address: true,
    };
    let attempt = attempt(&name, &id, accounts.request_body(&order, &personal), clock.now());
    let turn = accounts.turn(&name, Call::Confirm).unwrap();
    let answer = accounts.confirm(turn, attempt.clone()).await;
    let ConfirmAnswer::Accepted {
        ids, pending: false, ..
    } = answer
    else {
        panic!("the sandbox takes it: {answer:?}");
    };

    let turn = accounts.turn(&name, Call::Charge).unwrap();
    let charge = accounts
        .look_up_charge(turn, &name, &ids.charge_id.unwrap(), None)
        .await;
    assert!(
        matches!(
            charge,
            ChargeAnswer::Told {
                found: ChargeFound::Captured,
                ..
            }
        ),
        "{charge:?}"
    );
    let turn = accounts.turn(&name, Call::LookUp).unwrap();
    let (again, _) = accounts.look_up(turn, &name, &id, None).await;
    assert!(
        matches!(&again, LookUpAnswer::Told(told) if matches!(told.found, Found::Completed(_))),
        "{again:?}"
    );

    sandbox.set_merchant("eu_shop", MerchantStatus::Refused).unwrap();
    let turn = accounts.turn(&name, Call::Confirm).unwrap();
    let refused = accounts.confirm(turn, attempt.clone()).await;
    assert!(
        matches!(
            refused,
            ConfirmAnswer::Failed {
                class: Class::Lane,
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(accounts.conditions()[0].condition, Condition::Stopped);
    assert_eq!(accounts.probe(&name).await.unwrap().probed, Probed::Refused);
    sandbox.set_merchant("eu_shop", MerchantStatus::Active).unwrap();
    assert_eq!(accounts.probe(&name).await.unwrap().probed, Probed::Passed);
    let trial = accounts.turn(&name, Call::Confirm).unwrap();
    accounts.confirm(trial, attempt).await;
    assert_eq!(accounts.conditions()[0].condition, Condition::Running);
    sandbox.shutdown().await;
}

fn attempt(account: &AccountName, id: &SessionId, body: Vec<u8>, now: Timestamp) -> Attempt {
    Attempt {
        account: account.clone(),
        id: id.clone(),
        operation: Operation::Finalize,
        key: IdempotencyKey::from_bits(7),
        body,
        send_by: now.plus(Duration::from_secs(2)),
        answer_by: now.plus(Duration::from_secs(30)),
        traceparent: None,
    }
}
