//! The stages joined: the only file that knows all of them.
//!
//! What must outlive the actors is made here (the desk with the replica state,
//! the table of messages in hand, the budget, the addresses) and handed to each
//! incarnation. Data flows as `topology.toml` draws it. The pipeline runs until
//! it is stopped or its tree gives up; it can be asked to drain, which ends with
//! an empty queue and every row in a file.

mod watch;

use std::{sync::Arc, time::Duration};

use audit::{geo::Database, journal_id::JournalName, lake::Codec, message, source::Source};
use tokio::{task::JoinSet, time::Instant};

pub use self::watch::{Progress, Undrained, Watch};

use crate::{
    base::{
        Address, Budget, Compute, Mailbox, Outcome, Probe, Running, StartError, Topology, Tree,
        mailbox, topology::JournalLimits,
    },
    ingest::{
        batcher::{self, Batcher},
        deleter::Deleter,
        enricher::Enricher,
        filling::Full,
        inflight::InFlight,
        intake::{Intake, Payloads},
        lobby::Lobby,
        normalizer::Normalizer,
        object_reader::{ObjectReader, Reader},
        parcel::{Parcel, Stake},
        poller::{self, Poller},
        signals::{Floor, Gate, Silence},
        tenants::Tenants,
    },
    journal::{
        Candidate, Folding, Follow, Window,
        appender::{self, Appender},
        checkpointer::{self, Checkpointer},
        desk::Desk,
        leader::{self, Leader},
        log::Log,
        planner::{Draining, Planner},
        recaller::Recaller,
        replica::KeysLimits,
        seal::{SealLimits, Seen},
        upkeep::UpkeepLimits,
        working::Working,
    },
    lake::{partition_writer::PartitionWriter, uploader::Uploader},
    ports::{Clock, Objects, Queue, Store},
    report::{self, Labels},
};

/// The outside things.
#[derive(Clone)]
pub struct Ports {
    pub queue: Arc<dyn Queue>,
    /// Long-term: `data/`.
    pub lake: Arc<dyn Store>,
    /// Transient: the journal and large payloads.
    pub transient: Arc<dyn Store>,
    /// What messages point to.
    pub objects: Arc<dyn Objects>,
    pub clock: Arc<dyn Clock>,
}

/// What is decided before the start.
#[derive(Clone, Debug)]
pub struct Setup {
    pub topology: Arc<Topology>,
    pub journal: JournalName,
    pub candidate: Candidate,
    /// How it stands by while another process leads; `None` if none can.
    pub follow: Option<Follow>,
    pub places: Arc<Database>,
    pub codec: Codec,
    /// How much of a message or object is read at most; a parcel's size is the
    /// topology's.
    pub limits: message::Limits,
    pub tenants: Arc<Tenants>,
    /// Whether files are left alone that are in the making when it first leads.
    pub safe: bool,
    pub probe: Probe,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports")
    }
}

/// The stages at work.
#[derive(Debug)]
pub struct Pipeline {
    running: Running,
    watch: Watch,
    gate: Gate,
}

impl Pipeline {
    /// The calling runtime is the tree's; `compute` may be shared.
    pub async fn start(
        ports: Ports,
        setup: &Setup,
        compute: Compute,
    ) -> Result<Pipeline, StartError> {
        report::starting();
        let limits = setup.topology.limits();
        let budget = Budget::new(limits.budget.bytes);
        let leader = Leader::new(
            setup.candidate.clone(),
            leader_limits(&setup.topology, setup.follow),
        );
        let desk = Desk::new(leader, Arc::clone(&ports.clock), budget);
        let kept = Kept {
            desk: desk.clone(),
            compute: compute.with_probe(setup.probe.clone()),
            in_flight: InFlight::default(),
            gate: Gate::default(),
            floor: Floor::default(),
            silence: Silence::default(),
            draining: Draining::default(),
            working: Working::new(setup.safe),
            labels: Labels::default(),
        };
        let running = kept.tree(&ports, setup).start().await?;
        let gate = kept.gate.clone();
        let watch = Watch::of(kept, ports);
        Ok(Pipeline {
            running,
            watch,
            gate,
        })
    }

    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Ends only when the tree does, by itself.
    pub async fn finished(&mut self) -> Outcome {
        self.running.finished().await
    }

    /// Commits what is in hand, gives open files `grace`, releases the journal
    /// and stops. Whatever does not end in time is recovered by the next start.
    pub async fn stop(self, grace: Duration) -> Outcome {
        self.gate.shut();
        let end = Instant::now() + grace;
        let watch = &self.watch;
        // The release must get through as well: others wait long without it. What is
        // in hand may wait for credit that nobody gives back.
        let release = end - grace / 5;
        watch
            .wait_for(release, |watch| watch.in_flight.is_idle())
            .await;
        watch.wait_for(release, Watch::is_filed).await;
        watch.leader(|leader| leader.release());
        watch
            .wait_for(end, |watch| watch.leader(|leader| leader.is_released()))
            .await;
        self.running.shutdown().await
    }
}

