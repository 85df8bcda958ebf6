//! Two messages that Amazon SNS signed in July 2022, one in each version, with the certificate that it signed
//! them with: published by AWS in the tests of its SDK for Ruby (`gems/aws-sdk-sns`, Apache-2.0). Nothing here
//! was made by us, so that the string to sign, the names and the chain are not only our reading of the rules.
//!
//! `server_ca_1b.pem` is the authority that issued to AWS until 2022, expired in October 2025. The message,
//! "Hello world", is no notification of Amazon Pay: that this is all that is found wrong with it says that
//! everything before it was found right.

use std::time::Duration;

use amazon_pay::ipn::{Authorities, CertificateError, Envelope, Malformed, TopicArn, Verifier, VerifyError};
use serde_json::json;

const CERTIFICATE: &[u8] = include_bytes!("sns_2022.pem");
const ISSUER: &[u8] = include_bytes!("server_ca_1b.pem");
const URL: &str =
    "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem";

struct Sample {
    version: &'static str,
    message_id: &'static str,
    topic: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

const SAMPLES: [Sample; 2] = [
    Sample {
        version: "1",
        message_id: "792cda85-518f-5dd3-9163-81d851212f3a",
        topic: "arn:aws:sns:us-east-2:295079676684:publish-and-verify-892f85fe-4836-424d-8188-ab85bef0f362",
        timestamp: "2022-07-28T21:23:58.317Z",
        signature: "ghtf+deOBAzHJJZ6s6CdRLfTQAlcGzq9naoFM1wi0CJiq//uVRuZnamrkWNF0fhouMFvuLVRwcz8PZLUMSfnmd5VpdTKp\
                    TyiKmy1qJAZXma0w+yi7G+I33hD1Jyk1Nbym2n0kqp3fVu2aoooiN2ZeLAT2bH0/BtjLSfN1yAOKNoprco4qV9gGUZinX\
                    Jdj9a1YdNhDR2jKi33ldlsVtEXAtiaDklGEk7DgRKX38GerBPiLg3FdtgY6KC7cdeGpU/dGK+4hjc83Ive1HoFkAwqhpg\
                    InM2sMytBosoiXfCmOKmU4xeGD0gHDNZTlJUJQDlzw8Eag0H9f/5zXF9d3uy0YQ==",
    },
    Sample {
        version: "2",
        message_id: "17dea24b-55c2-540b-8362-f916557af765",
        topic: "arn:aws:sns:us-east-2:295079676684:publish-and-verify-62674b1d-4295-426b-88e7-5fb75652a04e",
        timestamp: "2022-07-28T21:24:08.324Z",
        signature: "CXVqp9PfZAL+4JHS3Zxo1PFbQsvnOjvmYhtIf17TWpwc+iIVas8kZ8GopuzVzVMdatE7rCl/O4P91Zp05Dwz8lk8dLhfp\
                    8gSu3Njlzxlyrmzo9x3va3Jb7zFnedgS2GKnZWHGBdwTXho+TosNUE+3e10OMSlwN5XGDwX7+R3WL+rn+AXmFAqp3alg2\
                    7sYa55h1dLE9cGszGPjScPdtF3BmZsUDMx9wSdNKsCk+vSvE8yBjnCmUl7laSFj3LzPVrlSwgNYCF3kYnNAkah7NplK4S\
                    FhJYLwS0HCVCQJKa8rVbQLf9cBTu60U402mrgy0bN8xWoyimzbYbrOMJjalqkUg==",
    },
];

fn verify(sample: &Sample, message: &str, authorities: Authorities, now: &str) -> VerifyError {
    let body = json!({
        "Type": "Notification", "MessageId": sample.message_id, "TopicArn": sample.topic, "Message": message,
        "Timestamp": sample.timestamp, "SignatureVersion": sample.version, "Signature": sample.signature,
        "SigningCertURL": URL, "UnsubscribeURL": "https://sns.us-east-2.amazonaws.com/?Action=Unsubscribe",
    });
    let topic = TopicArn::parse(sample.topic).unwrap();
    let verifier = Verifier::new([topic], authorities, Duration::from_secs(10 * 365 * 86_400));
    let envelope = Envelope::parse(body.to_string().as_bytes()).unwrap();
    verifier
        .verify_with(envelope, CERTIFICATE, now.parse().unwrap())
        .expect_err("it is no notification of Amazon Pay")
}

#[test]
fn what_sns_itself_has_signed_is_verified_with_its_own_certificate() {
    let amazon = || Authorities::amazon().with_intermediates(ISSUER).unwrap();
    let then = "2022-07-28T21:25:00Z";
    for sample in &SAMPLES {
        let verified = verify(sample, "Hello world", amazon(), then);
        assert!(
            matches!(verified, VerifyError::Message(Malformed::NotAnObject { .. })),
            "{verified:?}"
        );

        let tampered = verify(sample, "Hello World", amazon(), then);
        assert!(matches!(tampered, VerifyError::Signature), "{tampered:?}");

        let by_now = verify(sample, "Hello world", amazon(), "2026-01-05T10:15:30Z");
        assert!(
            matches!(by_now, VerifyError::Certificate(CertificateError::Expired)),
            "{by_now:?}"
        );

        // SNS publishes its certificate alone: without its issuer there is no way to the root.
        let alone = verify(sample, "Hello world", Authorities::amazon(), then);
        assert!(
            matches!(alone, VerifyError::Certificate(CertificateError::UnknownIssuer)),
            "{alone:?}"
        );
    }
}
