//! T14: certificates of the listener and of its clients.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio_rustls::TlsConnector;

use super::*;

/// An authority, and what it issues.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// PEMs.
#[derive(Clone)]
struct Pair {
    cert: String,
    key: String,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("ring makes keys");
        let pem = params.self_signed(&key).expect("valid").pem();
        Authority {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn issue(&self, name: &str, purpose: ExtendedKeyUsagePurpose, until: i32) -> Pair {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a DNS name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().expect("ring makes keys");
        let cert = params.signed_by(&key, &self.issuer).expect("valid");
        Pair {
            cert: cert.pem(),
            key: key.serialize_pem(),
        }
    }

    fn server(&self) -> Pair {
        self.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth, 2999)
    }

    fn client(&self, name: &str, until: i32) -> Pair {
        self.issue(name, ExtendedKeyUsagePurpose::ClientAuth, until)
    }

    /// A client that believes this authority alone.
    fn connector(&self, client: Option<&Pair>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.pem)).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has both")
            .with_root_certificates(roots);
        let config = match client {
            None => config.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("a key");
                config
                    .with_client_auth_cert(vec![der(&pair.cert)], key)
                    .expect("they fit")
            }
        };
        TlsConnector::from(Arc::new(config))
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

fn write(directory: &Path, pair: &Pair) {
    std::fs::write(directory.join("tls.crt"), &pair.cert).expect("writable");
    std::fs::write(directory.join("tls.key"), &pair.key).expect("writable");
}

/// Settings with the files of `directory`, and more below `tls:`.
fn settings(directory: &Path, more: &str) -> String {
    let directory = directory.display();
    format!("tls:\n  cert: {directory}/tls.crt\n  key: {directory}/tls.key\n{more}")
}

impl World {
    /// A push over TLS; `None`: no handshake, or the connection was cut.
    async fn push_tls(&self, connector: &TlsConnector, headers: &str) -> Option<Answer> {
        let name = ServerName::try_from("localhost").expect("a DNS name");
        let stream = connector.connect(name, self.connect().await).await.ok()?;
        let answer = exchange(stream, &request("teleport", headers, b"{}")).await;
        (answer.status != 0).then_some(answer)
    }

    /// Whether a client of this authority believes the server.
    async fn is_believed_by(&self, authority: &Authority) -> bool {
        let answer = self.push_tls(&authority.connector(None), "").await;
        answer.is_some_and(|answer| answer.status == 202)
    }
}

#[tokio::test]
async fn t14_over_tls_and_in_plain_text_only_tls_is_answered() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (ours, other) = (Authority::new(), Authority::new());
    write(directory.path(), &ours.server());
    let world = world(&settings(directory.path(), "")).await;
    assert!(world.is_believed_by(&ours).await);
    assert!(!world.is_believed_by(&other).await);
    let plain = world.push("aws", "", b"{}").await;
    assert!(!plain.head.contains("http/1.1 2"), "{plain:?}");
    assert_eq!(world.messages().await.len(), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn t14_new_certificates_are_taken_without_a_restart_and_broken_ones_are_not() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let below = |name: &str| directory.path().join(name);
    let [first, second, third] = [Authority::new(), Authority::new(), Authority::new()];
    // As Kubernetes mounts a secret: the files are links through a link.
    for (name, authority) in [("1", &first), ("2", &second)] {
        std::fs::create_dir(below(name)).expect("writable");
        write(&below(name), &authority.server());
    }
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, below("next")).expect("writable");
        std::fs::rename(below("next"), below(name)).expect("writable");
    };
    link("1", "..data");
    link("..data/tls.crt", "tls.crt");
    link("..data/tls.key", "tls.key");
    let world = world_with(&settings(directory.path(), ""), Compute::inline()).await;
    assert!(world.is_believed_by(&first).await);

    link("2", "..data");
    while !world.is_believed_by(&second).await {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(!world.is_believed_by(&first).await);

    let third_pair = third.server();
    let broken = [
        Pair {
            cert: third_pair.cert.clone(),
            key: first.server().key,
        },
        Pair {
            cert: "no PEM".to_owned(),
            ..third_pair.clone()
        },
        Pair {
            key: String::new(),
            ..third_pair.clone()
        },
    ];
    for pair in broken {
        write(&below("2"), &pair);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(world.is_believed_by(&second).await, "the old pair stays");
    }
    std::fs::remove_file(below("tls.key")).expect("writable");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(world.is_believed_by(&second).await, "the old pair stays");

    link("..data/tls.key", "tls.key");
    write(&below("2"), &third_pair);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(world.is_believed_by(&third).await);
    world.stop().await;
}

