//! The kinds of failure of an AWS call, of whatever service, told by what the
//! service answered.
//!
//! Services say the same thing by different codes, one code means different
//! things, and status numbers do not agree: this table is the only place that
//! knows.

use std::fmt;

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

    /// It stays so until a person does something.
    pub const fn waits_for_a_person(self) -> bool {
        matches!(
            self,
            Kind::Denied
                | Kind::KmsDenied
                | Kind::MissingBucket
                | Kind::MissingQueue
                | Kind::MissingTable
                | Kind::BadCredentials
                | Kind::NoCredentials
                | Kind::ClockSkew
                | Kind::WrongRegion
                | Kind::Archived
                | Kind::Unsupported
        )
    }

    /// By what the service answered.
    pub(super) fn of_answer(status: u16, code: &str, message: &str) -> Kind {
        let about = |word: &str| message.contains(word);
        if code.to_ascii_lowercase().contains("kms") || about("kms:") {
            return Kind::KmsDenied;
        }
        // `com.amazonaws.sqs#QueueDoesNotExist`, `AWS.SimpleQueueService.NonExistentQueue`
        match code.rsplit(['#', '.']).next().unwrap_or_default() {
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
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException" => Kind::Throttled,
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
