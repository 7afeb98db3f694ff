//! A reverse proxy between the program and MiniStack that does harm to order.
//!
//! It passes requests on as they are, the signed `Host` among them, keeps a list
//! of all it saw, and does what its rules say: slow answers, cut connections,
//! lost answers, effects that come late, errors as AWS words them, headers gone,
//! bodies cut short. Like S3 it refuses a bucket owner other than the real one,
//! which MiniStack does not look at.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::{Body, Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
    http::request::Parts,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use rand::{RngExt, rngs::StdRng};
use tokio::{net::TcpListener, runtime::Runtime, time::Instant};

use super::{ACCOUNT, operation::operation};

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Fault {
    /// The answer comes so much later.
    Slow(Duration),
    /// The connection ends, and nothing was done.
    Cut,
    /// It was done, and the connection ends without the answer.
    AnswerLost,
    /// The connection ends; so much later it is done all the same.
    Late(Duration),
    /// Nothing is done; the answer is this error.
    Error(u16, &'static str),
    /// The store never sees this header.
    Without(&'static str),
    /// The answer ends half-way.
    HalfAnswer,
}

/// Which requests a fault befalls.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Such as `sqs:ReceiveMessage` or `s3:PutObject`; the beginning of it is enough.
    operation: &'static str,
    /// Stands somewhere in path and query.
    path: String,
    times: usize,
    one_in: u32,
    fault: Fault,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub operation: String,
    /// With its query.
    pub path: String,
    pub at: Instant,
    pub fault: Option<Fault>,
}

/// Runs until it is dropped.
pub(crate) struct Proxy {
    pub url: String,
    state: Arc<State>,
    _runtime: Runtime,
}

struct State {
    /// Host and port of MiniStack.
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    script: Mutex<Script>,
}

struct Script {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
    dice: StdRng,
}

impl Rule {
    pub(crate) fn new(operation: &'static str, fault: Fault) -> Rule {
        Rule {
            operation,
            path: String::new(),
            times: usize::MAX,
            one_in: 1,
            fault,
        }
    }

    pub(crate) fn path(self, path: impl Into<String>) -> Rule {
        let path = path.into();
        Rule { path, ..self }
    }

    /// Befalls so many of them.
    pub(crate) fn times(self, times: usize) -> Rule {
        Rule { times, ..self }
    }

    /// Befalls them by chance.
    pub(crate) fn one_in(self, one_in: u32) -> Rule {
        Rule { one_in, ..self }
    }

    fn befalls(&mut self, operation: &str, path: &str, dice: &mut StdRng) -> bool {
        if self.times == 0 || !operation.starts_with(self.operation) || !path.contains(&self.path) {
            return false;
        }
        let hit = dice.random_ratio(1, self.one_in);
        self.times -= usize::from(hit);
        hit
    }
}

impl Proxy {
    /// In front of MiniStack at `upstream`, a host and port.
    pub(crate) fn new(upstream: &str, dice: StdRng) -> Proxy {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("threads can be started");
        let script = Script {
            rules: Vec::new(),
            seen: Vec::new(),
            dice,
        };
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            script: Mutex::new(script),
        });
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(serve(listener, state.clone()));
        Proxy {
            url: format!("http://{address}"),
            state,
            _runtime: runtime,
        }
    }

    pub(crate) fn add(&self, rule: Rule) {
        self.script().rules.push(rule);
    }

    /// From here on all goes well.
    pub(crate) fn calm(&self) {
        self.script().rules.clear();
    }

    /// The requests so far whose operation begins so.
    pub(crate) fn seen(&self, operation: &str) -> Vec<Seen> {
        let script = self.script();
        let seen = script.seen.iter();
        seen.filter(|seen| seen.operation.starts_with(operation))
            .cloned()
            .collect()
    }

    /// How many requests met a fault.
    pub(crate) fn faults(&self) -> usize {
        let script = self.script();
        script
            .seen
            .iter()
            .filter(|seen| seen.fault.is_some())
            .count()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.state.script()
    }
}

