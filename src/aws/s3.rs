//! An object store in a bucket: below one prefix, create-only, by versions.
//!
//! A creation has three outcomes: this call made the object, somebody did, or
//! nobody knows; the SDK never repeats one on its own. Only the answer "no such
//! key" is absence. What is removed goes with all its versions, as far as the
//! policy allows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actors::ports::{self, Created, Expiry, Listed, StoreError};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    config::{Builder, Config},
    primitives::ByteStream,
    types::ChecksumAlgorithm,
};
use aws_smithy_types::retry::RetryConfig;
use bytes::{Bytes, BytesMut};

use super::{
    ATTEMPT, Kind, attempt,
    location::{BadKey, Location},
    operation::{
        DELETE_OBJECT, DELETE_VERSION, GET_OBJECT, LIST_OBJECTS, LIST_VERSIONS, Operation,
        PUT_OBJECT,
    },
    range::Wanted,
    trouble::{Trouble, ask},
    upload::{PART_BYTES, WHOLE_BYTES_MAX},
};

/// The client of all stores. Another endpoint than AWS's has no name for each
/// bucket: there the bucket stands in the path.
pub(super) fn client(config: &SdkConfig, path_style: bool) -> Client {
    let config: Builder = Config::from(config).to_builder();
    Client::from_conf(config.force_path_style(path_style).build())
}

#[derive(Clone, Debug)]
pub struct Store {
    pub(super) client: Client,
    pub(super) location: Arc<Location>,
    /// As policies name it.
    pub(super) arn: Arc<str>,
    told_of_versions: Arc<AtomicBool>,
}

impl Store {
    pub(super) fn new(client: Client, location: Location) -> Store {
        Store {
            client,
            arn: location.objects_arn().into(),
            location: Arc::new(location),
            told_of_versions: Arc::default(),
        }
    }

    /// Versions can be removed, as far as is known.
    pub(super) fn removes_versions(&self) -> bool {
        !self.told_of_versions.load(Ordering::Relaxed)
    }

    pub(super) fn tell_of_versions(&self, trouble: &Trouble) {
        if !self.told_of_versions.swap(true, Ordering::Relaxed) {
            tracing::warn!(%trouble, "objects are removed without their older versions");
        }
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.location.owner.clone()
    }

