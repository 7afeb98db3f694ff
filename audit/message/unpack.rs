//! The bytes of a message or file, decompressed as they are asked for.
//!
//! gzip (with any number of members) and zstd (with any number of frames) are
//! told by their first bytes. Nothing is unpacked twice: an archive in an archive
//! stays one. The limits on size and ratio are checked at each read, so that a
//! bomb costs no more than they allow.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Chain, Cursor, Read},
};

use flate2::bufread::MultiGzDecoder;

use super::{Limits, Unreadable};

type Input = BufReader<Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>>;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// What follows the first byte, 0x50 to 0x5f, of a skippable zstd frame.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

/// Below this, the ratio says nothing.
const RATIO_FREE_BYTES: u64 = 1 << 20;

pub(super) struct Unpacker {
    inner: Inner,
    unpacked: u64,
    unpacked_bytes: u64,
    compressed_bytes: u64,
    ratio: u64,
}

enum Inner {
    Plain(Input),
    Gzip(MultiGzDecoder<Counted>),
    Zstd(zstd::stream::read::Decoder<'static, Counted>),
}

/// Counts what was taken out of it.
struct Counted {
    input: Input,
    taken: u64,
}

impl Unpacker {
    pub(super) fn new(
        mut input: Box<dyn Read + Send>,
        limits: &Limits,
    ) -> Result<Unpacker, Unreadable> {
        let mut head = Vec::with_capacity(ZSTD.len());
        input
            .by_ref()
            .take(ZSTD.len() as u64)
            .read_to_end(&mut head)
            .map_err(|error| Unreadable::Input(error.to_string()))?;
        let (is_gzip, is_zstd) = (is_gzip(&head), is_zstd(&head));
        let input = BufReader::new(Cursor::new(head).chain(input));
        let inner = if is_gzip {
            Inner::Gzip(MultiGzDecoder::new(Counted { input, taken: 0 }))
        } else if is_zstd {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(Counted { input, taken: 0 })
                .map_err(|error| damaged(&error))?;
            decoder
                .window_log_max(limits.zstd_window_log)
                .map_err(|error| damaged(&error))?;
            Inner::Zstd(decoder)
        } else {
            Inner::Plain(input)
        };
        Ok(Unpacker {
            inner,
            unpacked: 0,
            unpacked_bytes: limits.unpacked_bytes,
            compressed_bytes: limits.compressed_bytes,
            ratio: limits.ratio,
        })
    }

    /// Reads some bytes. Zero: the end.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, Unreadable> {
        let count = loop {
            let result = match &mut self.inner {
                Inner::Plain(input) => input.read(out),
                Inner::Gzip(decoder) => decoder.read(out),
                Inner::Zstd(decoder) => decoder.read(out),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(self.inner, Inner::Plain(_)) => {
                    return Err(Unreadable::Input(error.to_string()));
                }
                Err(error) => return Err(damaged(&error)),
                Ok(count) => break count,
            }
        };
        self.unpacked += count as u64;
        self.check()?;
        Ok(count)
    }

    /// Bytes that came out so far.
    pub(super) fn unpacked(&self) -> u64 {
        self.unpacked
    }

    fn check(&self) -> Result<(), Unreadable> {
        if self.unpacked > self.unpacked_bytes {
            return Err(Unreadable::Unpacked(self.unpacked_bytes));
        }
        let taken = match &self.inner {
            Inner::Plain(_) => return Ok(()),
            Inner::Gzip(decoder) => decoder.get_ref().taken,
            Inner::Zstd(decoder) => decoder.get_ref().taken,
        };
        if taken > self.compressed_bytes {
            return Err(Unreadable::Compressed(self.compressed_bytes));
        }
        if self.unpacked > RATIO_FREE_BYTES && self.unpacked / self.ratio > taken {
            return Err(Unreadable::Ratio(self.ratio));
        }
        Ok(())
    }
}

pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(GZIP)
}

pub(super) fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(ZSTD)
        || matches!(head, [0x50..=0x5f, rest @ ..] if rest.starts_with(ZSTD_SKIPPABLE))
}

fn damaged(error: &io::Error) -> Unreadable {
    Unreadable::Damaged(error.to_string())
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(out)?;
        self.taken += count as u64;
        Ok(count)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken += count as u64;
        self.input.consume(count);
    }
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker")
            .field("unpacked", &self.unpacked)
            .finish_non_exhaustive()
    }
}
