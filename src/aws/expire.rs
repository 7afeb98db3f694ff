//! Removing many objects of a bucket, a page at a time.
//!
//! Old versions and the markers of deletions go as well, where that is allowed:
//! in a versioned bucket a plain delete frees nothing.

use std::time::Duration;

use actors::ports::{Expiry, StoreError};
use aws_sdk_s3::{
    primitives::DateTime,
    types::{Delete, ObjectIdentifier},
};

use super::{
    kind::Kind,
    operation::{DELETE_OBJECTS, DELETE_VERSIONS, LIST_OBJECTS, LIST_VERSIONS},
    s3::Store,
    trouble::{Trouble, ask},
};

/// One version of an object, or the object as it is now.
struct Found {
    key: String,
    version: Option<String>,
    modified: Option<DateTime>,
}

/// Some objects, and whether there are more.
type Page = (Vec<Found>, bool);

impl Store {
    pub(super) async fn expire_page(&self, expiry: &Expiry) -> Result<bool, StoreError> {
        let folder = self.location.key(&expiry.folder)?;
        let below = self.location.key(&expiry.below)?;
        let newest = match &expiry.older {
            None => None,
            Some((than, age)) => match self.written(&self.location.key(than)?).await? {
                Some(written) => Some(before(written, *age)),
                None => return Ok(false),
            },
        };
        let is_due = |found: &Found| {
            let old = |newest| found.modified.is_some_and(|modified| modified <= newest);
            found.key < below && newest.is_none_or(old)
        };
        if self.removes_versions() {
            let removed = match self.page_of_versions(&folder).await {
                Ok(page) => self.remove_due(page, is_due).await,
                Err(trouble) => Err(trouble),
            };
            match removed {
                Err(trouble) if matches!(trouble.kind, Kind::Denied | Kind::Unsupported) => {
                    self.tell_of_versions(&trouble);
                }
                removed => return Ok(removed?),
            }
        }
        let page = self.page(&folder).await?;
        Ok(self.remove_due(page, is_due).await?)
    }

    /// Whether it was a whole page, so that the next one may hold more.
    async fn remove_due(
        &self,
        (found, more): Page,
        is_due: impl Fn(&Found) -> bool,
    ) -> Result<bool, Trouble> {
        let all = found.iter().all(&is_due);
        let due: Vec<Found> = found.into_iter().filter(is_due).collect();
        if due.is_empty() {
            return Ok(false);
        }
        self.delete_all(due).await?;
        Ok(more && all)
    }

    /// When the object was written, by the store's clock.
    async fn written(&self, key: &str) -> Result<Option<DateTime>, Trouble> {
        let (found, _) = self.page(key).await?;
        let object = found.into_iter().find(|found| found.key == key);
        Ok(object.and_then(|found| found.modified))
    }

    async fn page(&self, prefix: &str) -> Result<Page, Trouble> {
        let request = self.client.list_objects_v2();
        let request = request
            .bucket(&self.location.bucket)
            .set_expected_bucket_owner(self.owner())
            .prefix(prefix);
        let page = ask(LIST_OBJECTS, &self.location.bucket_arn(), request.send()).await?;
        let found = page.contents().iter().filter_map(|object| {
            Some(Found {
                key: object.key()?.to_owned(),
                version: None,
                modified: object.last_modified().copied(),
            })
        });
        Ok((found.collect(), page.is_truncated() == Some(true)))
    }

    async fn page_of_versions(&self, prefix: &str) -> Result<Page, Trouble> {
        let request = self.client.list_object_versions();
        let request = request
            .bucket(&self.location.bucket)
            .set_expected_bucket_owner(self.owner())
            .prefix(prefix);
        let page = ask(LIST_VERSIONS, &self.location.bucket_arn(), request.send()).await?;
        let versions = page.versions().iter();
        let versions = versions.map(|it| (it.key(), it.version_id(), it.last_modified()));
        let markers = page.delete_markers().iter();
        let markers = markers.map(|it| (it.key(), it.version_id(), it.last_modified()));
        let found = versions
            .chain(markers)
            .filter_map(|(key, version, modified)| {
                Some(Found {
                    key: key?.to_owned(),
                    version: version.map(str::to_owned),
                    modified: modified.copied(),
                })
            });
        Ok((found.collect(), page.is_truncated() == Some(true)))
    }

    async fn delete_all(&self, due: Vec<Found>) -> Result<(), Trouble> {
        let operation = match due.iter().any(|found| found.version.is_some()) {
            true => DELETE_VERSIONS,
            false => DELETE_OBJECTS,
        };
        let broken = |what: String| Trouble::broken(operation, &self.arn, what);
        let names = due.into_iter().map(|found| {
            ObjectIdentifier::builder()
                .key(found.key)
                .set_version_id(found.version)
                .build()
        });
        let names: Result<Vec<_>, _> = names.collect();
        let names = names.map_err(|error| broken(error.to_string()))?;
        let delete = Delete::builder()
            .set_objects(Some(names))
            .quiet(true)
            .build();
        let delete = delete.map_err(|error| broken(error.to_string()))?;
        let request = self.client.delete_objects();
        let request = request
            .bucket(&self.location.bucket)
            .set_expected_bucket_owner(self.owner())
            .delete(delete);
        let answer = ask(operation, &self.arn, request.send()).await?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => Err(Trouble::of_part(
                operation,
                &self.arn,
                error.code().unwrap_or_default(),
                error.message().unwrap_or_default(),
            )),
        }
    }
}

fn before(at: DateTime, age: Duration) -> DateTime {
    let secs = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_secs(at.secs().saturating_sub(secs))
}
