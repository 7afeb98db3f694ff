//! Joins the parts: settings and adapters to a running pipeline.
//!
//! The only place where adapters meet the actors, and where chance enters: an
//! incarnation for each start, and what a new journal would be born with.

use std::{fs, sync::Arc, time::Duration};

use actors::{
    base::{
        Compute, Probe, StartError,
        topology::{self, Topology},
    },
    ingest::tenants::Tenants,
    journal::{Candidate, replica::Birth},
    pipeline::{self, Pipeline, Ports, Setup},
    ports::{self, Created, StoreError},
    report,
};
use audit::{geo::Database, journal::Incarnation, journal_id::Gen, key::Secret, lake::Codec};

use bytes::Bytes;
use tokio::runtime::{self, Runtime};

use crate::{
    aws::{self, Cloud},
    cli::{Exit, Failure},
    clock::Machine,
    finding::Finding,
    local::{self, DirectoryLock, Layout, NoObjects, Queue, Store},
    publish::Outlet,
    settings::{Compression, Settings},
};

const PROBE: Bytes = Bytes::from_static(b"probe");
/// Between the tries of a probe.
const PROBE_PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// The pipeline of this process, with what it holds as long as it runs.
#[derive(Debug)]
pub struct Service {
    pub pipeline: Pipeline,
    /// Where pushed events go.
    pub outlet: Outlet,
    /// Shared by the pipeline and push ingest.
    pub compute: Compute,
    _lock: Option<DirectoryLock>,
}

/// Queue, stores and clock, as the settings say: directories, or AWS.
pub async fn ports(settings: &Settings) -> Result<Ports, Failure> {
    match &settings.aws {
        Some(aws) => Ok(Cloud::new(aws, visibility(settings)).await.ports()),
        None => embedded(settings),
    }
}

/// The same, for a service: what it may not do it says at once.
async fn proven_ports(settings: &Settings) -> Result<Ports, Failure> {
    let Some(aws) = &settings.aws else {
        return embedded(settings);
    };
    let cloud = Cloud::new(aws, visibility(settings)).await;
    cloud.queue.prove().await.map_err(Failure::outside)?;
    Ok(cloud.ports())
}

fn embedded(settings: &Settings) -> Result<Ports, Failure> {
    let layout = Layout::new(&settings.data);
    let queue = Queue::open(&layout.queue(), Arc::new(Machine), visibility(settings))?;
    Ok(Ports {
        queue: Arc::new(queue),
        lake: Arc::new(Store::open(&layout.lake(), &Machine)?),
        transient: Arc::new(Store::open(&layout.large_files(), &Machine)?),
        objects: Arc::new(NoObjects),
        clock: Arc::new(Machine),
    })
}

fn visibility(settings: &Settings) -> Duration {
    Duration::from_secs(settings.visibility_timeout_secs)
}

/// The topology that the settings name, or the built-in one.
pub fn topology(settings: &Settings) -> Result<Topology, Vec<topology::Issue>> {
    let Some(path) = &settings.topology else {
        return Ok(Topology::builtin());
    };
    let file = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Topology::parse(&file, &text),
        Err(error) => Err(vec![topology::Issue {
            file,
            line: 1,
            key: String::new(),
            what: format!(
                "cannot be read: {error}, name an existing file in `topology` or remove the key"
            ),
        }]),
    }
}

/// The runtime of one verb.
pub fn runtime() -> std::io::Result<Runtime> {
    runtime::Builder::new_multi_thread().enable_all().build()
}

/// Takes the data directory: from here on no other process runs on it. On AWS
/// there is none: there the journal alone decides who leads.
pub fn take(settings: &Settings) -> Result<Option<DirectoryLock>, Failure> {
    if settings.aws.is_some() {
        return Ok(None);
    }
    let lock = DirectoryLock::take(&Layout::new(&settings.data).lock())?;
    Ok(Some(lock))
}

/// Starts the pipeline, holding what [`take`] gave.
pub async fn start(
    lock: Option<DirectoryLock>,
    settings: &Settings,
    topology: Topology,
) -> Result<Service, Failure> {
    let ports = proven_ports(settings).await?;
    #[cfg(debug_assertions)]
    let ports = crate::fail::armed(ports).map_err(Failure::usage)?;
    start_on(ports, lock, settings, topology).await
}

