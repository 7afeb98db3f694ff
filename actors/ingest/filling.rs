//! The batch that is being filled: rows that were judged new, entries for the
//! quarantine, and the numbers of both.

use audit::{
    accounting::{Account, Accounting, Counts},
    columns::Rows,
    journal::{Batch, Part},
    quarantine::Entry,
};

use super::parcel::{Aside, Load, Stake};
use crate::{
    base::Failure,
    journal::{
        Recall,
        claims::Verdict,
        desk::OpenBatch,
        leader::{Contents, Refused},
    },
};

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    pub rows: usize,
    /// Of raw events and columns together.
    pub bytes: u64,
}

#[derive(Debug)]
pub(super) struct Filling {
    pub(super) open: OpenBatch<Stake>,
    rows: Gathered,
    entries: Vec<Entry>,
    accounting: Accounting,
    /// Raw events and columns: what the journal object will weigh at most.
    bytes: u64,
}

/// What came of a load.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is returned"
)]
pub(super) enum Added {
    Done,
    /// The batch is no more.
    Stale,
    /// Whether its events are known must be read first.
    Unsure(Recall, Load),
}

/// Rows of several parcels, and which of each the batch takes.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    parts: Vec<(Rows, Vec<u32>)>,
    count: usize,
}

impl Filling {
    pub(super) fn new(open: OpenBatch<Stake>) -> Filling {
        Filling {
            open,
            rows: Gathered::default(),
            entries: Vec::new(),
            accounting: Accounting::default(),
            bytes: 0,
        }
    }

    pub(super) fn is_full(&self, full: &Full) -> bool {
        self.rows.count + self.entries.len() >= full.rows || self.bytes >= full.bytes
    }

    /// Takes what is new of a load. Its stake rides with the batch in any case:
    /// the batch's object carries its numbers.
    pub(super) fn add(&mut self, load: Load) -> Result<Added, Failure> {
        let Load {
            stake,
            secret,
            account,
            rows,
            aside,
        } = load;
        let mut keys = rows
            .as_ref()
            .map(|rows| rows.keys.clone())
            .unwrap_or_default();
        let row_count = keys.len();
        keys.extend(aside.entries.iter().map(|(_, entry)| entry.key));
        let verdicts = match self.open.offer(&keys, stake)? {
            Ok(verdicts) => verdicts,
            Err(Refused::Stale) => return Ok(Added::Stale),
            Err(Refused::Unsure { recall, rider }) => {
                let load = Load {
                    stake: rider,
                    secret,
                    account,
                    rows,
                    aside,
                };
                return Ok(Added::Unsure(recall, load));
            }
        };
        let (of_rows, of_entries) = verdicts.split_at(row_count);
        if let Some(rows) = rows {
            self.add_rows(account, rows, of_rows);
        }
        self.add_aside(aside, of_entries);
        Ok(Added::Done)
    }

    fn add_rows(&mut self, account: Account, rows: Rows, verdicts: &[Verdict]) {
        let is_new = |(_, verdict): &(u32, &Verdict)| **verdict == Verdict::New;
        let selected: Vec<u32> = (0u32..)
            .zip(verdicts)
            .filter(is_new)
            .map(|(index, _)| index)
            .collect();
        let received = verdicts.len() as u64;
        let stored = selected.len() as u64;
        let counts = Counts {
            received,
            stored,
            duplicate: received - stored,
            ..Counts::default()
        };
        self.accounting.add(account, counts);
        let raw = selected
            .iter()
            .map(|index| rows.raw[*index as usize].len() as u64);
        self.bytes += raw.sum::<u64>() + column_bytes(&rows) * stored / received.max(1);
        self.rows.count += selected.len();
        if !selected.is_empty() {
            self.rows.parts.push((rows, selected));
        }
    }

    fn add_aside(&mut self, aside: Aside, verdicts: &[Verdict]) {
        for ((account, entry), verdict) in aside.entries.into_iter().zip(verdicts) {
            let mut counts = Counts {
                received: 1,
                ..Counts::default()
            };
            if *verdict == Verdict::New {
                counts.quarantined = 1;
                self.bytes += entry.raw.len() as u64;
                self.entries.push(entry);
            } else {
                counts.duplicate = 1;
            }
            self.accounting.add(account, counts);
        }
        if let Some((account, skipped)) = aside.skipped {
            self.accounting.add(
                account,
                Counts {
                    skipped,
                    ..Counts::default()
                },
            );
        }
    }

    pub(super) fn close(self) -> (OpenBatch<Stake>, Contents, Gathered) {
        let Filling {
            open,
            rows,
            entries,
            accounting,
            ..
        } = self;
        (
            open,
            Contents {
                accounting,
                quarantine: entries,
                batch: None,
            },
            rows,
        )
    }
}

fn column_bytes(rows: &Rows) -> u64 {
    let columns = rows.columns.columns().iter();
    let sizes = columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
    sizes.sum::<usize>() as u64
}

impl Gathered {
    /// Groups the rows by partition and compresses their raw events. Heavy:
    /// belongs on the compute pool.
    pub(super) fn encode(self) -> Result<Option<Batch>, String> {
        if self.parts.is_empty() {
            return Ok(None);
        }
        let parts: Vec<Part<'_>> = self
            .parts
            .iter()
            .map(|(rows, selected)| Part {
                columns: &rows.columns,
                raw: &rows.raw,
                keys: &rows.keys,
                partitions: &rows.partitions,
                selected,
            })
            .collect();
        Batch::gather(&parts)
            .map(Some)
            .map_err(|error| error.to_string())
    }
}
