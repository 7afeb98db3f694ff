//! Text that is not an event, passed over up to where an event may begin again.

use super::splitter::{BLANKS_MAX, Reason};

/// Where broken text ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// At the end of its line.
    Line,
    /// At the end of its line, or of the array's element.
    Element,
    /// Before the next line that begins with `{` after at most so many blanks.
    Record(usize),
}

#[derive(Debug)]
pub(super) struct Junk {
    pub(super) start: usize,
    pub(super) reason: Reason,
    /// Too large, and reported: the rest is only passed over.
    pub(super) reported: bool,
    until: Until,
    in_string: bool,
    escaped: bool,
    depth: u64,
}

impl Junk {
    pub(super) fn new(start: usize, until: Until, reason: Reason) -> Junk {
        Junk {
            start,
            reason,
            reported: false,
            until,
            in_string: false,
            escaped: false,
            depth: 0,
        }
    }

    /// Moves `at` forward, to the end if there is one in sight.
    pub(super) fn scan(&mut self, buffer: &[u8], at: &mut usize, over: bool) -> bool {
        match self.until {
            Until::Line => {
                if let Some(length) = memchr::memchr(b'\n', &buffer[*at..]) {
                    *at += length;
                    return true;
                }
                *at = buffer.len();
            }
            Until::Element => {
                while let Some(&byte) = buffer.get(*at) {
                    if self.ends_element(byte) {
                        return true;
                    }
                    *at += 1;
                }
            }
            Until::Record(indent) => {
                while let Some(length) = memchr::memchr(b'\n', &buffer[*at..]) {
                    *at += length;
                    let line = &buffer[*at + 1..];
                    let mut blanks = line.iter().take(BLANKS_MAX + 1);
                    match blanks.position(|b| !matches!(b, b' ' | b'\t')) {
                        Some(count) if count <= indent && line[count] == b'{' => return true,
                        None if line.len() <= BLANKS_MAX && !over => return false,
                        _ => *at += 1,
                    }
                }
                *at = buffer.len();
            }
        }
        over
    }

    fn ends_element(&mut self, byte: u8) -> bool {
        let escapes = byte == b'\\' && self.in_string && !self.escaped;
        let escaped = std::mem::replace(&mut self.escaped, escapes);
        match byte {
            b'\n' => return true,
            b'"' if !escaped => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b',' | b']' if self.depth == 0 => return true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}

/// Where the line break before the last line of `text` is, if that line is
/// nothing but at most `indent` blanks.
pub(super) fn line_begins(text: &[u8], indent: usize) -> Option<usize> {
    let blanks = text.iter().rev().take(indent + 1);
    let count = blanks.take_while(|b| matches!(b, b' ' | b'\t')).count();
    let line = text.len().checked_sub(count + 1)?;
    (text[line] == b'\n').then_some(line)
}
