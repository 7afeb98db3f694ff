//! A deployment on AWS, as its documentation asks for it: a queue with its
//! dead-letter queue, versioned buckets under a KMS key, a Glue table, and a user
//! who holds the stock policy and, beside it, may read one bucket of events.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    ACCOUNT, REGION,
    cloud::{Cloud, ROOT_KEY, ROOT_SECRET},
    proxy::Proxy,
};
use crate::{
    crash::{COLLECT_SOON, dice},
    program::{Deployment, Running},
    readers,
};

pub(crate) const DATABASE: &str = "idtrail";
/// All that idtrail may do for itself, as docs/aws.md has it.
const STOCK_POLICY: &str = include_str!("../../deploy/aws/policy.json");
/// For a role that only takes events in.
const INGEST_POLICY: &str = include_str!("../../deploy/aws/ingest-policy.json");
/// What reading objects of a source bucket takes, which the stock policy has not.
const SOURCE_POLICY: &str = include_str!("source-policy.json");
/// After so many receives a message is a dead letter.
const RECEIVES_MAX: u32 = 3;
/// Of the topology: files close after a second here.
const AGE: (&str, &str) = ("age_secs = 300", "age_secs = 1");

pub(crate) struct Site {
    pub cloud: &'static Cloud,
    pub proxy: Proxy,
    pub deployment: Deployment,
    pub names: Names,
    pub queue_url: String,
    pub dead_url: String,
    key: String,
    source_key: String,
}

/// What is called how.
pub(crate) struct Names {
    pub long_term: String,
    pub transient: String,
    pub source: String,
    pub queue: String,
    pub table: String,
    pub user: String,
}

impl Site {
    /// `settings`: further lines of `idtrail.yaml`.
    pub(crate) fn new(cloud: &'static Cloud, settings: &str) -> Site {
        let number = cloud.next_site();
        let named = |what: &str| format!("{what}-{number}");
        let names = Names {
            long_term: named("long-term"),
            transient: named("transient"),
            source: named("source"),
            queue: named("queue"),
            table: named("audit"),
            user: named("user"),
        };
        let key = kms_key(cloud);
        let source_key = kms_key(cloud);
        for (bucket, key) in [
            (&names.long_term, &key),
            (&names.transient, &key),
            (&names.source, &source_key),
        ] {
            create_bucket(cloud, bucket, key);
        }
        let dead_url = create_queue(cloud, &format!("{}-dead", names.queue));
        let queue_url = create_queue(cloud, &names.queue);
        let environment = create_user(cloud, &names.user);
        let site = Site {
            cloud,
            proxy: Proxy::new(&cloud.address, dice()),
            deployment: Deployment::with(environment),
            names,
            queue_url,
            dead_url,
            key,
            source_key,
        };
        site.set_redrive(RECEIVES_MAX);
        site.create_table();
        site.grant_all_but(None);
        site.grant_source(true);
        site.write_settings(settings);
        site
    }

    fn write_settings(&self, more: &str) {
        self.deployment.change_topology(&[AGE]);
        let Names {
            long_term,
            transient,
            source,
            table,
            ..
        } = &self.names;
        let (endpoint, queue_url) = (&self.proxy.url, &self.queue_url);
        let settings = format!(
            "identity_activity_center:
  enabled: true
  region: {REGION}
  database: {DATABASE}
  table: {table}
  workgroup: primary
  s3: s3://{long_term}/data/
  s3_results: s3://{transient}/results
  s3_large_files: s3://{transient}/large_files/
  sqs_queue_url: {queue_url}
endpoint_url: {endpoint}
source_buckets: [{source}={ACCOUNT}]
bucket_owner: {ACCOUNT}
topology: topology.toml
{more}"
        );
        self.deployment.write("idtrail.yaml", settings);
    }

