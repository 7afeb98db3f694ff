//! One world: queue, stores and clock of a test, what was sent, and lives of
//! the pipeline in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use audit::{
    geo::Database,
    journal::Incarnation,
    journal_id::{Gen, JournalName},
    key::Secret,
    lake::Codec,
    message,
    source::Source,
    tenant::Tenant,
};
use bytes::Bytes;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::{
    objects::MemoryObjects,
    queue::{MemoryQueue, SENT_AT_MS},
    readback::Reading,
    store::MemoryStore,
};
use crate::{
    base::{Compute, Outcome, Probe, Topology},
    ingest::tenants::Tenants,
    journal::{
        Candidate, Folding, Window,
        errand::{self, Undone, Wanted},
        log::Log,
        replica::{Birth, PlanId, Replica},
    },
    pipeline::{self, Pipeline, Ports, Setup, Watch},
    ports::{Clock, Outgoing, Store},
};

/// An event of a tenant: no two of a world are equal.
pub(super) type Fact = (String, Bytes);

pub(super) const SECRET: Secret = Secret([1, 2, 3, 4]);
pub(super) const WINDOW: Window = Window {
    reach_ms: 24 * 3_600_000,
    bytes_max: 256 << 20,
    folding: Folding::USUAL,
};

/// How long a received message is hidden.
pub(super) const VISIBILITY: Duration = Duration::from_secs(5);

/// Whatever was broken: after it is mended, all is done within this time.
const DRAINED_WITHIN: Duration = Duration::from_secs(600);

/// A second for the pipeline is none for the test.
pub(super) const MOMENT: Duration = Duration::from_secs(1);

pub(super) struct World {
    pub(super) queue: Arc<MemoryQueue>,
    pub(super) journal: Arc<MemoryStore>,
    pub(super) lake: Arc<MemoryStore>,
    pub(super) objects: Arc<MemoryObjects>,
    clock: Arc<Paused>,
    topology: Arc<Topology>,
    sent: BTreeMap<u64, Vec<Fact>>,
    lives: u64,
    pub(super) tenants: Tenants,
    pub(super) safe: bool,
}

/// The runtime's paused time as both clocks.
struct Paused(Instant);

impl Clock for Paused {
    fn wall_ms(&self) -> i64 {
        SENT_AT_MS + self.boot_ms().cast_signed()
    }

    fn boot_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).expect("a test is short")
    }
}

impl World {
    /// `limits`: lines of the built-in topology, each with what stands there instead.
    pub(super) fn new(limits: &[(&str, &str)]) -> World {
        let mut text = include_str!("../../../topology.toml").to_owned();
        for (line, instead) in limits {
            assert_eq!(text.matches(line).count(), 1, "{line}");
            text = text.replace(line, instead);
        }
        let topology = Topology::parse("test.toml", &text);
        let journal = MemoryStore::new();
        World {
            queue: MemoryQueue::new(&journal, VISIBILITY),
            journal,
            lake: MemoryStore::new(),
            objects: Arc::default(),
            clock: Arc::new(Paused(Instant::now())),
            topology: Arc::new(topology.unwrap_or_else(|issues| panic!("{issues:?}"))),
            sent: BTreeMap::new(),
            lives: 0,
            tenants: Tenants::new(Tenant::parse("default").expect("it is valid"), true),
            safe: false,
        }
    }

    pub(super) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// One message of these events.
    pub(super) fn send(&mut self, tenant: &str, source: Option<Source>, events: &[String]) -> u64 {
        let mut attributes = BTreeMap::from([("tenant_id".to_owned(), tenant.to_owned())]);
        attributes.extend(source.map(|source| ("source".to_owned(), source.to_string())));
        let number = self.queue.put(Outgoing {
            body: events.join("\n"),
            attributes,
        });
        self.expect(number, events.iter().map(|event| (tenant, event)));
        number
    }

