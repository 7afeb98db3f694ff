//! Tries every permission and endpoint that the AWS mode will need, and says of
//! each whether it is there.
//!
//! One after the other, with objects and a message of its own, which it removes
//! again. It goes on where something is missing, so that all of it is told at
//! once. What cannot be told apart from outside is said to be unsure.

mod query;
mod queue;
mod stores;

use std::time::Duration;

use aws_config::SdkConfig;

use super::{Cloud, config, operation::Operation, trouble::Trouble};
use crate::{
    finding::Finding,
    progress::Progress,
    settings::{Aws, Settings},
};

/// Tries everything; `nonce` keeps two checks apart that run at once.
pub async fn check(settings: &Settings, aws: &Aws, nonce: u64, quiet: bool) -> Vec<Finding> {
    Live::try_all(&config(aws).await, settings, aws, nonce, quiet).await
}

pub(super) struct Live {
    found: Vec<Finding>,
    bar: Progress,
}

impl Live {
    pub(super) async fn try_all(
        config: &SdkConfig,
        settings: &Settings,
        aws: &Aws,
        nonce: u64,
        quiet: bool,
    ) -> Vec<Finding> {
        let visibility = Duration::from_secs(settings.visibility_timeout_secs);
        let cloud = Cloud::of(config, aws, visibility);
        let mut live = Live {
            found: Vec::new(),
            bar: Progress::count(0, quiet),
        };
        live.queue(&cloud.queue, nonce).await;
        let probe = format!("_idtrail/{}/probe/{nonce:016x}", settings.journal);
        live.store(&cloud.transient, &probe).await;
        let probe = format!("data/_probe/{nonce:016x}");
        live.store(&cloud.lake, &probe).await;
        live.sources(&cloud.objects, aws, nonce).await;
        live.query_side(config, aws, &cloud, nonce).await;
        live.found
    }

    fn add(&mut self, finding: Finding) {
        // Two stores in one bucket ask for the same of it.
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
        let count = self.found.len() as u64;
        self.bar.set(count, count);
    }

    fn trying(&self, what: &str) {
        self.bar.name(format!("trying {what}"));
    }

    /// What one call showed; its answer, if it was a good one.
    fn note<T>(
        &mut self,
        operation: Operation,
        resource: &str,
        answer: Result<T, Trouble>,
    ) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.add(Finding::good(operation.action, resource));
                Some(answer)
            }
            Err(trouble) => {
                self.add(Finding::bad(operation.action, resource, trouble.what));
                None
            }
        }
    }

    fn skipped(&mut self, what: &str, reason: &str) {
        self.add(Finding::bad(what, "", reason.to_owned()).skipped());
    }
}
