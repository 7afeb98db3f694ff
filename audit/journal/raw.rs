//! The raw events of a batch's rows, read out of its [`blocks`](super::blocks).
//!
//! A block is opened when the first of its rows is asked for and closed after
//! the last. Rows of a slice lie in the order of files, so that whoever merges
//! many slices into one file holds about one open block of each, however many
//! rows there are.

use std::ops::Range;

use bytes::Bytes;
use zstd::bulk::Decompressor;

use super::{
    Batch, BatchError, Block,
    blocks::{BLOCK_BYTES_MAX, LENGTH_BYTES},
};

/// Opens blocks in memory that it uses again: a page that is new to the process
/// costs more than decompressing into it.
pub(crate) struct Opener {
    decompressor: Decompressor<'static>,
    closed: Vec<Events>,
}

/// The content of an open block.
#[derive(Default)]
struct Events {
    content: Vec<u8>,
    /// Where in the content each event ends; each begins where the one before
    /// ends, the first after the lengths.
    ends: Vec<u32>,
}

/// Rows of a batch whose events are asked for once each, in any order.
pub(crate) struct RawRows<'a> {
    rows: Range<u32>,
    blocks: &'a [Block],
    /// Of each block.
    states: Vec<State>,
    /// The block that was asked last.
    last: usize,
}

struct State {
    events: Option<Events>,
    /// Rows that were not asked for yet.
    left: u32,
}

impl Opener {
    pub(crate) fn new() -> Result<Opener, BatchError> {
        Ok(Opener {
            decompressor: Decompressor::new().map_err(BatchError::Zstd)?,
            closed: Vec::new(),
        })
    }

    /// Allocates no more than the block declares, which is at most
    /// [`BLOCK_BYTES_MAX`].
    fn open(&mut self, block: &Block) -> Result<Events, BatchError> {
        let declared = block.raw_bytes as usize;
        if declared > BLOCK_BYTES_MAX {
            return Err(BatchError::Corrupt("a block declares too much"));
        }
        let Events {
            mut content,
            mut ends,
        } = self.closed.pop().unwrap_or_default();
        content.clear();
        content.reserve_exact(declared);
        self.decompressor
            .decompress_to_buffer(&block.frame, &mut content)
            .map_err(BatchError::Zstd)?;
        if content.len() != declared {
            return Err(BatchError::Corrupt("a block is not of its declared size"));
        }
        let rows = block.row_end.saturating_sub(block.row_start) as usize;
        let mut at = rows * LENGTH_BYTES;
        let lengths = content
            .get(..at)
            .ok_or(BatchError::Corrupt("a block is shorter than its lengths"))?;
        ends.clear();
        for length in lengths.as_chunks().0 {
            at += u32::from_le_bytes(*length) as usize;
            if at > content.len() {
                return Err(BatchError::Corrupt("an event exceeds its block"));
            }
            ends.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        if at != content.len() {
            return Err(BatchError::Corrupt("a block holds more than its events"));
        }
        Ok(Events { content, ends })
    }
}

impl Events {
    fn get(&self, index: usize) -> Option<&[u8]> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => self.ends.len() * LENGTH_BYTES,
        };
        self.content.get(start..*self.ends.get(index)? as usize)
    }
}

impl RawRows<'_> {
    /// Appends the event of a row, counted from the first of these, and tells
    /// its length.
    pub(crate) fn append(
        &mut self,
        row: usize,
        opener: &mut Opener,
        out: &mut Vec<u8>,
    ) -> Result<usize, BatchError> {
        let missing = BatchError::Corrupt("rows without raw events were asked for");
        let asked = u32::try_from(row)
            .ok()
            .and_then(|row| self.rows.start.checked_add(row))
            .filter(|row| *row < self.rows.end);
        let Some(row) = asked else {
            return Err(missing);
        };
        let holds = |block: &Block| block.row_start <= row && row < block.row_end;
        if !self.blocks.get(self.last).is_some_and(holds) {
            self.last = self.blocks.partition_point(|block| block.row_end <= row);
        }
        let (Some(block), Some(state)) = (
            self.blocks.get(self.last).filter(|block| holds(block)),
            self.states.get_mut(self.last),
        ) else {
            return Err(missing);
        };
        let events = match state.events.take() {
            Some(events) => events,
            None => opener.open(block)?,
        };
        let event = events
            .get((row - block.row_start) as usize)
            .ok_or(missing)?;
        let length = event.len();
        out.extend_from_slice(event);
        state.left = state.left.saturating_sub(1);
        match state.left {
            0 => opener.closed.push(events),
            _ => state.events = Some(events),
        }
        Ok(length)
    }
}

