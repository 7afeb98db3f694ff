//! Tests of files as a whole: written, read back, damaged.

use arrow::array::AsArray;
use parquet::{
    arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
    basic::{LogicalType, TimeUnit, Type},
    file::metadata::{PageIndexPolicy, ParquetMetaDataReader},
};
use proptest::prelude::*;

use super::*;
use crate::{
    journal::specimen::{self, NOON_MS, Row, SECRET, tenant},
    key::Key,
    schema::{self, Column},
    source::Source,
};

const ROWS: [Row<'static>; 4] = [
    ("acme", Some("bob@example.com"), NOON_MS + 3, r#"{"n":0}"#),
    ("acme", None, NOON_MS, r#"{"n":1}"#),
    ("other", Some("eve@example.com"), NOON_MS, r#"{"n":2}"#),
    ("acme", Some("bob@example.com"), NOON_MS + 1, r#"{"n":3}"#),
];
const LATER: [Row<'static>; 2] = [
    ("acme", Some("ann@example.com"), NOON_MS + 9, r#"{"n":4}"#),
    ("acme", Some("bob@example.com"), NOON_MS + 1, r#"{"n":5}"#),
];

fn meta() -> FileMeta {
    FileMeta {
        journal: JournalName::parse("main").expect("a valid name"),
        generation: Gen(42),
        plan: Seq(41),
        from: Seq(3),
        upto: Seq(40),
        replaces: Vec::new(),
    }
}

fn slices() -> Vec<SliceRef> {
    [&ROWS[..], &LATER]
        .map(|rows| SliceRef {
            batch: Arc::new(specimen::batch(rows)),
            slice: 0,
        })
        .to_vec()
}

fn file() -> LakeFile {
    encode(&slices(), &meta(), Codec::Zstd).expect("encodes")
}

fn events(bytes: &Bytes) -> Result<Vec<Event>, LakeError> {
    scan(bytes)?.collect()
}

#[test]
fn a_file_holds_its_plans_rows_in_order() {
    let file = file();
    let events = events(&file.bytes).expect("scans");
    let data: Vec<&[u8]> = events.iter().map(|event| event.data.as_ref()).collect();
    let expected: [&[u8]; 5] = [
        br#"{"n":4}"#,
        br#"{"n":3}"#,
        br#"{"n":5}"#,
        br#"{"n":0}"#,
        br#"{"n":1}"#,
    ];
    assert_eq!(data, expected);
    let times: Vec<i64> = events.iter().filter_map(|event| event.time_ms).collect();
    assert_eq!(times, [9, 1, 1, 3, 0].map(|ms| NOON_MS + ms));

    let key = |event: &Event| -> Key {
        SECRET.key(&tenant("acme"), event.source.expect("known"), &event.data)
    };
    assert_eq!(events[0].source, Some(Source::Aws));
    assert_eq!(file.key_xor, KeyXor::of(events.iter().map(key)));
    assert_eq!(file.rows, 5);
    assert_eq!((file.time_min_ms, file.time_max_ms), (NOON_MS, NOON_MS + 9));
}

#[test]
fn the_same_plan_makes_the_same_file() {
    assert_eq!(file().bytes, file().bytes);
}

#[test]
fn a_footer_tells_where_its_file_comes_from() {
    let check = |replaces: &[&str]| {
        let replaces = replaces.iter().map(|&key| key.to_owned()).collect();
        let meta = FileMeta { replaces, ..meta() };
        let file = encode(&slices(), &meta, Codec::Snappy).expect("encodes");
        let last = file.bytes.slice(4..);
        for bytes in [&file.bytes, &last] {
            let footer = Footer::read(bytes).expect("reads");
            assert_eq!(footer.meta, meta);
            assert_eq!((footer.rows, footer.key_xor), (file.rows, file.key_xor));
            assert!(
                footer.created_by.starts_with("idtrail 0."),
                "{}",
                footer.created_by
            );
        }
    };
    check(&[]);
    check(&[
        "data/acme/2023-11-15/a.parquet",
        "data/acme/2023-11-15/b.parquet",
    ]);
}

#[test]
fn the_files_schema_is_that_of_the_table() {
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&file().bytes)
        .expect("parses");
    let columns = metadata.file_metadata().schema_descr().columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    assert_eq!(names, Column::ALL.map(Column::name));
    for column in columns {
        let expected = match column.name() {
            "latitude" | "longitude" => (Type::DOUBLE, None),
            "event_time" => {
                let utc = LogicalType::timestamp(true, TimeUnit::MILLIS);
                (Type::INT64, Some(utc))
            }
            _ => (Type::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let found = (column.physical_type(), column.logical_type_ref().cloned());
        assert_eq!(found, expected, "{}", column.name());
        assert_eq!(column.max_def_level(), 1, "{} may be null", column.name());
    }
    let arrow = ParquetRecordBatchReaderBuilder::try_new(file().bytes).expect("opens");
    assert_eq!(arrow.schema().fields(), schema::lake().fields());
}

#[test]
fn each_column_is_written_as_it_is_read() {
    let check = |codec: Codec, column: &str, compression: &str, dictionary, statistics, filter| {
        let file = encode(&slices(), &meta(), codec).expect("encodes");
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Required)
            .parse_and_finish(&file.bytes)
            .expect("parses");
        let at = Column::ALL
            .iter()
            .position(|known| known.name() == column)
            .expect("a column");
        let group = metadata.row_group(0);
        let chunk = group.column(at);
        let found = format!("{:?}", chunk.compression());
        assert!(found.starts_with(compression), "{column}: {found}");
        assert_eq!(
            chunk.dictionary_page_offset().is_some(),
            dictionary,
            "{column}"
        );
        assert_eq!(chunk.statistics().is_some(), statistics, "{column}");
        assert_eq!(chunk.bloom_filter_offset().is_some(), filter, "{column}");
        let sorting = group.sorting_columns().expect("sorted");
        let sorted: Vec<i32> = sorting.iter().map(|column| column.column_idx).collect();
        assert_eq!(
            sorted,
            [
                Column::IdentityId.index() as i32,
                Column::EventTime.index() as i32
            ]
        );
    };
    check(Codec::Zstd, "event_data", "ZSTD", false, false, false);
    check(Codec::Snappy, "event_data", "SNAPPY", false, false, false);
    check(Codec::Zstd, "identity_id", "SNAPPY", true, true, true);
    check(Codec::Zstd, "uid", "SNAPPY", false, true, true);
    check(Codec::Zstd, "ip", "SNAPPY", true, true, true);
    check(Codec::Zstd, "target_id", "SNAPPY", true, true, true);
    check(Codec::Zstd, "event_time", "SNAPPY", true, true, false);
    check(Codec::Zstd, "action", "SNAPPY", true, true, false);
}

#[test]
fn slices_that_make_no_file_are_refused() {
    let check = |inputs: &[SliceRef], expected: &str| {
        let error = encode(inputs, &meta(), Codec::Zstd).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
    };
    let slice = |slice| SliceRef {
        batch: slices()[0].batch.clone(),
        slice,
    };
    check(&[], "no rows");
    check(&[slice(0), slice(1)], "several partitions");
    check(&[slice(2)], "do not exist");
}

#[test]
fn rows_beyond_one_chunk_and_row_group_are_all_written() {
    let events: Vec<String> = (0..120_000).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    let ids = ["ann@example.com", "bob@example.com", "eve@example.com"];
    let rows: Vec<Row<'_>> = (0i64..)
        .zip(&events)
        .map(|(n, raw)| ("acme", Some(ids[n as usize % 3]), NOON_MS - n, raw.as_str()))
        .collect();
    let batch = Arc::new(specimen::batch(&rows));
    let file = encode(&[SliceRef { batch, slice: 0 }], &meta(), Codec::Zstd).expect("encodes");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.bytes).expect("opens");
    let groups = reader.metadata().row_groups();
    let sizes: Vec<i64> = groups.iter().map(|group| group.num_rows()).collect();
    assert_eq!(sizes, [100_000, 20_000]);
    let mut found: Vec<String> = Vec::new();
    for batch in reader.build().expect("builds") {
        let batch = batch.expect("reads");
        let data = batch.column(Column::EventData.index()).as_string::<i32>();
        found.extend(data.iter().flatten().map(str::to_owned));
    }
    let mut expected: Vec<(&str, i64, &str)> = rows
        .iter()
        .map(|row| (row.1.expect("some"), row.2, row.3))
        .collect();
    expected.sort_unstable();
    assert!(found.iter().eq(expected.iter().map(|row| row.2)));
}

#[test]
fn files_of_others_are_told_apart() {
    let check = |bytes: &[u8], expected: &str| {
        let bytes = Bytes::copy_from_slice(bytes);
        for error in [
            Footer::read(&bytes).expect_err(expected),
            scan(&bytes).expect_err(expected),
        ] {
            assert!(error.to_string().contains(expected), "{error}");
        }
    };
    check(b"", "no Parquet file");
    check(b"{\"n\":1}{\"n\":2}", "no Parquet file");
    check(b"\x00\x00\x00\x40PAR1", "above the limit");
    check(b"\x00\x00\x01\x00PAR1", "cut off");
    check(b"\x00\x00\x00\x00PAR1", "corrupt");
}

#[test]
fn a_truncated_file_is_an_error() {
    let whole = file().bytes;
    for length in 0..whole.len() {
        assert!(Footer::read(&whole.slice(..length)).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn damaged_files_do_not_panic(edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = file().bytes.to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let bytes = Bytes::from(bytes);
        // Parquet has no checksum of the whole: damage may also go unnoticed.
        if let (Ok(footer), Ok(events)) = (Footer::read(&bytes), events(&bytes)) {
            prop_assert_eq!(footer.rows, events.len() as u64);
        }
    }
}
