//! Whoever sends to the queue: programs, S3, SNS, EventBridge, CloudTrail; each
//! in the form of a message that it has.

use std::io::Write;

use audit::source::Source;
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json, value::RawValue};

use super::{ACCOUNT, REGION, site::Site};

/// A call to SQS, SNS or EventBridge takes so many at once.
const BATCH: usize = 10;
/// Of the rules that pass events on to the queue.
const EVENT_SOURCE: &str = "com.example.audit";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// An event a message, and the attribute `source`.
    Raw,
    /// An event a message, whose shape alone tells its source.
    Bare,
    Array,
    Lines,
    Gzip,
    Zstd,
    /// By `idtrail publish`.
    Packed,
    /// An object, and S3's notification of it.
    Object,
    /// The same by way of SNS.
    ObjectBySns,
    /// The same by way of EventBridge.
    ObjectByBridge,
    /// An object, and CloudTrail's own notice of it.
    Notice,
    /// An event a message, in SNS's envelope.
    Sns,
    /// An event a message, SNS delivering raw.
    SnsRaw,
    /// An event a message, in EventBridge's envelope, which writes JSON anew.
    Bridge,
}

impl Form {
    pub(crate) const ALL: [Form; 14] = [
        Form::Raw,
        Form::Bare,
        Form::Array,
        Form::Lines,
        Form::Gzip,
        Form::Zstd,
        Form::Packed,
        Form::Object,
        Form::ObjectBySns,
        Form::ObjectByBridge,
        Form::Notice,
        Form::Sns,
        Form::SnsRaw,
        Form::Bridge,
    ];
}

pub(crate) struct Senders<'s> {
    site: &'s Site,
    topic: String,
    raw_topic: String,
    bus: String,
    /// Gets a copy of what EventBridge sends to the queue.
    copies_url: String,
}

