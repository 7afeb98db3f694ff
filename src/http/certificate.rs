//! What a certificate says: until when it holds, and which DNS names it has.
//! Nothing here decides whether to believe it.

use std::sync::Arc;

use x509_cert::{
    Certificate,
    der::Decode as _,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// Seconds since 1970; `None` if it is no certificate.
pub(super) fn expires_at_secs(der: &[u8]) -> Option<u64> {
    let certificate = Certificate::from_der(der).ok()?;
    let end = certificate.tbs_certificate.validity.not_after;
    Some(end.to_unix_duration().as_secs())
}

/// The DNS names of its subject; the common name, which may be anything, is none.
pub(super) fn dns_names(der: &[u8]) -> Arc<[String]> {
    let certificate = Certificate::from_der(der).ok();
    let names = certificate.and_then(|certificate| {
        let names = certificate.tbs_certificate.get::<SubjectAltName>();
        names.ok()?.map(|(_, names)| names)
    });
    let names = names.into_iter().flat_map(|names| names.0);
    names
        .filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            _ => None,
        })
        .collect()
}
