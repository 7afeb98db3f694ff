//! From the bytes of a message, an object or a file to parcels of raw events.
//!
//! Pull style and free of waiting: each [`Decoder::next_parcel`] reads about a
//! parcel's bytes, decompressing as it goes, and hands out the events that are
//! complete as slices of that one buffer. What is unfinished is carried over to
//! the next. Content that arrives in chunks is fed: the decoder says when it
//! needs one. Envelopes are opened here; an event inside one keeps its bytes.

use std::{io::Read, ops::Range};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Buf as _, Bytes, BytesMut};

use super::{
    BAD_BYTES_MAX, Bad, Event, Limits, Parcel, Pointer, Unreadable,
    envelope::Shape,
    input::{Input, READ_BYTES},
    notification,
    splitter::{Splitter, Step},
    unpack::{Unpacker, is_gzip, is_zstd},
};

/// What audit logs unpack to, about: a first guess at a buffer's size.
const USUAL_RATIO: usize = 8;

/// Envelopes in envelopes that are opened: SNS around EventBridge.
const ENVELOPES_MAX: u32 = 2;

/// Things in one envelope inside a message. Real events are no smaller than half
/// a KiB, so that an envelope of 16 MiB has not nearly as many.
const ENVELOPE_PIECES_MAX: usize = 64 << 10;

const TOO_MANY_PIECES: &str = "too many events in one envelope: send them in several";

/// What a packed SNS message unpacks to at most, times its size: many of them in
/// one parcel are all unpacked at once.
const SNS_RATIO_MAX: usize = 50;

const CONFIRMATION: &str = "SNS asks whether this queue wants its messages: open the SubscribeURL \
     in it, or let the queue's owner subscribe the queue";

/// How UTF-16 begins: one byte order mark or the other.
const UTF16_HEADS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// How gzip and zstd begin in base64. No JSON begins so.
const BASE64_HEADS: [&[u8]; 2] = [b"H4sI", b"KLUv/"];

/// What a message's body is.
#[derive(Debug)]
pub enum Content {
    Events(Box<Decoder>),
    /// The events are in the object it names: fetch, [`Pointer::verify`], and
    /// give them to [`Decoder::of_object`].
    Payload(Pointer),
}

impl Content {
    /// Opens a message's body. `encoding` is the message's attribute: `zstd` or
    /// `gzip` where the body is base64 of that.
    pub fn of(body: Bytes, encoding: Option<&str>, limits: &Limits) -> Result<Content, Unreadable> {
        let is_base64 = match encoding {
            None => is_base64(&body),
            Some("zstd" | "gzip") => true,
            Some(other) => return Err(Unreadable::Encoding(other.chars().take(64).collect())),
        };
        if is_base64 {
            let packed = STANDARD
                .decode(body.trim_ascii())
                .map_err(|_| Unreadable::Base64)?;
            let decoder = Decoder::of_object(packed.into(), limits);
            return Ok(Content::Events(Box::new(decoder)));
        }
        match Pointer::of_body(&body) {
            Some(pointer) => Ok(Content::Payload(pointer?)),
            None => Ok(Content::Events(Box::new(Decoder::of_object(body, limits)))),
        }
    }
}

/// Takes events out of content, parcel by parcel.
#[derive(Debug)]
pub struct Decoder {
    unpacker: Unpacker,
    splitter: Splitter,
    limits: Limits,
    buffer: BytesMut,
    /// Where in the content the buffer begins.
    offset: u64,
    over: bool,
    /// Told after what came before it was handed out.
    failed: Option<Unreadable>,
}

/// What [`Decoder::next_parcel`] gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pull {
    Parcel(Parcel),
    /// Feed the next chunk, or close. Only a decoder of chunks says so.
    Hungry,
    /// That was all.
    End,
}

impl Decoder {
    /// Of bytes that are in memory.
    pub fn of_object(content: Bytes, limits: &Limits) -> Decoder {
        let mut expected = content.len();
        if is_gzip(&content) || is_zstd(&content) {
            expected = expected.saturating_mul(USUAL_RATIO);
        }
        Decoder::new(Input::of_bytes(content), expected, limits)
    }

    /// Of bytes that are read as they are needed.
    pub fn of_reader(reader: impl Read + Send + 'static, limits: &Limits) -> Decoder {
        let input = Input::of_reader(Box::new(reader));
        Decoder::new(input, limits.parcel_bytes, limits)
    }

    /// Of bytes that will be fed: when [`Pull::Hungry`] comes out, the next go in
    /// by [`Decoder::feed`], or there are no more and [`Decoder::close`] says so.
    pub fn of_chunks(limits: &Limits) -> Decoder {
        Decoder::new(Input::of_chunks(), limits.parcel_bytes, limits)
    }

