//! Invented rows, batches and objects for the tests of journal and lake.

use std::{ops::Range, sync::Arc};

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray, new_null_array};
use bytes::Bytes;
use bytestring::ByteString;

use super::*;
use crate::{
    accounting::{Account, Counts, Totals},
    partition::Day,
    schema,
    source::Source,
    tenant::Tenant,
};

pub(crate) const SECRET: Secret = Secret([1, 2, 3, 4]);
pub(crate) const NOON_MS: i64 = 1_700_049_600_000;

/// Tenant, identity, time, event.
pub(crate) type Row<'a> = (&'a str, Option<&'a str>, i64, &'a str);

/// What a normalizer makes of some events.
#[derive(Debug)]
pub(crate) struct Parcel {
    columns: RecordBatch,
    raw: Vec<ByteString>,
    keys: Vec<Key>,
    partitions: Vec<Partition>,
}

pub(crate) fn tenant(id: &str) -> Tenant {
    Tenant::parse(id).expect("a valid id")
}

pub(crate) fn slice(id: &str, rows: Range<u32>, keys: &[Key]) -> Slice {
    Slice {
        partition: Partition::tenant(tenant(id), Day::of_ms(NOON_MS)),
        row_start: rows.start,
        row_end: rows.end,
        key_xor: KeyXor::of(keys.iter().copied()),
        raw_bytes: 0,
    }
}

/// Narrow columns of these identities and times; the others are constant or
/// NULL.
pub(crate) fn columns(rows: &[(Option<&str>, i64)]) -> RecordBatch {
    let column = |field: &Arc<arrow::datatypes::Field>| -> ArrayRef {
        match field.name().as_str() {
            "event_source" => Arc::new(StringArray::from(vec!["aws"; rows.len()])),
            "identity_id" => Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>()),
            "event_time" => Arc::new(
                TimestampMillisecondArray::from_iter_values(rows.iter().map(|row| row.1))
                    .with_timezone("UTC"),
            ),
            _ => new_null_array(field.data_type(), rows.len()),
        }
    };
    let arrays = schema::narrow().fields().iter().map(column).collect();
    RecordBatch::try_new(schema::narrow(), arrays).expect("columns of the schema")
}

