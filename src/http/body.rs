//! A request's body, read within bounds of size and time.
//!
//! It is told by its content what a body is, so that the headers only have to
//! be possible; a content coding that is promised must be kept, though.

use std::time::Duration;

use axum::{
    body::Body,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    },
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;

/// Longest pause between two pieces of a body, and longest time for all of it:
/// 16 MiB at 2 Mbit/s take a little longer than a minute.
const PAUSE_MAX: Duration = Duration::from_secs(10);
const WHOLE_MAX: Duration = Duration::from_secs(120);

/// Allocated before anything has come, whatever a header promises.
const FIRST_BYTES: usize = 64 << 10;

/// What may be in a body; which of them it is, its content tells.
const TYPES: [&str; 9] = [
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/gzip",
    "application/x-gzip",
    "application/zstd",
    "application/octet-stream",
    "text/plain",
];

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// A content coding that was promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Coding {
    name: &'static str,
    magic: &'static [u8],
}

/// Whether a body with these headers can be read at all, and what they promise.
pub(super) fn expect(headers: &HeaderMap, bytes_max: usize) -> Result<Option<Coding>, Problem> {
    let unsupported =
        |code, detail: String| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail);
    if let Some(value) = headers.get(CONTENT_TYPE) {
        let text = value.to_str().unwrap_or_default();
        let essence = text.split(';').next().unwrap_or_default().trim();
        if !TYPES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(essence))
        {
            let detail = format!("Content-Type must be one of {}", TYPES.join(", "));
            return Err(unsupported("content_type", detail));
        }
    }
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max as u64) {
        return Err(too_long(bytes_max));
    }
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match (codings.next().map(|value| value.as_bytes()), codings.next()) {
        (None, _) => None,
        (Some(name), None) if name.eq_ignore_ascii_case(b"identity") => None,
        (Some(name), None)
            if [&b"gzip"[..], b"x-gzip"]
                .iter()
                .any(|gzip| name.eq_ignore_ascii_case(gzip)) =>
        {
            Some(Coding {
                name: "gzip",
                magic: GZIP_MAGIC,
            })
        }
        (Some(name), None) if name.eq_ignore_ascii_case(b"zstd") => Some(Coding {
            name: "zstd",
            magic: ZSTD_MAGIC,
        }),
        _ => {
            let detail = "Content-Encoding must be gzip or zstd, once, or left out".to_owned();
            let problem = unsupported("content_encoding", detail);
            return Err(problem.with(ACCEPT_ENCODING, "gzip, zstd"));
        }
    };
    Ok(coding)
}

impl Coding {
    /// Whether the body keeps the promise.
    pub(super) fn check(self, body: &[u8]) -> Result<(), Problem> {
        if body.starts_with(self.magic) {
            return Ok(());
        }
        let detail = format!("Content-Encoding says {0}, the body is no {0}", self.name);
        Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "content_encoding",
            detail,
        ))
    }
}

/// All of it.
pub(super) async fn read(mut body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let end = Instant::now() + WHOLE_MAX;
    let mut read = BytesMut::with_capacity(FIRST_BYTES.min(bytes_max));
    loop {
        let deadline = end.min(Instant::now() + PAUSE_MAX);
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => return Ok(read.freeze()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                let detail = "the body ended before it was complete";
                return Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "body_cut_off",
                    detail,
                ));
            }
            Err(_) => {
                let detail = format!(
                    "the body came too slowly: at most {} s between two pieces, {} s for all of it",
                    PAUSE_MAX.as_secs(),
                    WHOLE_MAX.as_secs()
                );
                return Err(Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "body_slow",
                    detail,
                ));
            }
        };
        // Trailers say nothing about events.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if read.len() + data.len() > bytes_max {
            return Err(too_long(bytes_max));
        }
        read.extend_from_slice(&data);
    }
}

fn too_long(bytes_max: usize) -> Problem {
    let detail = format!(
        "a body has at most {bytes_max} bytes: split it, compress it, or raise \
         http.ingest_body_bytes"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn headers_must_be_possible() {
        let kind = |text| (CONTENT_TYPE, text);
        let coding = |text| (CONTENT_ENCODING, text);
        type Case<'c> = (&'c [(HeaderName, &'c str)], Result<Option<&'c str>, u16>);
        let cases: [Case<'_>; 15] = [
            (&[], Ok(None)),
            (&[kind("application/json; charset=utf-8")], Ok(None)),
            (&[kind("Application/X-NDJSON")], Ok(None)),
            (&[kind("application/gzip")], Ok(None)),
            (&[kind("text/html")], Err(415)),
            (&[kind("application/x-www-form-urlencoded")], Err(415)),
            (&[kind("multipart/form-data; boundary=x")], Err(415)),
            (&[kind("")], Err(415)),
            (&[coding("GZIP")], Ok(Some("gzip"))),
            (
                &[coding("zstd"), kind("application/json")],
                Ok(Some("zstd")),
            ),
            (&[coding("identity")], Ok(None)),
            (&[coding("br")], Err(415)),
            (&[coding("gzip, zstd")], Err(415)),
            (&[coding("gzip"), coding("gzip")], Err(415)),
            (&[(CONTENT_LENGTH, "101")], Err(413)),
        ];
        for (given, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                let value = HeaderValue::from_str(value).expect("visible");
                headers.append(name.clone(), value);
            }
            let found = expect(&headers, 100);
            let found = found.map(|coding| coding.map(|coding| coding.name));
            assert_eq!(found.map_err(|p| p.status.as_u16()), expected, "{given:?}");
        }
    }
}