    fn new(input: Input, expected: usize, limits: &Limits) -> Decoder {
        Decoder {
            unpacker: Unpacker::new(input, limits),
            splitter: Splitter::new(limits),
            limits: limits.clone(),
            // One more, so that the end is seen without growing.
            buffer: BytesMut::with_capacity(expected.min(limits.parcel_bytes) + 1),
            offset: 0,
            over: false,
            failed: None,
        }
    }

    /// The next chunk, of any size. It is kept until it is used up.
    pub fn feed(&mut self, chunk: Bytes) {
        self.unpacker.input_mut().feed(chunk);
    }

    /// The content is complete with the chunks that were fed.
    pub fn close(&mut self) {
        self.unpacker.input_mut().close();
    }

    /// The next events. After an error the rest cannot be read.
    pub fn next_parcel(&mut self) -> Result<Pull, Unreadable> {
        let mut steps = Vec::new();
        let mut hungry = false;
        while steps.len() < self.limits.parcel_events {
            let over = self.over || self.failed.is_some();
            match self.splitter.next(&self.buffer, over) {
                // Cut off by what failed: not known to be bad.
                Step::Bad(range, _) if self.failed.is_some() && range.end == self.buffer.len() => {
                    break;
                }
                Step::More if self.failed.is_none() && !hungry && self.may_grow(&steps) => {
                    if steps.is_empty() {
                        self.release();
                    }
                    match self.fill() {
                        Ok(ready) => hungry = !ready,
                        Err(error) => self.failed = Some(error),
                    }
                }
                Step::More | Step::End => break,
                found => steps.push(found),
            }
        }
        if steps.is_empty() {
            return if hungry {
                Ok(Pull::Hungry)
            } else {
                self.finish()
            };
        }
        let offset = self.offset;
        let buffer = self.release_with(&steps);
        let mut parcel = Parcel {
            bytes: buffer.len(),
            ..Parcel::default()
        };
        for step in steps {
            self.take(step, &buffer, offset, 0, &mut parcel);
        }
        Ok(Pull::Parcel(parcel))
    }

    /// Bytes decompressed so far.
    pub fn unpacked(&self) -> u64 {
        self.unpacker.unpacked()
    }

    /// Bytes looked at so far, those looked at again counted again.
    pub fn scanned(&self) -> u64 {
        self.splitter.scanned()
    }

    fn finish(&self) -> Result<Pull, Unreadable> {
        match self.failed.clone() {
            Some(error) => Err(error),
            None if self.splitter.is_blank() => Err(Unreadable::Empty),
            None => Ok(Pull::End),
        }
    }

    /// Whether the parcel takes more bytes: until it is full, or as long as one
    /// event needs.
    fn may_grow(&self, steps: &[Step]) -> bool {
        steps.is_empty() || self.buffer.len() < self.limits.parcel_bytes
    }

    /// Gives up the bytes that are done with.
    fn release(&mut self) -> Bytes {
        let done = self.splitter.needed_from();
        self.splitter.rebase(done);
        self.offset += done as u64;
        if done >= self.buffer.capacity() / 2 {
            return self.buffer.split_to(done).freeze();
        }
        // A few bytes must not keep a large allocation alive.
        let copy = Bytes::copy_from_slice(&self.buffer[..done]);
        self.buffer.advance(done);
        copy
    }

    /// The same, with all that was found in it. What a broken object was told
    /// with may reach into what is still needed.
    fn release_with(&mut self, steps: &[Step]) -> Bytes {
        let reach = steps.iter().map(Step::end).max().unwrap_or_default();
        let found = &self.buffer[..reach];
        let longer = (reach > self.splitter.needed_from()).then(|| Bytes::copy_from_slice(found));
        let released = self.release();
        longer.unwrap_or(released)
    }

