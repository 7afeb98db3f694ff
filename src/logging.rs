//! Log lines on standard error: for people, or one JSON object a line.
//!
//! Threat T9: what is logged may come from outside. Control characters are
//! escaped, so that a value can neither begin a line nor move a terminal's
//! cursor, and a field is cut at [`FIELD_BYTES_MAX`]. A panic is logged as a line
//! like any other. Spans are not shown: an event carries all that it means.

use std::{
    fmt::{self, Write as _},
    panic,
};

use actors::ports::Clock;
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::{clock::Machine, color, progress};

/// Longest field of a line, in bytes.
const FIELD_BYTES_MAX: usize = 1_024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Text { color: bool },
    Json,
}

impl Format {
    pub fn new(json: bool) -> Format {
        match json {
            true => Format::Json,
            false => Format::Text {
                color: color::on_stderr(),
            },
        }
    }
}

/// Sends log lines to standard error from now on; a second call does nothing.
/// Libraries are heard from `warn` on, or from `level` if that is stricter.
pub fn start(level: LevelFilter, format: Format) {
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(["idtrail", "actors", "audit"].map(|own| (own, level)));
    let started = tracing_subscriber::registry()
        .with(Lines { format }.with_filter(targets))
        .try_init();
    if started.is_ok() {
        panic::set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            let cause = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(place, "panic: {cause}");
        }));
    }
}

struct Lines {
    format: Format,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = self.format.line(Machine.wall_ms(), event);
        line.push('\n');
        progress::print_above(&line);
    }
}

impl Format {
    fn line(self, now_ms: i64, event: &Event<'_>) -> String {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let time = jiff::Timestamp::from_millisecond(now_ms)
            .map(|time| format!("{time:.3}"))
            .unwrap_or_default();
        let metadata = event.metadata();
        let (level, target) = (*metadata.level(), metadata.target());
        match self {
            Format::Text { color } => fields.text(&time, level, color),
            Format::Json => fields.json(&time, level, target),
        }
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn text(mut self, time: &str, level: Level, color: bool) -> String {
        let message = self.0.remove("message");
        let message = message.as_ref().and_then(Value::as_str).unwrap_or_default();
        let (on, off) = match level {
            _ if !color => ("", ""),
            Level::ERROR => ("\x1b[31m", "\x1b[0m"),
            Level::WARN => ("\x1b[33m", "\x1b[0m"),
            Level::INFO => ("\x1b[32m", "\x1b[0m"),
            _ => ("\x1b[2m", "\x1b[0m"),
        };
        let mut line = format!("{time} {on}{level:>5}{off} {}", escaped(message));
        for (name, value) in &self.0 {
            let written = match value {
                Value::String(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
                    write!(line, " {name}=\"{}\"", escaped(text).replace('"', "\\\""))
                }
                Value::String(text) => write!(line, " {name}={}", escaped(text)),
                other => write!(line, " {name}={other}"),
            };
            written.expect("a String takes everything");
        }
        line
    }

    fn json(mut self, time: &str, level: Level, target: &str) -> String {
        let message = self.0.remove("message").unwrap_or_default();
        let mut line = Map::new();
        line.insert("time".to_owned(), time.into());
        line.insert("level".to_owned(), level.as_str().to_lowercase().into());
        line.insert("target".to_owned(), target.into());
        line.insert("message".to_owned(), message);
        // A field cannot take the place of one of ours.
        for (name, value) in self.0 {
            line.entry(name).or_insert(value);
        }
        let line = Value::Object(line).to_string();
        // Only inside of texts can such a character stand.
        replaced(&line, |c| format!("\\u{:04x}", u32::from(c)))
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut cut = Cut::default();
        // An error means that the field is full, and what is there is kept.
        write!(cut, "{value:?}").ok();
        self.put(field, cut.finish());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut cut = Cut::default();
        cut.write_str(value).ok();
        self.put(field, cut.finish());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

/// Text that stops growing at the limit, without formatting the rest.
#[derive(Default)]
struct Cut {
    text: String,
    full: bool,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = FIELD_BYTES_MAX - self.text.len();
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        self.text.push_str(&more[..more.floor_char_boundary(room)]);
        self.full = true;
        Err(fmt::Error)
    }
}

impl Cut {
    fn finish(mut self) -> String {
        if self.full {
            self.text.push('…');
        }
        self.text
    }
}

/// Without control characters, those included that reorder text for the eye.
fn escaped(text: &str) -> String {
    replaced(text, |c| c.escape_unicode().to_string())
}

/// With something else in place of each character that controls a terminal; all
/// of them have four hexadecimal digits.
fn replaced(text: &str, instead: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || reorders || matches!(c, '\u{2028}' | '\u{2029}') {
            out.push_str(&instead(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone)]
    struct Captured(Format, Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Captured {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.1
                .lock()
                .expect("no panic holds it")
                .push(self.0.line(1_732_330_000_123, event));
        }
    }

    fn captured(format: Format, log: impl FnOnce()) -> String {
        let layer = Captured(format, Arc::default());
        let subscriber = tracing_subscriber::registry().with(layer.clone());
        tracing::subscriber::with_default(subscriber, log);
        let lines = layer.1.lock().expect("no panic holds it");
        assert_eq!(lines.len(), 1);
        lines[0].clone()
    }

    const PLAIN: Format = Format::Text { color: false };

    #[test]
    fn a_text_line_reads_from_left_to_right() {
        let line = captured(PLAIN, || {
            tracing::info!(rows = 12, tenant = "a b", ok = true, "stored");
        });
        assert_eq!(
            line,
            "2024-11-23T02:46:40.123Z  INFO stored ok=true rows=12 tenant=\"a b\""
        );
    }

    #[test]
    fn t9_no_value_breaks_or_colours_a_line() {
        let hostile = "x\r\n{\"level\":\"error\"}\x1b[2J\u{202e}\u{2028}\0";
        let line = captured(PLAIN, || tracing::warn!(agent = hostile, "{hostile}"));
        assert!(
            line.chars()
                .all(|c| !c.is_control() && c != '\u{202e}' && c != '\u{2028}'),
            "{line:?}"
        );

        let line = captured(Format::Json, || {
            tracing::warn!(agent = hostile, level = "debug", "{hostile}");
        });
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
        let object: Value = serde_json::from_str(&line).expect("one JSON object");
        assert_eq!(
            (&object["level"], &object["agent"]),
            (&"warn".into(), &hostile.into())
        );
    }

    #[test]
    fn t9_a_field_is_cut_at_its_limit() {
        let long = "é".repeat(FIELD_BYTES_MAX);
        for format in [PLAIN, Format::Json] {
            let line = captured(format, || tracing::info!(a = long, b = ?long, "{long}"));
            assert!(line.len() < 3 * FIELD_BYTES_MAX + 200, "{}", line.len());
            assert!(line.contains('…'));
        }
    }
}