    /// What the queue's message of this number is to become.
    pub(super) fn expect<'e>(
        &mut self,
        number: u64,
        facts: impl IntoIterator<Item = (&'e str, &'e String)>,
    ) {
        let fact = |(tenant, event): (&str, &String)| (tenant.to_owned(), event.clone().into());
        let facts = facts.into_iter().map(fact).collect();
        self.sent.insert(number, facts);
    }

    /// An object of these events in the bucket `logs`, and the message that names it.
    pub(super) fn send_object(&mut self, tenant: &str, key: &str, events: &[String]) -> u64 {
        self.objects.put("logs", key, events.join("\n"));
        self.notify(tenant, "logs", key, events)
    }

    /// A message that names an object, of which these events are to be stored.
    pub(super) fn notify(
        &mut self,
        tenant: &str,
        bucket: &str,
        key: &str,
        events: &[String],
    ) -> u64 {
        let body = format!(r#"{{"Records":[{}]}}"#, notification(bucket, key));
        let number = self.send(tenant, None, &[body]);
        self.expect(number, events.iter().map(|event| (tenant, event)));
        number
    }

    /// The next process on the same queue and stores.
    pub(super) async fn start(&mut self, probe: Probe) -> Pipeline {
        let ports = Ports {
            queue: Arc::clone(&self.queue) as _,
            lake: Arc::clone(&self.lake) as _,
            transient: Arc::clone(&self.journal) as _,
            objects: Arc::clone(&self.objects) as _,
            clock: Arc::clone(&self.clock) as _,
        };
        let setup = Setup {
            topology: Arc::clone(&self.topology),
            journal: JournalName::parse("main").expect("it is valid"),
            candidate: self.candidate(),
            follow: None,
            places: Database::open(None).0,
            codec: Codec::Zstd,
            limits: message::Limits::default(),
            tenants: Arc::new(self.tenants.clone()),
            safe: self.safe,
            probe,
        };
        let pipeline = Pipeline::start(ports, &setup, Compute::inline()).await;
        pipeline.expect("the topology has all actors")
    }

    /// Another process each time.
    pub(super) fn candidate(&mut self) -> Candidate {
        self.lives += 1;
        Candidate {
            incarnation: Incarnation(self.lives),
            format: self.topology.limits().journal.write_format,
            birth: Birth {
                generation: Gen(7),
                secret: SECRET,
            },
        }
    }

    /// An errand to the journal, with no pipeline around it.
    pub(super) async fn skip(&mut self, id: &PlanId) -> Result<u64, Undone> {
        let name = JournalName::parse("main").expect("it is valid");
        let mut log = Log::new(Arc::clone(&self.journal) as _, &name, MOMENT);
        let limits = pipeline::leader_limits(&self.topology, None);
        let (candidate, clock) = (self.candidate(), Arc::clone(&self.clock));
        let key = id.partition.file_key(&name, Gen(7), id.seq);
        let wanted = Wanted {
            plan: id,
            key: &key,
            reason: "no release can make it",
        };
        let outside = (&mut log, &*self.lake as &dyn Store, &*clock as &dyn Clock);
        errand::skip(outside, (candidate, limits), Replica::new(WINDOW), wanted).await
    }

    /// Drains, stops, and checks all that must hold at the end.
    pub(super) async fn finish(&self, pipeline: Pipeline) -> Reading {
        let watch = pipeline.watch();
        drained(&watch).await;
        let outcome = pipeline.stop(Duration::from_secs(10)).await;
        assert_eq!(outcome, Outcome::Stopped);
        assert_eq!(watch.in_flight.count(), 0);
        let all = self.topology.limits().budget.bytes.cast_signed();
        assert_eq!(watch.desk.budget().available(), all, "credit is missing");
        drop(watch);
        self.assert_is_quiet().await;
        self.check()
    }

    /// Nothing of an ended pipeline lives on.
    pub(super) async fn assert_is_quiet(&self) {
        // A write that takes effect late is a task of the test's own.
        sleep(60 * MOMENT).await;
        let alive = Handle::current().metrics().num_alive_tasks();
        assert_eq!(alive, 0, "tasks are left");
    }

    /// The stores' content against what was sent.
    pub(super) fn check(&self) -> Reading {
        let reading = Reading::of(&self.journal, &self.lake);
        let tally = self.queue.tally();
        let buried = tally.buried.into_iter().chain(tally.dead);
        let buried: BTreeSet<u64> = buried.map(|(number, _)| number).collect();
        let kept = self.sent.iter().filter(|(n, _)| !buried.contains(*n));
        let sent: BTreeSet<Fact> = kept.flat_map(|(_, facts)| facts.clone()).collect();
        reading.assert_holds_exactly(&sent);
        assert!(reading.is_settled && reading.is_released);
        assert_eq!(self.queue.count(), 0, "messages are left");
        self.check_deletes(&reading);
        reading
    }

    /// No message was deleted before all its events were in the journal.
    fn check_deletes(&self, reading: &Reading) {
        for (number, objects) in self.queue.tally().deleted {
            for fact in &self.sent[&number] {
                let durable = reading.durable_in.get(fact);
                assert!(
                    durable.is_some_and(|object| *object <= objects),
                    "message {number} was deleted after object {objects}, {fact:?} in {durable:?}"
                );
            }
        }
    }
}

/// One record of what a bucket tells of a new object.
pub(super) fn notification(bucket: &str, key: &str) -> String {
    format!(
        r#"{{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1","eventTime":"2026-01-10T00:00:00.000Z","eventName":"ObjectCreated:Put","s3":{{"s3SchemaVersion":"1.0","bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}"}}}}}}"#
    )
}

/// Goes on until the queue is empty and every row is in a file.
pub(super) async fn drained(watch: &Watch) {
    let drained = timeout(DRAINED_WITHIN, watch.drain(|_| {})).await;
    let Ok(drained) = drained else {
        panic!("does not drain: {:?}", watch.progress().await);
    };
    drained.expect("the queue answers");
}

/// Until this process leads the journal.
pub(super) async fn leads(watch: &Watch) {
    let leads = async {
        while watch.standing().role != crate::journal::leader::Role::Leader {
            sleep(MOMENT / 100).await;
        }
    };
    timeout(DRAINED_WITHIN, leads).await.expect("it leads");
}

/// How many messages each actor has handled.
#[derive(Clone, Default)]
pub(super) struct Handled(Arc<Mutex<BTreeMap<String, u64>>>);

impl Handled {
    pub(super) fn probe(&self) -> Probe {
        let handled = self.clone();
        Probe::new(move |actor, nth| {
            let mut counts = handled.0.lock().expect("no panic holds it");
            counts.insert(actor.to_owned(), nth);
        })
    }

    pub(super) fn by(&self, actor: &str) -> u64 {
        let counts = self.0.lock().expect("no panic holds it");
        counts.get(actor).copied().unwrap_or_default()
    }
}
