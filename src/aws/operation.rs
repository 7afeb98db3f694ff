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
pub(super) const DELETE_OBJECTS: Operation = s3("DeleteObjects", "s3:DeleteObject");
pub(super) const DELETE_VERSIONS: Operation = s3("DeleteObjects", "s3:DeleteObjectVersion");
pub(super) const CREATE_UPLOAD: Operation = s3("CreateMultipartUpload", "s3:PutObject");
pub(super) const UPLOAD_PART: Operation = s3("UploadPart", "s3:PutObject");
pub(super) const COMPLETE_UPLOAD: Operation = s3("CompleteMultipartUpload", "s3:PutObject");
pub(super) const ABORT_UPLOAD: Operation = s3("AbortMultipartUpload", "s3:AbortMultipartUpload");

// Only `idtrail check --live` calls these.
pub(super) const GET_LOCATION: Operation = s3("GetBucketLocation", "s3:GetBucketLocation");
pub(super) const LIST_PARTS: Operation = s3("ListParts", "s3:ListMultipartUploadParts");
pub(super) const LIST_UPLOADS: Operation =
    s3("ListMultipartUploads", "s3:ListBucketMultipartUploads");
pub(super) const GET_TABLE: Operation = Operation {
    service: "glue",
    name: "GetTable",
    action: "glue:GetTable",
};
pub(super) const START_QUERY: Operation =
    athena("StartQueryExecution", "athena:StartQueryExecution");
pub(super) const GET_QUERY: Operation = athena("GetQueryExecution", "athena:GetQueryExecution");
pub(super) const GET_RESULTS: Operation = athena("GetQueryResults", "athena:GetQueryResults");

const fn athena(name: &'static str, action: &'static str) -> Operation {
    Operation {
        service: "athena",
        name,
        action,
    }
}

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