    /// One PUT.
    pub(super) async fn put(&self, key: &str, body: Bytes) -> Result<Created, Trouble> {
        let limits = once(body.len());
        let request = self
            .client
            .put_object()
            .bucket(&self.location.bucket)
            .key(key)
            .set_expected_bucket_owner(self.owner())
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(body))
            .customize()
            .config_override(limits);
        created(ask(PUT_OBJECT, &self.arn, request.send()).await)
    }

    /// This object, as it is now.
    pub(super) fn wanted<'w>(&'w self, key: &'w str) -> Wanted<'w> {
        Wanted {
            bucket: &self.location.bucket,
            key,
            version: None,
            owner: self.location.owner.as_deref(),
            tag: None,
            arn: &self.arn,
        }
    }

    /// By ranges, all of the same content.
    pub(super) async fn read(&self, key: &str) -> Result<Option<Bytes>, Trouble> {
        let wanted = self.wanted(key);
        let count = PART_BYTES as u64;
        let first = match wanted.read(&self.client, 0, count).await {
            Ok(first) => first,
            Err(trouble) if trouble.kind == Kind::Absent => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        if first.bytes.len() as u64 >= first.total {
            return Ok(Some(first.bytes));
        }
        let wanted = Wanted {
            tag: Some(&first.tag),
            ..wanted
        };
        let mut whole = BytesMut::from(first.bytes);
        while (whole.len() as u64) < first.total {
            let next = wanted.read(&self.client, whole.len() as u64, count).await?;
            if next.bytes.is_empty() {
                let what = format!("it ended after {} of {} bytes", whole.len(), first.total);
                return Err(Trouble::broken(GET_OBJECT, &self.arn, what));
            }
            whole.extend_from_slice(&next.bytes);
        }
        Ok(Some(whole.freeze()))
    }

    pub(super) async fn pages(
        &self,
        prefix: &str,
        after: Option<String>,
    ) -> Result<Vec<Listed>, Trouble> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let request = self
                .client
                .list_objects_v2()
                .bucket(&self.location.bucket)
                .set_expected_bucket_owner(self.owner())
                .prefix(prefix)
                .set_start_after(after.clone())
                .set_continuation_token(token);
            let bucket = self.location.bucket_arn();
            let page = ask(LIST_OBJECTS, &bucket, request.send()).await?;
            found.extend(page.contents().iter().filter_map(|object| {
                Some(Listed {
                    key: self.location.back(object.key()?)?,
                    bytes: object.size().and_then(|size| u64::try_from(size).ok())?,
                })
            }));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Every version of this key and every marker of a deletion.
    pub(super) async fn versions(&self, key: &str) -> Result<Vec<String>, Trouble> {
        let mut found = Vec::new();
        let mut next = (None, None);
        loop {
            let request = self
                .client
                .list_object_versions()
                .bucket(&self.location.bucket)
                .set_expected_bucket_owner(self.owner())
                .prefix(key)
                .set_key_marker(next.0)
                .set_version_id_marker(next.1);
            let bucket = self.location.bucket_arn();
            let page = ask(LIST_VERSIONS, &bucket, request.send()).await?;
            let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
            let markers = page.delete_markers().iter();
            let markers = markers.map(|it| (it.key(), it.version_id()));
            for (name, version) in versions.chain(markers) {
                if let (true, Some(version)) = (name == Some(key), version) {
                    found.push(version.to_owned());
                }
            }
            // Keys come in order: what the prefix alone has in common comes later.
            let more = page.next_key_marker.as_deref() == Some(key);
            next = (page.next_key_marker, page.next_version_id_marker);
            if !more {
                return Ok(found);
            }
        }
    }

    pub(super) async fn delete(&self, key: &str, version: Option<&str>) -> Result<(), Trouble> {
        let operation: Operation = match version {
            Some(_) => DELETE_VERSION,
            None => DELETE_OBJECT,
        };
        let request = self
            .client
            .delete_object()
            .bucket(&self.location.bucket)
            .key(key)
            .set_expected_bucket_owner(self.owner())
            .set_version_id(version.map(str::to_owned));
        match ask(operation, &self.arn, request.send()).await {
            Err(trouble) if trouble.kind != Kind::Absent => Err(trouble),
            _ => Ok(()),
        }
    }

    pub(super) async fn remove_versions(&self, key: &str) -> Result<(), Trouble> {
        for version in self.versions(key).await? {
            self.delete(key, Some(&version)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl ports::Store for Store {
    async fn create(&self, key: &str, body: Bytes) -> Result<Created, StoreError> {
        let key = self.location.key(key)?;
        if body.len() <= WHOLE_BYTES_MAX {
            Ok(self.put(&key, body).await?)
        } else {
            Ok(self.upload(&key, &body).await?)
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let key = self.location.key(key)?;
        Ok(self.read(&key).await?)
    }

    async fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> Result<Vec<Listed>, StoreError> {
        let after = start_after.map(|key| self.location.key(key)).transpose()?;
        let prefix = self.location.key(prefix)?;
        Ok(self.pages(&prefix, after).await?)
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let key = self.location.key(key)?;
        match self.remove_versions(&key).await {
            Ok(()) => Ok(()),
            Err(trouble) if matches!(trouble.kind, Kind::Denied | Kind::Unsupported) => {
                self.tell_of_versions(&trouble);
                Ok(self.delete(&key, None).await?)
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn expire(&self, expiry: &Expiry) -> Result<bool, StoreError> {
        self.expire_page(expiry).await
    }
}

/// What a create-only write was answered.
pub(super) fn created<T>(answer: Result<T, Trouble>) -> Result<Created, Trouble> {
    match answer {
        Ok(_) => Ok(Created::New),
        Err(trouble) if trouble.kind == Kind::Precondition => Ok(Created::Exists),
        Err(trouble) => Err(trouble),
    }
}

/// One try.
pub(super) fn once(bytes: usize) -> Builder {
    patiently(bytes).retry_config(RetryConfig::disabled())
}

/// Time for a body of this size, at a MiB a second.
pub(super) fn patiently(bytes: usize) -> Builder {
    let extra = Duration::from_secs((bytes >> 20) as u64);
    Config::builder().timeout_config(attempt(ATTEMPT + extra))
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> StoreError {
        if trouble.kind.waits_for_a_person() {
            StoreError::Fatal(trouble.what)
        } else {
            StoreError::Retry(trouble.what)
        }
    }
}

impl From<BadKey> for StoreError {
    fn from(bad: BadKey) -> StoreError {
        StoreError::Fatal(bad.to_string())
    }
}
