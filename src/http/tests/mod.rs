//! The real listener on a real socket, in front of a queue in a directory that
//! can be made to fail or hang, and clients that behave, or do not.

mod attacks;
mod machines;
mod pushes;
mod tls;

use std::{
    io::Write as _,
    sync::atomic::{AtomicU8, Ordering},
};

use actors::ports::{Backlog, Message, MessageId, Outgoing, Queue, QueueError, Receipt, Store};
use async_trait::async_trait;
use audit::{
    message::{Content, Decoder, Limits, Pull},
    token::Token,
};
use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use super::*;
use crate::{clock::Machine, local, settings::Environment};

/// How the queue behaves.
const UP: u8 = 0;
const DOWN: u8 = 1;
const HANGING: u8 = 2;

struct Weather {
    queue: local::Queue,
    now: AtomicU8,
}

struct World {
    _directory: tempfile::TempDir,
    queue: Arc<Weather>,
    payloads: Arc<dyn Store>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// The token of that seed, and the entry that admits it.
fn token(seed: u8, tenant: &str) -> (String, String) {
    let token = Token::new([seed; 32]);
    let entry = format!("sender-{seed}:{tenant}:{}", token.hash());
    (token.reveal().to_owned(), entry)
}

async fn world(settings: &str) -> World {
    world_with(settings, Compute::new(2, 4).expect("threads")).await
}

/// `settings` in YAML; where to listen is added unless they say it.
async fn world_with(settings: &str, compute: Compute) -> World {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let hidden = Duration::from_secs(60);
    let queue = local::Queue::open(&directory.path().join("queue"), Arc::new(Machine), hidden);
    let payloads = local::Store::open(&directory.path().join("large_files"), &Machine);
    let queue = Arc::new(Weather {
        queue: queue.expect("writable"),
        now: AtomicU8::new(UP),
    });
    let payloads: Arc<dyn Store> = Arc::new(payloads.expect("writable"));
    let mut environment = Environment::new();
    if !settings.contains("listen") {
        let listen = ("IDTRAIL_HTTP_LISTEN".to_owned(), "127.0.0.1:0".to_owned());
        environment.extend([listen]);
    }
    let settings = Settings::parse("f.yaml", settings, &environment).expect("valid");
    let listener = Listener::open(&settings).await.expect("a free port");
    let mut address = listener.address();
    address.set_ip([127, 0, 0, 1].into());
    let answers = Answers {
        readiness: Arc::new(|| Readiness {
            ready: true,
            parts: BTreeMap::new(),
        }),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        outlet: Outlet {
            queue: Arc::clone(&queue) as Arc<dyn Queue>,
            payloads: Arc::clone(&payloads),
        },
        compute,
    };
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(listener.serve(settings, answers, async {
        stopped.await.ok();
    }));
    World {
        _directory: directory,
        queue,
        payloads,
        address,
        stop: Some(stop),
        server: Some(server),
    }
}

impl World {
    fn weather(&self, now: u8) {
        self.queue.now.store(now, Ordering::SeqCst);
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Head and body as they are; the connection is half closed after them.
    async fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        exchange(self.connect().await, request.as_ref()).await
    }

    /// Pushes a body with these further header lines.
    async fn push(&self, source: &str, headers: &str, body: &[u8]) -> Answer {
        self.send(request(source, headers, body)).await
    }

    async fn is_empty(&self) -> bool {
        let backlog = self.queue.queue.backlog().await.expect("readable");
        backlog.expect("a directory can tell").visible == 0
    }

    /// The messages in the queue, which they leave.
    async fn messages(&self) -> Vec<Message> {
        let messages = self.queue.queue.receive(1_000).await.expect("readable");
        let entries: Vec<_> = messages
            .iter()
            .map(|message| (message.id.clone(), message.receipt.clone()))
            .collect();
        self.queue.queue.delete(&entries).await.expect("writable");
        messages
    }

    /// The events in the queue's messages and in what they point to.
    async fn events(&self) -> Vec<Bytes> {
        let mut events = Vec::new();
        for message in self.messages().await {
            let encoding = message.attributes.get("encoding").map(String::as_str);
            let content = Content::of(message.body.clone(), encoding, &Limits::default());
            let mut decoder = match content.expect("readable") {
                Content::Events(decoder) => *decoder,
                Content::Payload(pointer) => {
                    let payload = self.payloads.get(pointer.key()).await.expect("readable");
                    let payload = payload.expect("stored before its pointer");
                    Decoder::of_object(payload, &Limits::default())
                }
            };
            while let Pull::Parcel(parcel) = decoder.next_parcel().expect("readable") {
                assert!(parcel.bad.is_empty());
                events.extend(parcel.events.into_iter().map(|event| event.raw));
            }
        }
        events
    }

    /// Stops in order.
    async fn stop(mut self) {
        drop(self.stop.take());
        let server = self.server.take().expect("not stopped before");
        server.await.expect("no panic");
    }
}

/// A test that forgets to stop must not leave a server behind.
impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

fn request(source: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST /api/v1/ingest/{source} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// What comes back until the other end closes; whether all was taken is not its
/// matter.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> Answer {
    let mut answer = Vec::new();
    let (mut from, mut to) = tokio::io::split(&mut stream);
    let write = async {
        to.write_all(request).await.ok();
        to.flush().await.ok();
    };
    let ((), read) = tokio::join!(write, from.read_to_end(&mut answer));
    read.ok();
    Answer::of(&answer)
}

impl Answer {
    fn of(bytes: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            // No answer at all.
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Whether it is a problem as RFC 9457 has it, of this status and code.
    fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{self:?}"
        );
        assert!(
            self.head.contains("x-content-type-options: nosniff"),
            "{self:?}"
        );
        let json = self.json();
        assert_eq!(json["status"], status, "{self:?}");
        assert_eq!(json["code"], code, "{self:?}");
        assert_eq!(json["type"], "about:blank");
        assert!(
            json["title"].is_string() && json["detail"].is_string(),
            "{self:?}"
        );
        assert!(self.body.len() < 1_000, "{self:?}");
    }

    fn is_accepted(&self, events: u64, messages: u64) {
        assert_eq!(self.status, 202, "{self:?}");
        let expected = serde_json::json!({"accepted": events, "messages": messages});
        assert_eq!(self.json(), expected);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[async_trait]
impl Queue for Weather {
    async fn receive(&self, count_max: usize) -> Result<Vec<Message>, QueueError> {
        self.queue.receive(count_max).await
    }

    async fn delete(&self, entries: &[(MessageId, Receipt)]) -> Result<Vec<bool>, QueueError> {
        self.queue.delete(entries).await
    }

    async fn bury(&self, message: &Message, reason: &str) -> Result<bool, QueueError> {
        self.queue.bury(message, reason).await
    }

    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        match self.now.load(Ordering::SeqCst) {
            DOWN => Err(QueueError::Retry("secret-host:9324 refused".to_owned())),
            HANGING => std::future::pending().await,
            _ => self.queue.send(messages).await,
        }
    }

    async fn backlog(&self) -> Result<Option<Backlog>, QueueError> {
        self.queue.backlog().await
    }
}
