//! The lake's table: twenty-nine columns, the same in every file for ever.
//!
//! It is the Glue table that Athena users already have, so names, order and
//! types are fixed. All columns may be null and none is a view, large or
//! dictionary type: those would leak into the files through the Arrow schema
//! that the Parquet writer embeds. Before a row is in a file, `event_data`
//! travels apart from the other columns, compressed: what is left is the
//! *narrow* schema.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The names of the columns, in order.
pub const COLUMNS: [&str; 29] = [
    "event_source",
    "identity",
    "identity_kind",
    "identity_id",
    "token",
    "action",
    "origin",
    "status",
    "ip",
    "city",
    "country",
    "region",
    "latitude",
    "longitude",
    "target_resource",
    "target_kind",
    "target_location",
    "target_id",
    "user_agent",
    "event_type",
    "event_time",
    "uid",
    "event_data",
    "aws_account_id",
    "aws_service",
    "github_organization",
    "github_repo",
    "okta_org",
    "teleport_cluster",
];

/// Where the column of this name stands in [`table`]; fails to compile, where
/// the result is a constant, for a name that does not exist.
pub const fn index(name: &str) -> usize {
    let mut at = 0;
    while at < COLUMNS.len() {
        if equal(COLUMNS[at].as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no such column");
}

/// Also the same place in [`narrow`], as they stand before `event_data`.
pub const EVENT_SOURCE: usize = index("event_source");
pub const IDENTITY_ID: usize = index("identity_id");
pub const EVENT_TIME: usize = index("event_time");

/// Where `event_data` stands in [`table`]; [`narrow`] is without it.
pub const EVENT_DATA: usize = index("event_data");

static TABLE: LazyLock<SchemaRef> =
    LazyLock::new(|| Arc::new(Schema::new(COLUMNS.map(field).to_vec())));

static NARROW: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields = COLUMNS.map(field).to_vec();
    fields.remove(EVENT_DATA);
    Arc::new(Schema::new(fields))
});

/// All columns.
pub fn table() -> SchemaRef {
    TABLE.clone()
}

/// All columns but `event_data`.
pub fn narrow() -> SchemaRef {
    NARROW.clone()
}

fn field(name: &str) -> Field {
    let data_type = match name {
        "latitude" | "longitude" => DataType::Float64,
        "event_time" => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        _ => DataType::Utf8,
    };
    Field::new(name, data_type, true)
}

const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrow_schema_is_the_table_without_the_raw_event() {
        let mut names: Vec<String> = table().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, COLUMNS);
        assert_eq!(names.remove(EVENT_DATA), "event_data");
        let narrow: Vec<String> = narrow().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(narrow, names);
        for at in [EVENT_SOURCE, IDENTITY_ID, EVENT_TIME] {
            assert_eq!(narrow[at], COLUMNS[at]);
        }
    }
}
