//! The same over TLS, with a certificate authority of our own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use amazon_pay::{Client, ClientConfig, Error, NotSent};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::fixtures::{COMPLETED, at, config, finalize, json};
use crate::server::{Act, Received, serve};

struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

fn certificate(name: &str, serial: u32, subject_key: &PKey<Private>) -> X509Builder {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate
        .set_serial_number(&BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap())
        .unwrap();
    certificate.set_subject_name(&subject.build()).unwrap();
    certificate.set_pubkey(subject_key).unwrap();
    certificate
        .set_not_before(&Asn1Time::from_str("20200101000000Z").unwrap())
        .unwrap();
    certificate
        .set_not_after(&Asn1Time::days_from_now(30).unwrap())
        .unwrap();
    certificate
}

impl Authority {
    fn new() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut certificate = certificate("Test CA", 1, &key);
        let mut issuer = X509NameBuilder::new().unwrap();
        issuer.append_entry_by_text("CN", "Test CA").unwrap();
        certificate.set_issuer_name(&issuer.build()).unwrap();
        certificate
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        Self {
            certificate: certificate.build(),
            key,
        }
    }

    /// For 127.0.0.1.
    fn acceptor(&self) -> TlsAcceptor {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut leaf = certificate("127.0.0.1", 2, &key);
        leaf.set_issuer_name(self.certificate.subject_name()).unwrap();
        let context = leaf.x509v3_context(Some(&self.certificate), None);
        let names = SubjectAlternativeName::new()
            .ip("127.0.0.1")
            .build(&context)
            .unwrap();
        leaf.append_extension(names).unwrap();
        leaf.sign(&self.key, MessageDigest::sha256()).unwrap();
        let chain = vec![CertificateDer::from(leaf.build().to_der().unwrap())];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.private_key_to_pkcs8().unwrap()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers one connection over TLS.
async fn start(acceptor: TlsAcceptor) -> (String, Arc<Mutex<Vec<Received>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = received.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(stream) = acceptor.accept(stream).await {
            serve(stream, 0, vec![Act::Answer(json("200 OK", COMPLETED))], kept).await;
        }
    });
    (url, received)
}

#[tokio::test]
async fn a_ca_of_ones_own_is_trusted_once_it_is_given_and_without_it_nothing_is_sent() {
    let authority = Authority::new();
    let (url, received) = start(authority.acceptor()).await;
    let ca_pem = authority.certificate.to_pem().unwrap();
    let client = Client::new(ClientConfig {
        endpoint: Some(url),
        ca_pem: Some(ca_pem),
        ..config("SANDBOX-AEXAMPLE")
    });
    client.unwrap().call(&finalize("{}"), at()).await.unwrap();
    assert_eq!(received.lock().unwrap().len(), 1);

    let (url, received) = start(authority.acceptor()).await;
    let client = Client::new(ClientConfig {
        endpoint: Some(url),
        ..config("SANDBOX-AEXAMPLE")
    })
    .unwrap();
    let error = client.call(&finalize("{}"), at()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(NotSent::Tls(_))), "{error:?}");
    assert!(error.is_tls() && error.is_not_sent());
    assert!(received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_given_up_and_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("https://{}", listener.local_addr().unwrap()));
    let given_up = async |connect_timeout, timeout| {
        let client = Client::new(ClientConfig {
            endpoint: endpoint.clone(),
            connect_timeout,
            timeout: Some(timeout),
            ..config("SANDBOX-AEXAMPLE")
        });
        client.unwrap().call(&finalize("{}"), at()).await.unwrap_err()
    };
    let (short, long) = (Duration::from_millis(50), Duration::from_secs(5));
    let error = given_up(short, long).await;
    assert!(
        matches!(error, Error::NotSent(NotSent::Connection(_))),
        "{error:?}"
    );
    assert!(!error.is_tls());
    // The limit of the whole call does not know how far it came.
    let error = given_up(long, short).await;
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(error.may_have_landed());
}

#[tokio::test]
async fn tls_that_breaks_after_the_handshake_is_a_tls_failure_and_may_have_landed() {
    let authority = Authority::new();
    let acceptor = authority.acceptor();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("https://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut encrypted = acceptor.accept(stream).await.unwrap();
        encrypted.read_u8().await.unwrap();
        let (stream, _) = encrypted.get_mut();
        stream
            .write_all(b"HTTP/1.1 200 OK, in the clear\r\n\r\n")
            .await
            .unwrap();
        stream.readable().await.unwrap();
    });
    let client = Client::new(ClientConfig {
        endpoint,
        ca_pem: Some(authority.certificate.to_pem().unwrap()),
        ..config("SANDBOX-AEXAMPLE")
    });
    let error = client.unwrap().call(&finalize("{}"), at()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(error.is_tls() && error.may_have_landed(), "{error:?}");
}

#[tokio::test]
async fn a_reset_in_the_handshake_is_no_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("https://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        // Closed with bytes unread, which is a reset.
        while let Ok((stream, _)) = listener.accept().await {
            stream.readable().await.unwrap();
        }
    });
    let client = Client::new(ClientConfig {
        endpoint,
        ..config("SANDBOX-AEXAMPLE")
    })
    .unwrap();
    let error = client.call(&finalize("{}"), at()).await.unwrap_err();
    assert!(
        matches!(error, Error::NotSent(NotSent::Connection(_))),
        "{error:?}"
    );
    assert!(!error.is_tls());
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("https://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        stream.readable().await.unwrap();
    });
    let client = Client::new(ClientConfig {
        endpoint,
        ..config("SANDBOX-AEXAMPLE")
    })
    .unwrap();
    let error = client.call(&finalize("{}"), at()).await.unwrap_err();
    assert!(error.is_tls() && error.is_not_sent(), "{error:?}");
}