/// What outlives every actor.
struct Kept {
    desk: Desk<Stake>,
    compute: Compute,
    in_flight: InFlight,
    gate: Gate,
    floor: Floor,
    silence: Silence,
    draining: Draining,
    working: Working,
    labels: Labels,
}

impl Kept {
    fn tree(&self, ports: &Ports, setup: &Setup) -> Tree {
        let topology = &setup.topology;
        let (appender, appender_box) = mailbox(topology, "appender");
        let (planner, planner_box) = mailbox(topology, "planner");
        let (checkpointer, checkpointer_box) = mailbox(topology, "checkpointer");
        let (writer, writer_box) = mailbox(topology, "partition_writer");
        let (uploader, uploader_box) = mailbox(topology, "uploader");
        let (deleter, deleter_box) = mailbox(topology, "deleter");
        let mut tree = Tree::new(Arc::clone(topology), setup.probe.clone());
        let (normalizers, batcher) = self.add_rows(&mut tree, ports, setup, &appender);
        self.add_intake(&mut tree, ports, setup, (normalizers, batcher));
        tree.add(deleter_box, {
            let queue = Arc::clone(&ports.queue);
            move |_| Deleter {
                queue: Arc::clone(&queue),
            }
        });
        tree.add(appender_box, {
            let attempt = topology.limits().journal.attempt_timeout;
            let (store, journal) = (Arc::clone(&ports.transient), setup.journal.clone());
            let (desk, labels) = (self.desk.clone(), self.labels.clone());
            move |_| Appender {
                desk: desk.clone(),
                log: Log::new(Arc::clone(&store), &journal, attempt),
                settled: deleter.clone(),
                planner: planner.clone(),
                checkpointer: checkpointer.clone(),
                labels: labels.clone(),
            }
        });
        tree.add(planner_box, {
            let (desk, draining) = (self.desk.clone(), self.draining.clone());
            let (limits, working) = (seal_limits(topology), self.working.clone());
            let appender = appender.clone();
            move |_| Planner {
                desk: desk.clone(),
                limits,
                seen: Seen::default(),
                working: working.clone(),
                draining: draining.clone(),
                appender: appender.clone(),
                writer: writer.clone(),
            }
        });
        self.add_upkeep(&mut tree, ports, setup, (checkpointer_box, &appender));
        tree.add(writer_box, {
            let (journal, codec) = (setup.journal.clone(), setup.codec);
            let compute = self.compute.clone();
            move |_| PartitionWriter {
                journal: journal.clone(),
                codec,
                compute: compute.clone(),
                uploader: uploader.clone(),
            }
        });
        tree.add(uploader_box, {
            let (store, desk) = (Arc::clone(&ports.lake), self.desk.clone());
            move |_| Uploader {
                store: Arc::clone(&store),
                desk: desk.clone(),
                appender: appender.clone(),
            }
        });
        tree
    }

    /// What keeps the journal short.
    fn add_upkeep(
        &self,
        tree: &mut Tree,
        ports: &Ports,
        setup: &Setup,
        (mailbox, appender): (
            Mailbox<checkpointer::Message>,
            &Address<appender::Message<Stake>>,
        ),
    ) {
        let limits = &setup.topology.limits().journal;
        let attempt = limits.attempt_timeout;
        let limits = upkeep_limits(limits, window(&setup.topology));
        let (store, journal) = (Arc::clone(&ports.transient), setup.journal.clone());
        let (desk, appender) = (self.desk.clone(), appender.clone());
        tree.add(mailbox, move |_| {
            let log = Log::new(Arc::clone(&store), &journal, attempt);
            Checkpointer::new(desk.clone(), log, limits, appender.clone())
        });
    }

    /// From raw events to batches: where parcels go, and what is none.
    fn add_rows(
        &self,
        tree: &mut Tree,
        ports: &Ports,
        setup: &Setup,
        appender: &Address<appender::Message<Stake>>,
    ) -> ([Address<Parcel>; 4], Address<batcher::Message>) {
        let topology = &setup.topology;
        let limits = topology.limits();
        let (batcher, batcher_box) = mailbox(topology, "batcher");
        let (enricher, enricher_box) = mailbox(topology, "enricher");
        let normalizers = Source::ALL.map(|source| {
            let (address, mailbox) = mailbox(topology, &format!("{source}_normalizer"));
            let (compute, enricher) = (self.compute.clone(), enricher.clone());
            let labels = self.labels.clone();
            tree.add(mailbox, move |_| Normalizer {
                source,
                compute: compute.clone(),
                enricher: enricher.clone(),
                labels: labels.clone(),
            });
            address
        });
        tree.add(enricher_box, {
            let (compute, batcher) = (self.compute.clone(), batcher.clone());
            let database = Arc::clone(&setup.places);
            move |_| Enricher::new(compute.clone(), Arc::clone(&database), batcher.clone())
        });
        tree.add(batcher_box, {
            let (desk, compute) = (self.desk.clone(), self.compute.clone());
            let age = limits.batch.age;
            let full = Full {
                rows: limits.batch.rows as usize,
                bytes: limits.batch.raw_bytes,
            };
            let appender = appender.clone();
            let (attempt, journal) = (limits.journal.attempt_timeout, setup.journal.clone());
            let store = Arc::clone(&ports.transient);
            move |_| {
                let log = Log::new(Arc::clone(&store), &journal, attempt);
                let (desk, compute) = (desk.clone(), compute.clone());
                Batcher::new(
                    desk,
                    compute,
                    (age, full),
                    Recaller::new(log),
                    appender.clone(),
                )
            }
        });
        (normalizers, batcher)
    }

