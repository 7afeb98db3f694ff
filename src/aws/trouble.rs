//! What can go wrong with a call of AWS, of whatever service: one
//! classification, and one sentence that says what to do.
//!
//! Every call goes through [`ask`], which counts it. Some answers that the SDK
//! calls errors are expected ones ([`Kind::is_answer`]) and not counted as
//! errors. Nothing is retried here; what the service said of itself is shown
//! only cut short and without control characters, since it may quote the request.

use std::{error::Error, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use metrics::counter;

use super::operation::Operation;
use crate::metrics::{AWS_ERRORS, AWS_REQUESTS, KIND, OPERATION, SERVICE};

/// Most that is shown of a service's own words.
const SHOWN_CHARS_MAX: usize = 300;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// There is surely no such key, version or upload.
    Absent,
    /// The key exists, or the object is not the one that was asked for.
    Precondition,
    /// The range begins behind the end of the object.
    Range,
    Denied,
    KmsDenied,
    MissingBucket,
    MissingQueue,
    MissingTable,
    BadCredentials,
    NoCredentials,
    ClockSkew,
    Unreachable,
    Throttled,
    Timeout,
    /// Two writers at the same moment.
    Conflict,
    WrongRegion,
    /// In an archive class: it must be restored before it can be read.
    Archived,
    /// The server does not know this operation.
    Unsupported,
    Server,
    Other,
}

impl Kind {
    /// As a label.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Absent => "absent",
            Kind::Precondition => "precondition",
            Kind::Range => "range",
            Kind::Denied => "denied",
            Kind::KmsDenied => "kms_denied",
            Kind::MissingBucket => "missing_bucket",
            Kind::MissingQueue => "missing_queue",
            Kind::MissingTable => "missing_table",
            Kind::BadCredentials => "bad_credentials",
            Kind::NoCredentials => "no_credentials",
            Kind::ClockSkew => "clock_skew",
            Kind::Unreachable => "unreachable",
            Kind::Throttled => "throttled",
            Kind::Timeout => "timeout",
            Kind::Conflict => "conflict",
            Kind::WrongRegion => "wrong_region",
            Kind::Archived => "archived",
            Kind::Unsupported => "unsupported",
            Kind::Server => "server",
            Kind::Other => "other",
        }
    }

    /// A definite answer that callers expect.
    pub const fn is_answer(self) -> bool {
        matches!(self, Kind::Absent | Kind::Precondition | Kind::Range)
    }

    /// By what the service answered.
    pub(super) fn of_answer(status: u16, code: &str, message: &str) -> Kind {
        // `com.amazonaws.sqs#QueueDoesNotExist`, `AWS.SimpleQueueService.NonExistentQueue`
        let code = code.rsplit(['#', '.']).next().unwrap_or_default();
        let about = |word: &str| message.contains(word);
        match code {
            _ if code.to_ascii_lowercase().contains("kms") || about("kms:") => Kind::KmsDenied,
            "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => Kind::Absent,
            "PreconditionFailed" => Kind::Precondition,
            "InvalidRange" => Kind::Range,
            "NoSuchBucket" => Kind::MissingBucket,
            "QueueDoesNotExist" | "NonExistentQueue" => Kind::MissingQueue,
            "EntityNotFoundException" => Kind::MissingTable,
            "RequestTimeTooSkewed" | "RequestExpired" => Kind::ClockSkew,
            "SignatureDoesNotMatch" | "InvalidSignatureException"
                if about("expired") || about("not yet current") =>
            {
                Kind::ClockSkew
            }
            "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "MissingAuthenticationToken"
            | "IncompleteSignature" => Kind::BadCredentials,
            "AccessDenied"
            | "AccessDeniedException"
            | "AllAccessDisabled"
            | "AccountProblem"
            | "AuthorizationError"
            | "UnauthorizedOperation" => Kind::Denied,
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => Kind::WrongRegion,
            "ConditionalRequestConflict" | "OperationAborted" => Kind::Conflict,
            "SlowDown"
            | "RequestThrottled"
            | "OverLimit"
            | "RequestLimitExceeded"
            | "ServiceQuotaExceededException" => Kind::Throttled,
            _ if code.starts_with("Throttl") || code.starts_with("TooManyRequests") => {
                Kind::Throttled
            }
            "RequestTimeout" => Kind::Timeout,
            "InvalidObjectState" => Kind::Archived,
            "NotImplemented" | "MethodNotAllowed" => Kind::Unsupported,
            _ => Kind::of_status(status),
        }
    }

    /// Where the answer has no code: from a proxy, or to a HEAD.
    const fn of_status(status: u16) -> Kind {
        match status {
            301 | 307 => Kind::WrongRegion,
            401 | 403 => Kind::Denied,
            408 => Kind::Timeout,
            409 => Kind::Conflict,
            412 => Kind::Precondition,
            416 => Kind::Range,
            429 => Kind::Throttled,
            405 | 501 => Kind::Unsupported,
            500..=599 => Kind::Server,
            _ => Kind::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A call that failed: of which kind, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}")]
pub struct Trouble {
    pub kind: Kind,
    pub what: String,
}

/// Makes one call and counts it. `resource` is the ARN that it is about, as a
/// policy names it. The call is boxed: the SDK's futures are large.
pub(super) fn ask<T, E>(
    operation: Operation,
    resource: &str,
    call: impl Future<Output = Result<T, SdkError<E>>> + Send,
) -> impl Future<Output = Result<T, Trouble>> + Send
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Operation { service, name, .. } = operation;
    counter!(AWS_REQUESTS.name, SERVICE => service, OPERATION => name).increment(1);
    let call = Box::pin(call);
    async move {
        call.await
            .map_err(|error| Trouble::new(operation, resource, Fault::of(&error)))
    }
}

