//! From normalised rows to a [`Batch`], and back to columns.
//!
//! Rows come in parts, in order of arrival and of all tenants; they leave
//! grouped by partition, in the order of the partitions, within one in the
//! [`order`](crate::order) of files. Each value is moved once. What a batch
//! promises, and [`Batch::check`] checks on every decode: slices cover its rows
//! in order, and so do its blocks; each slice's XOR is that of its rows' keys.

use std::{collections::BTreeMap, ops::Range};

use arrow::{
    array::{Array, RecordBatch},
    compute::interleave_record_batch,
    error::ArrowError,
};
use bytestring::ByteString;

use super::{Batch, Block, Columns, Slice, blocks};
use crate::{
    key::{Key, KeyXor},
    order::{Order, Place},
    partition::Partition,
    schema::{self, Column},
};

/// Most rows of a batch; it is closed long before.
pub const ROWS_MAX: usize = 1 << 20;

/// Some rows of one normalised parcel. All but `selected` are of one length.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Of the schema [`schema::narrow`].
    pub columns: &'a RecordBatch,
    pub raw: &'a [ByteString],
    pub keys: &'a [Key],
    pub partitions: &'a [Partition],
    /// The rows to take, in this order.
    pub selected: &'a [u32],
}

#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("invalid part of a batch: {0}; report this as a bug")]
    Part(&'static str),
    #[error("more than {ROWS_MAX} rows in a batch: close it earlier")]
    TooManyRows,
    #[error("an event of {0} bytes, above the limit of {max}: quarantine it", max = blocks::EVENT_BYTES_MAX)]
    EventTooLarge(usize),
    #[error("columns of {0} bytes in a batch: close it earlier")]
    ColumnsTooLarge(usize),
    #[error("corrupt batch: {0}; restore its journal object from the bucket's versions")]
    Corrupt(&'static str),
    #[error("zstd in a batch: {0}")]
    Zstd(std::io::Error),
    #[error("arrow in a batch: {0}")]
    Arrow(#[from] ArrowError),
}

/// Which invariant of a batch does not hold.
#[derive(Debug)]
pub(super) struct Uncovered(pub(super) &'static str);

impl Batch {
    /// The selected rows of all parts. Events must be within
    /// [`blocks::EVENT_BYTES_MAX`]: who took them apart has seen to it.
    pub fn gather(parts: &[Part<'_>]) -> Result<Batch, BatchError> {
        let columns: Vec<&RecordBatch> = parts.iter().map(|part| part.columns).collect();
        let mut groups = group(parts)?;
        let order = Order::of(&columns);
        for places in groups.values_mut() {
            *places = order.sorted(places);
        }
        let places: Vec<Place> = groups.values().flatten().copied().collect();
        if places.is_empty() {
            return Ok(Batch::default());
        }
        let keys: Vec<Key> = places.iter().map(|&(p, row)| parts[p].keys[row]).collect();
        let events: Vec<&str> = places.iter().map(|&(p, row)| &*parts[p].raw[row]).collect();
        let mut end = 0;
        let slices: Vec<Slice> = groups
            .iter()
            .map(|(&partition, places)| {
                let start = end;
                end += places.len();
                slice(partition.clone(), start..end, &keys, &events)
            })
            .collect();
        Ok(Batch {
            columns: Columns::encode(interleave_record_batch(&columns, &places)?)?,
            blocks: blocks::compress(&events, &slices)?,
            slices,
            keys,
        })
    }

    /// The columns of all rows but `event_data`.
    pub fn columns(&self) -> Result<&RecordBatch, BatchError> {
        let columns = self.columns.decode()?;
        if columns.num_rows() == self.keys.len() {
            Ok(columns)
        } else {
            Err(BatchError::Corrupt("columns and keys differ in length"))
        }
    }

    /// Memory that it holds, its columns decoded.
    pub fn retained_bytes(&self) -> usize {
        self.columns.retained_bytes() + self.bytes_beside_columns()
    }

    /// Nearly the bytes that it takes in the journal.
    pub(super) fn stored_bytes(&self) -> usize {
        self.columns.stored_bytes() + self.bytes_beside_columns()
    }

    fn bytes_beside_columns(&self) -> usize {
        let frames: usize = self.blocks.iter().map(|block| block.frame.len()).sum();
        frames
            + size_of_val(self.keys.as_slice())
            + size_of_val(self.slices.as_slice())
            + size_of_val(self.blocks.as_slice())
    }

    pub(super) fn check(&self) -> Result<(), Uncovered> {
        if self.keys.len() > ROWS_MAX {
            return Err(Uncovered("a batch has too many rows"));
        }
        let slices = self.slices.iter().map(|s| (s.row_start, s.row_end));
        if !covers(slices, self.keys.len()) {
            return Err(Uncovered("slices do not cover a batch's rows in order"));
        }
        let blocks = self.blocks.iter().map(|b| (b.row_start, b.row_end));
        if !self.blocks.is_empty() && !covers(blocks, self.keys.len()) {
            return Err(Uncovered("blocks do not cover a batch's rows in order"));
        }
        if self.blocks.iter().any(Block::is_too_large) {
            return Err(Uncovered("a block declares too much"));
        }
        for slice in &self.slices {
            let keys = &self.keys[slice.row_start as usize..slice.row_end as usize];
            if slice.key_xor != KeyXor::of(keys.iter().copied()) {
                return Err(Uncovered("a slice's XOR is not that of its keys"));
            }
        }
        Ok(())
    }
}

impl Block {
    fn is_too_large(&self) -> bool {
        self.raw_bytes as usize > blocks::BLOCK_BYTES_MAX
    }
}

/// The places of the selected rows, by partition.
fn group<'a>(parts: &[Part<'a>]) -> Result<BTreeMap<&'a Partition, Vec<Place>>, BatchError> {
    let mut groups: BTreeMap<&Partition, Vec<Place>> = BTreeMap::new();
    let mut rows = 0;
    for (p, part) in parts.iter().enumerate() {
        let length = part.columns.num_rows();
        if [part.raw.len(), part.keys.len(), part.partitions.len()] != [length; 3] {
            return Err(BatchError::Part(
                "columns, events, keys and partitions differ in length",
            ));
        }
        if part.columns.schema() != schema::narrow() {
            return Err(BatchError::Part("the columns are not the table's"));
        }
        if part.columns.column(Column::EventTime.index()).null_count() > 0 {
            return Err(BatchError::Part("a row has no time"));
        }
        for &row in part.selected {
            let row = row as usize;
            let partition = part
                .partitions
                .get(row)
                .ok_or(BatchError::Part("a row that does not exist is selected"))?;
            groups.entry(partition).or_default().push((p, row));
        }
        rows += part.selected.len();
    }
    if rows > ROWS_MAX {
        return Err(BatchError::TooManyRows);
    }
    Ok(groups)
}

fn slice(partition: Partition, rows: Range<usize>, keys: &[Key], events: &[&str]) -> Slice {
    let bound = |row| u32::try_from(row).expect("at most ROWS_MAX rows");
    Slice {
        partition,
        row_start: bound(rows.start),
        row_end: bound(rows.end),
        key_xor: KeyXor::of(keys[rows.clone()].iter().copied()),
        raw_bytes: events[rows].iter().map(|event| event.len() as u64).sum(),
    }
}

/// Whether the ranges follow each other, none is empty, and they end at `rows`.
fn covers(ranges: impl Iterator<Item = (u32, u32)>, rows: usize) -> bool {
    let mut end = 0;
    for (row_start, row_end) in ranges {
        if row_start != end || row_end <= row_start {
            return false;
        }
        end = row_end;
    }
    end as usize == rows
}

#[cfg(test)]
mod tests {
    use arrow::{array::AsArray, datatypes::TimestampMillisecondType};
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::{
        journal::specimen::{NOON_MS, Parcel, Row, columns},
        partition::DAY_MS,
    };

    /// Tenant, day, identity, event, whether it is selected.
    type Drawn = (usize, i64, Option<String>, String, bool);

    fn row(drawn: &Drawn) -> Row<'_> {
        let (tenant, day, id, raw, _) = drawn;
        let tenant = ["acme", "initech", "umbrella"][*tenant];
        (tenant, id.as_deref(), NOON_MS + day * DAY_MS, raw)
    }

    fn selected(parcel: &Vec<Drawn>) -> Vec<u32> {
        let chosen = (0..).zip(parcel).filter(|(_, drawn)| drawn.4);
        chosen.map(|(at, _)| at).collect()
    }

    fn gathers_in_order(parcels: &[Vec<Drawn>]) {
        let made = parcels.iter().map(|parcel| {
            let rows: Vec<Row<'_>> = parcel.iter().map(row).collect();
            (Parcel::of(&rows), selected(parcel))
        });
        let made: Vec<(Parcel, Vec<u32>)> = made.collect();
        let parts: Vec<Part<'_>> = made
            .iter()
            .map(|(parcel, rows)| parcel.part(rows))
            .collect();
        let batch = Batch::gather(&parts).expect("gathers");
        assert!(batch.check().is_ok(), "{batch:?}");

        let chosen = parcels.iter().flatten().filter(|drawn| drawn.4);
        let mut expected: Vec<Row<'_>> = chosen.map(row).collect();
        expected.sort_by_key(|row| (row.0, row.2, row.1.is_none(), row.1));
        let end = u32::try_from(expected.len()).expect("few");
        let raw = batch.raw(0..end).expect("raw");
        assert!(raw.iter().eq(expected.iter().map(|row| row.3.as_bytes())));
        let columns = batch.columns().expect("columns");
        let ids = columns
            .column(Column::IdentityId.index())
            .as_string::<i32>();
        let times = columns.column(Column::EventTime.index());
        let times = times.as_primitive::<TimestampMillisecondType>().values();
        assert!(ids.iter().eq(expected.iter().map(|row| row.1)));
        assert!(times.iter().copied().eq(expected.iter().map(|row| row.2)));
    }

    proptest! {
        #[test]
        fn gathering_groups_by_partition_and_then_by_identity(
            parcels in vec(
                vec((0..3usize, 0..2i64, option::of("[ab]{0,2}"), "\\PC{0,40}", any::<bool>()), 0..12),
                0..4,
            ),
        ) {
            gathers_in_order(&parcels);
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let parcel = Parcel::of(&[("acme", None, NOON_MS, "{}")]);
        let part = parcel.part(&[0]);
        let check = |part: Part<'_>, expected: &str| {
            let error = Batch::gather(&[part]).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        };
        let other = columns(&[(None, 0)]).project(&[0]).expect("a batch");
        check(
            Part {
                selected: &[1],
                ..part
            },
            "does not exist",
        );
        check(Part { keys: &[], ..part }, "differ in length");
        check(
            Part {
                columns: &other,
                ..part
            },
            "not the table's",
        );
        let nothing = Batch::gather(&[parcel.part(&[])]).expect("nothing is fine");
        assert_eq!(nothing, Batch::default());
    }
}
