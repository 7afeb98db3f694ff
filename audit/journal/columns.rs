//! A batch's narrow columns as they lie in the journal: an Arrow IPC stream of
//! one record batch, with the schema [`schema::narrow`], in one zstd frame at
//! level -4. Compressed they are a third: what is not written and hashed costs
//! more time than compressing takes.
//!
//! Decoding happens once, on first use, and not at all by whoever made them,
//! however many partitions the batch is cut into: otherwise each of 10,000
//! tenants' files would decode everybody's columns again. They go with the
//! batch, which counts them from the start.

use std::{
    fmt,
    io::{self, Write},
    sync::OnceLock,
};

use arrow::{
    array::RecordBatch,
    buffer::Buffer,
    ipc::{
        MetadataVersion,
        reader::StreamDecoder,
        writer::{IpcWriteOptions, StreamWriter},
    },
};
use bytes::Bytes;

use super::BatchError;
use crate::{guard, schema};

/// Alignment of the buffers in the stream: no column needs more.
const ALIGNMENT: usize = 8;

const LEVEL: i32 = -4;

/// What the stream may be when decompressed: a full batch, and one parcel that
/// came when it was nearly full.
const STREAM_BYTES_MAX: usize = 96 << 20;

#[derive(Clone, Default)]
pub struct Columns {
    /// Size of the stream.
    pub(super) raw_bytes: u32,
    /// The stream, compressed; nothing, of no columns.
    pub(super) frame: Bytes,
    decoded: OnceLock<RecordBatch>,
}

impl Columns {
    /// The columns of a record batch of the narrow schema.
    pub(super) fn encode(batch: RecordBatch) -> Result<Columns, BatchError> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
        // Compressed as it is written: the stream is never whole in memory.
        let writer = Frame::new().map_err(BatchError::Zstd)?;
        let mut writer = StreamWriter::try_new_with_options(writer, &batch.schema(), options)?;
        writer.write(&batch)?;
        let columns = writer.into_inner()?.finish()?;
        Ok(Columns {
            decoded: OnceLock::from(batch),
            ..columns
        })
    }

    pub(super) fn of_frame(raw_bytes: u32, frame: Bytes) -> Columns {
        Columns {
            raw_bytes,
            frame,
            decoded: OnceLock::new(),
        }
    }

    /// Memory that they hold, decoded or soon to be.
    pub(super) fn retained_bytes(&self) -> usize {
        self.frame.len() + self.raw_bytes as usize
    }

    /// Bytes that they take in the journal.
    pub fn stored_bytes(&self) -> usize {
        self.frame.len()
    }

    pub(super) fn decode(&self) -> Result<&RecordBatch, BatchError> {
        if let Some(decoded) = self.decoded.get() {
            return Ok(decoded);
        }
        let batch = if self.frame.is_empty() {
            RecordBatch::new_empty(schema::narrow())
        } else {
            let stream = self.decompress()?;
            guard::panics(|| decode(stream))
                .unwrap_or(Err(BatchError::Corrupt("the columns are not Arrow IPC")))?
        };
        Ok(self.decoded.get_or_init(|| batch))
    }

    fn decompress(&self) -> Result<Vec<u8>, BatchError> {
        let declared = self.raw_bytes as usize;
        if declared > STREAM_BYTES_MAX {
            return Err(BatchError::Corrupt("the columns declare too much"));
        }
        let stream = zstd::bulk::decompress(&self.frame, declared).map_err(BatchError::Zstd)?;
        if stream.len() == declared {
            Ok(stream)
        } else {
            Err(BatchError::Corrupt(
                "the columns are not of their declared size",
            ))
        }
    }
}

/// A frame in the making.
struct Frame {
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    raw_bytes: usize,
}

impl Frame {
    fn new() -> io::Result<Frame> {
        let encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
        Ok(Frame {
            encoder,
            raw_bytes: 0,
        })
    }

