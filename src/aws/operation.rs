//! Every AWS operation that idtrail calls, once: its service, its name, and the
//! action that a policy must grant for it.
//!
//! The set is closed on purpose: it runs under a policy that grants these
//! actions and no other. A call that is not in this table cannot be made
//! through [`ask`](super::trouble::ask), and so is neither counted nor explained.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Operation {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    /// As a policy writes it.
    pub(super) action: &'static str,
}

pub(super) const RECEIVE_MESSAGE: Operation = sqs("ReceiveMessage", "sqs:ReceiveMessage");
pub(super) const DELETE_MESSAGES: Operation = sqs("DeleteMessageBatch", "sqs:DeleteMessage");
pub(super) const SEND_MESSAGES: Operation = sqs("SendMessageBatch", "sqs:SendMessage");

pub(super) const PUT_OBJECT: Operation = s3("PutObject", "s3:PutObject");
pub(super) const GET_OBJECT: Operation = s3("GetObject", "s3:GetObject");
pub(super) const GET_VERSION: Operation = s3("GetObject", "s3:GetObjectVersion");
pub(super) const LIST_OBJECTS: Operation = s3("ListObjectsV2", "s3:ListBucket");
pub(super) const LIST_VERSIONS: Operation = s3("ListObjectVersions", "s3:ListBucketVersions");
pub(super) const DELETE_OBJECT: Operation = s3("DeleteObject", "s3:DeleteObject");
pub(super) const DELETE_VERSION: Operation = s3("DeleteObject", "s3:DeleteObjectVersion");
pub(super) const CREATE_UPLOAD: Operation = s3("CreateMultipartUpload", "s3:PutObject");
pub(super) const UPLOAD_PART: Operation = s3("UploadPart", "s3:PutObject");
pub(super) const COMPLETE_UPLOAD: Operation = s3("CompleteMultipartUpload", "s3:PutObject");
pub(super) const ABORT_UPLOAD: Operation = s3("AbortMultipartUpload", "s3:AbortMultipartUpload");

const fn sqs(name: &'static str, action: &'static str) -> Operation {
    Operation {
        service: "sqs",
        name,
        action,
    }
}

const fn s3(name: &'static str, action: &'static str) -> Operation {
    Operation {
        service: "s3",
        name,
        action,
    }
}
