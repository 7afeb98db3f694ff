//! A batch's narrow columns as they lie in the journal: an Arrow IPC stream of
//! one record batch, with the schema [`schema::narrow`].
//!
//! Not compressed, so that decoding is a few pointers into the object's own
//! bytes. It happens at most once, on first use, however many partitions the
//! batch is cut into: otherwise each of 10,000 tenants' files would check
//! everybody's columns again.

use std::{fmt, sync::OnceLock};

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

#[derive(Clone, Default)]
pub struct Columns {
    ipc: Bytes,
    decoded: OnceLock<RecordBatch>,
}

impl Columns {
    /// The columns of a record batch of the narrow schema.
    pub(super) fn encode(batch: &RecordBatch) -> Result<Columns, BatchError> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
        let room = Vec::with_capacity(batch.get_array_memory_size() + 8192);
        let mut writer = StreamWriter::try_new_with_options(room, &batch.schema(), options)?;
        writer.write(batch)?;
        let ipc = writer.into_inner()?;
        Ok(Columns::from(Bytes::from(ipc)))
    }

    /// The stream.
    pub fn bytes(&self) -> &Bytes {
        &self.ipc
    }

    pub(super) fn decode(&self) -> Result<&RecordBatch, BatchError> {
        if let Some(decoded) = self.decoded.get() {
            return Ok(decoded);
        }
        let batch = guard::panics(|| decode(&self.ipc))
            .unwrap_or(Err(BatchError::Corrupt("the columns are not Arrow IPC")))?;
        Ok(self.decoded.get_or_init(|| batch))
    }
}

fn decode(ipc: &Bytes) -> Result<RecordBatch, BatchError> {
    if ipc.is_empty() {
        return Ok(RecordBatch::new_empty(schema::narrow()));
    }
    let mut left = Buffer::from(ipc.clone());
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

impl From<Bytes> for Columns {
    fn from(ipc: Bytes) -> Columns {
        Columns {
            ipc,
            decoded: OnceLock::new(),
        }
    }
}

impl PartialEq for Columns {
    fn eq(&self, other: &Columns) -> bool {
        self.ipc == other.ipc
    }
}

impl Eq for Columns {}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Columns({} bytes)", self.ipc.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::specimen::{NOON_MS, batch},
        schema::Column,
    };

    #[test]
    fn damaged_columns_are_an_error_or_columns_and_no_panic() {
        let good = batch(&[("acme", Some("ann@example.com"), NOON_MS, "{}")]);
        let good = good.columns.bytes();
        let mut refused = 0;
        for at in 0..good.len() {
            for bit in [0, 3, 7] {
                let mut bytes = good.to_vec();
                bytes[at] ^= 1 << bit;
                let columns = Columns::from(Bytes::from(bytes));
                refused += usize::from(columns.decode().is_err());
            }
        }
        assert!(refused > good.len() / 2, "{refused}");
    }

    #[test]
    fn columns_are_decoded_where_they_lie_and_once() {
        let batch = batch(&[("acme", Some("ann@example.com"), NOON_MS, "{}")]);
        let first = batch.columns().expect("columns");
        let values = first
            .column(Column::EventSource.index())
            .to_data()
            .buffers()[1]
            .as_ptr();
        assert!(batch.columns.bytes().as_ptr_range().contains(&values));
        assert!(std::ptr::eq(first, batch.columns().expect("columns")));
    }
}
