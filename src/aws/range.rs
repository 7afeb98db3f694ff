//! A stretch of an object: one ranged GET, whole or not at all.
//!
//! The first read of an object learns its size and its tag; later ones ask for
//! the same tag, so that stretches of two different contents are never joined.

use std::time::Duration;

use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput};
use bytes::Bytes;
use tokio::time::timeout;

use super::{
    Kind,
    operation::{GET_OBJECT, GET_VERSION},
    trouble::{Trouble, ask},
};

/// For all of a stretch: the SDK's tries to begin it, and its body.
const LIMIT: Duration = Duration::from_secs(60);

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) bucket: &'w str,
    pub(super) key: &'w str,
    pub(super) version: Option<&'w str>,
    pub(super) owner: Option<&'w str>,
    /// Of an earlier stretch.
    pub(super) tag: Option<&'w str>,
    /// The ARN that a policy would name.
    pub(super) arn: &'w str,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) bytes: Bytes,
    /// Of the whole object.
    pub(super) total: u64,
    pub(super) tag: String,
    pub(super) modified_ms: i64,
}

impl Wanted<'_> {
    /// At most `count` bytes from `offset` on; none at the end.
    pub(super) async fn read(
        &self,
        client: &Client,
        offset: u64,
        count: u64,
    ) -> Result<Found, Trouble> {
        let operation = match self.version {
            Some(_) => GET_VERSION,
            None => GET_OBJECT,
        };
        let last = offset.saturating_add(count.max(1)) - 1;
        let request = client
            .get_object()
            .bucket(self.bucket)
            .key(self.key)
            .set_version_id(self.version.map(str::to_owned))
            .set_expected_bucket_owner(self.owner.map(str::to_owned))
            .set_if_match(self.tag.map(str::to_owned))
            .range(format!("bytes={offset}-{last}"));
        let read = async {
            match ask(operation, self.arn, request.send()).await {
                Ok(output) => found(output, offset)
                    .await
                    .map_err(|what| Trouble::broken(operation, self.arn, what)),
                Err(trouble) if trouble.kind == Kind::Range => Ok(Found::end(offset, self.tag)),
                Err(trouble) => Err(trouble),
            }
        };
        match timeout(LIMIT, read).await {
            Ok(read) => read,
            Err(_) => Err(Trouble::late(operation, self.arn)),
        }
    }
}

impl Found {
    /// Nothing begins at `offset`: an empty object, or the end of one whose
    /// length a multiple of stretches is.
    fn end(offset: u64, tag: Option<&str>) -> Found {
        Found {
            bytes: Bytes::new(),
            total: offset,
            tag: tag.unwrap_or_default().to_owned(),
            modified_ms: 0,
        }
    }
}

async fn found(output: GetObjectOutput, offset: u64) -> Result<Found, String> {
    let total = total(&output, offset)?;
    let tag = output.e_tag().unwrap_or_default().to_owned();
    let modified_ms = output
        .last_modified()
        .and_then(|time| time.to_millis().ok())
        .unwrap_or_default();
    let promised = output.content_length();
    let body = output.body.collect().await;
    let bytes = body.map_err(|error| error.to_string())?.into_bytes();
    if promised.is_some_and(|length| u64::try_from(length) != Ok(bytes.len() as u64)) {
        return Err(format!("it ended after {} bytes", bytes.len()));
    }
    Ok(Found {
        bytes,
        total,
        tag,
        modified_ms,
    })
}

/// From `Content-Range: bytes 0-9/100`. A server may ignore the range and send
/// all: that is right only from the beginning.
fn total(output: &GetObjectOutput, offset: u64) -> Result<u64, String> {
    let length = output.content_length().and_then(|n| u64::try_from(n).ok());
    match (output.content_range(), length) {
        (Some(range), _) => parse(range)
            .filter(|(start, _)| *start == offset)
            .map(|(_, total)| total)
            .ok_or_else(|| format!("it is the range {range:?}, not the one from {offset} on")),
        (None, Some(length)) if offset == 0 => Ok(length),
        (None, _) => Err("the server does not read by ranges".to_owned()),
    }
}

fn parse(range: &str) -> Option<(u64, u64)> {
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_tells_start_and_whole() {
        for (range, expected) in [
            ("bytes 0-9/100", Some((0, 100))),
            (
                "bytes 4194304-4194305/4194306",
                Some((4_194_304, 4_194_306)),
            ),
            ("bytes */0", None),
            ("bytes 0-9/*", None),
            ("0-9/100", None),
        ] {
            assert_eq!(parse(range), expected, "{range}");
        }
    }
}
