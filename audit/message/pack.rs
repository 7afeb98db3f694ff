//! Gathers events into as few messages as possible, for whoever publishes.
//!
//! A message is the events one after the other, a line break after each, in one
//! zstd frame, in base64, with the attribute `encoding` = `zstd`. The bytes of an
//! event are not touched, not even where it is pretty printed: the
//! [`Decoder`](super::Decoder) finds its end by its brackets. A message keeps
//! within the body's limit and within the decoder's limit on the ratio.

use std::{fmt, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zstd::stream::write::Encoder;

/// The value of the attribute `encoding` that goes with each message.
pub const ENCODING: &str = "zstd";

/// zstd's default: publishing waits for the network, not for this.
const LEVEL: i32 = 3;

/// What refers further back than 512 KiB is compressed anew: whoever unpacks it
/// keeps so much at hand, and finds it in its core's cache. Three percent more
/// to send for a seventh less to unpack.
const WINDOW_LOG: u32 = 19;

/// What a frame adds at its end: the last block's head, with room to spare.
const FRAME_END_BYTES: usize = 64;

/// From here on a message may be refused for its ratio; it is closed when a
/// quarter of the decoder's limit of 200 is left.
const RATIO_FREE_BYTES: usize = 1 << 20;
const RATIO_MAX: usize = 150;

/// What [`Packer::push`] did with the event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Full {
    /// It is in the message that is being made.
    No,
    /// It begins the next message; this one is ready to be sent.
    Message(String),
    /// No message can hold it: store it as a payload and send a
    /// [`Pointer`](super::Pointer).
    TooLarge,
}

pub struct Packer {
    /// Compressed bytes that fit into a body.
    room: usize,
    frame: Encoder<'static, Vec<u8>>,
    /// Events in the frame.
    events: usize,
    /// Their bytes, and those of them which the encoder has not written yet.
    raw: usize,
    pending: usize,
}

impl Packer {
    /// `body_bytes`: the longest body, in characters of base64.
    pub fn new(body_bytes: usize) -> Packer {
        Packer {
            room: body_bytes / 4 * 3,
            frame: new_frame(),
            events: 0,
            raw: 0,
            pending: 0,
        }
    }

    /// Adds one event: a JSON object.
    pub fn push(&mut self, event: &[u8]) -> Full {
        let length = event.len() + 1;
        if zstd::zstd_safe::compress_bound(length) + FRAME_END_BYTES > self.room {
            return Full::TooLarge;
        }
        let full = self.events > 0 && !self.has_room(length);
        let done = if full { self.finish() } else { None };
        self.write(event);
        self.write(b"\n");
        self.events += 1;
        done.map_or(Full::No, Full::Message)
    }

    /// The message made so far, if it has events.
    pub fn finish(&mut self) -> Option<String> {
        if std::mem::take(&mut self.events) == 0 {
            return None;
        }
        (self.raw, self.pending) = (0, 0);
        let frame = std::mem::replace(&mut self.frame, new_frame())
            .finish()
            .expect("compressing into memory cannot fail");
        Some(STANDARD.encode(frame))
    }

    /// Whether so many bytes more are sure to fit.
    fn has_room(&mut self, length: usize) -> bool {
        if self.holds(length) {
            return true;
        }
        // Only a flush tells how well the pending bytes compress.
        self.frame
            .flush()
            .expect("compressing into memory cannot fail");
        self.pending = 0;
        self.holds(length)
    }

    fn holds(&self, length: usize) -> bool {
        let written = self.frame.get_ref().len();
        let bound = zstd::zstd_safe::compress_bound(self.pending + length);
        let raw = self.raw + length;
        written + bound + FRAME_END_BYTES <= self.room
            && (raw <= RATIO_FREE_BYTES || raw / RATIO_MAX < written)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.frame
            .write_all(bytes)
            .expect("compressing into memory cannot fail");
        self.raw += bytes.len();
        self.pending += bytes.len();
    }
}

fn new_frame() -> Encoder<'static, Vec<u8>> {
    let frame = Encoder::new(Vec::new(), LEVEL).and_then(|mut frame| {
        frame.window_log(WINDOW_LOG)?;
        Ok(frame)
    });
    frame.expect("level and window are of zstd's and memory is there")
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer")
            .field("events", &self.events)
            .field("raw", &self.raw)
            .finish_non_exhaustive()
    }
}
