//! Finds where one event ends and the next begins, in text that arrives in
//! chunks, and keeps a broken event from harming its neighbours.
//!
//! Events are JSON objects, one after the other (NDJSON, concatenated, or pretty
//! printed over many lines), or the elements of an array or of CloudTrail's
//! `{"Records":[…]}`. Between them white space, commas and these brackets are
//! skipped. Only brackets and strings are looked at; whether an event is valid
//! JSON is for its normalizer to say. An event's bytes are never changed.
//!
//! An object is *broken* when a string holds a raw line break, when its first
//! and last bracket do not match, when the text ends inside it, when something
//! else follows it on its line, or when a line inside it begins with `{`, no
//! further indented than the object itself, and what stands before that line is
//! none of `,` `:` `[`: then that line is the next event. The broken text ends,
//! and reading goes on,
//!
//! 1. before the first line inside it that begins with such a `{`, even if JSON
//!    would have allowed it there: up to then it was taken on trust;
//! 2. else, when it is of one line or something follows it, at the end of the line, in an array already
//!    at the next comma or closing bracket of the array;
//! 3. else before the next line that begins with such a `{`.
//!
//! Broken lines that follow each other may be taken as one, good ones never.
//! Going back (rule 1) costs little: each time the object is at most 64 levels
//! deep, so a byte is looked at at most 65 times, by hostile text.

use std::ops::Range;

use super::{
    Limits,
    junk::{Junk, Until},
    object::Object,
    scan::{BLOCK, Scan},
};

/// Spaces looked through for what follows an object on its line, and the
/// furthest indent told apart.
pub(super) const BLANKS_MAX: usize = 64;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What was found. Positions count from the start of the buffer given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Event(Range<usize>),
    Bad(Range<usize>, Reason),
    /// Nothing more without more bytes.
    More,
    /// The text is over.
    End,
}

impl Step {
    /// Where what was found ends in the buffer.
    pub(super) fn end(&self) -> usize {
        match self {
            Step::Event(range) | Step::Bad(range, _) => range.end,
            Step::More | Step::End => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("not a JSON object: send each event as one")]
    NotAnObject,
    #[error("a string holds a raw line break: write it as \\n")]
    RawNewline,
    #[error("brackets do not match")]
    Mismatch,
    #[error("the object is not closed")]
    Unclosed,
    #[error("the array is not closed: it may have been cut off")]
    ArrayUnclosed,
    #[error("more text follows the event on its line")]
    Trailing,
    #[error("nested too deeply: at most {0} levels are read")]
    Depth(u32),
    #[error("too many keys: at most {0} are read")]
    Keys(u32),
    #[error("too large: at most {0} bytes are read, these are its first")]
    Bytes(usize),
}

#[derive(Debug)]
enum State {
    Between,
    Object(Object),
    Junk(Junk),
}

#[derive(Debug)]
pub(super) struct Splitter {
    depth_max: u32,
    keys_max: u32,
    event_bytes: usize,
    state: State,
    /// The next byte to look at.
    at: usize,
    /// Blanks since the line began, if nothing else.
    indent: Option<usize>,
    in_array: bool,
    /// Inside of `{"Records":[…]}`: its closing brace is still to come.
    in_records: bool,
    /// Nothing but white space so far.
    blank: bool,
    started: bool,
    scanned: u64,
}

impl Splitter {
    pub(super) fn new(limits: &Limits) -> Splitter {
        Splitter {
            depth_max: limits.depth,
            keys_max: limits.keys,
            event_bytes: limits.event_bytes,
            state: State::Between,
            at: 0,
            indent: Some(0),
            in_array: false,
            in_records: false,
            blank: true,
            started: false,
            scanned: 0,
        }
    }

    /// The next event or broken text. `over`: nothing comes after `buffer`.
    pub(super) fn next(&mut self, buffer: &[u8], over: bool) -> Step {
        loop {
            let found = match std::mem::replace(&mut self.state, State::Between) {
                State::Between => self.between(buffer, over),
                State::Object(object) => self.object(object, buffer, over),
                State::Junk(junk) => self.junk(junk, buffer, over),
            };
            if let Some(step) = found {
                return step;
            }
        }
    }