    /// From messages and objects to raw events.
    fn add_intake(
        &self,
        tree: &mut Tree,
        ports: &Ports,
        setup: &Setup,
        (normalizers, batcher): ([Address<Parcel>; 4], Address<batcher::Message>),
    ) {
        let topology = &setup.topology;
        let limits = topology.limits();
        let (readers, reader_box) = mailbox(topology, "object_reader");
        let (_, poller_box) = mailbox(topology, "poller");
        let intake = Arc::new(Intake {
            limits: message::Limits {
                parcel_bytes: limits.parcel.bytes as usize,
                ..setup.limits.clone()
            },
            tenants: Arc::clone(&setup.tenants),
            budget: self.desk.budget().clone(),
            compute: self.compute.clone(),
            normalizers,
            batcher,
            readers,
            payloads: Payloads::new(Arc::clone(&ports.transient)),
        });
        tree.add(reader_box, {
            let reader = Arc::new(Reader {
                objects: Arc::clone(&ports.objects),
                queue: Arc::clone(&ports.queue),
                intake: Arc::clone(&intake),
                gate: self.gate.clone(),
            });
            move |_| ObjectReader {
                reader: Arc::clone(&reader),
                reading: JoinSet::new(),
            }
        });
        tree.add(poller_box, {
            let limits = poller::Limits {
                parcel_bytes: limits.parcel.bytes,
                commit_stale: limits.journal.commit_stale,
                in_flight_max: limits.budget.messages as usize,
            };
            let count = topology.actor("poller").map_or(1, |spec| spec.count);
            let poller = Poller {
                queue: Arc::clone(&ports.queue),
                desk: self.desk.clone(),
                in_flight: self.in_flight.clone(),
                lobby: Lobby::new(count, limits.parcel_bytes),
                intake,
                limits,
                gate: self.gate.clone(),
                floor: self.floor.clone(),
                silence: self.silence.clone(),
                error_pause: poller::ERROR_PAUSE_MIN,
                not_before: None,
            };
            move |_| poller.clone()
        });
    }
}

/// How far back copies are recognised.
pub fn window(topology: &Topology) -> Window {
    let dedup = &topology.limits().dedup;
    Window {
        reach_ms: i64::try_from(dedup.window.as_millis()).unwrap_or(i64::MAX),
        bytes_max: dedup.bytes_max,
        folding: Folding::USUAL,
    }
}

/// A follower looks at the boundary again when its last look is older.
const TRUSTED: Duration = Duration::from_secs(3_600);

/// How a process stands by that shares its journal with others. They must not
/// all find the same moment silent.
pub fn follow(topology: &Topology, candidate: &Candidate) -> Follow {
    let journal = &topology.limits().journal;
    let eighth = u64::try_from(journal.silence.as_millis() / 8).unwrap_or(u64::MAX);
    let jitter = Duration::from_millis(candidate.incarnation.0 % eighth.max(1));
    Follow {
        silence: journal.silence + jitter,
        warm: journal.warm,
        trusted: TRUSTED.min(journal.keep / 4),
    }
}

fn upkeep_limits(journal: &JournalLimits, window: Window) -> UpkeepLimits {
    UpkeepLimits {
        every: journal.checkpoint_age,
        objects: journal.checkpoint_objects,
        keep: journal.keep,
        keys: KeysLimits::of(window),
    }
}

/// `follow`: as [`Setup::follow`].
pub fn leader_limits(topology: &Topology, follow: Option<Follow>) -> leader::Limits {
    leader::Limits {
        window: window(topology),
        heartbeat: topology.limits().journal.heartbeat,
        keep: topology.limits().journal.keep,
        seal: seal_limits(topology),
        follow,
    }
}

fn seal_limits(topology: &Topology) -> SealLimits {
    let seal = &topology.limits().seal;
    SealLimits {
        age_ms: seal.age.as_millis() as i64,
        rows: seal.rows,
        raw_bytes: seal.raw_bytes,
        open_max: seal.open_days_max,
    }
}

#[cfg(test)]
mod tests;
