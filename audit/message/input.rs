//! Where a decoder's bytes come from: memory, a reader, or chunks as they
//! arrive over the network.
//!
//! Nothing waits here. When the next chunk has not come yet, reading answers
//! [`WouldBlock`](io::ErrorKind::WouldBlock), which decompressors pass on
//! untouched; after [`Input::feed`] they go on where they stood.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
};

use bytes::{Buf as _, Bytes};

/// Read at once, at most: while a buffer grows, little is allocated in vain.
pub(super) const READ_BYTES: usize = 64 << 10;

#[derive(Default)]
pub(super) struct Input {
    /// Being read, and what was fed behind it.
    chunk: Bytes,
    behind: VecDeque<Bytes>,
    rest: Rest,
    /// Bytes that were taken out of it.
    taken: u64,
}

/// What follows the chunks that are there.
#[derive(Default)]
enum Rest {
    #[default]
    Nothing,
    Chunks,
    Reader(Box<dyn Read + Send>),
}

impl Input {
    pub(super) fn of_bytes(chunk: Bytes) -> Input {
        Input {
            chunk,
            ..Input::default()
        }
    }

    pub(super) fn of_reader(reader: Box<dyn Read + Send>) -> Input {
        Input {
            rest: Rest::Reader(reader),
            ..Input::default()
        }
    }

    pub(super) fn of_chunks() -> Input {
        Input {
            rest: Rest::Chunks,
            ..Input::default()
        }
    }

    pub(super) fn feed(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.behind.push_back(chunk);
        }
    }

    /// No further chunk will come.
    pub(super) fn close(&mut self) {
        self.rest = Rest::Nothing;
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// The next bytes, not taken: `least` of them, or all that are left.
    pub(super) fn peek(&mut self, least: usize) -> io::Result<&[u8]> {
        while self.chunk.len() < least {
            let Some(next) = self.next_chunk()? else {
                break;
            };
            self.chunk = if self.chunk.is_empty() {
                next
            } else {
                [&self.chunk[..], &next].concat().into()
            };
        }
        Ok(&self.chunk)
    }

    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(chunk) = self.behind.pop_front() {
            return Ok(Some(chunk));
        }
        match &mut self.rest {
            Rest::Nothing => Ok(None),
            Rest::Chunks => Err(io::ErrorKind::WouldBlock.into()),
            Rest::Reader(reader) => {
                let mut chunk = vec![0; READ_BYTES];
                let count = reader.read(&mut chunk).map_err(not_blocking)?;
                chunk.truncate(count);
                Ok((count > 0).then(|| chunk.into()))
            }
        }
    }
}

/// A reader that would block is none that can be read here: only chunks are
/// waited for.
fn not_blocking(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::other(error),
        _ => error,
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, count: usize) {
        self.taken += count as u64;
        self.chunk.advance(count);
    }
}