impl State {
    /// A test that failed while it held the lock must not hide why.
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, operation: &str, path: &str) -> Option<Fault> {
        let script = &mut *self.script();
        let fault = script.rules.iter_mut().find_map(|rule| {
            let befalls = rule.befalls(operation, path, &mut script.dice);
            befalls.then_some(rule.fault)
        });
        script.seen.push(Seen {
            operation: operation.to_owned(),
            path: path.to_owned(),
            at: Instant::now(),
            fault,
        });
        fault
    }

    async fn pass_on(&self, mut parts: Parts, body: Bytes) -> io::Result<Response<Answer>> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = Uri::builder()
            .scheme("http")
            .authority(self.upstream.as_str())
            .path_and_query(path)
            .build()
            .map_err(io::Error::other)?;
        // The body is here as a whole.
        parts.headers.remove(TRANSFER_ENCODING);
        let request = Request::from_parts(parts, Full::new(body));
        let answer = self
            .client
            .request(request)
            .await
            .map_err(io::Error::other)?;
        let (mut parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        if parts.headers.remove(TRANSFER_ENCODING).is_some() {
            parts.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Ok(Response::from_parts(parts, Answer::whole(body)))
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        // A connection that is cut ends in a reset.
        stream.set_zero_linger().expect("sockets have this option");
        let state = state.clone();
        let service = service_fn(move |request| answer(state.clone(), request));
        tokio::spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            // An error is a connection cut on purpose, or by the program.
            http.preserve_header_case(true)
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

/// An error cuts the connection.
async fn answer(state: Arc<State>, request: Request<Incoming>) -> io::Result<Response<Answer>> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let operation = operation(&parts.method, &parts.uri, &parts.headers);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let cut = Err(io::ErrorKind::ConnectionReset.into());
    if is_owner_wrong(&parts.headers) {
        state.fault(&operation, path);
        return Ok(refusal(&operation, 403, "AccessDenied"));
    }
    match state.fault(&operation, path) {
        None => state.pass_on(parts, body).await,
        Some(Fault::Slow(time)) => {
            let answer = state.pass_on(parts, body).await;
            tokio::time::sleep(time).await;
            answer
        }
        Some(Fault::Cut) => cut,
        Some(Fault::AnswerLost) => {
            state.pass_on(parts, body).await?;
            cut
        }
        Some(Fault::Late(time)) => {
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                state.pass_on(parts, body).await.ok();
            });
            cut
        }
        Some(Fault::Error(status, code)) => Ok(refusal(&operation, status, code)),
        Some(Fault::Without(header)) => {
            parts.headers.remove(header);
            state.pass_on(parts, body).await
        }
        Some(Fault::HalfAnswer) => Ok(state.pass_on(parts, body).await?.map(Answer::half)),
    }
}

fn is_owner_wrong(headers: &HeaderMap) -> bool {
    let owner = headers.get("x-amz-expected-bucket-owner");
    owner.is_some_and(|owner| owner != ACCOUNT)
}

/// An error as the service words it.
fn refusal(operation: &str, status: u16, code: &str) -> Response<Answer> {
    let status = StatusCode::from_u16(status).expect("tests know their statuses");
    let message = "by order of the test";
    let (kind, body) = if operation.starts_with("s3:") {
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        ("application/xml", error)
    } else {
        let error = serde_json::json!({"__type": code, "message": message});
        ("application/x-amz-json-1.0", error.to_string())
    };
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .header(CONTENT_LENGTH, body.len())
        .header("x-amzn-errortype", code)
        .body(Answer::whole(body.into()))
        .expect("every part of it is valid")
}

/// The body of an answer, whole or cut short.
struct Answer {
    left: Option<Bytes>,
    cut: bool,
}

impl Answer {
    fn whole(bytes: Bytes) -> Answer {
        Answer {
            left: Some(bytes).filter(|bytes| !bytes.is_empty()),
            cut: false,
        }
    }

    fn half(self) -> Answer {
        let left = self.left.map(|bytes| bytes.slice(..bytes.len() / 2));
        Answer { left, cut: true }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = match self.left.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.cut => Some(Err(io::ErrorKind::ConnectionReset.into())),
            None => None,
        };
        Poll::Ready(frame)
    }
}