    fn create_table(&self) {
        let database = json!({"Name": DATABASE});
        let existing = self.cloud.call("glue", "get_databases", &json!({}));
        let exists = existing["DatabaseList"].as_array().into_iter().flatten();
        if exists
            .into_iter()
            .all(|found| found["Name"] != database["Name"])
        {
            let parameters = json!({"DatabaseInput": database});
            self.cloud.call("glue", "create_database", &parameters);
        }
        let columns: Vec<Value> = audit::schema::lake()
            .fields()
            .iter()
            .map(|field| {
                let kind = match field.data_type().to_string().as_str() {
                    "Utf8" => "string",
                    "Float64" => "double",
                    _ => "timestamp",
                };
                json!({"Name": field.name(), "Type": kind})
            })
            .collect();
        let keys = json!([{"Name": "tenant_id", "Type": "string"}, {"Name": "event_date", "Type": "date"}]);
        let location = format!("s3://{}/data/", self.names.long_term);
        let table = json!({
            "Name": self.names.table, "TableType": "EXTERNAL_TABLE", "PartitionKeys": keys,
            "StorageDescriptor": {"Columns": columns, "Location": location},
        });
        let parameters = json!({"DatabaseName": DATABASE, "TableInput": table});
        self.cloud.call("glue", "create_table", &parameters);
    }

    /// The stock policy, or what is left of it without one action; at once.
    pub(crate) fn grant_all_but(&self, action: Option<&str>) {
        let mut policy: Value = serde_json::from_str(STOCK_POLICY).expect("the policy is JSON");
        let statements = policy["Statement"].as_array_mut().expect("statements");
        for statement in &mut *statements {
            let actions = statement["Action"].as_array_mut().expect("actions");
            actions.retain(|granted| granted.as_str() != action);
        }
        self.put_policy("stock", &policy.to_string());
    }

    /// No more than taking events in needs; at once.
    pub(crate) fn grant_ingest_only(&self) {
        self.put_policy("stock", INGEST_POLICY);
    }

    /// Whether the source bucket may be read; at once.
    pub(crate) fn grant_source(&self, allowed: bool) {
        if allowed {
            self.put_policy("source", SOURCE_POLICY);
        } else {
            let parameters = json!({"UserName": self.names.user, "PolicyName": "source"});
            self.cloud.call("iam", "delete_user_policy", &parameters);
        }
    }

    /// Every action of the stock policy.
    pub(crate) fn stock_actions() -> Vec<String> {
        let policy: Value = serde_json::from_str(STOCK_POLICY).expect("the policy is JSON");
        let statements = policy["Statement"].as_array().expect("statements");
        let actions = statements
            .iter()
            .filter_map(|statement| statement["Action"].as_array());
        actions
            .flatten()
            .map(|action| action.as_str().expect("an action is text").to_owned())
            .collect()
    }

    fn put_policy(&self, name: &str, policy: &str) {
        let names = &self.names;
        let (_, key_id) = self.key.rsplit_once('/').expect("the ARN of a key");
        let policy = policy
            .replace("SOURCE_KEY", &self.source_key)
            .replace("LONG_TERM", &names.long_term)
            .replace("TRANSIENT", &names.transient)
            .replace("SOURCE", &names.source)
            .replace("QUEUE", &names.queue)
            .replace("DATABASE", DATABASE)
            .replace("TABLE", &names.table)
            .replace("WORKGROUP", "primary")
            .replace("REGION", REGION)
            .replace("ACCOUNT", ACCOUNT)
            .replace("KEY", key_id);
        let parameters =
            json!({"UserName": names.user, "PolicyName": name, "PolicyDocument": policy});
        self.cloud.call("iam", "put_user_policy", &parameters);
    }

