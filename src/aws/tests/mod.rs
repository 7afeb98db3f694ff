//! The adapters against a wire in memory: what the SDK sends is recorded, and
//! answered as the test says.

mod objects;
mod queue;
mod store;
mod troubles;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, checksum_config::ResponseChecksumValidation};
use bytes::Bytes;

use super::{Cloud, attempt};
use crate::settings::{Aws, Environment, Settings};

const SETTINGS: &str = "\
identity_activity_center:
  enabled: true
  region: eu-central-1
  s3: s3://lake-bucket/data/
  s3_large_files: s3://transient-bucket/large_files/
  s3_results: s3://transient-bucket/results/
  sqs_queue_url: https://sqs.eu-central-1.amazonaws.com/111122223333/q
endpoint_url: https://aws.example.com
source_buckets: [logs-bucket, owned-bucket=444455556666, lake-bucket]
";

/// A request as it went out.
#[derive(Clone, Debug)]
struct Asked {
    method: String,
    /// Path and query.
    target: String,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Of SQS, Glue and Athena: `ReceiveMessage`.
    fn operation(&self) -> &str {
        let target = self.header("x-amz-target");
        target.rsplit('.').next().unwrap_or_default()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the SDK sends JSON")
    }
}

#[derive(Clone, Debug)]
enum Answer {
    Http(u16, Vec<(&'static str, String)>, Bytes),
    /// The connection breaks.
    Broken,
}

impl Answer {
    fn ok(body: impl Into<Bytes>) -> Answer {
        Answer::Http(200, Vec::new(), body.into())
    }

    /// As S3 answers errors.
    fn xml(status: u16, code: &str) -> Answer {
        let body = format!("<Error><Code>{code}</Code><Message>of a test</Message></Error>");
        Answer::Http(status, Vec::new(), body.into())
    }

    /// As SQS, Glue and Athena answer errors.
    fn json(status: u16, code: &str) -> Answer {
        let body = format!("{{\"__type\":\"{code}\",\"message\":\"of a test\"}}");
        Answer::Http(status, Vec::new(), body.into())
    }

    fn with(self, name: &'static str, value: impl Into<String>) -> Answer {
        match self {
            Answer::Http(status, mut headers, body) => {
                headers.push((name, value.into()));
                Answer::Http(status, headers, body)
            }
            Answer::Broken => Answer::Broken,
        }
    }
}

type Script = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Wire {
    script: Script,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    fn new(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Wire {
        Wire {
            script: Arc::new(script),
            asked: Arc::default(),
        }
    }

    /// Always the same answer.
    fn always(answer: Answer) -> Wire {
        Wire::new(move |_| answer.clone())
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .expect("no test panics holding it")
            .clone()
    }

    fn config(&self) -> SdkConfig {
        let wire = SharedHttpConnector::new(self.clone());
        let keys = Credentials::new("key", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .endpoint_url("https://aws.example.com")
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(http_client_fn(move |_, _| wire.clone()))
            .timeout_config(attempt(Duration::from_secs(10)))
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build()
    }

    fn cloud(&self) -> Cloud {
        let settings = settings();
        let aws = settings.aws.expect("enabled");
        Cloud::of(&self.config(), &aws, Duration::from_secs(60))
    }
}

fn settings() -> Settings {
    Settings::parse("f.yaml", SETTINGS, &Environment::new()).expect("valid")
}

fn aws() -> Aws {
    settings().aws.expect("enabled")
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri();
        let target = uri.find("example.com").map_or("", |at| &uri[at + 11..]);
        let asked = Asked {
            method: request.method().to_owned(),
            target: target.to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: Bytes::copy_from_slice(request.body().bytes().unwrap_or_default()),
        };
        let answer = (self.script)(&asked);
        self.asked
            .lock()
            .expect("no test panics holding it")
            .push(asked);
        HttpConnectorFuture::ready(match answer {
            Answer::Broken => Err(ConnectorError::io(
                io::Error::from(io::ErrorKind::ConnectionReset).into(),
            )),
            Answer::Http(status, headers, body) => {
                let status = status.try_into().expect("a status");
                let length = body.len().to_string();
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                response.headers_mut().insert("content-length", length);
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        })
    }
}
