//! What a server needs for TLS. Who makes the certificates is the test's business.

use std::fs;
use std::path::PathBuf;

use super::folder::Folder;

/// What a server proves itself with, and whom it believes, as PEM.
pub struct ServerIdentity {
    /// Its certificate.
    pub certificate: String,
    /// The key of it, as PKCS #8.
    pub key: String,
    /// The authority of clients' certificates.
    pub authority: String,
}

impl ServerIdentity {
    /// Files of certificate, key, both, and authority, which only the folder's owner may read.
    pub(super) fn write(&self, folder: &Folder) -> [PathBuf; 4] {
        let both = format!("{}{}", self.key, self.certificate);
        [
            ("server.crt", &self.certificate),
            ("server.key", &self.key),
            ("server.pem", &both),
            ("authority.crt", &self.authority),
        ]
        .map(|(name, pem)| {
            let path = folder.path().join(name);
            fs::write(&path, pem)
                .and_then(|()| folder.keep_for_its_owner(&path))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            path
        })
    }
}
