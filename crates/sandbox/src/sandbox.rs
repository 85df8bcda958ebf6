//! A running sandbox, for the program that embeds it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::faults::Fault;
use crate::control::new_session::{Buyer, NewSession, PermissionBuyer};
use crate::ipn::{IpnFault, IpnInfo, IpnTarget, NotificationBook, sender};
use crate::options::{ClockSource, Info, MerchantSpec, Options, StartError};
use crate::shared::{ControlError, Shared};
use crate::time::clock::SandboxClock;
use crate::unknowns::Unknowns;
use crate::wire::keys::{self, Certificates};
use crate::wire::merchants::{self, Merchant, MerchantStatus};
use crate::wire::server::{self, Connections, Serving};
use crate::world::World;
use crate::world::books::Books;
use crate::world::changes::Change;

/// A sandbox that serves until it is shut down or dropped. Its methods do what the control API does.
pub struct Sandbox {
    shared: Arc<Shared>,
    info: Info,
    tasks: TaskTracker,
    stop: CancellationToken,
    connections: Connections,
    _temporary: Option<TempDir>,
}

impl Sandbox {
    /// Makes keys and certificates, listens, and serves on the current tokio runtime.
    ///
    /// # Errors
    /// When an account's name cannot be used, a file or an address cannot be used, or a key cannot be made.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if !options.control_listen.ip().is_loopback() {
            return Err(StartError::ControlNotLoopback(options.control_listen));
        }
        let (folder, temporary) = folder(options.tls_dir)?;
        let specs = match options.merchants {
            none if none.is_empty() => MerchantSpec::one_per_region(options.profile.environment()),
            given => given,
        };
        // Making RSA keys takes a moment: not on a thread that drives other tasks.
        let made = tokio::task::spawn_blocking({
            let folder = folder.clone();
            move || credentials(specs, &folder)
        });
        let (merchants, certificates) = made.await.expect("making keys neither panics nor is aborted")?;
        let ca_file = folder.join("ca.pem");
        fs::write(&ca_file, &certificates.ca_pem).map_err(|source| StartError::File {
            file: ca_file.clone(),
            source,
        })?;
        let tls = tls(certificates)?;
        let (api, api_address) = listen(options.listen).await?;
        let (control, control_address) = listen(options.control_listen).await?;
        let info = Info {
            url: format!("https://{api_address}"),
            ca_file,
            merchants: merchants.iter().map(Merchant::info).collect(),
            control_url: format!("http://{control_address}"),
        };
        let (clock, settable): (Arc<dyn SandboxClock>, _) = match options.clock {
            ClockSource::Settable(clock) => (Arc::new(clock.clone()), Some(clock)),
            ClockSource::Embedded(clock) => (clock, None),
        };
        let world = World::new(options.profile, options.seed.unwrap_or_else(rand::random));
        let shared = Arc::new(Shared::new(merchants, clock, settable, world, folder));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let connections = Connections::default();
        let serving = Serving {
            shared: shared.clone(),
            tasks: tasks.clone(),
            stop: stop.clone(),
            patience: options.patience,
        };
        tasks.spawn(server::serve_api(api, tls, serving.clone(), connections.clone()));
        for merchant in 0..shared.merchants().len() {
            let (posting, stopped) = (shared.clone(), stop.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = sender::post_notifications(posting, merchant, options.patience) => {}
                }
            });
        }
        tasks.spawn(server::serve_control(control, serving));
        Ok(Self {
            shared,
            info,
            tasks,
            stop,
            connections,
            _temporary: temporary,
        })
    }

    /// How to reach it.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What happened so far.
    pub fn books(&self) -> Books {
        self.shared.books()
    }

    /// What has changed about charge permissions, charges and refunds, from the `first` change on (0: all). The
    /// list only grows, so whoever has read `n` of them goes on with `changes(n)`.
    pub fn changes(&self, first: usize) -> Vec<Change> {
        self.shared.changes(first)
    }

    /// How many changes there are; wakes whoever waits for the next. What happens by itself is counted when
    /// something is asked of the sandbox after it was due, so wait until [`next_due`](Self::next_due) as well.
    pub fn count_of_changes(&self) -> watch::Receiver<usize> {
        self.shared.count_of_changes()
    }

    /// When, at the earliest, a charge, a refund or a permission changes by itself. Another one may be made that
    /// is due sooner; its making is a change too.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.shared.next_due()
    }

    /// How many connections to the API are open.
    pub fn connections(&self) -> usize {
        *self.connections.watch().borrow()
    }

    /// The same, for whoever waits until there are more of them, or none.
    pub fn count_of_connections(&self) -> watch::Receiver<usize> {
        self.connections.watch()
    }

    /// Makes a checkout session and answers it as Get Checkout Session would show it.
    ///
    /// # Errors
    /// For an unknown account, a field that Amazon's sessions do not have or a value that it cannot have, and an
    /// id that is taken.
    pub fn make_session(&self, new: NewSession) -> Result<Value, ControlError> {
        self.shared.make_session(new)
    }

    /// The buyer of an Open session does something; answers the session as it is then.
    ///
    /// # Errors
    /// For an unknown session, and one that is not Open.
    pub fn buyer(&self, session: &str, buyer: impl Into<Buyer>) -> Result<Value, ControlError> {
        self.shared.buyer(session, buyer.into())
    }

    /// The buyer does something about a charge permission.
    ///
    /// # Errors
    /// For one that is unknown or Closed.
    pub fn buyer_of_permission(&self, id: &str, buyer: PermissionBuyer) -> Result<(), ControlError> {
        self.shared.buyer_of_permission(id, buyer)
    }

    /// Posts a fault; answers the id by which [`Books::faults`] tells how often it struck.
    ///
    /// # Errors
    /// For one that could never strike.
    pub fn fault(&self, fault: Fault) -> Result<u64, ControlError> {
        self.shared.post_fault(fault)
    }

    /// No posted fault strikes any more.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    /// Refuses a merchant account's every call, or lets them in again.
    ///
    /// # Errors
    /// For an unknown account.
    pub fn set_merchant(&self, account: &str, status: MerchantStatus) -> Result<(), ControlError> {
        self.shared.set_merchant(account, status)
    }

    /// The switches as they stand.
    pub fn unknowns(&self) -> Unknowns {
        self.shared.unknowns()
    }

    /// Sets all switches.
    pub fn set_unknowns(&self, unknowns: Unknowns) {
        self.shared.set_unknowns(unknowns);
    }

    /// Posts a merchant account's notifications somewhere, from the next change on.
    ///
    /// # Errors
    /// For an unknown account, an address that is not plain http on loopback, and a certificate that cannot be
    /// made.
    pub fn set_ipn(&self, target: IpnTarget) -> Result<IpnInfo, ControlError> {
        self.shared.set_ipn(target)
    }

    /// Sends nothing more to an account, or to anybody.
    ///
    /// # Errors
    /// For an unknown account.
    pub fn clear_ipn(&self, account: Option<&str>) -> Result<(), ControlError> {
        self.shared.clear_ipn(account)
    }

    /// What goes wrong with notifications from the next change on.
    ///
    /// # Errors
    /// For an unknown account and a probability that is none.
    pub fn ipn_fault(&self, fault: IpnFault) -> Result<(), ControlError> {
        self.shared.post_ipn_fault(fault)
    }

    /// Nothing goes wrong with notifications any more.
    pub fn clear_ipn_faults(&self) {
        self.shared.clear_ipn_faults();
    }

    /// Every notification, in the order of what it tells.
    pub fn notifications(&self) -> Vec<NotificationBook> {
        self.shared.notifications()
    }

    /// Stops listening, ends every connection, and returns when that is done.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn folder(given: Option<PathBuf>) -> Result<(PathBuf, Option<TempDir>), StartError> {
    match given {
        Some(folder) => {
            fs::create_dir_all(&folder).map_err(|source| StartError::File {
                file: folder.clone(),
                source,
            })?;
            Ok((folder, None))
        }
        None => {
            let made = tempfile::Builder::new().prefix("amazon-pay-sandbox-").tempdir();
            let temporary = made.map_err(|source| StartError::File {
                file: std::env::temp_dir(),
                source,
            })?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

fn credentials(specs: Vec<MerchantSpec>, folder: &Path) -> Result<(Vec<Merchant>, Certificates), StartError> {
    Ok((merchants::open(specs, folder)?, keys::certificates()?))
}

fn tls(certificates: Certificates) -> Result<TlsAcceptor, StartError> {
    let chain = vec![CertificateDer::from(certificates.leaf_der)];
    let key = PrivatePkcs8KeyDer::from(certificates.leaf_key_der);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key.into())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
