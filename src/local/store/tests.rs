//! The manners of S3 on a real directory: create-only, listing in the order of
//! bytes, and keys that cannot leave it.

use std::time::Duration;

use actors::ports::Store as _;

use super::*;
use crate::clock::Machine;

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(&directory.path().join("lake"), &Machine).expect("writable");
    (directory, store)
}

async fn filled(keys: &[&str]) -> (tempfile::TempDir, Store) {
    let (directory, store) = store();
    for key in keys {
        store
            .create(key, Bytes::from(key.to_string()))
            .await
            .expect("a good key");
    }
    (directory, store)
}

#[tokio::test]
async fn the_first_writer_of_a_key_wins() {
    let (_directory, store) = store();
    let first = store
        .create("data/a/x.parquet", Bytes::from_static(b"first"))
        .await;
    let second = store
        .create("data/a/x.parquet", Bytes::from_static(b"second"))
        .await;
    assert_eq!(first.expect("written"), Created::New);
    assert_eq!(second.expect("known outcome"), Created::Exists);
    let body = store.get("data/a/x.parquet").await.expect("readable");
    assert_eq!(body.as_deref(), Some(b"first".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_at_once_one_wins() {
    let (_directory, store) = store();
    let writers: Vec<_> = (0..16u8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.create("log/1", Bytes::from(vec![n; 1_000])).await })
        })
        .collect();
    let mut won = 0;
    for writer in writers {
        let created = writer.await.expect("no panic").expect("known outcome");
        won += usize::from(created == Created::New);
    }
    assert_eq!(won, 1);
    let body = store.get("log/1").await.expect("readable").expect("there");
    assert!(body.len() == 1_000 && body.iter().all(|byte| *byte == body[0]));
}

#[tokio::test]
async fn absence_and_removal_are_no_errors() {
    let (_directory, store) = filled(&["a/b"]).await;
    for key in ["a/c", "x/y/z", "a/b/c"] {
        assert_eq!(store.get(key).await.expect("known"), None, "{key}");
        store.remove(key).await.expect("removing nothing");
    }
    store.remove("a/b").await.expect("there");
    assert_eq!(store.get("a/b").await.expect("known"), None);
}

#[tokio::test]
async fn a_listing_is_in_the_order_of_bytes() {
    let (directory, store) = filled(&[
        "log/2",
        "log/10",
        "log-a",
        "log/1/x",
        "log.b",
        "data/t/2024-01-01/f",
        "zz",
    ])
    .await;
    fs::write(directory.path().join("lake/.tmp-left-behind"), "half").expect("writable");
    for (prefix, start_after, expected) in [
        (
            "",
            None,
            vec![
                "data/t/2024-01-01/f",
                "log-a",
                "log.b",
                "log/1/x",
                "log/10",
                "log/2",
                "zz",
            ],
        ),
        ("log/", None, vec!["log/1/x", "log/10", "log/2"]),
        ("log/", Some("log/1/x"), vec!["log/10", "log/2"]),
        ("log/1", None, vec!["log/1/x", "log/10"]),
        ("log", Some("log/"), vec!["log/1/x", "log/10", "log/2"]),
        ("data/t", Some("data/t/2024-01-01/f"), vec![]),
        ("no/such", None, vec![]),
        ("", Some("log/2"), vec!["zz"]),
    ] {
        let listed = store.list(prefix, start_after).await.expect("listable");
        let keys: Vec<_> = listed.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, expected, "{prefix:?} after {start_after:?}");
        assert!(listed.iter().all(|object| object.bytes > 0));
    }
}

#[tokio::test]
async fn t1_no_key_leaves_the_directory() {
    let (directory, store) = store();
    let long = "k".repeat(256);
    for key in [
        "", "/etc/x", "../x", "a/../x", "a//b", "a/", ".", "a/./b", "a\0b", "a\\b", ".tmp-x", &long,
    ] {
        let refused = store.create(key, Bytes::new()).await;
        assert!(matches!(refused, Err(StoreError::Fatal(_))), "{key:?}");
        assert!(store.get(key).await.is_err(), "{key:?}");
        assert!(store.remove(key).await.is_err(), "{key:?}");
    }
    assert!(store.list("../", None).await.is_err());
    let outside = fs::read_dir(directory.path()).expect("listable").count();
    assert_eq!(outside, 1, "only the store itself");
}

#[tokio::test]
async fn a_file_where_a_directory_should_be_is_fatal_and_named() {
    let (_directory, store) = filled(&["a"]).await;
    let error = store
        .create("a/b", Bytes::new())
        .await
        .expect_err("in the way");
    assert!(
        matches!(&error, StoreError::Fatal(text) if text.contains("/a")),
        "{error}"
    );
}

#[tokio::test]
async fn what_expires_is_old_and_comes_before() {
    let (_directory, store) = filled(&["log/1", "log/2", "log/3", "log/9", "than", "logs/1"]).await;
    // Seconds before noon of some day.
    let age = |key: &str, secs: u64| {
        let path = store.0.root.join(key);
        let file = fs::File::options()
            .append(true)
            .open(path)
            .expect("it is there");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_049_600 - secs);
        file.set_modified(at).expect("it is ours");
    };
    age("log/1", 3_600);
    age("log/2", 3_599);
    age("log/3", 5_000);
    age("log/9", 5_000);
    age("than", 0);
    let expiry = |than: &str| Expiry {
        folder: "log/".into(),
        below: "log/4".into(),
        older: Some((than.into(), Duration::from_secs(3_600))),
    };
    let keys = async || {
        let listed = store.list("log", None).await.expect("listed");
        listed.into_iter().map(|it| it.key).collect::<Vec<_>>()
    };
    assert!(
        !store
            .expire(&expiry("absent"))
            .await
            .expect("nothing to go by")
    );
    assert_eq!(keys().await.len(), 5);
    assert!(!store.expire(&expiry("than")).await.expect("expired"));
    assert_eq!(keys().await, ["log/2", "log/9", "logs/1"]);
    let all = Expiry {
        older: None,
        ..expiry("than")
    };
    assert!(!store.expire(&all).await.expect("expired"));
    assert_eq!(keys().await, ["log/9", "logs/1"]);
}