    /// Reads up to a full parcel, or a little more of a large event. Whether there
    /// is no need to wait for a chunk.
    fn fill(&mut self) -> Result<bool, Unreadable> {
        let target = self.limits.parcel_bytes.max(self.buffer.len() + READ_BYTES);
        while self.buffer.len() < target && !self.over {
            let length = self.buffer.len();
            if self.buffer.capacity() == length {
                // As much as came so far: small steps would copy all of it again
                // and again, a parcel for the last few bytes would be waste.
                let more = usize::try_from(self.unpacked()).unwrap_or(usize::MAX);
                self.buffer
                    .reserve(more.max(READ_BYTES).min(target - length));
            }
            let spare = self.buffer.capacity() - length;
            self.buffer
                .resize(length + spare.min(READ_BYTES).min(target - length), 0);
            let result = self.unpacker.read(&mut self.buffer[length..]);
            let count = result.as_ref().map_or(0, |count| count.unwrap_or_default());
            self.buffer.truncate(length + count);
            let count = result?;
            if self.offset == 0 && UTF16_HEADS.iter().any(|head| self.buffer.starts_with(head)) {
                self.buffer.clear();
                return Err(Unreadable::Utf16);
            }
            match count {
                Some(count) => self.over = count == 0,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Puts what was found into the parcel. `offset`: of `buffer` in the
    /// content.
    fn take(&self, step: Step, buffer: &Bytes, offset: u64, envelopes: u32, parcel: &mut Parcel) {
        match step {
            Step::Event(range) => {
                let at = offset + range.start as u64;
                self.open(&buffer.slice(range), at, envelopes, parcel);
            }
            Step::Bad(range, reason) => parcel.bad.push(Bad {
                offset: offset + range.start as u64,
                raw: kept(buffer, range),
                reason: reason.to_string(),
            }),
            Step::More | Step::End => {}
        }
    }

    /// Takes one object: an event, or an envelope around some.
    fn open(&self, raw: &Bytes, offset: u64, envelopes: u32, parcel: &mut Parcel) {
        let shape = if envelopes < ENVELOPES_MAX {
            Shape::of(raw)
        } else {
            Shape::Event
        };
        match shape {
            Shape::Event => parcel.events.push(Event {
                offset,
                ..Event::of(raw.clone())
            }),
            Shape::Detail { event, owner } => parcel.events.push(Event {
                offset: offset + event.start as u64,
                raw: raw.slice(event),
                owner,
            }),
            Shape::Records(range) => {
                let inner_offset = offset + range.start as u64;
                self.split(&raw.slice(range), inner_offset, envelopes + 1, parcel);
            }
            Shape::Message(range) => match self.sns_message(&raw[range]) {
                Ok(message) => {
                    parcel.bytes += message.len();
                    self.split(&message, offset, envelopes + 1, parcel);
                }
                Err(reason) => {
                    let reason = format!("the SNS message cannot be read: {reason}");
                    parcel.bad.push(Bad::new(raw, offset, reason));
                }
            },
            Shape::Notice => parcel.skipped += 1,
            Shape::Notification(form) => notification::take(form, raw, offset, parcel),
            Shape::Confirmation => {
                parcel
                    .bad
                    .push(Bad::new(raw, offset, CONFIRMATION.to_owned()));
            }
        }
    }

    /// What SNS was given: text, or gzip or zstd of it in base64.
    fn sns_message(&self, quoted: &[u8]) -> Result<Bytes, String> {
        let message: String = serde_json::from_slice(quoted).map_err(|error| error.to_string())?;
        if message.trim_ascii().is_empty() {
            return Err("it is empty".to_owned());
        }
        if !is_base64(message.as_bytes()) {
            return Ok(message.into());
        }
        let packed = STANDARD
            .decode(message.trim_ascii())
            .map_err(|error| error.to_string())?;
        let room = packed.len().saturating_mul(SNS_RATIO_MAX);
        let limits = Limits {
            unpacked_bytes: room.min(self.limits.event_bytes) as u64,
            ..self.limits.clone()
        };
        let mut unpacker = Unpacker::new(Input::of_bytes(packed.into()), &limits);
        unpacker
            .read_to_end()
            .map_err(|unreadable| unreadable.to_string())
    }

    /// Splits what an envelope held.
    fn split(&self, text: &Bytes, offset: u64, envelopes: u32, parcel: &mut Parcel) {
        let mut splitter = Splitter::new(&self.limits);
        let mut held = Parcel {
            bytes: parcel.bytes,
            ..Parcel::default()
        };
        loop {
            match splitter.next(text, true) {
                Step::End | Step::More => return parcel.append(held),
                step => self.take(step, text, offset, envelopes, &mut held),
            }
            if held.events.len() + held.bad.len() + held.objects.len() > ENVELOPE_PIECES_MAX {
                let reason = TOO_MANY_PIECES.to_owned();
                return parcel.bad.push(Bad::new(text, offset, reason));
            }
        }
    }
}

impl Parcel {
    /// Takes what an envelope in it held, counted on top of its bytes.
    fn append(&mut self, mut held: Parcel) {
        self.events.append(&mut held.events);
        self.bad.append(&mut held.bad);
        self.objects.append(&mut held.objects);
        self.bytes = held.bytes;
        self.skipped += held.skipped;
    }
}

/// Whether text begins as what was compressed.
fn is_base64(text: &[u8]) -> bool {
    BASE64_HEADS.iter().any(|head| text.starts_with(head))
}

impl Bad {
    /// A whole object that says nothing.
    pub(super) fn new(raw: &Bytes, offset: u64, reason: String) -> Bad {
        Bad {
            raw: kept(raw, 0..raw.len()),
            offset,
            reason,
        }
    }
}

/// What is kept of broken text: no more than allowed, and nothing beside it.
fn kept(text: &Bytes, range: Range<usize>) -> Bytes {
    if range.is_empty() {
        // Only an array that is not closed is reported without its text.
        return Bytes::from_static(b"[");
    }
    let end = range.end.min(range.start + BAD_BYTES_MAX);
    Bytes::copy_from_slice(&text[range.start..end])
}