/// The same, on these ports.
pub async fn start_on(
    outside: Ports,
    lock: Option<DirectoryLock>,
    settings: &Settings,
    topology: Topology,
) -> Result<Service, Failure> {
    let (places, warning) = Database::open(settings.geoip.clone());
    if let Some(warning) = warning {
        report::places_refused(&warning);
    }
    let compute = topology.limits().compute.clone();
    let compute = Compute::new(compute.threads, compute.slots)?;
    let candidate = candidate(&topology);
    // A data directory's lock says that nobody else is there.
    let shared = lock
        .is_none()
        .then(|| pipeline::follow(&topology, &candidate));
    let setup = Setup {
        topology: Arc::new(topology),
        journal: settings.journal.clone(),
        candidate,
        follow: shared,
        places,
        codec: match settings.lake_compression {
            Compression::Mixed => Codec::Zstd,
            Compression::Snappy => Codec::Snappy,
        },
        limits: settings.limits.clone(),
        tenants: Arc::new(Tenants {
            senders: settings.tenants_by_sender.clone(),
            owners: settings.tenants_by_owner.clone(),
            credentials: settings.push.tokens.clone(),
            ..Tenants::new(settings.default_tenant.clone(), settings.trust_attributes)
        }),
        safe: settings.safe_mode,
        probe: Probe::none(),
    };
    probe_stores(&outside, settings, setup.candidate.incarnation).await?;
    let outlet = Outlet::of(&outside);
    let pipeline = Pipeline::start(outside, &setup, compute.clone())
        .await
        .map_err(|error| match error {
            StartError::Ended(outcome) => Failure::new(Exit::GaveUp, outcome),
            topology => Failure::usage(topology),
        })?;
    Ok(Service {
        pipeline,
        outlet,
        compute,
        _lock: lock,
    })
}

/// Whether both stores are what the journal rests on.
async fn probe_stores(
    outside: &Ports,
    settings: &Settings,
    incarnation: Incarnation,
) -> Result<(), Failure> {
    let incarnation = incarnation.0;
    let journal = format!("_idtrail/{}/probe/{incarnation:016x}", settings.journal);
    let lake = format!("data/_probe/{incarnation:016x}");
    let layout = Layout::new(&settings.data);
    let (lake_name, transient_name) = match &settings.aws {
        Some(aws) => (aws.lake.to_string(), aws.large_files.to_string()),
        None => (
            layout.lake().display().to_string(),
            layout.large_files().display().to_string(),
        ),
    };
    probe(&*outside.transient, &transient_name, &journal).await?;
    probe(&*outside.lake, &lake_name, &lake).await
}

/// Whether a store can be written, read and listed, and keeps what it has: the
/// journal rests on a second creation of a key being refused.
async fn probe(store: &dyn ports::Store, name: &str, key: &str) -> Result<(), Failure> {
    // Made by a try that nobody answered, it exists: that is as good.
    patient(|| store.create(key, PROBE)).await?;
    let second = patient(|| store.create(key, PROBE)).await?;
    let read = patient(|| store.get(key)).await?;
    let listed = patient(|| store.list(key, None)).await?;
    patient(|| store.remove(key)).await?;
    if second == Created::New {
        return Err(Failure::outside(format!(
            "{name} does not refuse to create {key} twice, and the journal rests on that: use a \
             store that honours If-None-Match"
        )));
    }
    if read.as_deref() != Some(&PROBE[..]) || !listed.iter().any(|object| object.key == key) {
        return Err(Failure::outside(format!(
            "{name} does not give back what was written to {key}: use a store that is consistent"
        )));
    }
    Ok(())
}

/// A few tries: a store may stumble at its first request.
async fn patient<T, F>(call: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for pause in PROBE_PAUSES {
        if let Ok(answer) = call().await {
            return Ok(answer);
        }
        tokio::time::sleep(pause).await;
    }
    call().await.map_err(|error| refused(&error))
}

fn refused(error: &StoreError) -> Failure {
    match error {
        StoreError::Retry(what) | StoreError::Fatal(what) => Failure::outside(what),
    }
}

/// Tries everything that a run will need.
pub async fn try_out(settings: &Settings, quiet: bool) -> Vec<Finding> {
    match &settings.aws {
        Some(aws) => aws::live::check(settings, aws, draw(), quiet).await,
        None => local::live::check(&Layout::new(&settings.data), draw()).await,
    }
}

/// Who this process is to the journal.
pub fn candidate(topology: &Topology) -> Candidate {
    Candidate {
        incarnation: Incarnation(draw()),
        format: topology.limits().journal.write_format,
        birth: Birth {
            generation: Gen(draw()),
            secret: Secret([draw(), draw(), draw(), draw()]),
        },
    }
}

/// What a new token is made of: 256 bits.
pub fn secret() -> [u8; 32] {
    let words = [draw(), draw(), draw(), draw()];
    let mut secret = [0; 32];
    for (bytes, word) in secret.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    secret
}

/// 64 bits nobody can guess, from the system's generator.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where chance enters"
)]
fn draw() -> u64 {
    rand::random()
}

#[cfg(test)]
mod tests;
