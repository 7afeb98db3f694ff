//! A place in a bucket, tried with an object of a few bytes: everything that
//! the policy should grant there, and that the bucket refuses a second creation.

use actors::ports::Created;
use bytes::Bytes;

use super::Live;
use crate::{
    aws::{
        Store,
        operation::{
            ABORT_UPLOAD, CREATE_UPLOAD, DELETE_OBJECT, DELETE_VERSION, GET_LOCATION, GET_OBJECT,
            GET_VERSION, LIST_OBJECTS, LIST_PARTS, LIST_UPLOADS, LIST_VERSIONS, PUT_OBJECT,
            UPLOAD_PART,
        },
        trouble::{Trouble, ask},
    },
    finding::Finding,
};

const PROBE: &[u8] = b"idtrail check";

impl Live {
    /// `key` is the store's own, of an object that nobody else has.
    pub(super) async fn store(&mut self, store: &Store, key: &str) {
        let place = store.location.bucket_arn();
        self.trying(&store.arn);
        let request = store.client.get_bucket_location();
        let request = request
            .bucket(&store.location.bucket)
            .set_expected_bucket_owner(store.owner());
        let answer = ask(GET_LOCATION, &place, request.send()).await;
        self.note(GET_LOCATION, &place, answer);

        let key = match store.location.key(key) {
            Ok(key) => key,
            Err(bad) => return self.add(Finding::bad("key", &store.arn, bad.to_string())),
        };
        let listed = store.pages(&key, None).await;
        self.note(LIST_OBJECTS, &place, listed);
        if self.create(store, &key).await {
            self.read(store, &key).await;
        }
        self.upload(store, &key).await;
        self.remove(store, &key).await;
    }

    async fn create(&mut self, store: &Store, key: &str) -> bool {
        let body = || Bytes::from_static(PROBE);
        let first = store.put(key, body()).await;
        if self.note(PUT_OBJECT, &store.arn, first).is_none() {
            return false;
        }
        match store.put(key, body()).await {
            Ok(Created::Exists) => self.add(Finding::good("If-None-Match", &store.arn)),
            Ok(Created::New) => {
                let reason = "a second creation of a key is not refused, and the journal rests on \
                              that: use a store that honours If-None-Match";
                self.add(Finding::bad("If-None-Match", &store.arn, reason.to_owned()));
            }
            Err(trouble) => self.add(Finding::bad("If-None-Match", &store.arn, trouble.what)),
        }
        true
    }

    /// Whole, by a range, and by its version.
    async fn read(&mut self, store: &Store, key: &str) {
        let whole = store.read(key).await.and_then(|bytes| match bytes {
            Some(bytes) if bytes == PROBE => Ok(()),
            _ => Err(store.unlike("it does not hold what was written")),
        });
        self.note(GET_OBJECT, &store.arn, whole);
        let part = store.wanted(key).read(&store.client, 2, 4).await;
        let part = part.and_then(|found| {
            if found.bytes == PROBE[2..6] && found.total == PROBE.len() as u64 {
                Ok(())
            } else {
                Err(store.unlike("ranges are not read as they are asked for"))
            }
        });
        match part {
            Ok(()) => self.add(Finding::good("ranges", &store.arn)),
            Err(trouble) => self.add(Finding::bad("ranges", &store.arn, trouble.what)),
        }
        let versions = store.versions(key).await;
        let place = store.location.bucket_arn();
        let versions = self.note(LIST_VERSIONS, &place, versions);
        if let Some(version) = versions.as_deref().and_then(<[String]>::first) {
            let mut wanted = store.wanted(key);
            wanted.version = Some(version);
            let read = wanted.read(&store.client, 0, 1).await;
            self.note(GET_VERSION, &store.arn, read);
        }
    }

    /// An upload in parts, begun and given up.
    async fn upload(&mut self, store: &Store, key: &str) {
        let place = store.location.bucket_arn();
        let bucket = &store.location.bucket;
        let begun = store.begin(key).await;
        let Some(id) = self.note(CREATE_UPLOAD, &store.arn, begun) else {
            return;
        };
        let body = Bytes::from_static(PROBE);
        let part = store.part(key.to_owned(), id.clone(), 1, body).await;
        self.note(UPLOAD_PART, &store.arn, part);
        let parts = store.client.list_parts().bucket(bucket).key(key);
        let parts = parts
            .upload_id(&id)
            .set_expected_bucket_owner(store.owner());
        let parts = ask(LIST_PARTS, &store.arn, parts.send()).await;
        self.note(LIST_PARTS, &store.arn, parts);
        let uploads = store.client.list_multipart_uploads().bucket(bucket);
        let uploads = uploads.prefix(key).set_expected_bucket_owner(store.owner());
        let uploads = ask(LIST_UPLOADS, &place, uploads.send()).await;
        self.note(LIST_UPLOADS, &place, uploads);
        let aborted = store.abort(key, &id).await;
        self.note(ABORT_UPLOAD, &store.arn, aborted);
    }

    /// First as a deletion that leaves a marker, then that and every version.
    async fn remove(&mut self, store: &Store, key: &str) {
        let deleted = store.delete(key, None).await;
        self.note(DELETE_OBJECT, &store.arn, deleted);
        // Not being allowed to list them has been told of.
        for version in store.versions(key).await.unwrap_or_default() {
            let deleted = store.delete(key, Some(&version)).await;
            self.note(DELETE_VERSION, &store.arn, deleted);
        }
    }
}

impl Store {
    fn unlike(&self, what: &str) -> Trouble {
        Trouble::broken(GET_OBJECT, &self.arn, what)
    }
}
