//! MiniStack as a process of the tests' own, and calls to it as root.
//!
//! One serves all tests of the binary, each with buckets, queues and a user of
//! its own. Both processes end when this one does, however it does: they read
//! their standard input to its end.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{ACCOUNT, REGION};
use crate::{program::pause, readers};

/// Of root, whose signatures MiniStack does not check.
pub(crate) const ROOT_KEY: &str = "root-key";
pub(crate) const ROOT_SECRET: &str = "root-secret";

/// How often another port is tried: somebody may take it before MiniStack does.
const STARTS_MAX: u32 = 5;

pub(crate) struct Cloud {
    /// Host and port.
    pub address: String,
    calls: Mutex<Calls>,
    sites: AtomicU32,
    /// Ends when its standard input is closed: with this process.
    _server: Child,
}

struct Calls {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _root: Child,
}

/// `None` where there is no Python to run it.
pub(crate) fn cloud() -> Option<&'static Cloud> {
    static CLOUD: OnceLock<Cloud> = OnceLock::new();
    let python = readers::python()?;
    Some(CLOUD.get_or_init(|| Cloud::start(&python)))
}

impl Cloud {
    fn start(python: &Path) -> Cloud {
        let (address, server) = (0..STARTS_MAX)
            .find_map(|_| ministack(python))
            .expect("MiniStack starts");
        let mut root = command(python, "root.py")
            .args([&format!("http://{address}"), REGION, ROOT_KEY, ROOT_SECRET])
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let calls = Calls {
            input: root.stdin.take().expect("it is piped"),
            output: BufReader::new(root.stdout.take().expect("it is piped")),
            _root: root,
        };
        Cloud {
            address,
            calls: Mutex::new(calls),
            sites: AtomicU32::new(0),
            _server: server,
        }
    }

    /// What nobody else's names end in.
    pub(crate) fn next_site(&self) -> u32 {
        self.sites.fetch_add(1, Ordering::Relaxed)
    }

    /// Calls as root, with operation and parameters as botocore names them.
    pub(crate) fn call(&self, service: &str, operation: &str, parameters: &Value) -> Value {
        let request = json!([service, operation, parameters]);
        // A test that failed in the midst of a call leaves whole lines behind.
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(calls.input, "{request}").expect("root.py listens");
        let mut line = String::new();
        calls.output.read_line(&mut line).expect("root.py answers");
        drop(calls);
        let mut answer: Value = serde_json::from_str(&line).expect("root.py answers in JSON");
        assert!(
            answer.get("error").is_none(),
            "{service} {operation}: {}",
            answer["error"]
        );
        answer["ok"].take()
    }

    pub(crate) fn put_object(&self, bucket: &str, key: &str, body: &[u8]) {
        let body = json!({"base64": BASE64_STANDARD.encode(body)});
        let parameters = json!({"Bucket": bucket, "Key": key, "Body": body});
        self.call("s3", "put_object", &parameters);
    }

    /// Keys below a prefix.
    pub(crate) fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let mut parameters = json!({"Bucket": bucket, "Prefix": prefix});
        let mut keys = Vec::new();
        loop {
            let answer = self.call("s3", "list_objects_v2", &parameters);
            let contents = answer["Contents"].as_array().into_iter().flatten();
            keys.extend(contents.filter_map(|object| Some(object["Key"].as_str()?.to_owned())));
            let Some(token) = answer.get("NextContinuationToken") else {
                return keys;
            };
            parameters["ContinuationToken"] = token.clone();
        }
    }

    /// Sends a message as it stands.
    pub(crate) fn send(&self, queue_url: &str, body: &str, attributes: &[(&str, &str)]) {
        let attributes: serde_json::Map<String, Value> = attributes
            .iter()
            .map(|(name, value)| {
                let value = json!({"DataType": "String", "StringValue": value});
                ((*name).to_owned(), value)
            })
            .collect();
        let parameters = json!({
            "QueueUrl": queue_url, "MessageBody": body, "MessageAttributes": attributes
        });
        self.call("sqs", "send_message", &parameters);
    }

    /// Messages that wait or are in hand.
    pub(crate) fn messages(&self, queue_url: &str) -> usize {
        let parameters = json!({"QueueUrl": queue_url, "AttributeNames": ["All"]});
        let answer = self.call("sqs", "get_queue_attributes", &parameters);
        let count = |name: &str| -> usize {
            let text = answer["Attributes"][name].as_str().expect("a queue counts");
            text.parse().expect("a count")
        };
        count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible")
    }
}

/// Starts MiniStack on some free port and waits until it answers; `None` if the
/// port was taken meanwhile.
fn ministack(python: &Path) -> Option<(String, Child)> {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let address = format!("127.0.0.1:{port}");
    let mut child = command(python, "cloud.py")
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("MINISTACK_REGION", REGION)
        .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
        .env("AUTH", "true")
        .env("AWS_ACCESS_KEY_ID", ROOT_KEY)
        .env("AWS_SECRET_ACCESS_KEY", ROOT_SECRET)
        .env("SFTP_ENABLED", "0")
        .env("IOT_MTLS_ENABLED", "0")
        .env("LOG_LEVEL", "ERROR")
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .stdout(Stdio::null())
        .spawn()
        .expect("Python starts");
    while TcpStream::connect(&address).is_err() {
        let ended = child.try_wait().expect("a child can be waited for");
        if ended.is_some() {
            return None;
        }
        pause(Duration::from_millis(20));
    }
    Some((address, child))
}

fn command(python: &Path, script: &str) -> Command {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/aws", script]
        .iter()
        .collect();
    let mut command = Command::new(python);
    command.arg(path).stdin(Stdio::piped());
    command
}
