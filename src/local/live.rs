//! Tries the directories of the embedded mode, as a run would use them.

use std::{path::Path, sync::Arc, time::Duration};

use actors::ports::{Created, Store as _, StoreError};
use bytes::Bytes;

use super::{Layout, Queue, Store};
use crate::{clock::Machine, finding::Finding};

const PROBE: &[u8] = b"idtrail check";

/// Each directory that a run needs, which is made if it is missing.
pub async fn check(layout: &Layout, nonce: u64) -> Vec<Finding> {
    let queue = layout.queue();
    let what = "queue in a directory";
    let name = queue.display().to_string();
    let opened = Queue::open(&queue, Arc::new(Machine), Duration::from_secs(1));
    let mut found = vec![match opened {
        Ok(_) => Finding::good(what, &name),
        Err(error) => Finding::bad(what, &name, error.to_string()),
    }];
    let what = "store in a directory";
    for (directory, key) in [
        (layout.lake(), format!("data/_probe/{nonce:016x}")),
        (
            layout.large_files(),
            format!("_idtrail/_probe/{nonce:016x}"),
        ),
    ] {
        let name = directory.display().to_string();
        found.push(match store(&directory, &key).await {
            Ok(()) => Finding::good(what, &name),
            Err(error) => Finding::bad(what, &name, error.to_string()),
        });
    }
    found
}

async fn store(directory: &Path, key: &str) -> Result<(), StoreError> {
    let store = Store::open(directory, &Machine)?;
    let body = Bytes::from_static(PROBE);
    store.create(key, body.clone()).await?;
    let second = store.create(key, body.clone()).await?;
    let read = store.get(key).await?;
    store.remove(key).await?;
    if second == Created::Exists && read == Some(body) {
        Ok(())
    } else {
        let what = "the file system does not keep what was linked: use a local one";
        Err(StoreError::Fatal(what.to_owned()))
    }
}