    /// Bytes before this are done with.
    pub(super) fn needed_from(&self) -> usize {
        match &self.state {
            State::Object(object) if !object.reported => object.start,
            // What stands before a line is looked at when the line begins.
            State::Object(object) => {
                let line = self.at.saturating_sub(2 * BLANKS_MAX);
                line.max(object.start)
            }
            State::Junk(junk) if !junk.reported => junk.start,
            _ => self.at,
        }
    }

    /// The buffer lost its first `count` bytes, all of them done with.
    pub(super) fn rebase(&mut self, count: usize) {
        self.at -= count;
        match &mut self.state {
            State::Object(object) => {
                object.start = object.start.saturating_sub(count);
                object.end = object.end.map(|end| end - count);
                object.suspect = object.suspect.map(|line| line.saturating_sub(count));
            }
            State::Junk(junk) => junk.start = junk.start.saturating_sub(count),
            State::Between => {}
        }
    }

    /// Whether there was nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.blank
    }

    /// Bytes looked at so far, again and again counted.
    pub(super) fn scanned(&self) -> u64 {
        self.scanned
    }

    fn between(&mut self, buffer: &[u8], over: bool) -> Option<Step> {
        if !self.started {
            if buffer.len() < BYTE_ORDER_MARK.len() && !over {
                return Some(Step::More);
            }
            self.started = true;
            if buffer.starts_with(BYTE_ORDER_MARK) {
                self.at = BYTE_ORDER_MARK.len();
            }
        }
        while let Some(&byte) = buffer.get(self.at) {
            self.blank &= byte.is_ascii_whitespace();
            match byte {
                b'\n' => self.indent = Some(0),
                b' ' | b'\t' => self.indent = self.indent.map(|blanks| blanks + 1),
                b'\r' => {}
                b',' => self.indent = None,
                b'[' if !self.in_array => {
                    self.indent = None;
                    self.in_array = true;
                }
                b']' if self.in_array => self.in_array = false,
                b'}' if self.in_records && !self.in_array => self.in_records = false,
                b'{' if !self.in_array => match records_head(&buffer[self.at..], over) {
                    Head::Unknown => return Some(Step::More),
                    Head::Records(length) => {
                        self.at += length - 1;
                        self.indent = None;
                        self.in_array = true;
                        self.in_records = true;
                    }
                    Head::Other => return self.begin_object(),
                },
                b'{' => return self.begin_object(),
                _ => {
                    self.state = State::Junk(Junk::new(self.at, self.until(), Reason::NotAnObject));
                    return None;
                }
            }
            self.at += 1;
        }
        if !over {
            return Some(Step::More);
        }
        if std::mem::take(&mut self.in_array) {
            return Some(Step::Bad(self.at..self.at, Reason::ArrayUnclosed));
        }
        Some(Step::End)
    }

    fn begin_object(&mut self) -> Option<Step> {
        self.state = State::Object(Object::new(self.at, self.indent.unwrap_or(0)));
        None
    }

    fn until(&self) -> Until {
        if self.in_array {
            Until::Element
        } else {
            Until::Line
        }
    }

    fn object(&mut self, mut object: Object, buffer: &[u8], over: bool) -> Option<Step> {
        while object.end.is_none() {
            let rest = &buffer[self.at..];
            let mut padded = [b' '; BLOCK];
            let block = match rest.first_chunk() {
                Some(block) => block,
                None if !over => return self.pause(object),
                None if rest.is_empty() => {
                    return self.broken(&object, Reason::Unclosed);
                }
                None => {
                    padded[..rest.len()].copy_from_slice(rest);
                    &padded
                }
            };
            let scan = Scan::of(block, &mut object.carry);
            let length = rest.len().min(BLOCK);
            self.scanned += length as u64;
            if object.is_calm(&scan, self.depth_max) {
                self.at += length;
            } else if let Some((place, reason)) =
                object.walk(&scan, buffer, self.at, self.depth_max)
            {
                self.at = place;
                return self.broken(&object, reason);
            } else {
                self.at = object.end.unwrap_or(self.at + length);
            }
        }
        self.ended(object, buffer, over)
    }

