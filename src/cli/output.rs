//! Standard output: the data a verb was asked for, and nothing else.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

/// How the data is printed.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// Prints `object` as one line of JSON, or else `text`.
    pub fn print(self, object: &impl Serialize, text: &str) -> io::Result<()> {
        if self.json {
            let line = serde_json::to_string(object).map_err(io::Error::other)?;
            write(&line)
        } else {
            write(text)
        }
    }
}

/// Prints lines as they are: NDJSON with or without `--json`.
pub(super) fn lines(lines: impl IntoIterator<Item = String>) -> io::Result<()> {
    lines.into_iter().try_for_each(|line| write(&line))
}

fn write(text: &str) -> io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    bytes(format!("{text}{end}").as_bytes())
}

/// Prints a file as it is. A reader that went away (`idtrail … | head`) has seen
/// enough.
pub(super) fn bytes(file: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(file).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
