//! The bytes of a message or file, decompressed as they are asked for.
//!
//! gzip (with any number of members) and zstd (with any number of frames) are
//! told by their first bytes, once these have come. Nothing is unpacked twice:
//! an archive in an archive stays one. The limits on size and ratio are checked
//! at each read and for the whole of the input, so that a bomb costs no more
//! than they allow, into however many members it is cut.

use std::{
    fmt,
    io::{self, Read},
};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use super::{
    Limits, Unreadable,
    input::{Input, READ_BYTES},
};

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
    zstd_window_log: u32,
}

enum Inner {
    /// Too little has come to tell.
    Unknown(Input),
    Plain(Input),
    Gzip(MultiGzDecoder<Input>),
    Zstd(zstd::stream::read::Decoder<'static, Input>),
}

impl Unpacker {
    pub(super) fn new(input: Input, limits: &Limits) -> Unpacker {
        Unpacker {
            inner: Inner::Unknown(input),
            unpacked: 0,
            unpacked_bytes: limits.unpacked_bytes,
            compressed_bytes: limits.compressed_bytes,
            ratio: limits.ratio,
            zstd_window_log: limits.zstd_window_log,
        }
    }

    /// Reads some bytes. Zero: the end. `None`: the next chunk must come first.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<Option<usize>, Unreadable> {
        let count = loop {
            match self.try_read(out) {
                Ok(count) => break Some(count),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => break None,
                    _ => return Err(self.unreadable(&error)),
                },
            }
        };
        self.unpacked += count.unwrap_or_default() as u64;
        self.check()?;
        Ok(count)
    }

    /// All that is left.
    pub(super) fn read_to_end(&mut self) -> Result<Bytes, Unreadable> {
        let mut all = Vec::new();
        loop {
            let length = all.len();
            all.resize(length + READ_BYTES, 0);
            let count = self.read(&mut all[length..])?.unwrap_or_default();
            all.truncate(length + count);
            if count == 0 {
                return Ok(all.into());
            }
        }
    }

    /// Bytes that came out so far.
    pub(super) fn unpacked(&self) -> u64 {
        self.unpacked
    }

    pub(super) fn input_mut(&mut self) -> &mut Input {
        match &mut self.inner {
            Inner::Unknown(input) | Inner::Plain(input) => input,
            Inner::Gzip(decoder) => decoder.get_mut(),
            Inner::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn try_read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Inner::Unknown(input) = &mut self.inner {
            let head = input.peek(ZSTD.len())?;
            let (is_gzip, is_zstd) = (is_gzip(head), is_zstd(head));
            let input = std::mem::take(input);
            self.inner = if is_gzip {
                Inner::Gzip(MultiGzDecoder::new(input))
            } else if is_zstd {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(self.zstd_window_log)?;
                Inner::Zstd(decoder)
            } else {
                Inner::Plain(input)
            };
        }
        match &mut self.inner {
            Inner::Unknown(input) | Inner::Plain(input) => input.read(out),
            Inner::Gzip(decoder) => decoder.read(out),
            Inner::Zstd(decoder) => decoder.read(out),
        }
    }

    fn check(&self) -> Result<(), Unreadable> {
        if self.unpacked > self.unpacked_bytes {
            return Err(Unreadable::Unpacked(self.unpacked_bytes));
        }
        let taken = match &self.inner {
            Inner::Unknown(_) | Inner::Plain(_) => return Ok(()),
            Inner::Gzip(decoder) => decoder.get_ref().taken(),
            Inner::Zstd(decoder) => decoder.get_ref().taken(),
        };
        if taken > self.compressed_bytes {
            return Err(Unreadable::Compressed(self.compressed_bytes));
        }
        if self.unpacked > RATIO_FREE_BYTES && self.unpacked / self.ratio > taken {
            return Err(Unreadable::Ratio(self.ratio));
        }
        Ok(())
    }

    fn unreadable(&self, error: &io::Error) -> Unreadable {
        match self.inner {
            Inner::Unknown(_) | Inner::Plain(_) => Unreadable::Input(error.to_string()),
            Inner::Gzip(_) | Inner::Zstd(_) => Unreadable::Damaged(error.to_string()),
        }
    }
}

pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(GZIP)
}

pub(super) fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(ZSTD)
        || matches!(head, [0x50..=0x5f, rest @ ..] if rest.starts_with(ZSTD_SKIPPABLE))
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker")
            .field("unpacked", &self.unpacked)
            .finish_non_exhaustive()
    }
}
