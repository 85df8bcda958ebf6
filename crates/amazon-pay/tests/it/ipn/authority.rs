//! Certificate authorities and an SNS of our own. What is signed is put together here from the published rule,
//! apart from the code under test.

use std::sync::LazyLock;

use amazon_pay::ipn::{Authorities, TopicArn, Verifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};
use serde_json::{Map, Value, json};

pub(crate) const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:AmazonPayIpn";
pub(crate) const URL: &str =
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
pub(crate) const PUBLISHED: &str = "2026-01-05T10:15:00.123Z";
pub(crate) const MESSAGE: &str = r#"{"MerchantID":"AEXAMPLEMERCHANT","ObjectType":"CHARGE",
 "ObjectId":"S01-4419027-6630185-C083512","ChargePermissionId":"S01-4419027-6630185",
 "NotificationType":"STATE_CHANGE","NotificationId":"5f0b6e8c-1d6a-4f0c-9d5a-7e3b2c1d0e9f",
 "NotificationVersion":"V2"}"#;

/// Thirty seconds after [`PUBLISHED`], about.
pub(crate) fn now() -> Timestamp {
    "2026-01-05T10:15:30Z".parse().unwrap()
}

pub(crate) fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// A certificate and its key; of an authority, an intermediate one, or SNS.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: X509,
    pub(crate) key: PKey<Private>,
}

/// What goes into a certificate.
#[derive(Clone)]
pub(crate) struct Wanted<'a> {
    pub(crate) dns_names: &'a [&'a str],
    pub(crate) valid: (&'a str, &'a str),
    pub(crate) is_authority: bool,
    pub(crate) for_servers: bool,
}

impl Wanted<'_> {
    pub(crate) const SNS: Wanted<'static> = Wanted {
        dns_names: &["sns.amazonaws.com"],
        valid: ("20260101000000Z", "20270101000000Z"),
        is_authority: false,
        for_servers: true,
    };
    pub(crate) const AUTHORITY: Wanted<'static> = Wanted {
        dns_names: &[],
        is_authority: true,
        ..Wanted::SNS
    };

    fn certificate(&self, name: &str, key: &PKey<Private>, issuer: Option<&Identity>) -> X509 {
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder
            .set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap())
            .unwrap();
        builder.set_subject_name(&subject).unwrap();
        let by = issuer.map_or(subject.as_ref(), |issuer| issuer.certificate.subject_name());
        builder.set_issuer_name(by).unwrap();
        builder.set_pubkey(key).unwrap();
        let (from, until) = self.valid;
        builder
            .set_not_before(&Asn1Time::from_str(from).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::from_str(until).unwrap())
            .unwrap();
        let mut constraints = BasicConstraints::new();
        if self.is_authority {
            constraints.critical().ca();
        }
        builder.append_extension(constraints.build().unwrap()).unwrap();
        if !self.is_authority {
            let mut usage = ExtendedKeyUsage::new();
            if self.for_servers {
                usage.server_auth();
            } else {
                usage.client_auth();
            }
            builder.append_extension(usage.build().unwrap()).unwrap();
        }
        if !self.dns_names.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for name in self.dns_names {
                names.dns(name);
            }
            let context = builder.x509v3_context(None, None);
            let names = names.build(&context).unwrap();
            builder.append_extension(names).unwrap();
        }
        let signing_key = issuer.map_or(key, |issuer| &issuer.key);
        builder.sign(signing_key, MessageDigest::sha256()).unwrap();
        builder.build()
    }
}

impl Identity {
    pub(crate) fn self_signed(name: &str, key: PKey<Private>, wanted: &Wanted<'_>) -> Self {
        Self {
            certificate: wanted.certificate(name, &key, None),
            key,
        }
    }

    pub(crate) fn issue(&self, name: &str, key: PKey<Private>, wanted: &Wanted<'_>) -> Self {
        Self {
            certificate: wanted.certificate(name, &key, Some(self)),
            key,
        }
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    pub(crate) fn sign(&self, message: &[u8], version: &str) -> Vec<u8> {
        let digest = if version == "1" {
            MessageDigest::sha1()
        } else {
            MessageDigest::sha256()
        };
        let mut signer = Signer::new(digest, &self.key).unwrap();
        signer.sign_oneshot_to_vec(message).unwrap()
    }
}

/// The root that the verifiers of the tests believe.
pub(crate) static ROOT: LazyLock<Identity> =
    LazyLock::new(|| Identity::self_signed("Example Root", rsa(2048), &Wanted::AUTHORITY));
/// Signs what the root has made it sign for.
pub(crate) static SNS: LazyLock<Identity> =
    LazyLock::new(|| ROOT.issue("sns.amazonaws.com", rsa(2048), &Wanted::SNS));

pub(crate) fn verifier() -> Verifier {
    Verifier::new(
        [TopicArn::parse(TOPIC).unwrap()],
        Authorities::from_pem(&ROOT.pem()).unwrap(),
        std::time::Duration::from_secs(86_400),
    )
}

/// An envelope in the making.
#[derive(Clone)]
pub(crate) struct Letter(pub(crate) Map<String, Value>);

impl Letter {
    pub(crate) fn notification(message: &str) -> Self {
        let fields = json!({
            "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC,
            "Message": message, "Timestamp": PUBLISHED, "SignatureVersion": "1", "SigningCertURL": URL,
            "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        });
        let Value::Object(fields) = fields else {
            unreachable!()
        };
        Self(fields)
    }

    pub(crate) fn confirmation(kind: &str) -> Self {
        Self::notification("You have chosen to subscribe.\nVisit the SubscribeURL.")
            .with("Type", kind)
            .with("Token", "2336412f37fb687f5d51")
            .with(
                "SubscribeURL",
                "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37fb687f5d51",
            )
    }

    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    pub(crate) fn without(mut self, field: &str) -> Self {
        self.0.remove(field);
        self
    }

    pub(crate) fn signed_by(self, signer: &Identity) -> Self {
        let text = |field: &str| self.0.get(field).and_then(Value::as_str);
        let names = match text("Type") {
            Some("Notification") => {
                ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"].as_slice()
            }
            _ => &[
                "Message",
                "MessageId",
                "SubscribeURL",
                "Timestamp",
                "Token",
                "TopicArn",
                "Type",
            ],
        };
        let lines: String = names
            .iter()
            .filter_map(|name| Some(format!("{name}\n{}\n", text(name)?)))
            .collect();
        let signature = signer.sign(lines.as_bytes(), text("SignatureVersion").unwrap());
        self.with("Signature", STANDARD.encode(signature))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap()
    }
}
