//! The listener's certificates: read, checked, and read again when they change.
//!
//! Contents are compared every few seconds, not times or inodes, so that it does
//! not matter how they were replaced: in place, by a rename, or by the swapped
//! symbolic links of a Kubernetes secret. What is new serves new connections
//! only if all of it can be used; a broken pair, or a half-written one, leaves
//! the old in use, with a warning for each content.

use std::{io, path::Path, sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{VerifierBuilderError, WebPkiClientVerifier},
};
use tokio::{fs, sync::watch};

use super::{certificate, metrics};
use crate::settings::Tls;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Certificates and keys have a few KiB; a bundle of all public authorities 256.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{key}: {path} cannot be read: {source}")]
    Unreadable {
        key: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("{key}: {path} has more than 1 MiB")]
    TooLarge { key: &'static str, path: String },
    #[error("{key}: no PEM of the kind that belongs there: {reason}")]
    Pem { key: &'static str, reason: String },
    #[error("tls.cert and tls.key do not fit each other or cannot be used: {0}")]
    Pair(rustls::Error),
    #[error("tls.client_ca: no certificate in it can be used: {0}")]
    ClientCa(VerifierBuilderError),
}

/// The configuration for new connections.
pub(super) type Current = watch::Receiver<Arc<ServerConfig>>;

/// Keeps [`Current`] current for as long as [`Reloader::run`] runs.
#[derive(Debug)]
pub(super) struct Reloader {
    settings: Tls,
    /// What was looked at last, whether it could be used or not.
    seen: Result<Pems, String>,
    current: watch::Sender<Arc<ServerConfig>>,
}

/// The files' contents.
#[derive(Clone, PartialEq, Eq)]
struct Pems {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Reloader {
    /// Reads the files for the first time.
    pub(super) async fn open(settings: &Tls) -> Result<(Reloader, Current), TlsError> {
        let pems = Pems::read(settings).await?;
        let (current, receiver) = watch::channel(Arc::new(pems.config()?));
        let reloader = Reloader {
            settings: settings.clone(),
            seen: Ok(pems),
            current,
        };
        Ok((reloader, receiver))
    }

    /// Never ends.
    pub(super) async fn run(mut self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let (seen, config) = match Pems::read(&self.settings).await {
            Ok(pems) if self.seen.as_ref() == Ok(&pems) => return,
            Ok(pems) => {
                let config = pems.config();
                (Ok(pems), config)
            }
            Err(error) => (Err(error.to_string()), Err(error)),
        };
        let is_new = self.seen != seen;
        self.seen = seen;
        match config {
            Ok(config) => {
                self.current.send_replace(Arc::new(config));
            }
            Err(error) if is_new => metrics::reload_failed(&error),
            Err(_) => {}
        }
    }
}

impl Pems {
    async fn read(settings: &Tls) -> Result<Pems, TlsError> {
        Ok(Pems {
            cert: read("tls.cert", &settings.cert).await?,
            key: read("tls.key", &settings.key).await?,
            client_ca: match &settings.client_ca {
                Some(path) => Some(read("tls.client_ca", path).await?),
                None => None,
            },
        })
    }

    /// TLS 1.2 and 1.3 with the suites that rustls has for them, HTTP/1.1 inside.
    fn config(&self) -> Result<ServerConfig, TlsError> {
        let chain = certificates("tls.cert", &self.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| TlsError::Pem {
            key: "tls.key",
            reason: error.to_string(),
        })?;
        let expires_at_secs = chain
            .first()
            .and_then(|leaf| certificate::expires_at_secs(leaf));
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for both");
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => builder.with_client_cert_verifier(verifier(pem, provider)?),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(TlsError::Pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        metrics::certificate_loaded(expires_at_secs.unwrap_or_default());
        Ok(config)
    }
}

impl std::fmt::Debug for Pems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pems(…)")
    }
}

/// A client may do without a certificate, and use a token; one that has a
/// certificate must have it from these authorities.
fn verifier(
    pem: &[u8],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates("tls.client_ca", pem)?);
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(TlsError::ClientCa)
}

/// At least one.
fn certificates(key: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let broken = |reason: String| TlsError::Pem { key, reason };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(broken("no certificate in it".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(broken(error.to_string())),
    }
}

async fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let named = || path.display().to_string();
    let unreadable = |source| TlsError::Unreadable {
        key,
        path: named(),
        source,
    };
    let metadata = fs::metadata(path).await.map_err(unreadable)?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(TlsError::TooLarge { key, path: named() });
    }
    fs::read(path).await.map_err(unreadable)
}
