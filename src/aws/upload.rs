//! Create-only uploads in parts, for what is too large for one PUT.
//!
//! Parts go a few at once, each with its SHA-256. Only the completion makes the
//! object, and it carries the condition. An upload that did not come to its end
//! is aborted, so that its parts cost nothing; if the process dies first, they
//! stay until the bucket's lifecycle rule removes them.

use actors::ports::Created;
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use tokio::task::JoinSet;

use super::{
    Kind,
    operation::{ABORT_UPLOAD, COMPLETE_UPLOAD, CREATE_UPLOAD, UPLOAD_PART},
    s3::{Store, created, once, patiently},
    trouble::{Trouble, ask},
};

/// The largest body of a single PUT: what a journal object has at most.
pub(super) const WHOLE_BYTES_MAX: usize = 64 << 20;
/// S3 wants 5 MiB at least and 10,000 parts at most.
pub(super) const PART_BYTES: usize = 16 << 20;
/// Parts under way at once.
const PARTS_MAX: usize = 4;

impl Store {
    pub(super) async fn upload(&self, key: &str, body: &Bytes) -> Result<Created, Trouble> {
        let id = self.begin(key).await?;
        let outcome = match self.parts(key, &id, body).await {
            Ok(parts) => self.complete(key, &id, parts).await,
            Err(trouble) => Err(trouble),
        };
        if !matches!(outcome, Ok(Created::New))
            && let Err(trouble) = self.abort(key, &id).await
        {
            tracing::warn!(%trouble, "parts of an upload stay until the bucket removes them");
        }
        outcome
    }

    /// The name of a new upload.
    pub(super) async fn begin(&self, key: &str) -> Result<String, Trouble> {
        let request = self
            .client
            .create_multipart_upload()
            .bucket(&self.location.bucket)
            .key(key)
            .set_expected_bucket_owner(self.owner())
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let begun = ask(CREATE_UPLOAD, &self.arn, request.send()).await?;
        begun
            .upload_id
            .ok_or_else(|| Trouble::broken(CREATE_UPLOAD, &self.arn, "it has no upload id"))
    }

    async fn parts(
        &self,
        key: &str,
        id: &str,
        body: &Bytes,
    ) -> Result<Vec<CompletedPart>, Trouble> {
        let mut under_way = JoinSet::new();
        let mut done = Vec::new();
        let mut rest = body.clone();
        let mut number = 0;
        while !rest.is_empty() || !under_way.is_empty() {
            if rest.is_empty() || under_way.len() == PARTS_MAX {
                if let Some(part) = under_way.join_next().await {
                    done.push(part.map_err(|lost| Trouble::broken(UPLOAD_PART, &self.arn, lost))??);
                }
                continue;
            }
            number += 1;
            let part = rest.split_to(PART_BYTES.min(rest.len()));
            let (store, key, id) = (self.clone(), key.to_owned(), id.to_owned());
            under_way.spawn(async move { store.part(key, id, number, part).await });
        }
        done.sort_unstable_by_key(CompletedPart::part_number);
        Ok(done)
    }

    pub(super) async fn part(
        &self,
        key: String,
        id: String,
        number: i32,
        body: Bytes,
    ) -> Result<CompletedPart, Trouble> {
        // The same part again does no harm.
        let limits = patiently(body.len());
        let request = self
            .client
            .upload_part()
            .bucket(&self.location.bucket)
            .key(key)
            .upload_id(id)
            .set_expected_bucket_owner(self.owner())
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(body))
            .customize()
            .config_override(limits);
        let part = ask(UPLOAD_PART, &self.arn, request.send()).await?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag)
            .set_checksum_sha256(part.checksum_sha256)
            .build())
    }

    async fn complete(
        &self,
        key: &str,
        id: &str,
        parts: Vec<CompletedPart>,
    ) -> Result<Created, Trouble> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(&self.location.bucket)
            .key(key)
            .upload_id(id)
            .set_expected_bucket_owner(self.owner())
            .if_none_match("*")
            .multipart_upload(parts.build())
            .customize()
            .config_override(once(WHOLE_BYTES_MAX));
        created(ask(COMPLETE_UPLOAD, &self.arn, request.send()).await)
    }

    pub(super) async fn abort(&self, key: &str, id: &str) -> Result<(), Trouble> {
        let request = self
            .client
            .abort_multipart_upload()
            .bucket(&self.location.bucket)
            .key(key)
            .upload_id(id)
            .set_expected_bucket_owner(self.owner());
        match ask(ABORT_UPLOAD, &self.arn, request.send()).await {
            // An upload that was completed, after all, is no more.
            Err(trouble) if trouble.kind != Kind::Absent => Err(trouble),
            _ => Ok(()),
        }
    }
}