    fn finish(self) -> Result<Columns, BatchError> {
        if self.raw_bytes > STREAM_BYTES_MAX {
            return Err(BatchError::ColumnsTooLarge(self.raw_bytes));
        }
        let raw_bytes = u32::try_from(self.raw_bytes).expect("below the limit");
        let mut frame = self.encoder.finish().map_err(BatchError::Zstd)?;
        frame.shrink_to_fit();
        Ok(Columns::of_frame(raw_bytes, frame.into()))
    }
}

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.encoder.write(bytes)?;
        self.raw_bytes += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Nobody reads a frame before its end, and flushing ends a block.
        Ok(())
    }
}

fn decode(stream: Vec<u8>) -> Result<RecordBatch, BatchError> {
    let mut left = Buffer::from_vec(stream);
    let mut decoder = StreamDecoder::new();
    let batch = decoder
        .decode(&mut left)?
        .ok_or(BatchError::Corrupt("the columns have no rows"))?;
    if decoder.decode(&mut left)?.is_some() {
        return Err(BatchError::Corrupt("there are columns twice"));
    }
    decoder.finish()?;
    if batch.schema() != schema::narrow() {
        return Err(BatchError::Corrupt("the columns are not the table's"));
    }
    Ok(batch)
}

impl PartialEq for Columns {
    fn eq(&self, other: &Columns) -> bool {
        (self.raw_bytes, &self.frame) == (other.raw_bytes, &other.frame)
    }
}

impl Eq for Columns {}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Columns({} bytes)", self.raw_bytes)
    }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{Array as _, ArrayRef},
        error::ArrowError,
    };

    use super::*;
    use crate::journal::specimen::{NOON_MS, batch};

    #[test]
    fn damaged_columns_are_an_error_or_columns_and_no_panic() {
        let good = batch(&[("acme", Some("ann@example.com"), NOON_MS, "{}")]).columns;
        let stream = good.decompress().expect("decompresses");
        let damaged = |bytes: &[u8], of: &dyn Fn(Vec<u8>) -> Columns| {
            let bits = (0..bytes.len()).flat_map(|at| [0, 3, 7].map(|bit| (at, bit)));
            let refused = bits.filter(|&(at, bit)| {
                let mut bytes = bytes.to_vec();
                bytes[at] ^= 1 << bit;
                of(bytes).decode().is_err()
            });
            refused.count()
        };
        let of_stream = |stream: Vec<u8>| {
            let mut frame = Frame::new().expect("memory");
            frame.write_all(&stream).expect("compresses");
            frame.finish().expect("small")
        };
        let of_frame = |frame: Vec<u8>| Columns::of_frame(good.raw_bytes, frame.into());
        let refused = damaged(&stream, &of_stream);
        assert!(refused > stream.len() / 2, "{refused} of {}", stream.len());
        let refused = damaged(&good.frame, &of_frame);
        assert!(refused > good.frame.len() / 2, "{refused}");
    }

    #[test]
    fn columns_that_lie_of_their_size_are_an_error() {
        let good = batch(&[("acme", None, NOON_MS, "{}")]).columns;
        for (raw_bytes, expected) in [
            (u32::MAX, "declare too much"),
            (good.raw_bytes - 1, "too small"),
            (good.raw_bytes + 1, "declared size"),
        ] {
            let columns = Columns::of_frame(raw_bytes, good.frame.clone());
            let error = columns.decode().expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn columns_are_decoded_once_and_counted_from_the_start() {
        let batch = batch(&[("acme", Some("ann@example.com"), NOON_MS, "{}")]);
        let before = batch.retained_bytes();
        let first = batch.columns().expect("columns");
        assert!(std::ptr::eq(first, batch.columns().expect("columns")));
        let values = |array: &ArrayRef| array.to_data().get_slice_memory_size();
        let decoded: Result<usize, ArrowError> = first.columns().iter().map(values).sum();
        assert!(before >= decoded.expect("known types"), "{before}");
        assert_eq!(batch.retained_bytes(), before);
    }
}