impl Batch {
    /// The raw events of these rows, to be read one by one.
    pub(crate) fn raw_rows(&self, rows: Range<u32>) -> RawRows<'_> {
        let first = self
            .blocks
            .partition_point(|block| block.row_end <= rows.start);
        let count = self.blocks[first..].partition_point(|block| block.row_start < rows.end);
        let blocks = &self.blocks[first..first + count];
        let left = |block: &Block| {
            let (start, end) = (block.row_start.max(rows.start), block.row_end.min(rows.end));
            end.saturating_sub(start)
        };
        let state = |block| State {
            events: None,
            left: left(block),
        };
        RawRows {
            states: blocks.iter().map(state).collect(),
            blocks,
            rows,
            last: 0,
        }
    }

    /// The raw events of these rows, all at once.
    pub fn raw(&self, rows: Range<u32>) -> Result<Vec<Bytes>, BatchError> {
        let mut opener = Opener::new()?;
        let count = rows.len();
        let mut raw = self.raw_rows(rows);
        let event = |row| {
            let mut event = Vec::new();
            raw.append(row, &mut opener, &mut event)?;
            Ok(Bytes::from(event))
        };
        (0..count).map(event).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{
        blocks::{LEVEL, compress},
        specimen::slice,
    };

    #[test]
    fn a_block_that_lies_is_an_error() {
        let good = compress(&["{}"], &[slice("t", 0..1, &[])]).expect("compresses");
        let check = |expected: &str, spoil: &dyn Fn(&mut Block)| {
            let mut blocks = good.clone();
            spoil(&mut blocks[0]);
            let rows = 0..blocks[0].row_end;
            let batch = Batch {
                blocks,
                ..Batch::default()
            };
            let error = batch.raw(rows).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("declares too much", &|block| block.raw_bytes = u32::MAX);
        check("too small", &|block| block.raw_bytes -= 1);
        check("declared size", &|block| block.raw_bytes += 1);
        check("shorter than", &|block| block.row_end = 1000);
        check("zstd", &|block| block.frame = block.frame.slice(1..));
        for (length, expected) in [(1, "more than its events"), (3, "exceeds its block")] {
            check(expected, &|block| {
                let content = [length, 0, 0, 0, b'{', b'}'];
                let frame = zstd::bulk::compress(&content, LEVEL).expect("compresses");
                block.frame = frame.into();
            });
        }
    }

    /// A batch of one slice, of blocks of so many events each.
    fn batch(blocks: &[u32]) -> Batch {
        let mut batch = Batch::default();
        let mut end = 0;
        for &rows in blocks {
            let events: Vec<String> = (end..end + rows).map(|row| row.to_string()).collect();
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            let mut made = compress(&events, &[slice("t", 0..rows, &[])]).expect("compresses");
            for block in &mut made {
                (block.row_start, block.row_end) = (end, end + rows);
            }
            batch.blocks.append(&mut made);
            end += rows;
        }
        batch
    }

    #[test]
    fn a_block_is_open_from_its_first_row_to_its_last() {
        let batch = batch(&[2, 3, 1]);
        let mut raw = batch.raw_rows(1..6);
        let mut opener = Opener::new().expect("zstd");
        let mut check = |row: usize, expected: &str, open: &[bool], closed: usize| {
            let mut out = Vec::new();
            let length = raw.append(row, &mut opener, &mut out).expect("an event");
            assert_eq!(
                (out.as_slice(), length),
                (expected.as_bytes(), expected.len())
            );
            let states: Vec<bool> = raw.states.iter().map(|s| s.events.is_some()).collect();
            assert_eq!(
                (states.as_slice(), opener.closed.len()),
                (open, closed),
                "{row}"
            );
        };
        // The row before those asked for is nobody's to wait for.
        check(0, "1", &[false, false, false], 1);
        check(2, "3", &[false, true, false], 0);
        check(4, "5", &[false, true, false], 1);
        check(1, "2", &[false, true, false], 1);
        check(3, "4", &[false, false, false], 2);
    }

    #[test]
    fn rows_that_are_not_there_are_an_error() {
        let batch = batch(&[2, 3]);
        let mut opener = Opener::new().expect("zstd");
        for (rows, row) in [
            (0..2, 2),
            (1..5, 4),
            (0..9, 5),
            (7..9, 0),
            (0..5, usize::MAX),
        ] {
            let mut out = Vec::new();
            let error = batch
                .raw_rows(rows)
                .append(row, &mut opener, &mut out)
                .expect_err("no such row");
            assert!(error.to_string().contains("without raw events"), "{error}");
        }
    }
}