impl Parcel {
    pub(crate) fn of(rows: &[Row<'_>]) -> Parcel {
        let narrow: Vec<_> = rows.iter().map(|&(_, id, ms, _)| (id, ms)).collect();
        let key = |row: &Row<'_>| SECRET.key(&tenant(row.0), Source::Aws, row.3.as_bytes());
        let partition = |row: &Row<'_>| Partition::tenant(tenant(row.0), Day::of_ms(row.2));
        Parcel {
            columns: columns(&narrow),
            raw: rows.iter().map(|row| row.3.into()).collect(),
            keys: rows.iter().map(key).collect(),
            partitions: rows.iter().map(partition).collect(),
        }
    }

    pub(crate) fn part<'a>(&'a self, selected: &'a [u32]) -> Part<'a> {
        Part {
            columns: &self.columns,
            raw: &self.raw,
            keys: &self.keys,
            partitions: &self.partitions,
            selected,
        }
    }
}

/// A batch of all these rows.
pub(crate) fn batch(rows: &[Row<'_>]) -> Batch {
    let all: Vec<u32> = (0..).take(rows.len()).collect();
    Batch::gather(&[Parcel::of(rows).part(&all)]).expect("rows make a batch")
}

fn accounting() -> Accounting {
    let account = |tenant, source| Account {
        tenant,
        source,
        hour: 472_236,
    };
    let mut accounting = Accounting::default();
    let counts = Counts {
        received: 5,
        stored: 3,
        duplicate: 1,
        quarantined: 1,
        skipped: 2,
    };
    accounting.add(account(Some(tenant("acme")), Some(Source::Aws)), counts);
    accounting.add(
        account(None, None),
        Counts {
            received: 1,
            quarantined: 1,
            ..Counts::default()
        },
    );
    accounting
}

fn saved(seq: u64) -> Saved {
    Saved {
        seq: Seq(seq),
        low: Seq(seq - 3),
        keys_low: Seq(2),
        keys: vec![range(2, seq)],
    }
}

fn range(from: u64, upto: u64) -> KeyRange {
    KeyRange {
        from: Seq(from),
        upto: Seq(upto),
    }
}

fn span(seq: u64) -> KeySpan {
    KeySpan {
        seq: Seq(seq),
        written_at_ms: NOON_MS,
        keys: [Key(u128::from(seq)), Key(u128::MAX)].into(),
    }
}

pub(crate) fn keys() -> Keys {
    Keys {
        generation: Gen(42),
        range: range(2, 30),
        spans: vec![span(3), span(30)],
    }
}

fn skip(partition: Partition) -> Skip {
    Skip {
        plan: Seq(4),
        partition,
        rows: 3,
        reason: "not worth the wait".to_owned(),
    }
}

/// A checkpoint with something of everything.
pub(crate) fn checkpoint(format: Format) -> Checkpoint {
    let partition = Partition::tenant(tenant("acme"), Day::of_ms(NOON_MS));
    let mut totals = Totals::default();
    totals.add(&accounting());
    let skipped = match format {
        Format::One => Vec::new(),
        Format::Two => vec![skip(partition.clone())],
    };
    Checkpoint {
        format,
        generation: Gen(42),
        secret: SECRET,
        seq: Seq(41),
        digest: Digest([7; 32]),
        written_at_ms: NOON_MS,
        writer: Incarnation(5),
        epoch: Seq(17),
        saved: vec![saved(20), saved(30)],
        totals,
        unfiled: vec![Unfiled {
            seq: Seq(38),
            digest: Digest([8; 32]),
        }],
        waiting: vec![Waiting {
            partition: partition.clone(),
            first: Seq(38),
        }],
        plans: vec![OpenPlan {
            seq: Seq(37),
            plan: Plan {
                partition,
                from: Seq(3),
                upto: Seq(36),
                rows: 9,
                key_xor: KeyXor(77),
            },
        }],
        keys: vec![range(2, 30), range(30, 35)],
        covered: Seq(30),
        recent: vec![span(36), span(41)],
        skipped,
    }
}

pub(crate) fn batch_of(object: &Object) -> &Batch {
    let mut batches = object.records.iter().filter_map(|record| match record {
        Record::Batch(batch) => Some(batch),
        _ => None,
    });
    batches.next().expect("the object has a batch")
}

/// An object with a record of each kind that the format knows.
pub(crate) fn object(format: Format) -> Object {
    let partition = Partition::tenant(tenant("acme"), Day::of_ms(NOON_MS));
    let done = Done {
        plan: Seq(3),
        partition: partition.clone(),
        rows: 7,
        key_xor: KeyXor(u128::MAX / 3),
        bytes: 12_345,
        sha256: Digest([7; 32]),
        time_min_ms: NOON_MS,
        time_max_ms: NOON_MS + 999,
    };
    let plan = Plan {
        partition: partition.clone(),
        from: Seq(3),
        upto: Seq(40),
        rows: 9,
        key_xor: KeyXor(77),
    };
    let entry = Entry {
        tenant: "../acme".to_owned(),
        source: Some(Source::Okta),
        reason: "invalid tenant id".to_owned(),
        message_id: "b0e7e7a4".to_owned(),
        object: Some("s3://logs/2023/11/15.json.gz".to_owned()),
        offset: 17,
        sent_at_ms: NOON_MS,
        raw: Bytes::from_static(br#"{"uuid":"1"}"#),
        key: Key(99),
    };
    let rows = [
        ("acme", Some("ann@example.com"), NOON_MS, r#"{"n":1}"#),
        ("umbrella", None, NOON_MS + 1, r#"{"n":2}"#),
        ("acme", Some("bob@example.com"), NOON_MS + 2, r#"{"n":3}"#),
    ];
    let mut object = Object {
        header: Header {
            format,
            writer: Incarnation(0x0123_4567_89ab_cdef),
            generation: Gen(42),
            seq: Seq(41),
            previous: Digest([7; 32]),
            written_at_ms: NOON_MS + 250,
        },
        accounting: accounting(),
        records: vec![
            Record::Fence(Fence {
                secret: Some(SECRET),
            }),
            Record::Done(done),
            Record::Saved(saved(30)),
            Record::Plan(plan),
            Record::Quarantine(vec![entry]),
            Record::Batch(batch(&rows)),
            Record::Heartbeat,
            Record::Release,
        ],
    };
    if format >= Format::Two {
        object.records.insert(2, Record::Skip(skip(partition)));
    }
    object
}