impl Senders<'_> {
    /// Topics, rules and notifications into the site's queue.
    pub(crate) fn new(site: &Site) -> Senders<'_> {
        let queue = queue_arn(&site.names.queue);
        allow_senders(site, &queue);
        let topic = create_topic(site, "topic", &queue, false);
        let raw_topic = create_topic(site, "raw-topic", &queue, true);
        let copies = format!("{}-copies", site.names.queue);
        let parameters = json!({"QueueName": copies});
        let answer = site.cloud.call("sqs", "create_queue", &parameters);
        let copies_url = answer["QueueUrl"].as_str().expect("a URL").to_owned();
        let bus = format!("bus-{}", site.names.queue);
        site.cloud
            .call("events", "create_event_bus", &json!({"Name": bus}));
        let pattern = json!({"source": [EVENT_SOURCE]});
        let targets = [queue.as_str(), &queue_arn(&copies)];
        create_rule(site, &bus, &pattern, &targets);
        let ours = json!({"name": [site.names.source]});
        let keys = json!({"key": [{"prefix": "bridge/"}]});
        let detail = json!({"bucket": ours, "object": keys});
        let pattern = json!({"source": ["aws.s3"], "detail": detail});
        create_rule(site, "default", &pattern, &[&queue]);
        notify(site, &queue, &topic);
        Senders {
            site,
            topic,
            raw_topic,
            bus,
            copies_url,
        }
    }

    /// Sends these events; returns them as the queue has them.
    pub(crate) fn send(&self, form: Form, source: Source, lines: &[String]) -> Vec<String> {
        if lines.is_empty() {
            return Vec::new();
        }
        let name = source.name();
        let text = lines.join("\n");
        match form {
            Form::Raw => self.messages(lines, &[("source", name)]),
            Form::Bare => self.messages(lines, &[]),
            Form::Array => self.site.send(&format!("[{}]", lines.join(",")), &[]),
            Form::Lines => self.site.send(&text, &[("source", name)]),
            Form::Gzip => {
                let body = BASE64_STANDARD.encode(gzip(text.as_bytes()));
                self.site.send(&body, &[("encoding", "gzip")]);
            }
            Form::Zstd => {
                let packed = zstd::encode_all(text.as_bytes(), 1).expect("memory can be written");
                let body = BASE64_STANDARD.encode(packed);
                self.site.send(&body, &[("encoding", "zstd")]);
            }
            Form::Packed => {
                let file = self.site.deployment.write("packed.ndjson", &text);
                self.site.deployment.publish(source, &file);
            }
            Form::Object => self.object("sqs", source, lines),
            Form::ObjectBySns => self.object("sns", source, lines),
            Form::ObjectByBridge => self.object("bridge", source, lines),
            Form::Notice => self.notice(source, lines),
            Form::Sns => self.publish(&self.topic, lines),
            Form::SnsRaw => self.publish(&self.raw_topic, lines),
            Form::Bridge => return self.put_events(lines),
        }
        lines.to_vec()
    }

    fn messages(&self, lines: &[String], attributes: &[(&str, &str)]) {
        let attributes: Value = attributes
            .iter()
            .map(|(name, value)| {
                let value = json!({"DataType": "String", "StringValue": value});
                ((*name).to_owned(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        for lines in lines.chunks(BATCH) {
            let entries: Vec<Value> = (0..)
                .zip(lines)
                .map(|(id, line): (u32, _)| {
                    json!({"Id": id.to_string(), "MessageBody": line, "MessageAttributes": attributes})
                })
                .collect();
            let parameters = json!({"QueueUrl": self.site.queue_url, "Entries": entries});
            self.batch("sqs", "send_message_batch", &parameters);
        }
    }

    fn publish(&self, topic: &str, lines: &[String]) {
        for lines in lines.chunks(BATCH) {
            let entries: Vec<Value> = (0..)
                .zip(lines)
                .map(|(id, line): (u32, _)| json!({"Id": id.to_string(), "Message": line}))
                .collect();
            let parameters = json!({"TopicArn": topic, "PublishBatchRequestEntries": entries});
            self.batch("sns", "publish_batch", &parameters);
        }
    }

    fn batch(&self, service: &str, operation: &str, parameters: &Value) {
        let answer = self.site.cloud.call(service, operation, parameters);
        let failed = answer["Failed"].as_array().is_some_and(|it| !it.is_empty());
        assert!(!failed, "{service} {operation}: {answer}");
    }

    fn put_events(&self, lines: &[String]) -> Vec<String> {
        for lines in lines.chunks(BATCH) {
            let entries: Vec<Value> = lines
                .iter()
                .map(|line| {
                    json!({
                        "Source": EVENT_SOURCE, "DetailType": "audit", "Detail": line, "EventBusName": self.bus
                    })
                })
                .collect();
            let parameters = json!({"Entries": entries});
            let answer = self.site.cloud.call("events", "put_events", &parameters);
            assert_eq!(answer["FailedEntryCount"], json!(0), "{answer}");
        }
        let mut copies = Vec::new();
        while copies.len() < lines.len() {
            copies.extend(self.take_copies());
        }
        copies
    }

    /// What is inside the envelopes that EventBridge sent.
    fn take_copies(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Envelope<'b> {
            #[serde(borrow)]
            detail: &'b RawValue,
        }
        let parameters = json!({
            "QueueUrl": self.copies_url, "MaxNumberOfMessages": BATCH, "VisibilityTimeout": 600
        });
        let answer = self.site.cloud.call("sqs", "receive_message", &parameters);
        let messages = answer["Messages"].as_array().into_iter().flatten();
        let details = messages.map(|message| {
            let body = message["Body"].as_str().expect("a message has a body");
            let envelope: Envelope<'_> = serde_json::from_str(body).expect("an envelope is JSON");
            envelope.detail.get().to_owned()
        });
        details.collect()
    }

    /// An object whose notification goes this way. CloudTrail's files are JSON,
    /// those of others NDJSON.
    fn object(&self, way: &str, source: Source, lines: &[String]) {
        let (content, end) = match source {
            Source::Aws => (format!("{{\"Records\":[{}]}}", lines.join(",")), "json"),
            _ => (lines.join("\n"), "ndjson"),
        };
        // No two deliveries have one key.
        let (bucket, digits) = (&self.site.names.source, lines[0].len());
        let count = self.site.cloud.keys(bucket, "").len();
        let key = format!("{way}/{source} logs/été+{digits}%2F{count}=(1).{end}.gz");
        self.site
            .cloud
            .put_object(bucket, &key, &gzip(content.as_bytes()));
    }

    fn notice(&self, source: Source, lines: &[String]) {
        let bucket = &self.site.names.source;
        let count = self.site.cloud.keys(bucket, "").len();
        let key = format!("AWSLogs/{ACCOUNT}/{source}-{count}.ndjson.gz");
        let content = gzip(lines.join("\n").as_bytes());
        self.site.cloud.put_object(bucket, &key, &content);
        let notice = json!({"s3Bucket": bucket, "s3ObjectKey": [key]});
        self.site.send(&notice.to_string(), &[]);
    }
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn queue_arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

fn allow_senders(site: &Site, queue: &str) {
    let services = ["s3", "sns", "events"].map(|service| format!("{service}.amazonaws.com"));
    let statement = json!({
        "Effect": "Allow", "Principal": {"Service": services}, "Action": "sqs:SendMessage", "Resource": queue
    });
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
    let attributes = json!({"Policy": policy.to_string()});
    let parameters = json!({"QueueUrl": site.queue_url, "Attributes": attributes});
    site.cloud.call("sqs", "set_queue_attributes", &parameters);
}

/// The ARN of a new topic that sends to the queue.
fn create_topic(site: &Site, name: &str, queue: &str, raw: bool) -> String {
    let name = format!("{name}-{}", site.names.queue);
    let answer = site
        .cloud
        .call("sns", "create_topic", &json!({"Name": name}));
    let topic = answer["TopicArn"].as_str().expect("a topic has an ARN");
    let statement = json!({
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic
    });
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let parameters =
        json!({"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy});
    site.cloud.call("sns", "set_topic_attributes", &parameters);
    let attributes = json!({"RawMessageDelivery": raw.to_string()});
    let parameters = json!({
        "TopicArn": topic, "Protocol": "sqs", "Endpoint": queue, "Attributes": attributes
    });
    site.cloud.call("sns", "subscribe", &parameters);
    topic.to_owned()
}

fn create_rule(site: &Site, bus: &str, pattern: &Value, queues: &[&str]) {
    let rule = format!("rule-{}", site.names.queue);
    let parameters =
        json!({"Name": rule, "EventBusName": bus, "EventPattern": pattern.to_string()});
    site.cloud.call("events", "put_rule", &parameters);
    let targets: Vec<Value> = (0..)
        .zip(queues)
        .map(|(id, arn): (u32, _)| json!({"Id": id.to_string(), "Arn": arn}))
        .collect();
    let parameters = json!({"Rule": rule, "EventBusName": bus, "Targets": targets});
    site.cloud.call("events", "put_targets", &parameters);
}

/// Where the source bucket tells of new objects: by their keys' beginnings.
fn notify(site: &Site, queue: &str, topic: &str) {
    let below =
        |prefix: &str| json!({"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}});
    let created = ["s3:ObjectCreated:*"];
    let configuration = json!({
        "QueueConfigurations": [{"QueueArn": queue, "Events": created, "Filter": below("sqs/")}],
        "TopicConfigurations": [{"TopicArn": topic, "Events": created, "Filter": below("sns/")}],
        "EventBridgeConfiguration": {},
    });
    let parameters = json!({
        "Bucket": site.names.source, "NotificationConfiguration": configuration
    });
    site.cloud
        .call("s3", "put_bucket_notification_configuration", &parameters);
}
