//! Notices that name objects to be read: from a bucket by way of SQS or SNS,
//! from a bucket by way of EventBridge, from CloudTrail.
//!
//! Only objects that were written are named; other notices, and CloudTrail's
//! digests, are counted as skipped. What cannot be understood is bad, alone. An
//! [`Object`] keeps a notice that names it and nothing else, so that this notice,
//! sent again, means that object. Formats: S3 "Event message structure" (keys
//! are form-urlencoded) and "EventBridge event message structure" (keys are
//! not), CloudTrail "Configuring Amazon SNS notifications", all in the AWS
//! documentation.

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Bad, Object, Parcel};

/// What S3 allows at most.
const KEY_BYTES_MAX: usize = 1_024;

/// CloudTrail names a few: each is to cost no more than it has bytes.
const KEYS_MAX: usize = 1_000;

/// Stands in the key of each of CloudTrail's digests.
const DIGEST: &str = "/CloudTrail-Digest/";

/// Who wrote the notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    S3,
    EventBridge,
    CloudTrail,
}

#[derive(Deserialize)]
struct S3Record {
    #[serde(rename = "eventName")]
    event_name: Option<String>,
    s3: Written,
}

#[derive(Deserialize)]
struct EventBridge {
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Written,
}

/// The part that S3 writes alike in both.
#[derive(Deserialize)]
struct Written {
    bucket: Bucket,
    object: Item,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Item {
    key: String,
    size: Option<u64>,
    #[serde(rename = "versionId", alias = "version-id")]
    version: Option<String>,
}

#[derive(Deserialize)]
struct CloudTrail {
    #[serde(rename = "s3Bucket")]
    bucket: String,
    #[serde(rename = "s3ObjectKey")]
    keys: Vec<String>,
}

/// Puts into the parcel what the notice `raw` says. `offset`: of it in the
/// content.
pub(super) fn take(form: Form, raw: &Bytes, offset: u64, parcel: &mut Parcel) {
    let taken = match form {
        Form::S3 => of_s3(raw).map(Vec::from_iter),
        Form::EventBridge => of_event_bridge(raw).map(Vec::from_iter),
        Form::CloudTrail => of_cloud_trail(raw),
    };
    let objects = match taken {
        Ok(objects) => objects,
        Err(reason) => return parcel.bad.push(Bad::new(raw, offset, reason)),
    };
    let named = objects.len();
    for object in objects {
        if !holds_no_events(&object) {
            match checked(Object { offset, ..object }) {
                Ok(object) => parcel.objects.push(object),
                Err((raw, reason)) => parcel.bad.push(Bad::new(&raw, offset, reason)),
            }
        } else {
            parcel.skipped += 1;
        }
    }
    parcel.skipped += u64::from(named == 0);
}

fn of_s3(raw: &Bytes) -> Result<Option<Object>, String> {
    let record: S3Record = read(raw, "S3")?;
    let name = record.event_name.as_deref().map(|name| {
        // Other stores keep the prefix that S3 leaves out.
        name.strip_prefix("s3:").unwrap_or(name)
    });
    if name.is_some_and(|name| !name.starts_with("ObjectCreated:")) {
        return Ok(None);
    }
    let mut written = record.s3;
    written.object.key = form_decoded(&written.object.key)
        .ok_or("its key is not form-urlencoded UTF-8, as S3 writes keys in notifications")?;
    Ok(Some(written.object(raw)))
}

fn of_event_bridge(raw: &Bytes) -> Result<Option<Object>, String> {
    let notice: EventBridge = read(raw, "EventBridge")?;
    let created = notice.detail_type == "Object Created";
    Ok(created.then(|| notice.detail.object(raw)))
}

fn of_cloud_trail(raw: &Bytes) -> Result<Vec<Object>, String> {
    let CloudTrail { bucket, keys } = read(raw, "CloudTrail")?;
    if keys.len() > KEYS_MAX {
        return Err(format!(
            "names {} objects: at most {KEYS_MAX} are read, split it",
            keys.len()
        ));
    }
    let alone = keys.len() == 1;
    let object = |key: String| {
        let raw = if alone {
            Bytes::copy_from_slice(raw)
        } else {
            let notice = serde_json::json!({"s3Bucket": bucket, "s3ObjectKey": [key]});
            notice.to_string().into()
        };
        Object {
            bucket: bucket.clone(),
            key,
            version: None,
            bytes: None,
            raw,
            offset: 0,
        }
    };
    Ok(keys.into_iter().map(object).collect())
}

fn read<T: DeserializeOwned>(raw: &Bytes, author: &str) -> Result<T, String> {
    serde_json::from_slice(raw)
        .map_err(|error| format!("not a notification as {author} writes them: {error}"))
}

impl Written {
    /// With a copy of the notice, so that the buffer it stands in is not kept.
    fn object(self, raw: &Bytes) -> Object {
        Object {
            bucket: self.bucket.name,
            key: self.object.key,
            version: self.object.version.filter(|version| !version.is_empty()),
            bytes: self.object.size,
            raw: Bytes::copy_from_slice(raw),
            offset: 0,
        }
    }
}

/// A digest, or what the console makes when a folder is created.
fn holds_no_events(object: &Object) -> bool {
    object.key.contains(DIGEST) || (object.key.ends_with('/') && object.bytes == Some(0))
}

fn checked(object: Object) -> Result<Object, (Bytes, String)> {
    let reason = if object.bucket.is_empty() {
        "the notification names no bucket".to_owned()
    } else if object.key.is_empty() {
        "the notification names no object: its key is empty".to_owned()
    } else if object.key.len() > KEY_BYTES_MAX {
        format!("the notification's key has more than the {KEY_BYTES_MAX} bytes that S3 allows")
    } else {
        return Ok(object);
    };
    Err((object.raw, reason))
}

/// `+` is a space, `%XX` a byte.
fn form_decoded(text: &str) -> Option<String> {
    let hex = |digit: u8| char::from(digit).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let byte = hex(rest.next()?)? << 4 | hex(rest.next()?)?;
                u8::try_from(byte).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}
