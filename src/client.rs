//! A small HTTP client, for the verbs that look at a running idtrail.
//!
//! An answer has a time and a size that it must keep to. Over TLS, what the
//! settings name is known by its very certificate, so that one for another name
//! or of one's own making will do; an address given by hand must show one that
//! the system's authorities vouch for. Errors say what to do about them.

mod pinned;

use std::{
    error::Error,
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::{StatusCode, Uri};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use self::pinned::Pinned;
use crate::settings::Settings;

/// For a whole exchange. `/metrics` is made in milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// With 200 tenants, `/metrics` has about one MiB.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Where a running idtrail answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Scheme, host and port.
    base: String,
    /// The certificate that it shows; otherwise one of a known authority.
    certificate: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(
        "nothing listens on {0}: start it with `idtrail run`, or name another address with --url"
    )]
    Refused(Place),
    #[error(
        "{0} gave no answer within {limit} s: see whether it is the right address, and whether a firewall is between",
        limit = ANSWER_WITHIN.as_secs()
    )]
    Silent(Place),
    #[error(
        "{0} shows another certificate than `tls.cert` of the settings: use the settings it runs with, or --url"
    )]
    OtherCertificate(Place),
    #[error(
        "no authority that this machine knows vouches for the certificate of {0}: set SSL_CERT_FILE to the PEM of its authority"
    )]
    UnknownAuthority(Place),
    #[error("no TLS with {0}: {1}: if it speaks plain HTTP, use --url http://…")]
    Tls(Place, String),
    #[error("{0} does not speak HTTP: if it speaks TLS, use --url https://…")]
    NotHttp(Place),
    #[error("{0} answers {1} with {2}: see whether idtrail is what listens there")]
    Status(Place, &'static str, StatusCode),
    #[error("{0} answers with something else than idtrail does: use --url with its `http.listen`")]
    Foreign(Place),
    #[error(
        "this machine knows no authorities for certificates: install ca-certificates, or set SSL_CERT_FILE: {0}"
    )]
    NoAuthorities(io::Error),
    #[error(
        "`tls.cert` cannot be used to know the service by: {0}: or name it with --url https://…"
    )]
    Certificate(String),
    #[error("no answer from {0}: {1}: see whether the address is right, or use --url")]
    Other(Place, String),
}

impl Place {
    /// Where the service that has these settings is to be reached from here.
    pub fn of(settings: &Settings) -> Place {
        let listen = settings.http_listen;
        let mut reachable = listen;
        if listen.ip().is_unspecified() {
            reachable.set_ip(match listen {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let certificate = settings.tls.as_ref().map(|tls| tls.cert.clone());
        let scheme = if certificate.is_some() {
            "https"
        } else {
            "http"
        };
        Place {
            base: format!("{scheme}://{reachable}"),
            certificate,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let expected = || "expects http://HOST:PORT or https://HOST:PORT".to_owned();
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(expected)?;
        let is_bare = uri.path() == "/" && uri.query().is_none();
        if !["http", "https"].contains(&scheme) || !is_bare || authority.as_str().contains('@') {
            return Err(expected());
        }
        Ok(Place {
            base: format!("{scheme}://{authority}"),
            certificate: None,
        })
    }
}

#[derive(Clone, Debug)]
pub struct Client {
    place: Place,
    http: legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Client {
    /// Reads certificates; calls nobody.
    pub fn new(place: Place) -> Result<Client, ClientError> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(&place)?)
            .https_or_http()
            .enable_http1()
            .build();
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Client { place, http })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Status and body of a path.
    pub async fn get(&self, path: &'static str) -> Result<(StatusCode, String), ClientError> {
        match tokio::time::timeout(ANSWER_WITHIN, self.exchange(path)).await {
            Ok(answer) => answer.map_err(|error| explained(&self.place, &*error)),
            Err(_) => Err(ClientError::Silent(self.place.clone())),
        }
    }

    async fn exchange(
        &self,
        path: &str,
    ) -> Result<(StatusCode, String), Box<dyn Error + Send + Sync>> {
        let uri: Uri = format!("{}{path}", self.place).parse()?;
        let answer = self.http.get(uri).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), BODY_BYTES_MAX);
        let bytes = body.collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// As for our listener: ring, TLS 1.2 and 1.3.
fn tls(place: &Place) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for both");
    let builder = match &place.certificate {
        Some(path) => {
            let certificate = CertificateDer::from_pem_file(path).map_err(|error| {
                ClientError::Certificate(format!("{}: {error}", path.display()))
            })?;
            let verifier = Pinned::new(certificate, provider);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
        None if place.base.starts_with("https") => builder
            .with_native_roots()
            .map_err(ClientError::NoAuthorities)?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(builder.with_no_client_auth())
}

/// What to do about it, by what lies at the bottom.
fn explained(place: &Place, error: &(dyn Error + 'static)) -> ClientError {
    let place = place.clone();
    let (mut deepest, mut next) = (error, Some(error));
    while let Some(cause) = next {
        (deepest, next) = (cause, cause.source());
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            if let Some(error) = of_tls(error) {
                return refused_tls(place, error);
            }
            if error.kind() == io::ErrorKind::ConnectionRefused {
                return ClientError::Refused(place);
            }
        }
        if cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse)
        {
            return ClientError::NotHttp(place);
        }
        if cause.is::<LengthLimitError>() {
            return ClientError::Foreign(place);
        }
    }
    ClientError::Other(place, deepest.to_string())
}

/// An error of TLS lies wrapped in others, of which it is no source.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    let mut inner = error.get_ref()?;
    loop {
        match inner.downcast_ref::<io::Error>() {
            Some(wrapped) => inner = wrapped.get_ref()?,
            None => return inner.downcast_ref(),
        }
    }
}

fn refused_tls(place: Place, error: &rustls::Error) -> ClientError {
    use rustls::Error::InvalidCertificate;
    match error {
        InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            ClientError::OtherCertificate(place)
        }
        InvalidCertificate(CertificateError::UnknownIssuer) => ClientError::UnknownAuthority(place),
        other => ClientError::Tls(place, other.to_string()),
    }
}

#[cfg(test)]
mod tests;
