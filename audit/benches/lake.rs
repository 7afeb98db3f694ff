//! What an event costs on its way from a normalised row to Parquet: `cargo bench
//! -p audit --bench lake`.
//!
//! Prints microseconds of CPU time an event, the median of five runs, for gathering,
//! encoding and decoding a journal object, and encoding a file; and the bytes an
//! event takes in each. The events are invented, 1.6 KB each, of 2000
//! identities: compare settings with it, not products.

#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use audit::{
    accounting::Accounting,
    journal::{Batch, Digest, Format, Header, Incarnation, Object, Part, Record},
    journal_id::{Gen, JournalName, Seq},
    key::{Key, Secret},
    lake::{self, Codec, FileMeta, SliceRef},
    partition::{Day, Partition},
    schema,
    source::Source,
    tenant::Tenant,
};
use bytestring::ByteString;
use rustix::time::{ClockId, clock_gettime};

const ROWS: usize = 50_000;
const RUNS: usize = 5;
const START_MS: i64 = 1_700_049_600_000;

struct Parcel {
    columns: RecordBatch,
    raw: Vec<ByteString>,
    keys: Vec<Key>,
    partitions: Vec<Partition>,
}

/// A number that looks random; Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators" (SplitMix64).
fn mix(n: usize) -> u64 {
    let mut z = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn value(column: &str, n: usize) -> Option<String> {
    let random = mix(n);
    Some(match column {
        "uid" => format!("{random:016x}-{:016x}", mix(n + ROWS)),
        "identity" | "identity_id" => format!("person-{}@example.com", random % 2000),
        "token" => format!("AKIA{:016X}", random % 5000),
        "ip" => format!("203.0.113.{}", random % 250),
        "action" => format!("Action{}", random % 300),
        "target_resource" | "target_id" => format!("arn:aws:s3:::bucket-{}", random % 3000),
        "user_agent" => format!("aws-cli/2.{} Python/3.12 Linux/6.1", random % 60),
        "event_source" => "aws".to_owned(),
        "github_organization" | "github_repo" | "okta_org" | "teleport_cluster" => return None,
        other => format!("{other}-{}", random % 20),
    })
}

fn event(n: usize) -> ByteString {
    let field = |at| {
        format!(
            r#""field{at}":"{:x} of {}","#,
            mix(n * 64 + at) % 4096,
            mix(at)
        )
    };
    let fields: String = (0..42).map(field).collect();
    format!(r#"{{{fields}"uid":"{:016x}"}}"#, mix(n)).into()
}

fn parcel() -> Parcel {
    let secret = Secret([1, 2, 3, 4]);
    let tenants = ["acme", "globex", "initech"].map(|id| Tenant::parse(id).expect("valid"));
    let column = |name: &str| -> ArrayRef {
        let rows = 0..ROWS;
        match name {
            "latitude" | "longitude" => Arc::new(Float64Array::from_iter_values(
                rows.map(|n| (mix(n) % 90) as f64),
            )),
            "event_time" => Arc::new(
                TimestampMillisecondArray::from_iter_values((START_MS..).take(ROWS))
                    .with_timezone("UTC"),
            ),
            _ => Arc::new(rows.map(|n| value(name, n)).collect::<StringArray>()),
        }
    };
    let narrow = schema::narrow();
    let arrays = narrow.fields().iter().map(|field| column(field.name()));
    let columns = RecordBatch::try_new(schema::narrow(), arrays.collect()).expect("columns");
    let raw: Vec<ByteString> = (0..ROWS).map(event).collect();
    let keys = raw
        .iter()
        .map(|raw| secret.key(&tenants[0], Source::Aws, raw.as_bytes()));
    let day = Day::of_ms(START_MS);
    let partition = |n| Partition::tenant(tenants[mix(n) as usize % 3].clone(), day);
    Parcel {
        columns,
        keys: keys.collect(),
        partitions: (0..ROWS).map(partition).collect(),
        raw,
    }
}

/// CPU time of this thread: other jobs of the machine disturb it little.
fn cpu_nanos() -> i64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// Runs `work` on that many events and prints what one costs.
fn measure<T>(what: &str, events: usize, work: impl Fn() -> T) -> T {
    let mut result = work();
    let mut times = [0.0; RUNS];
    for time in &mut times {
        let start = cpu_nanos();
        result = work();
        *time = (cpu_nanos() - start) as f64 / 1e3 / events as f64;
    }
    times.sort_by(f64::total_cmp);
    let [min, _, median, _, max] = times;
    println!("{what:<24} {median:6.2} us/event ({min:.2} to {max:.2})");
    result
}

fn main() {
    let parcel = parcel();
    let raw: usize = parcel.raw.iter().map(|event| event.len()).sum();
    println!("{ROWS} events of {} bytes", raw / ROWS);
    let selected: Vec<u32> = (0..).take(ROWS).collect();
    let part = Part {
        columns: &parcel.columns,
        raw: &parcel.raw,
        keys: &parcel.keys,
        partitions: &parcel.partitions,
        selected: &selected,
    };
    let batch = measure("gather", ROWS, || Batch::gather(&[part]).expect("gathers"));
    let frames: usize = batch.blocks.iter().map(|block| block.frame.len()).sum();
    println!(
        "  columns {} B/event, raw {} B/event",
        batch.columns.stored_bytes() / ROWS,
        frames / ROWS
    );

    let object = Object {
        header: Header {
            format: Format::NEWEST,
            writer: Incarnation(1),
            generation: Gen(1),
            seq: Seq(1),
            previous: Digest::default(),
            written_at_ms: START_MS,
        },
        accounting: Accounting::default(),
        records: vec![Record::Batch(batch.clone())],
    };
    let sealed = measure("object encode", ROWS, || object.encode());
    measure("object decode", ROWS, || {
        Object::decode(&sealed.bytes).expect("decodes")
    });

    let batch = Arc::new(batch);
    let slice = SliceRef {
        batch: batch.clone(),
        slice: 0,
    };
    let rows = (batch.slices[0].row_end - batch.slices[0].row_start) as usize;
    let meta = FileMeta {
        journal: JournalName::parse("main").expect("valid"),
        generation: Gen(1),
        plan: Seq(2),
        from: Seq(0),
        upto: Seq(1),
        replaces: Vec::new(),
    };
    measure("raw events of a slice", rows, || {
        let slice = &batch.slices[0];
        batch
            .raw(slice.row_start..slice.row_end)
            .expect("decompresses")
    });
    for (what, codec) in [("file, zstd", Codec::Zstd), ("file, snappy", Codec::Snappy)] {
        let encode = || lake::encode(std::slice::from_ref(&slice), &meta, codec).expect("encodes");
        let file = measure(what, rows, encode);
        println!("  {} B/event", file.bytes.len() / rows);
    }
}