    /// Starts the service and waits until it leads.
    pub(crate) fn serve(&self) -> Running {
        let mut service = self.deployment.start(&["run"]).running();
        service.await_that("it leads", |service| {
            service.get("/readyz").1.contains(r#""role":"leader""#)
        });
        service
    }

    /// Whoever is killed often is followed soon: after so long a silence.
    pub(crate) fn take_over_after(&self, silence_ms: u32) {
        let attempt_ms = silence_ms / 3;
        for (usual, soon) in [
            (
                "attempt_timeout_ms = 4_000",
                format!("attempt_timeout_ms = {attempt_ms}"),
            ),
            ("heartbeat_ms = 5_000", "heartbeat_ms = 500".to_owned()),
            ("silence_ms = 15_000", format!("silence_ms = {silence_ms}")),
        ] {
            self.change_topology(usual, &soon);
        }
    }

    /// The journal is collected all the time.
    pub(crate) fn collect_soon(&self) {
        self.deployment.change_topology(&COLLECT_SOON);
    }

    /// That it was collected, with all its versions, and that it is no longer than
    /// it need be.
    pub(crate) fn check_collected(&self) {
        let bucket = &self.names.transient;
        let folder = |name: &str| format!("large_files/_idtrail/main/{name}/");
        let count = |name: &str| self.cloud.keys(bucket, &folder(name)).len();
        assert!(
            (2..=4).contains(&count("ckpt")),
            "{} checkpoints",
            count("ckpt")
        );
        assert!(
            (1..=3).contains(&count("boundary")),
            "{} boundaries",
            count("boundary")
        );
        let first = format!("{}{:020}", folder("log"), 1);
        let parameters = json!({"Bucket": bucket, "Prefix": first});
        let versions = self.cloud.call("s3", "list_object_versions", &parameters);
        assert!(versions.get("Versions").is_none(), "{versions}");
        assert!(versions.get("DeleteMarkers").is_none(), "{versions}");
    }

    pub(crate) fn change_topology(&self, usual: &str, other: &str) {
        self.deployment.change_topology(&[(usual, other)]);
    }

    /// Waits until no message is left and every row is in a file.
    pub(crate) fn settle(&self, service: &mut Running) {
        service.await_that("all is in files", |service| self.is_settled(service));
    }

    pub(crate) fn is_settled(&self, service: &mut Running) -> bool {
        self.cloud.messages(&self.queue_url) == 0 && service.count("idtrail_state_bytes") == 0
    }

    /// Spares messages the dead-letter queue, however often they are received.
    pub(crate) fn receive_without_end(&self) {
        self.set_redrive(1_000);
    }

    fn set_redrive(&self, receives_max: u32) {
        let dead = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}-dead", self.names.queue);
        let redrive = json!({"deadLetterTargetArn": dead, "maxReceiveCount": receives_max});
        let attributes = json!({"RedrivePolicy": redrive.to_string()});
        let parameters = json!({"QueueUrl": self.queue_url, "Attributes": attributes});
        self.cloud.call("sqs", "set_queue_attributes", &parameters);
    }

    /// Sends a message as it stands.
    pub(crate) fn send(&self, body: &str, attributes: &[(&str, &str)]) {
        self.cloud.send(&self.queue_url, body, attributes);
    }

    /// Messages in the dead-letter queue.
    pub(crate) fn dead_letters(&self) -> usize {
        self.cloud.messages(&self.dead_url)
    }

    /// As [`readers::rows_at`], over S3; and that everything adds up.
    pub(crate) fn check_rows(&self, events: &Path) -> Value {
        let endpoint = format!("http://{}", self.cloud.address);
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ROOT_KEY),
            ("AWS_SECRET_ACCESS_KEY", ROOT_SECRET),
        ];
        let lake = format!("s3://{}/data", self.names.long_term);
        let rows = readers::rows_at(&lake, &environment, events).expect("Python runs MiniStack");
        let verified = self.deployment.idtrail(&["verify"]);
        assert_eq!(verified.code, Some(0), "{verified:?}");
        rows
    }
}

fn kms_key(cloud: &Cloud) -> String {
    let answer = cloud.call("kms", "create_key", &json!({}));
    let arn = answer["KeyMetadata"]["Arn"].as_str();
    arn.expect("a key has an ARN").to_owned()
}

fn create_bucket(cloud: &Cloud, bucket: &str, key: &str) {
    let place = json!({"LocationConstraint": REGION});
    let parameters = json!({"Bucket": bucket, "CreateBucketConfiguration": place});
    cloud.call("s3", "create_bucket", &parameters);
    let default = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key});
    let rules = json!([{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": true}]);
    let parameters =
        json!({"Bucket": bucket, "ServerSideEncryptionConfiguration": {"Rules": rules}});
    cloud.call("s3", "put_bucket_encryption", &parameters);
    let parameters = json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}});
    cloud.call("s3", "put_bucket_versioning", &parameters);
}

fn create_queue(cloud: &Cloud, name: &str) -> String {
    let answer = cloud.call("sqs", "create_queue", &json!({"QueueName": name}));
    let url = answer["QueueUrl"].as_str();
    url.expect("a queue has a URL").to_owned()
}

/// The environment of a new user without any permission.
fn create_user(cloud: &Cloud, user: &str) -> Vec<(&'static str, String)> {
    cloud.call("iam", "create_user", &json!({"UserName": user}));
    let mut answer = cloud.call("iam", "create_access_key", &json!({"UserName": user}));
    let mut field = |name: &str| match answer["AccessKey"][name].take() {
        Value::String(text) => text,
        other => panic!("{name} is {other}"),
    };
    vec![
        ("AWS_ACCESS_KEY_ID", field("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", field("SecretAccessKey")),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}
