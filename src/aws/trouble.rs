//! What can go wrong with a call of AWS, of whatever service: one
//! classification, and one sentence that says what to do.
//!
//! Every call goes through [`ask`], which counts it. Some answers that the SDK
//! calls errors are expected ones ([`Kind::is_answer`]) and not counted as
//! errors. Nothing is retried here; what the service said of itself is shown
//! only cut short and without control characters, since it may quote the request.

use std::{error::Error, fmt::Display};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use metrics::counter;

use super::{kind::Kind, operation::Operation};
use crate::metrics::{AWS_ERRORS, AWS_REQUESTS, KIND, OPERATION, SERVICE};

/// Most that is shown of a service's own words.
const SHOWN_CHARS_MAX: usize = 300;

/// A call that failed: of which kind, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}")]
pub struct Trouble {
    pub kind: Kind,
    pub what: String,
    /// Of a denial: the action that is missing, which may be another than the
    /// one that was tried, as the service tells it.
    pub action: Option<String>,
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
            said: causes(error),
        }
    }
}

/// The chain of causes in words: `io error: client error (Connect): …`.
fn causes(error: &dyn Error) -> String {
    let mut words = Vec::new();
    // The outermost only says that there was no answer.
    let mut next = error.source();
    while let Some(cause) = next {
        words.push(cause.to_string());
        next = cause.source();
    }
    words.join(": ")
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

/// S3 answers both in the same words.
const WRONG_OWNER: &str = ", or name the bucket's true owner where the settings name one";

impl Trouble {
    /// Of one part of a call that was answered as a whole.
    pub(super) fn of_part(
        operation: Operation,
        resource: &str,
        code: &str,
        message: &str,
    ) -> Trouble {
        let fault = Fault {
            kind: Kind::of_answer(200, code, message),
            said: format!("{code}: {message}"),
        };
        Trouble::new(operation, resource, fault)
    }

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
        let (told, place) = told(&said);
        let action = match told {
            // SQS writes its own in lower case.
            Some(told) if !told.eq_ignore_ascii_case(operation.action) => told,
            _ => operation.action,
        };
        let what = match kind {
            Kind::Denied => format!(
                "{action} on {} is denied: add it to the policy of this role, which `aws sts \
                 get-caller-identity` shows{} ({})",
                place.unwrap_or(resource),
                if service == "s3" { WRONG_OWNER } else { "" },
                shown(&said)
            ),
            _ => advice(kind, operation, resource, &shown(&said)),
        };
        let missing = matches!(kind, Kind::Denied | Kind::KmsDenied);
        Trouble {
            kind,
            what,
            action: missing.then(|| action.to_owned()),
        }
    }

    /// Whether what was denied is this operation, and not the one that was tried.
    pub(super) fn misses(&self, operation: Operation) -> bool {
        self.action.as_deref() == Some(operation.action)
    }

    /// An answer whose body broke off, or was not what was asked for.
    pub(super) fn broken(operation: Operation, resource: &str, what: impl Display) -> Trouble {
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

/// What to do about each kind but a denial.
fn advice(kind: Kind, operation: Operation, resource: &str, said: &str) -> String {
    let Operation { service, name, .. } = operation;
    match kind {
        Kind::KmsDenied => format!(
            "{resource} cannot be used without its KMS key: allow kms:GenerateDataKey and \
             kms:Decrypt on that key, in the policy of this role and in the key's own, and see \
             that the key is enabled ({said})"
        ),
        Kind::MissingBucket => format!(
            "{resource}: there is no such bucket: create it, or correct its name in the settings"
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
            "no AWS credentials were found: give the process a role, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or AWS_PROFILE ({said})"
        ),
        Kind::ClockSkew => format!(
            "{service} refuses requests since this machine's clock is wrong: set it by NTP \
             ({said})"
        ),
        Kind::Unreachable => format!(
            "{service} cannot be reached: check the network, the region and endpoint_url ({said})"
        ),
        Kind::WrongRegion => format!(
            "{resource} is in another region: correct identity_activity_center.region ({said})"
        ),
        Kind::Archived => {
            format!("{resource} is archived: restore it with `aws s3api restore-object` ({said})")
        }
        Kind::Unsupported => {
            format!("the server at this endpoint does not know {service} {name} ({said})")
        }
        Kind::Absent | Kind::Precondition | Kind::Range => {
            format!("{service} {name} on {resource}: {said}")
        }
        Kind::Denied
        | Kind::Throttled
        | Kind::Timeout
        | Kind::Conflict
        | Kind::Server
        | Kind::Other => format!("{service} {name} on {resource} failed ({kind}): {said}"),
    }
}

/// Action and resource of a denial: `… is not authorized to perform: ACTION on
/// resource: ARN because …`.
fn told(said: &str) -> (Option<&str>, Option<&str>) {
    let after = |mark: &str| {
        let (_, rest) = said.split_once(mark)?;
        let word = rest.split_whitespace().next()?;
        Some(word.trim_matches(['"', ',', '.']))
    };
    (
        after("not authorized to perform: ").filter(|action| action.contains(':')),
        after("on resource: ").filter(|arn| arn.starts_with("arn:")),
    )
}

/// One line of bounded length.
fn shown(said: &str) -> String {
    said.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN_CHARS_MAX)
        .collect()
}
