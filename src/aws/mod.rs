//! The outside world on AWS: SQS as the queue, S3 as the stores.
//!
//! Runs under the actions of [`operation`] and no others. Credentials are found
//! the SDK's usual way; region and places come from the settings. Every call has
//! a time limit, every failure becomes one [`Trouble`] that says what to do.
//! One HTTPS client serves all services, so that connections are shared.

mod expire;
mod kind;
mod letters;
pub mod live;
mod location;
mod objects;
mod operation;
mod range;
mod s3;
mod sqs;
mod trouble;
mod upload;

use std::{sync::Arc, time::Duration};

use actors::pipeline::Ports;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_types::{checksum_config::ResponseChecksumValidation, retry::RetryConfig};

use crate::{clock::Machine, settings::Aws};
pub use kind::Kind;
use location::Location;
pub use objects::Objects;
pub use s3::Store;
pub use sqs::Queue;
pub use trouble::Trouble;

/// For a connection, and for an answer that brings no large body.
const CONNECT: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_secs(10);

/// The SDK's own tries, with its back-off between them. What must not be
/// repeated blindly turns them off.
const TRIES: u32 = 3;
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Queue and stores, each ready to be called.
#[derive(Clone, Debug)]
pub struct Cloud {
    pub queue: Queue,
    pub lake: Store,
    pub transient: Store,
    pub objects: Objects,
}

impl Cloud {
    /// Makes the clients; calls nobody.
    pub async fn new(aws: &Aws, visibility: Duration) -> Cloud {
        Cloud::of(&config(aws).await, aws, visibility)
    }

    fn of(config: &SdkConfig, aws: &Aws, visibility: Duration) -> Cloud {
        let owner = aws.bucket_owner.as_ref();
        let lake = Location::new(&aws.lake, "data/", &aws.region, owner);
        let transient = Location::new(&aws.large_files, "", &aws.region, owner);
        let client = s3::client(config, aws.endpoint_url.is_some());
        Cloud {
            queue: Queue::new(
                aws_sdk_sqs::Client::new(config),
                aws,
                Arc::new(Machine),
                visibility,
            ),
            lake: Store::new(client.clone(), lake),
            transient: Store::new(client.clone(), transient),
            objects: Objects::new(client, aws),
        }
    }

    pub fn ports(self) -> Ports {
        Ports {
            queue: Arc::new(self.queue),
            lake: Arc::new(self.lake),
            transient: Arc::new(self.transient),
            objects: Arc::new(self.objects),
            clock: Arc::new(Machine),
        }
    }
}

async fn config(aws: &Aws) -> SdkConfig {
    let https = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(aws.region.clone()))
        .http_client(https)
        .timeout_config(attempt(ATTEMPT))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(TRIES)
                .with_max_backoff(BACKOFF_MAX),
        )
        // What matters has a digest of its own, and reads are by ranges.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .app_name(AppName::new("idtrail").expect("letters only"));
    match &aws.endpoint_url {
        Some(url) => loader.endpoint_url(url),
        None => loader,
    }
    .load()
    .await
}

/// Time limits of a call that should take this long at most, each try.
fn attempt(limit: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(limit)
        .operation_attempt_timeout(limit)
        .build()
}

#[cfg(test)]
mod tests;
