//! Tests of the codec: what is written is read, and nothing else is.

use proptest::{collection::vec, option, prelude::*, sample::Index};
use sha2::Digest as _;

use super::{
    specimen::{batch_of, checkpoint, keys, object, tenant},
    *,
};
use crate::{
    accounting::{Account, Counts},
    partition::{Area, Day},
    source::Source,
};

/// Gives a body the checksum it needs to be looked into.
fn seal(body: &[u8]) -> Bytes {
    let digest = sha2::Sha256::digest(body);
    [body, digest.as_slice()].concat().into()
}

fn body(object: &Object) -> Vec<u8> {
    let sealed = object.encode().bytes;
    sealed[..sealed.len() - 32].to_vec()
}

#[test]
fn one_kind_of_object_is_never_taken_for_another() {
    let (object, checkpoint, keys) = (
        object(Format::NEWEST).encode(),
        checkpoint(Format::NEWEST).encode(),
        keys().encode(),
    );
    assert_eq!(Object::decode(&checkpoint.bytes), Err(CodecError::Foreign));
    assert_eq!(Checkpoint::decode(&keys.bytes), Err(CodecError::Foreign));
    assert_eq!(Keys::decode(&object.bytes), Err(CodecError::Foreign));
}

#[test]
fn a_checkpoint_that_comes_before_itself_is_refused() {
    let mut hostile = checkpoint(Format::NEWEST);
    hostile.saved[1].seq = hostile.seq;
    let refused = Checkpoint::decode(&hostile.encode().bytes).expect_err("it cannot be");
    assert!(refused.to_string().contains("not in order"), "{refused}");
}

#[test]
fn what_is_unknown_or_damaged_is_named() {
    let check = |expected: CodecError, spoil: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = body(&Object {
            records: vec![Record::Heartbeat],
            ..object(Format::NEWEST)
        });
        spoil(&mut bytes);
        assert_eq!(Object::decode(&seal(&bytes)), Err(expected));
    };
    let malformed = |what, at| CodecError::Malformed { what, at };
    let end = body(&Object {
        records: vec![Record::Heartbeat],
        ..object(Format::NEWEST)
    })
    .len();
    check(CodecError::Foreign, &|bytes| bytes[0] = b'I');
    check(CodecError::UnknownVersion(3), &|bytes| bytes[8] = 3);
    check(CodecError::UnknownVersion(0), &|bytes| bytes[8] = 0);
    check(CodecError::UnknownRecord(99), &|bytes| bytes[end - 1] = 99);
    check(malformed("bytes are left over", end), &|bytes| {
        bytes.push(0);
    });
    check(malformed("ends too early", end), &|bytes| {
        bytes[end - 1] = 3;
    });
    check(
        malformed("a length exceeds the object", end - 1),
        &|bytes| {
            bytes[end - 9..end - 1].fill(0xff);
        },
    );
    let cut = object(Format::NEWEST).encode().bytes.slice(..40);
    assert_eq!(Object::decode(&cut), Err(CodecError::Checksum));
    let huge = Bytes::from(vec![0; DECODE_BYTES_MAX + 1]);
    let bytes = huge.len();
    assert_eq!(Object::decode(&huge), Err(CodecError::TooLarge { bytes }));
}

