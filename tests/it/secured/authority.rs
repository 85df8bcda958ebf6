//! An authority for certificates, and whom it vouches for.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

pub(super) struct Authority(Identity);

pub(super) struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

impl Identity {
    pub(super) fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    pub(super) fn key_pem(&self) -> String {
        String::from_utf8(self.key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        Self(certified(name, None, |builder| {
            let constraints = BasicConstraints::new().critical().ca().build().unwrap();
            builder.append_extension(constraints).unwrap();
        }))
    }

    pub(super) fn pem(&self) -> String {
        self.0.certificate_pem()
    }

    /// Who answers at this address, and under no name.
    pub(super) fn issue_to_server(&self, address: &str) -> Identity {
        certified(address, Some(&self.0), |builder| {
            let usage = ExtendedKeyUsage::new().server_auth().build().unwrap();
            builder.append_extension(usage).unwrap();
            let context = builder.x509v3_context(None, None);
            let names = SubjectAlternativeName::new().ip(address).build(&context).unwrap();
            builder.append_extension(names).unwrap();
        })
    }

    pub(super) fn issue_to_client(&self, name: &str) -> Identity {
        certified(name, Some(&self.0), |builder| {
            let usage = ExtendedKeyUsage::new().client_auth().build().unwrap();
            builder.append_extension(usage).unwrap();
        })
    }
}

fn certified(name: &str, by: Option<&Identity>, extend: impl FnOnce(&mut X509Builder)) -> Identity {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(1 + u32::from(by.is_some())).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(&subject).unwrap();
    let issuer = by.map_or(subject.as_ref(), |by| by.certificate.subject_name());
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(&key).unwrap();
    // The parts under test go by the machine's clock.
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(2).unwrap())
        .unwrap();
    extend(&mut builder);
    let signed_with = by.map_or(&key, |by| &by.key);
    builder.sign(signed_with, MessageDigest::sha256()).unwrap();
    Identity {
        certificate: builder.build(),
        key,
    }
}
