//! Where the certificate comes from: yours to download, ours to remember.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::sns_url::CertificateUrl;
use crate::error::Cause;

/// Downloads the certificate that an envelope names.
///
/// An implementation sends one GET to the URL as it is, over TLS, follows no redirect, gives up after a time
/// of its choosing and beyond [`MAX_CERTIFICATE_BYTES`](super::MAX_CERTIFICATE_BYTES), and takes anything but
/// a 200 for a failure. Whether what came is to be trusted is not its business.
pub trait FetchCertificate: Send + Sync {
    /// The body, which should be PEM: the certificate, perhaps followed by those that lead to its root.
    fn fetch(&self, url: &CertificateUrl) -> impl Future<Output = Result<Bytes, Cause>> + Send;

    /// What was fetched from there was refused: the next fetch should not bring it again from memory. Does
    /// nothing where nothing is remembered.
    fn forget(&self, url: &CertificateUrl) {
        let _ = url;
    }
}

/// Remembers what another [`FetchCertificate`] has downloaded, by URL; SNS puts a new certificate under a new
/// URL. Failures are not remembered, and what holds no certificate is one; what the verifier refuses is
/// forgotten. When it is full, what was used longest ago goes.
pub struct CachedCertificates<F> {
    fetch: F,
    capacity: NonZeroUsize,
    /// The one used last comes last.
    kept: Mutex<VecDeque<(CertificateUrl, Bytes)>>,
}

impl<F> CachedCertificates<F> {
    /// Keeps at most `capacity` certificates. SNS uses one a region at a time, so eight are plenty.
    pub fn new(fetch: F, capacity: NonZeroUsize) -> Self {
        Self {
            fetch,
            capacity,
            kept: Mutex::default(),
        }
    }

    fn known(&self, url: &CertificateUrl) -> Option<Bytes> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == url)?;
        let entry = kept.remove(at)?;
        let pem = entry.1.clone();
        kept.push_back(entry);
        Some(pem)
    }

    fn keep(&self, url: &CertificateUrl, pem: &Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Two that asked at the same time have both downloaded it.
        kept.retain(|(known, _)| known != url);
        while kept.len() >= self.capacity.get() {
            kept.pop_front();
        }
        kept.push_back((url.clone(), pem.clone()));
    }
}

impl<F: FetchCertificate> FetchCertificate for CachedCertificates<F> {
    async fn fetch(&self, url: &CertificateUrl) -> Result<Bytes, Cause> {
        if let Some(pem) = self.known(url) {
            return Ok(pem);
        }
        let pem = self.fetch.fetch(url).await?;
        // A page of a gateway's, kept, would refuse every notification after it.
        CertificateDer::from_pem_slice(&pem).map_err(|_| "what was fetched holds no certificate")?;
        self.keep(url, &pem);
        Ok(pem)
    }

    fn forget(&self, url: &CertificateUrl) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != url);
        drop(kept);
        self.fetch.forget(url);
    }
}

impl<F> fmt::Debug for CachedCertificates<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCertificates")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
