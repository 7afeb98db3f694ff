//! What is in the stores at the end, read by the rules and not by the pipeline.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use audit::{
    accounting::Counts,
    journal::{Object, Plan, Record},
    journal_id::Seq,
    lake,
    partition::{Area, DAY_MS, Day},
    quarantine::{self, Entry},
};

use super::{
    store::MemoryStore,
    world::{Fact, SECRET, WINDOW},
};
use crate::journal::replica::Replica;

#[derive(Default, Debug)]
pub(super) struct Reading {
    /// How often each event is in the lake.
    pub(super) rows: BTreeMap<Fact, usize>,
    pub(super) quarantined: Vec<Entry>,
    /// By the journal's object that made it durable, from 1.
    pub(super) durable_in: BTreeMap<Fact, usize>,
    pub(super) counts: Counts,
    /// In the order of the journal.
    pub(super) plans: Vec<(Seq, Plan)>,
    /// The most plans that were open at once.
    pub(super) open_plans_max: BTreeMap<Area, usize>,
    pub(super) files: usize,
    /// Every row is in a file.
    pub(super) is_settled: bool,
    /// The journal's last word.
    pub(super) is_released: bool,
}

impl Reading {
    pub(super) fn of(journal: &MemoryStore, lake: &MemoryStore) -> Reading {
        let mut reading = Reading::default();
        reading.read_journal(journal);
        reading.read_lake(lake);
        reading
    }

    /// The replica state objects to a journal in which anything is wrong.
    fn read_journal(&mut self, journal: &MemoryStore) {
        let mut replica = Replica::new(WINDOW);
        let objects = journal.objects();
        let objects = objects.iter().filter(|(key, _)| key.contains("/log/"));
        for (number, (key, bytes)) in (1..).zip(objects) {
            let (object, digest) = Object::decode(bytes).expect("a journal can be read");
            assert!(key.ends_with(&object.header.seq.to_string()), "{key}");
            assert!(object.accounting.total().adds_up(), "{key}");
            self.is_released = matches!(object.records.last(), Some(Record::Release));
            for record in &object.records {
                self.read_record(number, object.header.seq, record);
            }
            let applied = replica.apply(object, digest);
            applied.unwrap_or_else(|corrupt| panic!("{corrupt}"));
            let mut open: BTreeMap<Area, usize> = BTreeMap::new();
            for plan in replica.open_plans() {
                *open.entry(plan.id.partition.area.clone()).or_default() += 1;
            }
            for (area, count) in open {
                let most = self.open_plans_max.entry(area).or_default();
                *most = count.max(*most);
            }
        }
        self.counts = replica.counts();
        self.is_settled = replica.is_settled();
    }

    fn read_record(&mut self, number: usize, seq: Seq, record: &Record) {
        match record {
            Record::Batch(batch) => {
                for slice in &batch.slices {
                    let Area::Tenant(tenant) = &slice.partition.area else {
                        panic!("rows in the quarantine");
                    };
                    let raws = batch.raw(slice.row_start..slice.row_end);
                    for raw in raws.expect("a journal can be read") {
                        self.is_durable((tenant.to_string(), raw), number);
                    }
                }
            }
            Record::Quarantine(entries) => {
                for entry in entries {
                    self.is_durable((entry.tenant.clone(), entry.raw.clone()), number);
                }
            }
            Record::Plan(plan) => self.plans.push((seq, plan.clone())),
            _ => {}
        }
    }

    fn is_durable(&mut self, fact: Fact, number: usize) {
        let twice = format!("twice in the journal: {fact:?}");
        assert_eq!(self.durable_in.insert(fact, number), None, "{twice}");
    }

    fn read_lake(&mut self, lake: &MemoryStore) {
        for (key, bytes) in lake.objects() {
            self.files += 1;
            let path: Vec<&str> = key.split('/').collect();
            let [_, area, day, _] = path[..] else {
                panic!("{key} is out of the layout");
            };
            if area == "_quarantine" {
                let entries = quarantine::decode(&bytes[..], &SECRET).expect("a file");
                let entries = entries.map(|entry| entry.expect("a line"));
                self.quarantined.extend(entries);
                continue;
            }
            for event in lake::scan(&bytes).expect("a file can be read") {
                let event = event.expect("a row can be read");
                let time_ms = event.time_ms.expect("each event has a time");
                assert_eq!(Day::of_ms(time_ms).to_string(), day, "{key}");
                let fact = (area.to_owned(), event.data);
                *self.rows.entry(fact).or_default() += 1;
            }
        }
    }

    /// Each of these is stored once, as a row or in the quarantine, and nothing else is.
    pub(super) fn assert_holds_exactly(&self, sent: &BTreeSet<Fact>) {
        let mut found = self.rows.clone();
        for entry in &self.quarantined {
            let fact = (entry.tenant.clone(), entry.raw.clone());
            *found.entry(fact).or_default() += 1;
        }
        for fact in sent {
            let count = found.remove(fact).unwrap_or_default();
            assert_eq!(count, 1, "so often in the lake: {fact:?}");
        }
        assert!(found.is_empty(), "nobody sent {found:?}");
        let stored: usize = self.rows.values().sum();
        assert_eq!(self.counts.stored, stored as u64);
        assert_eq!(self.counts.quarantined, self.quarantined.len() as u64);
        assert!(self.counts.adds_up(), "{:?}", self.counts);
    }
}

/// So many days before the messages were sent.
pub(super) fn days_ago(days: u64) -> Day {
    Day::of_ms(super::queue::SENT_AT_MS - days.cast_signed() * DAY_MS)
}

/// The rows of what the stores hold now; the pipeline may be at work.
pub(super) fn durable(journal: &Arc<MemoryStore>) -> usize {
    let mut reading = Reading::default();
    reading.read_journal(journal);
    reading.durable_in.len()
}
