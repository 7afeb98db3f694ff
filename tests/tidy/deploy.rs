//! The files that start the program as a service, `deploy/systemd` and
//! `deploy/kubernetes`, say what the code says: where it listens, what it answers,
//! how long it takes to stop, how much memory it needs.

use std::{fs, io::ErrorKind, process::Command, time::Duration};

use actors::base::Topology;
use idtrail::{cli::Exit, settings::keys};
use serde_json::Value;

use super::{check, source, yaml};
use crate::program::Deployment;

const UNIT: &str = "deploy/systemd/idtrail.service";
const MANIFEST: &str = "deploy/kubernetes/idtrail.yaml";

const MIB: u64 = 1 << 20;

/// Beside the budget and the dedup window, as docs/guarantees.md takes it apart:
/// measured, keys that are read again, pushes.
const BESIDE: [u64; 3] = [280, 100, 128];
/// These, rounded up.
const BESIDE_MIB: u64 = 512;
/// Where the alert is; it counts the keys that there are.
const ALERT_MIB: u64 = 400;

fn read(name: &str) -> String {
    let path = source::repository().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What docs/guarantees.md asks for, with the built-in topology.
fn memory_mib() -> u64 {
    let topology = Topology::builtin();
    let limits = topology.limits();
    (limits.budget.bytes + limits.dedup.bytes_max) / MIB + BESIDE_MIB
}

/// In hand and filed; the actors' end; those that do not end; and beside them the
/// listener's answers, and the runtime.
fn stop_max() -> Duration {
    let stop = Topology::builtin().limits().shutdown.stop;
    3 * stop + Duration::from_secs(5 + 1)
}

fn default_of(path: &str) -> u64 {
    let mut keys = keys::GROUPS.iter().flat_map(|group| group.keys);
    let key = keys.find(|key| key.path == path);
    let default = key.and_then(|key| key.default);
    default
        .and_then(|text| text.parse().ok())
        .expect("a number")
}

/// What is wrong in a file: `place` is not what it has to be.
fn differs(file: &str, place: &str, found: &str, wanted: &str) -> Option<String> {
    (found != wanted).then(|| format!("{file}: {place}: `{found}`, and has to be `{wanted}`"))
}

struct Manifest {
    documents: Vec<Value>,
}

impl Manifest {
    fn read() -> Manifest {
        Manifest {
            documents: yaml::documents(&read(MANIFEST)),
        }
    }

    /// A value, by the kind of its document and its path there; empty if missing.
    fn at(&self, kind: &str, path: &str) -> &str {
        self.value(kind, path).as_str().unwrap_or_default()
    }

    fn value(&self, kind: &str, path: &str) -> &Value {
        let document = self.documents.iter().find(|it| it["kind"] == kind);
        let document = document.unwrap_or_else(|| panic!("{MANIFEST}: no {kind}"));
        document.pointer(path).unwrap_or(&Value::Null)
    }

    fn pod(&self, path: &str) -> &str {
        self.at("Deployment", &format!("{POD}{path}"))
    }

    fn settings(&self) -> &str {
        self.at("ConfigMap", "/data/idtrail.yaml")
    }
}

const POD: &str = "/spec/template/spec";
const PROBES: [(&str, &str); 3] = [
    ("startupProbe", "/healthz"),
    ("livenessProbe", "/healthz"),
    ("readinessProbe", "/readyz"),
];

#[test]
fn the_manifests_pod_is_what_the_code_wants() {
    let manifest = Manifest::read();
    let memory = format!("{}Mi", memory_mib());
    let folder = manifest.pod("/containers/0/volumeMounts/0/mountPath");
    let settings = format!("{folder}/idtrail.yaml");
    let wanted = [
        ("/serviceAccountName", "idtrail"),
        ("/enableServiceLinks", "false"),
        ("/securityContext/runAsNonRoot", "true"),
        ("/volumes/0/configMap/name", "idtrail"),
        ("/containers/0/name", "idtrail"),
        ("/containers/0/args/0", "run"),
        ("/containers/0/env/0/name", "IDTRAIL_CONFIG"),
        ("/containers/0/env/0/value", &settings),
        ("/containers/0/ports/0/name", "http"),
        ("/containers/0/resources/limits/memory", &memory),
        ("/containers/0/resources/requests/memory", &memory),
        (
            "/containers/0/securityContext/allowPrivilegeEscalation",
            "false",
        ),
        (
            "/containers/0/securityContext/readOnlyRootFilesystem",
            "true",
        ),
        ("/containers/0/securityContext/capabilities/drop/0", "ALL"),
    ];
    let differing = wanted
        .into_iter()
        .filter_map(|(place, value)| differs(MANIFEST, place, manifest.pod(place), value));
    let probes = PROBES.iter().flat_map(|(probe, path)| {
        let get = |what: &str| manifest.pod(&format!("/containers/0/{probe}/httpGet/{what}"));
        let asked = differs(MANIFEST, probe, get("path"), path);
        asked
            .into_iter()
            .chain(differs(MANIFEST, probe, get("port"), "http"))
    });
    let grace = manifest.pod("/terminationGracePeriodSeconds");
    check(differing.chain(probes).chain(too_short(MANIFEST, grace)));
}

#[test]
fn what_belongs_together_in_the_manifest_finds_each_other() {
    let manifest = Manifest::read();
    // docs/running.md and the runbook select by it too.
    let named = [
        ("Deployment", "/metadata/name"),
        ("Deployment", "/spec/selector/matchLabels/app"),
        ("Deployment", "/spec/template/metadata/labels/app"),
        ("Service", "/metadata/name"),
        ("Service", "/metadata/labels/app"),
        ("Service", "/spec/selector/app"),
        ("ServiceAccount", "/metadata/name"),
        ("ConfigMap", "/metadata/name"),
    ];
    let differing = named
        .into_iter()
        .filter_map(|(kind, place)| differs(MANIFEST, place, manifest.at(kind, place), "idtrail"));
    let port = manifest.pod("/containers/0/ports/0/containerPort");
    let service = manifest.at("Service", "/spec/ports/0/port");
    let ports = differs(MANIFEST, "the Service's port", service, port);
    let listen = format!("listen: 0.0.0.0:{port} ");
    let silent = !manifest.settings().contains(&listen);
    let silent = silent.then(|| format!("{MANIFEST}: its settings have no `{listen}`"));
    check(differing.chain(ports).chain(silent));
}

fn too_short(file: &str, seconds: &str) -> Option<String> {
    let given = seconds.parse().map(Duration::from_secs).unwrap_or_default();
    (given < stop_max()).then(|| format!("{file}: {given:?} to stop, it may take {:?}", stop_max()))
}

#[test]
fn the_manifests_settings_are_accepted_and_its_variables_are_settings() {
    let manifest = Manifest::read();
    let deployment = Deployment::new();
    let file = deployment.write("idtrail.yaml", manifest.settings());
    let file = file.to_str().expect("test paths are UTF-8");
    let checked = deployment.idtrail(&["--config", file, "check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!checked.stderr.contains("warning"), "{checked:?}");
    let variables = manifest.value("Deployment", &format!("{POD}/containers/0/env"));
    let variables = variables.as_array().expect("it has some").iter().skip(1);
    check(variables.filter_map(|variable| {
        let name = variable["name"].as_str().unwrap_or_default();
        let mut keys = keys::GROUPS.iter().flat_map(|group| group.keys);
        let known = keys.any(|key| key.variable() == name);
        (!known).then(|| format!("{MANIFEST}: {name} is no setting"))
    }));
}

#[test]
fn the_manifests_probes_are_answered() {
    let manifest = Manifest::read();
    let deployment = Deployment::new();
    let mut service = deployment.start(&["run"]).running();
    for (probe, _) in PROBES {
        let path = manifest.pod(&format!("/containers/0/{probe}/httpGet/path"));
        service.await_that(probe, |service| service.get(path).0 == 200);
    }
    assert_eq!(service.terminate().code, Some(0));
}

/// The values of a key of the unit.
fn given<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn the_unit_is_what_the_code_wants() {
    let unit = read(UNIT);
    let memory = format!("{}M", memory_mib());
    let wrong = (Exit::Usage as u8).to_string();
    let wanted = [
        ("ExecStart", "/usr/local/bin/idtrail run"),
        ("User", "idtrail"),
        ("StateDirectory", "idtrail"),
        ("WorkingDirectory", "/var/lib/idtrail"),
        ("Environment", "IDTRAIL_CONFIG=/etc/idtrail/idtrail.yaml"),
        ("Restart", "always"),
        ("RestartPreventExitStatus", &wrong),
        ("MemoryMax", &memory),
    ];
    let wanted = wanted.into_iter();
    let differing =
        wanted.filter_map(|(key, value)| differs(UNIT, key, &given(&unit, key).join(" "), value));
    let seconds = given(&unit, "TimeoutStopSec").join(" ");
    check(differing.chain(too_short(UNIT, &seconds)));
}

#[test]
fn systemd_takes_the_unit() {
    let deployment = Deployment::new();
    // It looks for the program, which is not installed here.
    let unit = read(UNIT).replace("/usr/local/bin/idtrail", env!("CARGO_BIN_EXE_idtrail"));
    let file = deployment.write("idtrail.service", unit);
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(file)
        .output();
    match verified {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no systemd-analyze");
        }
        Err(error) => panic!("systemd-analyze: {error}"),
    }
}

#[test]
fn the_image_is_built_by_the_rust_of_the_checkout() {
    let (image, toolchain) = (read("deploy/Dockerfile"), read("rust-toolchain.toml"));
    let channel = toolchain.split('"').nth(1).expect("a channel");
    let minor = channel.rsplit_once('.').expect("three numbers").0;
    let manifest = Manifest::read();
    let user = manifest.pod("/securityContext/runAsUser");
    for part in [
        format!("FROM rust:{minor}-"),
        format!("USER {user}:{user}\n"),
    ] {
        assert!(image.contains(&part), "deploy/Dockerfile: no `{part}`");
    }
    let page = read("docs/running.md");
    assert!(page.contains(&format!("Rust {minor} ")), "docs/running.md");
}

#[test]
fn memory_is_one_sum_in_every_place() {
    assert!(BESIDE.iter().sum::<u64>() <= BESIDE_MIB);
    let pushes = default_of("http.ingest_concurrency") * default_of("http.ingest_body_bytes");
    assert_eq!(pushes / MIB, BESIDE[2], "pushes take");
    let total = memory_mib();
    let thousands = format!("{},{:03} MiB", total / 1_000, total % 1_000);
    let margin = format!("{} MiB or more below", BESIDE_MIB - ALERT_MIB);
    let formula = format!("`budget.bytes` + `dedup.bytes_max` + {BESIDE_MIB} MiB");
    let alert = format!(
        "> idtrail_credit_total_bytes + max_over_time(idtrail_dedup_bytes[1d]) + {ALERT_MIB} * 1024 * 1024"
    );
    let wanted = [
        ("docs/guarantees.md", &formula),
        ("docs/guarantees.md", &thousands),
        ("docs/guarantees.md", &margin),
        ("docs/runbook.md", &thousands),
        ("docs/runbook.md", &margin),
        ("docs/running.md", &thousands),
        ("grafana/README.md", &margin),
        ("grafana/alerts.yaml", &alert),
    ];
    let missing = wanted
        .iter()
        .filter(|(file, text)| !read(file).contains(text.as_str()));
    check(missing.map(|(file, text)| format!("{file}: say `{text}`")));
}