/// What is known of a failed call.
#[derive(Debug)]
struct Fault {
    kind: Kind,
    /// In the service's, or the operating system's, own words.
    said: String,
}

impl Fault {
    fn of<E>(error: &SdkError<E>) -> Fault
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let Some(answer) = error.raw_response() {
            let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
            let code = metadata.and_then(|meta| meta.code()).unwrap_or_default();
            let message = metadata.and_then(|meta| meta.message()).unwrap_or_default();
            let status = answer.status().as_u16();
            return Fault {
                kind: Kind::of_answer(status, code, message),
                said: match (code, message) {
                    ("", "") => format!("HTTP status {status}"),
                    ("", words) | (words, "") => words.to_owned(),
                    (code, message) => format!("{code}: {message}"),
                },
            };
        }
        let timeout = match error {
            SdkError::TimeoutError(_) => true,
            SdkError::DispatchFailure(failure) => failure.is_timeout(),
            _ => false,
        };
        let kind = if source_is::<CredentialsError>(error) {
            Kind::NoCredentials
        } else if timeout {
            Kind::Timeout
        } else {
            Kind::Unreachable
        };
        Fault {
            kind,
            said: DisplayErrorContext(error).to_string(),
        }
    }
}

/// Whether an error of this type stands anywhere in the chain of causes.
fn source_is<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<T>() {
            return true;
        }
        next = cause.source();
    }
    false
}

impl Trouble {
    fn new(operation: Operation, resource: &str, fault: Fault) -> Trouble {
        let Operation { service, name, .. } = operation;
        let Fault { kind, said } = fault;
        if !kind.is_answer() {
            counter!(
                AWS_ERRORS.name,
                SERVICE => service, OPERATION => name, KIND => kind.name()
            )
            .increment(1);
        }
        let action = operation.action;
        let said = shown(&said);
        let what = match kind {
            Kind::Denied => format!(
                "{action} on {resource} is denied: add it to the policy of this role, which `aws \
                 sts get-caller-identity` shows ({said})"
            ),
            Kind::KmsDenied => format!(
                "{action} on {resource} needs the KMS key of the bucket or queue: allow \
                 kms:GenerateDataKey and kms:Decrypt on that key, in the role's policy and in the \
                 key's, and see that the key is enabled ({said})"
            ),
            Kind::MissingBucket => format!(
                "{resource}: there is no such bucket: create it, or correct its name in the \
                 settings"
            ),
            Kind::MissingQueue => format!(
                "{resource}: there is no such queue: create it, or correct \
                 identity_activity_center.sqs_queue_url"
            ),
            Kind::MissingTable => format!(
                "{resource}: there is no such table: create it, or correct \
                 identity_activity_center.database and .table ({said})"
            ),
            Kind::BadCredentials => format!(
                "{service} does not accept the credentials: renew them and see with `aws sts \
                 get-caller-identity` that they work ({said})"
            ),
            Kind::NoCredentials => format!(
                "no AWS credentials were found: give the process a role, or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE ({said})"
            ),
            Kind::ClockSkew => format!(
                "{service} refuses requests since this machine's clock is wrong: set it by NTP \
                 ({said})"
            ),
            Kind::Unreachable => format!(
                "{service} cannot be reached: check the network, the region and endpoint_url \
                 ({said})"
            ),
            Kind::WrongRegion => format!(
                "{resource} is in another region: correct identity_activity_center.region ({said})"
            ),
            Kind::Archived => format!(
                "{resource} is archived: restore it with `aws s3api restore-object` ({said})"
            ),
            Kind::Unsupported => {
                format!("the server at this endpoint does not know {service} {name} ({said})")
            }
            Kind::Throttled | Kind::Timeout | Kind::Conflict | Kind::Server | Kind::Other => {
                format!("{service} {name} on {resource} failed ({kind}): {said}")
            }
            Kind::Absent | Kind::Precondition | Kind::Range => {
                format!("{service} {name} on {resource}: {said}")
            }
        };
        Trouble { kind, what }
    }

    /// An answer whose body broke off, or was not what was asked for.
    pub(super) fn broken(operation: Operation, resource: &str, what: impl fmt::Display) -> Trouble {
        let said = what.to_string();
        let kind = Kind::Unreachable;
        Trouble::new(operation, resource, Fault { kind, said })
    }

    /// No end of the answer's body in time.
    pub(super) fn late(operation: Operation, resource: &str) -> Trouble {
        let said = "the answer did not end in time".to_owned();
        let kind = Kind::Timeout;
        Trouble::new(operation, resource, Fault { kind, said })
    }
}

/// One line of bounded length.
fn shown(said: &str) -> String {
    said.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN_CHARS_MAX)
        .collect()
}
