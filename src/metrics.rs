//! The names of the metrics that calls of AWS add to those of [`actors::metrics`]
//! and of [`http`], in the same manner: a constant each, with its meaning.

use actors::metrics::{self as actors_metrics, Metric, counter};

use crate::{http, version};

/// Label: `s3`, `sqs`, `glue` or `athena`.
pub const SERVICE: &str = "service";
/// Label: the name of the AWS operation.
pub const OPERATION: &str = "operation";
/// Label of [`AWS_ERRORS`]: one of [`crate::aws::Kind`].
pub const KIND: &str = "kind";

pub const AWS_REQUESTS: Metric = counter(
    "idtrail_aws_requests_total",
    "Calls of AWS services, by service and operation; the SDK's own retries are not counted",
)
.by(&[SERVICE, OPERATION]);
pub const AWS_ERRORS: Metric = counter(
    "idtrail_aws_errors_total",
    "Calls of AWS services that failed, by service, operation and kind of failure",
)
.by(&[SERVICE, OPERATION, KIND]);

/// Every metric of the calls of AWS.
pub const ALL: &[Metric] = &[AWS_REQUESTS, AWS_ERRORS];

/// Every metric of the program: of the actors, of AWS, of the listener, of the
/// process itself.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    recorded().chain(http::process::ALL)
}

/// Those that go through the recorder.
fn recorded() -> impl Iterator<Item = &'static Metric> {
    let tables = [actors_metrics::ALL, ALL, http::metrics::ALL, version::ALL];
    tables.into_iter().flatten()
}

/// Tells the installed recorder what every metric means.
pub fn describe_all() {
    actors_metrics::describe(recorded());
}
