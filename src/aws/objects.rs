//! Objects of source buckets: those that the settings name, and no others.
//!
//! For a bucket that is not named, and for the program's own places, no request
//! is made at all. Region and endpoint come from the settings, never from a
//! message. A named owner goes with each request, so that a bucket that changed
//! hands is refused by S3 itself.

use std::{collections::BTreeMap, sync::Arc};

use actors::ports::{self, ObjectError, STRETCH_BYTES, Stretch};
use async_trait::async_trait;
use audit::message::Object;
use aws_sdk_s3::Client;

use super::{
    Kind,
    location::{KEY_BYTES_MAX, bucket_arn, partition},
    range::Wanted,
    trouble::Trouble,
};
use crate::settings::{Aws, Prefix};

#[derive(Clone, Debug)]
pub struct Objects {
    client: Client,
    allowed: Arc<Allowed>,
}

#[derive(Debug)]
struct Allowed {
    /// With the account that must own each.
    buckets: BTreeMap<String, Option<String>>,
    /// Where this program itself writes.
    own: Vec<Prefix>,
    partition: &'static str,
}

impl Objects {
    pub(super) fn new(client: Client, aws: &Aws) -> Objects {
        let own = [
            Some(&aws.lake),
            Some(&aws.large_files),
            aws.results.as_ref(),
        ];
        Objects {
            client,
            allowed: Arc::new(Allowed {
                buckets: aws.source_buckets.clone(),
                own: own.into_iter().flatten().cloned().collect(),
                partition: partition(&aws.region),
            }),
        }
    }
}

impl Allowed {
    /// The account that must own the bucket, if one is named.
    fn owner(&self, object: &Object) -> Result<Option<&str>, String> {
        let Some(owner) = self.buckets.get(&object.bucket) else {
            return Err(format!(
                "bucket {:?} is not one of source_buckets: add it there if its objects shall be \
                 read",
                object.bucket.chars().take(63).collect::<String>()
            ));
        };
        if !(1..=KEY_BYTES_MAX).contains(&object.key.len()) {
            return Err("a key has 1 to 1024 bytes".to_owned());
        }
        let is_own =
            |own: &Prefix| own.bucket == object.bucket && object.key.starts_with(&own.folder());
        if self.own.iter().any(is_own) {
            return Err("the object lies where idtrail itself writes".to_owned());
        }
        Ok(owner.as_deref())
    }
}

/// Why there is no stretch.
#[derive(Debug)]
pub(super) enum Refusal {
    /// By the settings: nobody was asked.
    Forbidden(String),
    Trouble(Trouble),
}

impl Objects {
    pub(super) async fn stretch(
        &self,
        object: &Object,
        offset: u64,
        tag: Option<&str>,
    ) -> Result<Stretch, Refusal> {
        let owner = self.allowed.owner(object).map_err(Refusal::Forbidden)?;
        let arn = format!("{}/*", bucket_arn(self.allowed.partition, &object.bucket));
        let wanted = Wanted {
            bucket: &object.bucket,
            key: &object.key,
            version: object.version.as_deref(),
            owner,
            tag,
            arn: &arn,
        };
        let found = wanted.read(&self.client, offset, STRETCH_BYTES).await;
        let found = found.map_err(Refusal::Trouble)?;
        Ok(Stretch {
            bytes: found.bytes,
            total_bytes: found.total,
            tag: found.tag.into(),
            modified_ms: found.modified_ms,
        })
    }
}

#[async_trait]
impl ports::Objects for Objects {
    async fn read(
        &self,
        object: &Object,
        offset: u64,
        tag: Option<&str>,
    ) -> Result<Stretch, ObjectError> {
        Ok(self.stretch(object, offset, tag).await?)
    }
}

impl From<Refusal> for ObjectError {
    fn from(refusal: Refusal) -> ObjectError {
        let trouble = match refusal {
            Refusal::Forbidden(what) => return ObjectError::Forbidden(what),
            Refusal::Trouble(trouble) => trouble,
        };
        let what = trouble.what;
        match trouble.kind {
            Kind::Absent => ObjectError::Absent(what),
            Kind::Precondition => {
                ObjectError::Retry(format!("it was replaced while it was read: {what}"))
            }
            Kind::Denied => ObjectError::Retry(format!(
                "{what}; S3 says the same of an object that is not there, unless s3:ListBucket is \
                 granted on the bucket, and of a bucket that another account owns than the one \
                 source_buckets names"
            )),
            _ => ObjectError::Retry(what),
        }
    }
}
