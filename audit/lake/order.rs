//! In which order rows stand in a file: by `identity_id`, then `event_time`,
//! nulls last, then as they were planned.
//!
//! One person's rows lie together, so that page statistics find them and equal
//! values compress. Comparing strings is the expense of such a sort, so every
//! distinct id is ranked once; what is sorted are single integers that hold
//! rank, time and place, and no two are equal: the result is one of a kind.

use std::collections::HashMap;

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::TimestampMillisecondType,
};

use crate::schema::Column;

/// A row by batch and place in it: what Arrow's `interleave` takes.
pub(super) type Place = (usize, usize);

/// The places of all rows in the order of the file. The batches are of the
/// narrow schema and hold less than 2³² rows together.
pub(super) fn places(batches: &[RecordBatch]) -> Vec<Place> {
    let ranks = ranks(batches);
    let mut starts = Vec::with_capacity(batches.len());
    let mut rows = 0;
    let mut order: Vec<u128> = Vec::new();
    for batch in batches {
        starts.push(rows);
        let ids = batch.column(Column::IdentityId.index()).as_string::<i32>();
        let times = batch
            .column(Column::EventTime.index())
            .as_primitive::<TimestampMillisecondType>();
        for (id, time) in ids.iter().zip(times) {
            let rank = id.map_or(u32::MAX, |id| ranks[id]);
            let time = time.map_or(u64::MAX, |time| (time as u64) ^ (1 << 63));
            order.push(u128::from(rank) << 96 | u128::from(time) << 32 | rows as u128);
            rows += 1;
        }
    }
    order.sort_unstable();
    let place = |sorted: u128| {
        let row = (sorted & u128::from(u32::MAX)) as usize;
        let batch = starts.partition_point(|&start| start <= row) - 1;
        (batch, row - starts[batch])
    };
    order.into_iter().map(place).collect()
}

/// Every distinct identity with its place among all.
fn ranks(batches: &[RecordBatch]) -> HashMap<&str, u32> {
    let mut ranks = HashMap::new();
    for batch in batches {
        let ids = batch.column(Column::IdentityId.index()).as_string::<i32>();
        ranks.extend(ids.iter().flatten().map(|id| (id, 0)));
    }
    let mut distinct: Vec<&str> = ranks.keys().copied().collect();
    distinct.sort_unstable();
    distinct.into_iter().zip(0..).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::specimen::columns;

    #[test]
    fn rows_are_ordered_by_identity_then_time_then_place() {
        type Row = (Option<&'static str>, i64);
        let check = |batches: &[&[Row]], expected: &[Place]| {
            let batches: Vec<RecordBatch> = batches.iter().map(|rows| columns(rows)).collect();
            assert_eq!(places(&batches), expected);
        };
        check(&[], &[]);
        check(&[&[(Some("b"), 1), (Some("a"), 2)]], &[(0, 1), (0, 0)]);
        check(&[&[(Some("a"), 2)], &[(Some("a"), 1)]], &[(1, 0), (0, 0)]);
        check(&[&[(None, 1)], &[(Some("a"), 9)]], &[(1, 0), (0, 0)]);
        check(&[&[(Some("a"), 0), (Some("a"), -1)]], &[(0, 1), (0, 0)]);
        check(
            &[&[], &[(Some(""), 1), (Some(""), 1)], &[(Some(""), 1)]],
            &[(1, 0), (1, 1), (2, 0)],
        );
    }
}