#[tokio::test]
async fn t14_a_client_certificate_stands_for_a_token_and_others_are_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (ours, other) = (Authority::new(), Authority::new());
    write(directory.path(), &ours.server());
    let ca = directory.path().join("ca.crt");
    std::fs::write(&ca, &ours.pem).expect("writable");
    let (token, entry) = token(1, "acme");
    let clients = format!(
        "  client_ca: {}\n  clients: {{Handler.example.com: sender-1}}\nhttp: {{ingest_tokens: [\"{entry}\"]}}",
        ca.display()
    );
    let world = world(&settings(directory.path(), &clients)).await;
    let bearer = format!("Authorization: Bearer {token}\r\n");
    for (client, headers, expected) in [
        (
            Some(ours.client("handler.example.com", 2999)),
            "",
            Some(202),
        ),
        // A token may come instead, also where the certificate says nothing.
        (None, bearer.as_str(), Some(202)),
        (
            Some(ours.client("nobody.example.com", 2999)),
            &bearer,
            Some(202),
        ),
        (Some(ours.client("nobody.example.com", 2999)), "", Some(403)),
        (None, "", Some(401)),
        (Some(ours.client("handler.example.com", 2021)), "", None),
        (Some(other.client("handler.example.com", 2999)), "", None),
        // A server's certificate is no client's.
        (
            Some(ours.issue(
                "handler.example.com",
                ExtendedKeyUsagePurpose::ServerAuth,
                2999,
            )),
            "",
            None,
        ),
    ] {
        let answer = world
            .push_tls(&ours.connector(client.as_ref()), headers)
            .await;
        assert_eq!(answer.map(|answer| answer.status), expected);
    }
    let messages = world.messages().await;
    assert_eq!(messages.len(), 3);
    assert!(
        messages
            .iter()
            .all(|message| message.attributes["tenant_id"] == "acme")
    );
    world.stop().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_at_the_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ours = Authority::new();
    let (pair, other) = (ours.server(), ours.server());
    let bad_ca = directory.path().join("ca.crt");
    std::fs::write(&bad_ca, "no PEM").expect("writable");
    let with_ca = format!("  client_ca: {}", bad_ca.display());
    for (pair, more, expected) in [
        (None, "", "tls.cert: "),
        (
            Some(Pair {
                key: other.key.clone(),
                ..pair.clone()
            }),
            "",
            "do not fit",
        ),
        (
            Some(Pair {
                cert: String::new(),
                ..pair.clone()
            }),
            "",
            "tls.cert: no PEM",
        ),
        (
            Some(Pair {
                key: pair.cert.clone(),
                ..pair.clone()
            }),
            "",
            "tls.key: no PEM",
        ),
        (Some(pair.clone()), &with_ca, "tls.client_ca: no PEM"),
    ] {
        if let Some(pair) = pair {
            write(directory.path(), &pair);
        }
        let text = settings(
            directory.path(),
            &format!("{more}\nhttp: {{listen: \"127.0.0.1:0\"}}"),
        );
        let settings = Settings::parse("f", &text, &Environment::new()).expect("valid");
        let error = Listener::open(&settings)
            .await
            .expect_err("broken")
            .to_string();
        assert!(error.contains(expected), "{error:?}, not {expected:?}");
    }
}
