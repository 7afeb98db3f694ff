//! What each answer is taken for, and that a check of everything goes on to its
//! end whatever is denied.

use actors::ports::{Store as _, StoreError};
use bytes::Bytes;

use super::{Answer, Asked, Wire};
use crate::{
    aws::{Kind, live::Live},
    finding::{Finding, Outcome},
};

/// Status, code, message: as the services answer.
const ANSWERS: &[(u16, &str, &str, Kind)] = &[
    (403, "AccessDenied", "", Kind::Denied),
    (
        400,
        "com.amazon.coral.service#AccessDeniedException",
        "",
        Kind::Denied,
    ),
    (403, "", "", Kind::Denied),
    (
        403,
        "AccessDenied",
        "not authorized to perform: kms:Decrypt on",
        Kind::KmsDenied,
    ),
    (400, "KMS.DisabledException", "", Kind::KmsDenied),
    (400, "KmsAccessDenied", "", Kind::KmsDenied),
    (404, "NoSuchBucket", "", Kind::MissingBucket),
    (404, "NoSuchKey", "", Kind::Absent),
    (404, "", "", Kind::Other),
    (
        400,
        "AWS.SimpleQueueService.NonExistentQueue",
        "",
        Kind::MissingQueue,
    ),
    (
        400,
        "com.amazonaws.sqs#QueueDoesNotExist",
        "",
        Kind::MissingQueue,
    ),
    (400, "EntityNotFoundException", "", Kind::MissingTable),
    (403, "InvalidAccessKeyId", "", Kind::BadCredentials),
    (
        403,
        "SignatureDoesNotMatch",
        "the signature we calculated",
        Kind::BadCredentials,
    ),
    (
        403,
        "SignatureDoesNotMatch",
        "Signature expired: 2026",
        Kind::ClockSkew,
    ),
    (
        400,
        "InvalidSignatureException",
        "Signature not yet current",
        Kind::ClockSkew,
    ),
    (403, "RequestTimeTooSkewed", "", Kind::ClockSkew),
    (400, "ExpiredToken", "", Kind::BadCredentials),
    (301, "PermanentRedirect", "", Kind::WrongRegion),
    (400, "AuthorizationHeaderMalformed", "", Kind::WrongRegion),
    (503, "SlowDown", "", Kind::Throttled),
    (400, "ThrottlingException", "", Kind::Throttled),
    (403, "RequestThrottled", "", Kind::Throttled),
    (409, "ConditionalRequestConflict", "", Kind::Conflict),
    (412, "PreconditionFailed", "", Kind::Precondition),
    (403, "InvalidObjectState", "", Kind::Archived),
    (501, "NotImplemented", "", Kind::Unsupported),
    (500, "InternalError", "", Kind::Server),
    (502, "", "", Kind::Server),
    (400, "InvalidArgument", "", Kind::Other),
];

#[test]
fn each_answer_is_of_one_kind() {
    for (status, code, message, expected) in ANSWERS {
        let kind = Kind::of_answer(*status, code, message);
        assert_eq!(kind, *expected, "{status} {code} {message}");
    }
}

async fn put(body: &str) -> String {
    let wire = Wire::always(Answer::Http(403, vec![], body.to_owned().into()));
    let transient = wire.cloud().transient;
    match transient.create("payloads/x", Bytes::new()).await {
        Err(StoreError::Fatal(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_denial_names_action_place_and_fix_in_one_line() {
    let own = put("<Error><Code>AccessDenied</Code><Message>not\nallowed</Message></Error>").await;
    assert_eq!(
        own,
        "s3:PutObject on arn:aws:s3:::transient-bucket/large_files/* is denied: add it to the \
         policy of this role, which `aws sts get-caller-identity` shows, or name the \
         bucket's true owner where the settings name one (AccessDenied: not \
         allowed)"
    );
    let told = put(
        "<Error><Code>AccessDenied</Code><Message>User: u is not authorized to perform: \
         s3:Other on resource: arn:aws:s3:::b/k because of it</Message></Error>",
    )
    .await;
    assert!(
        told.starts_with("s3:Other on arn:aws:s3:::b/k is denied: add it"),
        "{told}"
    );
    let key = put(
        "<Error><Code>AccessDenied</Code><Message>not authorized to perform: \
         kms:GenerateDataKey on resource: arn:aws:kms:r:1:key/2</Message></Error>",
    )
    .await;
    assert!(
        key.contains("allow kms:GenerateDataKey and kms:Decrypt"),
        "{key}"
    );
    assert!(key.contains("arn:aws:kms:r:1:key/2"), "{key}");
}

async fn tried(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Vec<Finding> {
    let wire = Wire::new(script);
    let settings = super::settings();
    Live::try_all(&wire.config(), &settings, &super::aws(), 7, true).await
}

#[tokio::test]
async fn a_check_goes_on_to_its_end_whatever_is_denied() {
    let findings = tried(|asked| {
        if asked.operation().is_empty() {
            Answer::xml(403, "AccessDenied")
        } else {
            Answer::json(400, "AccessDeniedException")
        }
    })
    .await;
    for action in [
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "s3:GetBucketLocation",
        "s3:ListBucket",
        "s3:PutObject",
        "s3:DeleteObject",
    ] {
        let of_it = findings.iter().filter(|finding| finding.what == action);
        let outcomes: Vec<Outcome> = of_it.map(|finding| finding.outcome).collect();
        assert!(!outcomes.is_empty(), "{action} was not tried");
        assert!(outcomes.iter().all(|it| *it == Outcome::Failed), "{action}");
    }
    // Without s3:ListBucket nobody can tell an absent object from a denied one.
    let sources = findings
        .iter()
        .filter(|it| it.resource.starts_with("s3://"));
    assert!(sources.clone().count() == 3);
    assert!(sources.into_iter().all(|it| it.outcome == Outcome::Unsure));
    let skipped = findings.iter().filter(|it| it.outcome == Outcome::Skipped);
    assert_eq!(skipped.count(), 2);
}

#[tokio::test]
async fn t34_a_check_finds_a_store_that_ignores_the_condition() {
    let findings = tried(|_| Answer::ok("")).await;
    let told: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.what == "If-None-Match")
        .collect();
    assert_eq!(told.len(), 3);
    for finding in told {
        assert_eq!(finding.outcome, Outcome::Failed);
        let reason = finding.reason.as_deref().unwrap_or_default();
        assert!(reason.contains("use a store that honours If-None-Match"));
    }
}
