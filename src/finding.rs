//! What trying things out has shown: of each, whether it is there, and what to
//! do if it is not.

use std::fmt;

use serde::Serialize;

/// One thing that was tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What would be granted, such as `s3:PutObject`; or what was looked at.
    pub what: String,
    /// The ARN or place that it is about.
    pub resource: String,
    pub outcome: Outcome,
    /// What is wrong or unsure, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Good,
    Failed,
    /// No answer tells.
    Unsure,
    /// Not tried: the settings name nothing to try it on.
    Skipped,
}

impl Finding {
    pub fn good(what: &str, resource: &str) -> Finding {
        Finding {
            what: what.to_owned(),
            resource: resource.to_owned(),
            outcome: Outcome::Good,
            reason: None,
        }
    }

    pub fn bad(what: &str, resource: &str, reason: String) -> Finding {
        Finding {
            outcome: Outcome::Failed,
            reason: Some(reason),
            ..Finding::good(what, resource)
        }
    }

    pub fn unsure(self) -> Finding {
        Finding {
            outcome: Outcome::Unsure,
            ..self
        }
    }

    pub fn skipped(self) -> Finding {
        Finding {
            outcome: Outcome::Skipped,
            ..self
        }
    }
}

/// `✓ s3:PutObject on arn:…`, and below it what to do.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.outcome {
            Outcome::Good => '✓',
            Outcome::Failed => '✗',
            Outcome::Unsure => '?',
            Outcome::Skipped => '-',
        };
        write!(f, "{sign} {}", self.what)?;
        if !self.resource.is_empty() {
            write!(f, " on {}", self.resource)?;
        }
        match &self.reason {
            Some(reason) => write!(f, "\n    {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_with_its_fix_below() {
        let good = Finding::good("sqs:SendMessage", "arn:q");
        let bad = Finding::bad("s3:PutObject", "arn:b", "add it".to_owned());
        for (finding, text) in [
            (good, "✓ sqs:SendMessage on arn:q"),
            (bad.clone(), "✗ s3:PutObject on arn:b\n    add it"),
            (bad.clone().unsure(), "? s3:PutObject on arn:b\n    add it"),
            (bad.skipped(), "- s3:PutObject on arn:b\n    add it"),
        ] {
            assert_eq!(finding.to_string(), text);
        }
    }
}