#[test]
fn a_batch_that_breaks_its_promise_is_refused() {
    let check = |expected: &str, spoil: &dyn Fn(&mut Batch)| {
        let mut batch = batch_of(&object(Format::NEWEST)).clone();
        spoil(&mut batch);
        let sealed = Object {
            records: vec![Record::Batch(batch)],
            ..object(Format::NEWEST)
        }
        .encode();
        let error = Object::decode(&sealed.bytes)
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    let (slices, blocks) = ("slices do not cover", "blocks do not cover");
    check(slices, &|batch| batch.slices[1].row_start += 1);
    check(slices, &|batch| batch.slices[0].row_end -= 1);
    check(slices, &|batch| batch.slices[1].row_end += 1);
    check(slices, &|batch| batch.slices.swap(0, 1));
    check(slices, &|batch| batch.slices.clear());
    check(slices, &|batch| batch.keys.clear());
    check(blocks, &|batch| batch.blocks[0].row_start = 1);
    check(blocks, &|batch| batch.blocks[0].row_end = 2);
    check("declares too much", &|batch| {
        batch.blocks[0].raw_bytes = u32::MAX;
    });
    check("not that of its keys", &|batch| batch.keys[0].0 ^= 1);
    check("not that of its keys", &|batch| {
        batch.slices[1].key_xor.0 ^= 1;
    });
}

#[test]
fn a_prefix_of_an_object_is_never_an_object() {
    let whole = body(&object(Format::NEWEST));
    for length in 0..whole.len() {
        assert!(Object::decode(&seal(&whole[..length])).is_err(), "{length}");
    }
}

#[test]
fn a_batch_without_columns_and_blocks_can_be_journalled() {
    let keys = vec![Key(1), Key(2)];
    let slices = vec![specimen::slice("acme", 0..2, &keys)];
    let bare = Batch {
        slices,
        keys,
        ..Batch::default()
    };
    let object = Object {
        records: vec![Record::Batch(bare.clone())],
        ..object(Format::NEWEST)
    };
    let (read, _) = Object::decode(&object.encode().bytes).expect("decodes");
    assert_eq!(read, object);
    assert!(bare.columns().is_err() && bare.raw(0..2).is_err());
}

fn partitions() -> impl Strategy<Value = Partition> {
    let id = option::of("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
    (id, -719_162..=2_932_896).prop_map(|(id, days)| Partition {
        area: id.map_or(Area::Quarantine, |id| Area::Tenant(tenant(&id))),
        day: Day::from_days(days).expect("in range"),
    })
}

fn batches() -> impl Strategy<Value = Batch> {
    let slices = vec((partitions(), vec(any::<u128>(), 1..4), any::<u64>()), 0..4);
    (
        slices,
        vec(any::<u8>(), 0..40),
        option::of(vec(any::<u8>(), 0..40)),
    )
        .prop_map(|(parts, columns, frame)| {
            let mut batch = Batch {
                columns: Columns::of_frame(9, Bytes::from(columns)),
                ..Batch::default()
            };
            for (partition, keys, raw_bytes) in parts {
                let keys: Vec<Key> = keys.into_iter().map(Key).collect();
                let row_start = batch.keys.len() as u32;
                let row_end = row_start + keys.len() as u32;
                let key_xor = KeyXor::of(keys.iter().copied());
                batch.keys.extend(keys);
                batch.slices.push(Slice {
                    partition,
                    row_start,
                    row_end,
                    key_xor,
                    raw_bytes,
                });
                if let Some(frame) = frame.clone().map(Bytes::from) {
                    batch.blocks.push(Block {
                        row_start,
                        row_end,
                        raw_bytes: 9,
                        frame,
                    });
                }
            }
            batch
        })
}

fn entries() -> impl Strategy<Value = Entry> {
    let source = option::of(proptest::sample::select(Source::ALL.to_vec()));
    (
        any::<(
            String,
            String,
            String,
            Option<String>,
            u64,
            i64,
            Vec<u8>,
            u128,
        )>(),
        source,
    )
        .prop_map(
            |((tenant, reason, message_id, object, offset, sent_at_ms, raw, key), source)| Entry {
                tenant,
                source,
                reason,
                message_id,
                object,
                offset,
                sent_at_ms,
                raw: raw.into(),
                key: Key(key),
            },
        )
}

fn skips() -> impl Strategy<Value = Record> {
    (partitions(), any::<([u64; 2], String)>()).prop_map(|(partition, ([plan, rows], reason))| {
        Record::Skip(Skip {
            plan: Seq(plan),
            partition,
            rows,
            reason,
        })
    })
}

fn records() -> impl Strategy<Value = Record> {
    let numbers = any::<([u64; 3], u128, [i64; 2])>();
    prop_oneof![
        any::<Option<[u64; 4]>>().prop_map(|words| Record::Fence(Fence {
            secret: words.map(Secret)
        })),
        (partitions(), numbers).prop_map(|(partition, ([plan, rows, bytes], xor, times))| {
            Record::Done(Done {
                plan: Seq(plan),
                partition,
                rows,
                key_xor: KeyXor(xor),
                bytes,
                sha256: Digest([7; 32]),
                time_min_ms: times[0],
                time_max_ms: times[1],
            })
        }),
        (partitions(), numbers).prop_map(|(partition, ([from, upto, rows], xor, _))| {
            let (from, upto, key_xor) = (Seq(from), Seq(upto), KeyXor(xor));
            Record::Plan(Plan {
                partition,
                from,
                upto,
                rows,
                key_xor,
            })
        }),
        vec(entries(), 0..3).prop_map(Record::Quarantine),
        batches().prop_map(Record::Batch),
        any::<([u64; 3], Vec<[u64; 2]>)>().prop_map(|([seq, low, keys_low], keys)| {
            let range = |[from, upto]: [u64; 2]| KeyRange {
                from: Seq(from),
                upto: Seq(upto),
            };
            Record::Saved(Saved {
                seq: Seq(seq),
                low: Seq(low),
                keys_low: Seq(keys_low),
                keys: keys.into_iter().map(range).collect(),
            })
        }),
        Just(Record::Heartbeat),
        Just(Record::Release),
    ]
}

fn objects() -> impl Strategy<Value = Object> {
    prop_oneof![
        objects_of(Format::One, records().boxed()),
        objects_of(Format::Two, prop_oneof![records(), skips()].boxed()),
    ]
}

fn objects_of(format: Format, records: BoxedStrategy<Record>) -> impl Strategy<Value = Object> {
    let account = (
        partitions(),
        any::<Option<Index>>(),
        any::<u32>(),
        any::<[u64; 5]>(),
    );
    let header = any::<(u64, u64, u64, [u8; 32], i64)>();
    (header, vec(account, 0..4), vec(records, 0..6)).prop_map(move |(header, accounts, records)| {
        let (writer, generation, seq, previous, written_at_ms) = header;
        let mut accounting = Accounting::default();
        for (partition, source, hour, [received, stored, duplicate, quarantined, skipped]) in
            accounts
        {
            let tenant = match partition.area {
                Area::Tenant(tenant) => Some(tenant),
                Area::Quarantine => None,
            };
            let source = source.map(|index| *index.get(&Source::ALL));
            let counts = Counts {
                received,
                stored,
                duplicate,
                quarantined,
                skipped,
            };
            accounting.0.insert(
                Account {
                    tenant,
                    source,
                    hour,
                },
                counts,
            );
        }
        Object {
            header: Header {
                format,
                writer: Incarnation(writer),
                generation: Gen(generation),
                seq: Seq(seq),
                previous: Digest(previous),
                written_at_ms,
            },
            accounting,
            records,
        }
    })
}

proptest! {
    #[test]
    fn objects_round_trip(object in objects()) {
        let sealed = object.encode();
        prop_assert_eq!(Object::decode(&sealed.bytes), Ok((object, sealed.digest)));
    }

    #[test]
    fn t28_any_flipped_bit_of_an_object_is_detected(object in objects(), at: Index, bit in 0..8u8) {
        let mut bytes = object.encode().bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        prop_assert!(Object::decode(&bytes.into()).is_err());
    }

    #[test]
    fn hostile_bytes_under_a_right_checksum_do_not_panic(
        object in objects(),
        edits in vec((any::<Index>(), any::<u8>()), 1..8),
        noise: Vec<u8>,
    ) {
        let mut bytes = body(&object);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok((read, _)) = Object::decode(&seal(&bytes)) {
            prop_assert_eq!(read.encode().bytes, seal(&bytes));
        }
        prop_assert!(Object::decode(&noise.into()).is_err());
    }

    #[test]
    fn hostile_checkpoints_under_a_right_checksum_do_not_panic(
        edits in vec((any::<Index>(), any::<u8>()), 1..8),
        of_keys: bool,
    ) {
        let sealed = if of_keys { keys().encode() } else { checkpoint(Format::NEWEST).encode() };
        let mut bytes = sealed.bytes[..sealed.bytes.len() - 32].to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let bytes = seal(&bytes);
        if let Ok(read) = Checkpoint::decode(&bytes) {
            prop_assert_eq!(read.encode().bytes, bytes.clone());
        }
        if let Ok(read) = Keys::decode(&bytes) {
            prop_assert_eq!(read.encode().bytes, bytes);
        }
    }
}
