//! The raw events of a file, to count and to key them again.
//!
//! Only three columns are read, by name, and whatever the embedded Arrow schema
//! claims is ignored: files of others that have these columns can be scanned.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, RecordBatch, StringArray, TimestampMillisecondArray},
    datatypes::TimestampMillisecondType,
};
use bytes::Bytes;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    errors::ParquetError,
};

use super::{
    LakeError,
    footer::{guarded, metadata},
};
use crate::{schema::Column, source::Source};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 1024;

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// `None` if it is none of those whose events have keys.
    pub source: Option<Source>,
    /// `event_time`, milliseconds since 1970.
    pub time_ms: Option<i64>,
    /// `event_data`; empty where it is NULL.
    pub data: Bytes,
}

/// The events of a file in its order; ends after the first error.
#[derive(Debug)]
pub struct Events {
    reader: Option<ParquetRecordBatchReader>,
    batch: std::vec::IntoIter<Event>,
}

/// Opens a whole file.
pub fn scan(bytes: &Bytes) -> Result<Events, LakeError> {
    let metadata = Arc::new(metadata(bytes)?);
    let wanted = [Column::EventSource, Column::EventTime, Column::EventData].map(Column::name);
    let reader = guarded(|| {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::try_new(metadata, options)?;
        let mask = ProjectionMask::columns(metadata.parquet_schema(), wanted);
        ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata)
            .with_batch_size(BATCH_ROWS)
            .with_projection(mask)
            .build()
    })?;
    Ok(Events {
        reader: Some(reader),
        batch: Vec::new().into_iter(),
    })
}

impl Iterator for Events {
    type Item = Result<Event, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.batch.next() {
                return Some(Ok(event));
            }
            let mut reader = self.reader.take()?;
            match guarded(|| reader.next().transpose().map_err(ParquetError::from))
                .and_then(|batch| batch.as_ref().map(events).transpose())
            {
                Ok(None) => return None,
                Ok(Some(events)) => {
                    self.batch = events.into_iter();
                    self.reader = Some(reader);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn events(batch: &RecordBatch) -> Result<Vec<Event>, LakeError> {
    let foreign = LakeError::Foreign("its columns are not those of the table");
    let (Some(sources), Some(times), Some(data)) = (
        strings(batch, Column::EventSource),
        times(batch),
        strings(batch, Column::EventData),
    ) else {
        return Err(foreign);
    };
    let event = |row| Event {
        source: sources
            .is_valid(row)
            .then(|| sources.value(row).parse().ok())
            .flatten(),
        time_ms: times.is_valid(row).then(|| times.value(row)),
        data: Bytes::copy_from_slice(if data.is_valid(row) {
            data.value(row).as_bytes()
        } else {
            b""
        }),
    };
    Ok((0..batch.num_rows()).map(event).collect())
}

fn strings(batch: &RecordBatch, column: Column) -> Option<&StringArray> {
    batch.column_by_name(column.name())?.as_string_opt::<i32>()
}

fn times(batch: &RecordBatch) -> Option<&TimestampMillisecondArray> {
    batch
        .column_by_name(Column::EventTime.name())?
        .as_primitive_opt::<TimestampMillisecondType>()
}
