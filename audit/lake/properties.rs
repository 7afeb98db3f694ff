//! How a file of the lake is written: codecs, row groups, statistics, filters.
//!
//! Measured on audit events: `event_data` is 84 % of the bytes, and ZSTD(1)
//! halves it at the CPU of Snappy; a dictionary of it, or of `uid`, finds no
//! repetition. All else stays Snappy, as the Glue table says. Bloom filters on
//! the columns that are looked up by a single value cost 0.4 % of the bytes; the
//! writer folds them to what the distinct values need.

use parquet::{
    basic::{Compression, ZstdLevel},
    file::{
        metadata::{KeyValue, SortingColumn},
        properties::{EnabledStatistics, WriterProperties},
    },
    schema::types::ColumnPath,
};

use crate::schema::Column;

/// Rows of a row group: within 5 % of the best size from 32,768 up, and few
/// enough for the memory of one encoder.
pub(super) const ROW_GROUP_ROWS: usize = 100_000;

const FILTERED: [&str; 4] = ["uid", "identity_id", "ip", "target_id"];
const FALSE_POSITIVES: f64 = 0.01;

const CREATED_BY: &str = concat!("idtrail ", env!("CARGO_PKG_VERSION"));

/// How `event_data` is compressed. Everything else is Snappy.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Codec {
    #[default]
    Zstd,
    Snappy,
}

pub(super) fn properties(codec: Codec, rows: usize, footer: Vec<KeyValue>) -> WriterProperties {
    let event_data = ColumnPath::from(Column::EventData.name());
    let level = ZstdLevel::try_new(1).expect("level 1 exists");
    let sorting =
        [Column::IdentityId.index(), Column::EventTime.index()].map(|column| SortingColumn {
            column_idx: i32::try_from(column).expect("29 columns"),
            descending: false,
            nulls_first: false,
        });
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_key_value_metadata(Some(footer))
        .set_sorting_columns(Some(sorting.to_vec()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_column_statistics_enabled(event_data.clone(), EnabledStatistics::None)
        .set_column_dictionary_enabled(event_data.clone(), false)
        .set_column_dictionary_enabled(ColumnPath::from("uid"), false);
    if codec == Codec::Zstd {
        builder = builder.set_column_compression(event_data, Compression::ZSTD(level));
    }
    for column in FILTERED.map(ColumnPath::from) {
        builder = builder
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_fpp(column.clone(), FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(column, rows.min(ROW_GROUP_ROWS) as u64);
    }
    builder.build()
}
