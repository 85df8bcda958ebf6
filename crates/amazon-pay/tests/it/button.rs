//! The button's signature, judged by someone else's code.

use amazon_pay::{Algorithm, ButtonSignature, CreateCheckoutSession, PrivateKey, WebCheckoutDetails};
use openssl::sha::sha256;

use crate::fixtures::KEY;
use crate::server::{hex, verifies};

#[test]
fn a_button_is_signed_over_its_payload_with_the_salt_of_its_algorithm() {
    let pem = String::from_utf8(KEY.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let key = PrivateKey::from_pem(&pem).unwrap();
    let session = CreateCheckoutSession::new(
        WebCheckoutDetails::with_review("https://shop.example/review?for=Robin"),
        "amzn1.application-oa2-client.example",
    );
    let payload = String::from_utf8(session.to_body().unwrap().into()).unwrap();
    for payload in [payload.as_str(), "{ \"raw\" : \"ü\" }\n", ""] {
        for (algorithm, name, salt, other) in [
            (Algorithm::V1, "AMZN-PAY-RSASSA-PSS", 20, 32),
            (Algorithm::V2, "AMZN-PAY-RSASSA-PSS-V2", 32, 20),
        ] {
            let button = ButtonSignature::sign(payload, &key, algorithm).unwrap();
            assert_eq!(button.payload(), payload, "not a byte of it changes");
            assert_eq!(button.algorithm().to_string(), name);
            let text = format!("{name}\n{}", hex(&sha256(payload.as_bytes())));
            assert!(verifies(&text, button.signature(), salt));
            assert!(!verifies(&text, button.signature(), other));
            assert!(!format!("{button:?}").contains("Robin"));
        }
    }
}
