//! Slices in, one sorted Parquet file out.
//!
//! The slices' columns are used where they lie, `event_data` is decompressed,
//! the order is computed, and then rows are gathered into it a chunk at a time,
//! each value moved once, and written. So memory is the plan's raw events, the
//! file, and one chunk. Rows and keys are counted as they are written.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, StringArray},
    buffer::{Buffer, OffsetBuffer},
    compute::{interleave_record_batch, max, min},
    datatypes::TimestampMillisecondType,
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;

use super::{Codec, FileMeta, LakeError, LakeFile, SliceRef, footer, properties::properties};
use crate::{
    journal::{BatchError, Slice},
    key::{Key, KeyXor},
    order::{Order, Place},
    partition::Partition,
    schema::{self, Column},
};

/// Rows that are gathered and written at once.
const CHUNK_ROWS: usize = 8192;

/// A chunk ends with the event that takes it to this many raw bytes: they stay
/// in the cache until the encoder has copied them.
const CHUNK_BYTES: usize = 2 << 20;

/// The rows of one slice.
struct Rows<'a> {
    partition: &'a Partition,
    columns: RecordBatch,
    keys: &'a [Key],
    raw: Vec<Bytes>,
}

/// Encodes all rows of the slices, which are of one partition, as one file.
pub fn encode(inputs: &[SliceRef], meta: &FileMeta, codec: Codec) -> Result<LakeFile, LakeError> {
    let slices: Vec<Rows<'_>> = inputs.iter().map(open).collect::<Result<_, _>>()?;
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
    let places = Order::of(&columns).all();
    let mut left = places.as_slice();
    while !left.is_empty() {
        let (chunk, later) = left.split_at(chunk_rows(&slices, left));
        writer.write(&gather(&slices, &columns, chunk)?)?;
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
        raw: batch.raw(*row_start..*row_end)?,
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

/// How many of the places, one at least, make the next chunk.
fn chunk_rows(slices: &[Rows<'_>], places: &[Place]) -> usize {
    let mut bytes = 0;
    let full = places.iter().take(CHUNK_ROWS).position(|&(slice, row)| {
        bytes += slices[slice].raw[row].len();
        bytes >= CHUNK_BYTES
    });
    full.map_or(places.len().min(CHUNK_ROWS), |last| last + 1)
}

/// The rows at these places, with `event_data` in its column.
fn gather(
    slices: &[Rows<'_>],
    columns: &[RecordBatch],
    places: &[Place],
) -> Result<RecordBatch, LakeError> {
    let events = || places.iter().map(|&(slice, row)| &slices[slice].raw[row]);
    let mut values = Vec::with_capacity(events().map(Bytes::len).sum());
    events().for_each(|event| values.extend_from_slice(event));
    let offsets = OffsetBuffer::from_lengths(events().map(Bytes::len));
    let event_data = StringArray::try_new(offsets, Buffer::from_vec(values), None)
        .map_err(|_| BatchError::Corrupt("an event is not UTF-8"))?;
    let narrow: Vec<&RecordBatch> = columns.iter().collect();
    let mut arrays: Vec<ArrayRef> = interleave_record_batch(&narrow, places)?.columns().to_vec();
    arrays.insert(Column::EventData.index(), Arc::new(event_data));
    Ok(RecordBatch::try_new(schema::lake(), arrays)?)
}
