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
    journal::{Candidate, replica::Birth},
    pipeline::{Pipeline, Ports, Setup},
    ports::{self, Created},
};
use audit::{geo::Database, journal::Incarnation, journal_id::Gen, key::Secret, lake::Codec};

use bytes::Bytes;
use tokio::runtime::{self, Runtime};

use crate::{
    cli::{Exit, Failure},
    clock::Machine,
    local::{DirectoryLock, Layout, NoObjects, Queue, Store},
    publish::Outlet,
    settings::{Compression, Settings},
};

/// The pipeline of this process, with what it holds as long as it runs.
#[derive(Debug)]
pub struct Service {
    pub pipeline: Pipeline,
    /// Where pushed events go.
    pub outlet: Outlet,
    /// Shared by the pipeline and push ingest.
    pub compute: Compute,
    _lock: DirectoryLock,
}

/// The embedded mode: directories for queue, journal and lake.
pub fn ports(settings: &Settings) -> Result<Ports, Failure> {
    let layout = Layout::new(&settings.data);
    let visibility = Duration::from_secs(settings.visibility_timeout_secs);
    Ok(Ports {
        queue: Arc::new(Queue::open(&layout.queue(), Arc::new(Machine), visibility)?),
        lake: Arc::new(Store::open(&layout.lake(), &Machine)?),
        transient: Arc::new(Store::open(&layout.large_files(), &Machine)?),
        objects: Arc::new(NoObjects),
        clock: Arc::new(Machine),
    })
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

/// Takes the data directory: from here on no other process runs on it.
pub fn take(settings: &Settings) -> Result<DirectoryLock, Failure> {
    Ok(DirectoryLock::take(&Layout::new(&settings.data).lock())?)
}

/// Starts the pipeline on the data directory that was taken.
pub async fn start(
    lock: DirectoryLock,
    settings: &Settings,
    topology: Topology,
) -> Result<Service, Failure> {
    let (places, warning) = Database::open(settings.geoip.clone());
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
    }
    let compute = topology.limits().compute.clone();
    let compute = Compute::new(compute.threads, compute.slots)?;
    let setup = Setup {
        topology: Arc::new(topology),
        journal: settings.journal.clone(),
        candidate: candidate(),
        places,
        codec: match settings.lake_compression {
            Compression::Mixed => Codec::Zstd,
            Compression::Snappy => Codec::Snappy,
        },
        default_tenant: settings.default_tenant.clone(),
        trust_attributes: settings.trust_attributes,
        probe: Probe::none(),
    };
    let outside = ports(settings)?;
    let outlet = Outlet {
        queue: Arc::clone(&outside.queue),
        payloads: Arc::clone(&outside.transient),
    };
    let incarnation = setup.candidate.incarnation.0;
    let journal = &setup.journal;
    probe(
        &*outside.transient,
        &format!("_idtrail/{journal}/probe/{incarnation:016x}"),
    )
    .await?;
    probe(&*outside.lake, &format!("data/_probe/{incarnation:016x}")).await?;
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

/// Whether a store can be written, and keeps what it has: the journal rests on
/// a second creation of a key being refused.
async fn probe(store: &dyn ports::Store, key: &str) -> Result<(), Failure> {
    let first = store.create(key, Bytes::from_static(b"probe")).await?;
    let second = store.create(key, Bytes::from_static(b"probe")).await?;
    store.remove(key).await?;
    match (first, second) {
        (Created::New, Created::Exists) => Ok(()),
        _ => Err(Failure::outside(format!(
            "the store does not refuse to create {key} twice: use one that honours create-only \
             writes"
        ))),
    }
}

fn candidate() -> Candidate {
    Candidate {
        incarnation: Incarnation(draw()),
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
