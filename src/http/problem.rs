//! Errors as RFC 9457 has them: `application/problem+json`.
//!
//! `type` is `about:blank`, so that `title` is the status in words; what can be
//! told apart by machines is the member `code`. A detail says what to do and
//! shows nothing of what was sent but a short excerpt, escaped.

use std::time::Duration;

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Characters shown of what was sent.
const EXCERPT_CHARS_MAX: usize = 60;

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    code: &'static str,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Document<'p> {
    r#type: &'static str,
    title: &'p str,
    status: u16,
    code: &'static str,
    detail: &'p str,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        Problem {
            status,
            code,
            detail: detail.into(),
            headers: Vec::new(),
        }
    }

    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    #[must_use]
    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Problem {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The same request may succeed after this time.
    #[must_use]
    pub(super) fn retry_after(mut self, pause: Duration) -> Problem {
        self.headers.push((RETRY_AFTER, pause.as_secs().into()));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
        };
        let body = serde_json::to_string(&document).expect("texts and a number are JSON");
        let json = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, json, body + "\n").into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

/// The beginning of what was sent, fit to be shown.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(4 * EXCERPT_CHARS_MAX)];
    let text = String::from_utf8_lossy(head);
    let shown: String = text.chars().take(EXCERPT_CHARS_MAX).collect();
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_escaped() {
        for (bytes, expected) in [
            (&b"plain"[..], "\"plain\"".to_owned()),
            (b"", "\"\"".to_owned()),
            (b"\x1b[2J\r\n\"\\", r#""\u{1b}[2J\r\n\"\\""#.to_owned()),
            (b"\xff\xfe", "\"\u{fffd}\u{fffd}\"".to_owned()),
            (&[b'a'; 1_000], format!("\"{}…\"", "a".repeat(60))),
        ] {
            assert_eq!(excerpt(bytes), expected);
        }
    }
}
