//! `examples/verify_an_ipn.rs`, called as its `main` calls it.

use super::authority::{Letter, MESSAGE, ROOT, SNS, TOPIC, now};

#[expect(dead_code, reason = "its `main` is for the command line")]
#[path = "../../../examples/verify_an_ipn.rs"]
mod verify_an_ipn;

#[test]
fn the_example_says_which_object_to_look_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).into_os_string().into_string().unwrap();
    std::fs::write(path("ca.pem"), ROOT.pem()).unwrap();
    std::fs::write(path("sns.pem"), SNS.pem()).unwrap();
    let arguments = [TOPIC.to_owned(), path("ca.pem"), path("sns.pem")];
    let letter = Letter::notification(MESSAGE).signed_by(&SNS);
    let said = verify_an_ipn::run(&arguments, &letter.bytes(), now()).unwrap();
    assert!(said.contains("CHARGE S01-4419027-6630185-C083512"), "{said}");

    let tampered = letter.with("MessageId", "another");
    let error = verify_an_ipn::run(&arguments, &tampered.bytes(), now()).unwrap_err();
    assert_eq!(error.to_string(), "the notification's signature is wrong");
    assert!(verify_an_ipn::run(&[], b"", now()).is_err());
}