    /// Waits for more bytes, unless the object is already too large.
    fn pause(&mut self, mut object: Object) -> Option<Step> {
        if !object.reported && self.at - object.start > self.event_bytes {
            if object.suspect.is_some() {
                return self.broken(&object, Reason::Unclosed);
            }
            object.reported = true;
            let step = Step::Bad(object.start..self.at, Reason::Bytes(self.event_bytes));
            self.state = State::Object(object);
            return Some(step);
        }
        self.state = State::Object(object);
        Some(Step::More)
    }

    /// The object's brackets are balanced: is that all there is on its line?
    fn ended(&mut self, object: Object, buffer: &[u8], over: bool) -> Option<Step> {
        let end = object.end.unwrap_or(self.at);
        if buffer[end - 1] != b'}' {
            return self.broken(&object, Reason::Mismatch);
        }
        let blanks = buffer[end..].iter().take(BLANKS_MAX);
        let follower = blanks.copied().find(|b| !matches!(b, b' ' | b'\t' | b'\r'));
        match follower {
            None if !over && buffer.len() - end < BLANKS_MAX => {
                self.state = State::Object(object);
                return Some(Step::More);
            }
            None | Some(b'\n' | b',' | b'{') => {}
            Some(b'[') if !self.in_array => {}
            Some(b']') if self.in_array => {}
            Some(_) => return self.broken(&object, Reason::Trailing),
        }
        self.indent = None;
        let range = object.start..end;
        if object.reported {
            None
        } else if range.len() > self.event_bytes {
            Some(Step::Bad(range, Reason::Bytes(self.event_bytes)))
        } else if object.too_deep {
            Some(Step::Bad(range, Reason::Depth(self.depth_max)))
        } else if object.keys > self.keys_max {
            Some(Step::Bad(range, Reason::Keys(self.keys_max)))
        } else {
            Some(Step::Event(range))
        }
    }

    /// Ends the object as the module's header says.
    fn broken(&mut self, object: &Object, reason: Reason) -> Option<Step> {
        if let Some(line) = object.suspect {
            self.at = line;
            self.indent = None;
            return (!object.reported).then_some(Step::Bad(object.start..line, reason));
        }
        let until = if object.many_lines && reason != Reason::Trailing {
            Until::Record(object.indent)
        } else {
            self.until()
        };
        let mut junk = Junk::new(object.start, until, reason);
        junk.reported = object.reported;
        self.state = State::Junk(junk);
        None
    }

    fn junk(&mut self, mut junk: Junk, buffer: &[u8], over: bool) -> Option<Step> {
        let from = self.at;
        let ended = junk.scan(buffer, &mut self.at, over);
        self.scanned += (self.at - from) as u64;
        let range = junk.start..self.at;
        if ended {
            self.indent = None;
            // What was cut off inside broken text is not reported twice.
            self.in_array &= !(over && self.at == buffer.len());
            return (!junk.reported).then_some(Step::Bad(range, junk.reason));
        }
        let step = if !junk.reported && range.len() > self.event_bytes {
            junk.reported = true;
            Step::Bad(range, Reason::Bytes(self.event_bytes))
        } else {
            Step::More
        };
        self.state = State::Junk(junk);
        Some(step)
    }
}

enum Head {
    Records(usize),
    Other,
    /// Too few bytes to tell.
    Unknown,
}

/// Whether the text begins with `{"Records":[`, and how long that is.
fn records_head(text: &[u8], over: bool) -> Head {
    let head = &text[..text.len().min(BLANKS_MAX)];
    let mut rest = head;
    for part in [&b"{"[..], b"\"Records\"", b":", b"["] {
        rest = rest.trim_ascii_start();
        match rest.strip_prefix(part) {
            Some(after) => rest = after,
            None if part.starts_with(rest) && head.len() < BLANKS_MAX && !over => {
                return Head::Unknown;
            }
            None => return Head::Other,
        }
    }
    Head::Records(head.len() - rest.len())
}
