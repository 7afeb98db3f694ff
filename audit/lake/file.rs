//! Slices in, one sorted Parquet file out.
//!
//! The slices' columns are used where they lie, the order is computed, and then
//! rows are gathered into it a chunk at a time, each value moved once, and
//! written; `event_data` is decompressed as it comes to be its turn. Slices are
//! in the file's order themselves, so memory is the file, one chunk, and one
//! block of raw events of each slice. Rows and keys are counted as they are
//! written.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, AsArray, RecordBatch, StringArray},
    buffer::{Buffer, OffsetBuffer},
    compute::{interleave_record_batch, max, min},
    datatypes::TimestampMillisecondType,
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;

use super::{Codec, FileMeta, LakeError, LakeFile, SliceRef, footer, properties::properties};
use crate::{
    journal::{BatchError, Opener, RawRows, Slice},
    key::{Key, KeyXor},
    order::{Order, Place},
    partition::Partition,
    schema::{self, Column},
};

/// Rows that are gathered and written at once.
const CHUNK_ROWS: usize = 8192;

/// A chunk ends with the event that takes it to this many raw bytes: they stay
/// in the cache until the encoder has copied them.
const CHUNK_BYTES: usize = 1 << 20;

/// Room of a chunk for its last event.
const LAST_EVENT_BYTES: usize = 64 << 10;

/// The rows of one slice.
struct Rows<'a> {
    partition: &'a Partition,
    columns: RecordBatch,
    keys: &'a [Key],
    raw: RawRows<'a>,
}

/// Encodes all rows of the slices, which are of one partition, as one file.
pub fn encode(inputs: &[SliceRef], meta: &FileMeta, codec: Codec) -> Result<LakeFile, LakeError> {
    let mut slices: Vec<Rows<'_>> = inputs.iter().map(open).collect::<Result<_, _>>()?;
    if slices
        .windows(2)
        .any(|pair| pair[0].partition != pair[1].partition)
    {
        return Err(LakeError::Slices("are of several partitions"));
    }
    let columns: Vec<RecordBatch> = slices.iter().map(|slice| slice.columns.clone()).collect();
    let rows: usize = columns.iter().map(RecordBatch::num_rows).sum();
    if rows > u32::MAX as usize {
        return Err(LakeError::Slices("hold more than 2^32 rows"));
    }
    let (time_min_ms, time_max_ms) = time_range(&columns)?;
    let key_xor = KeyXor::of(slices.iter().flat_map(|slice| slice.keys).copied());
    let footer = footer::entries(meta, rows as u64, key_xor);
    let properties = properties(codec, rows, footer);
    let mut writer = ArrowWriter::try_new(Vec::new(), schema::lake(), Some(properties))?;
    let mut file = LakeFile {
        bytes: Bytes::new(),
        rows: 0,
        key_xor: KeyXor::default(),
        time_min_ms,
        time_max_ms,
    };
    let narrow: Vec<&RecordBatch> = columns.iter().collect();
    let places = Order::of(&columns).all();
    let mut opener = Opener::new()?;
    let mut left = places.as_slice();
    while !left.is_empty() {
        let event_data = event_data(&mut slices, &mut opener, left)?;
        let (chunk, later) = left.split_at(event_data.len());
        let mut arrays = interleave_record_batch(&narrow, chunk)?.columns().to_vec();
        arrays.insert(Column::EventData.index(), Arc::new(event_data));
        writer.write(&RecordBatch::try_new(schema::lake(), arrays)?)?;
        file.rows += chunk.len() as u64;
        chunk
            .iter()
            .for_each(|&(slice, row)| file.key_xor.add(slices[slice].keys[row]));
        left = later;
    }
    file.bytes = writer.into_inner()?.into();
    Ok(file)
}

fn open(input: &SliceRef) -> Result<Rows<'_>, LakeError> {
    let batch = &input.batch;
    let missing = LakeError::Slices("do not exist");
    let Some(Slice {
        partition,
        row_start,
        row_end,
        ..
    }) = batch.slices.get(input.slice)
    else {
        return Err(missing);
    };
    let rows: Range<usize> = *row_start as usize..*row_end as usize;
    let keys = batch.keys.get(rows.clone()).ok_or(missing)?;
    Ok(Rows {
        partition,
        columns: batch.columns()?.slice(rows.start, rows.len()),
        keys,
        raw: batch.raw_rows(*row_start..*row_end),
    })
}

fn time_range(columns: &[RecordBatch]) -> Result<(i64, i64), LakeError> {
    let times = || {
        columns.iter().map(|batch| {
            batch
                .column(Column::EventTime.index())
                .as_primitive::<TimestampMillisecondType>()
        })
    };
    let first = times().filter_map(min).min();
    let last = times().filter_map(max).max();
    first.zip(last).ok_or(LakeError::Empty)
}

/// The raw events at the first of these places: a chunk of them, one at least.
fn event_data(
    slices: &mut [Rows<'_>],
    opener: &mut Opener,
    places: &[Place],
) -> Result<StringArray, LakeError> {
    let mut values = Vec::with_capacity(CHUNK_BYTES + LAST_EVENT_BYTES);
    let mut lengths = Vec::new();
    for &(slice, row) in places.iter().take(CHUNK_ROWS) {
        lengths.push(slices[slice].raw.append(row, opener, &mut values)?);
        if values.len() >= CHUNK_BYTES {
            break;
        }
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    let checked = StringArray::try_new(offsets, Buffer::from_vec(values), None);
    Ok(checked.map_err(|_| BatchError::Corrupt("an event is not UTF-8"))?)
}
