//! The window: how far it reaches, and what its filters know.

use super::*;

fn span(written_at_ms: i64, range: std::ops::Range<u128>) -> KeySpan {
    KeySpan {
        seq: Seq(written_at_ms.unsigned_abs()),
        written_at_ms,
        keys: range.map(Key).collect(),
    }
}

#[test]
fn the_window_is_counted_back_from_the_newest_object() {
    let mut known = Known::new(Window {
        reach_ms: 100,
        bytes_max: u64::MAX,
        folding: Folding::USUAL,
    });
    known.extend(span(1_000, 0..10));
    known.extend(span(1_100, 10..20));
    assert!(known.contains(&Key(0)), "exactly at its edge");
    known.extend(span(1_101, 20..21));
    assert!(!known.contains(&Key(0)));
    assert!(known.contains(&Key(10)));
    assert_eq!(known.held_ms(), 1);
}

#[test]
fn little_memory_shortens_the_window_but_keeps_the_newest_object() {
    let mut known = Known::new(Window {
        reach_ms: i64::MAX,
        bytes_max: 15 * BYTES_PER_KEY,
        folding: Folding::USUAL,
    });
    known.extend(span(1, 0..10));
    known.extend(span(2, 10..20));
    assert!(!known.contains(&Key(9)));
    assert!(known.contains(&Key(19)));
    known.extend(span(3, 20..60));
    assert!(!known.contains(&Key(19)));
    assert!(known.contains(&Key(59)));
}

/// Four keys a filter, which looks at three bits of them: most hits are false.
fn coarse() -> Known {
    Known::new(Window {
        reach_ms: 100,
        bytes_max: u64::MAX,
        folding: Folding { keys: 4, mask: 7 },
    })
}

fn range(from: u64, upto: u64) -> KeyRange {
    KeyRange {
        from: Seq(from),
        upto: Seq(upto),
    }
}

#[test]
fn what_a_filter_may_have_is_known_once_it_was_recalled() {
    let mut known = coarse();
    known.extend(span(1, 0..3));
    known.cover(&[range(0, 1)]);
    assert_eq!(known.doubt(&[Key(9)]), None, "too few for a filter");
    known.extend(span(2, 3..6));
    known.extend(span(3, 6..7));
    known.cover(&[range(1, 2)]);
    assert_eq!((known.count(), known.held_ms()), (7, 2));
    assert!(known.contains(&Key(6)), "it lies in no keys object");
    assert!(!known.contains(&Key(0)));
    let asked = [Key(6), Key(8), Key(0), Key(5)];
    let recall = known.doubt(&asked).expect("the filter takes 8 for 0");
    assert_eq!(recall.ranges, [range(0, 1), range(1, 2)]);
    assert_eq!(recall.keys, [Key(8), Key(0), Key(5)], "6 is known for sure");
    known.recall(recall, &(0..6).map(Key).collect());
    assert_eq!(known.doubt(&asked), None);
    assert!(known.contains(&Key(0)) && known.contains(&Key(5)));
    assert!(!known.contains(&Key(8)));
    assert_eq!(known.ranges().count(), 2);
}

#[test]
fn a_filter_goes_as_a_whole_when_its_newest_key_is_too_old() {
    let mut known = coarse();
    known.extend(span(1, 0..3));
    known.extend(span(50, 3..6));
    known.cover(&[range(0, 50)]);
    known.extend(span(150, 10..11));
    assert_eq!(known.held_ms(), 149);
    assert!(known.doubt(&[Key(0)]).is_some());
    known.extend(span(151, 11..12));
    assert_eq!(known.doubt(&[Key(0)]), None);
    assert_eq!((known.held_ms(), known.ranges().count()), (1, 0));
}

#[test]
fn keys_objects_that_may_be_gone_are_not_counted_on() {
    let mut known = coarse();
    known.extend(span(1, 0..5));
    known.cover(&[range(0, 1)]);
    known.extend(span(2, 5..6));
    known.cover(&[range(1, 2)]);
    known.extend(span(3, 6..7));
    known.uncover(Seq(2));
    assert_eq!(known.doubt(&[Key(0)]), None, "the filter had nothing else");
    assert!(!known.contains(&Key(5)));
    assert!(known.contains(&Key(6)));
    assert_eq!((known.ranges().count(), known.count()), (0, 1));
}

#[test]
fn a_filter_stays_as_long_as_one_of_its_objects() {
    let mut known = coarse();
    known.extend(span(1, 0..3));
    known.cover(&[range(0, 1)]);
    known.extend(span(2, 3..6));
    known.cover(&[range(1, 2)]);
    known.uncover(Seq(1));
    let recall = known.doubt(&[Key(0), Key(4)]).expect("a filter");
    assert_eq!(recall.ranges, [range(1, 2)]);
    known.recall(recall, &(3..6).map(Key).collect());
    assert!(known.contains(&Key(4)) && !known.contains(&Key(0)));
    assert_eq!(known.doubt(&[Key(0)]), None);
}

#[test]
fn what_another_replica_asked_for_is_no_answer() {
    let mut known = coarse();
    known.extend(span(1, 0..5));
    known.cover(&[range(0, 1)]);
    let mut recall = known.doubt(&[Key(0)]).expect("a filter");
    recall.ranges[0].from = Seq(9);
    known.recall(recall, &HashSet::new());
    assert!(
        known.doubt(&[Key(0)]).is_some(),
        "it is as doubtful as before"
    );
}

#[test]
fn a_filter_takes_a_tenth_of_the_memory() {
    let mut known = Known::new(Window {
        reach_ms: i64::MAX,
        bytes_max: u64::MAX,
        folding: Folding {
            keys: 100_000,
            ..Folding::USUAL
        },
    });
    let key = |n: u128| Key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    known.extend(KeySpan {
        seq: Seq(1),
        written_at_ms: 1,
        keys: (0..100_000).map(key).collect(),
    });
    let before = known.bytes();
    known.cover(&[range(0, 1)]);
    assert!(known.bytes() * 10 < before, "{} of {before}", known.bytes());
    assert!(
        (0..100_000).all(|n| known.doubt(&[key(n)]).is_some()),
        "none is missed"
    );
    let taken = (100_000..200_000).filter(|n| known.doubt(&[key(*n)]).is_some());
    assert!(taken.count() < 3, "hardly another is taken for one");
}
