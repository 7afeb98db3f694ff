//! Push ingest: `POST /api/v1/ingest/{source}`.
//!
//! A body is taken whole or not at all: it is read within its bounds, decoded
//! once to see that it holds nothing but events, and then once more, to be
//! packed and sent message by message. So no more than a body and a message are
//! in memory for each push, and what is wrong with a body is told before
//! anything is sent. The answer is 202 only when all is safely in the queue;
//! after any other answer the sender sends the same body again, and copies are
//! recognised by their bytes.

use std::{sync::Arc, time::Duration};

use actors::base::{Compute, Panicked};
use audit::{
    message::{Decoder, Limits, Parcel, Pull, Unreadable},
    source::Source,
};
use axum::{
    Extension,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{
        StatusCode,
        header::{ALLOW, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    access::{Access, Peer},
    body, metrics,
    problem::{Problem, excerpt},
};
use crate::{
    publish::{Outlet, Packing, Publisher},
    settings::Settings,
};

/// How much larger than its limit a body may be when it is unpacked.
const UNPACKED_FACTOR: u64 = 4;

/// How long a push waits for others to be done: bursts pass, overload is told.
const TURN_MAX: Duration = Duration::from_secs(2);

/// How long the queue may take for all messages of a push.
const SEND_MAX: Duration = Duration::from_secs(60);

/// When a sender may come again.
const AGAIN_SOON: Duration = Duration::from_secs(1);
const AGAIN_LATER: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Ingest {
    access: Access,
    outlet: Outlet,
    compute: Compute,
    limits: Limits,
    body_bytes_max: usize,
    turns: Semaphore,
}

/// The body of a 202.
#[derive(Debug, Serialize)]
struct Accepted {
    /// Events.
    accepted: u64,
    messages: u64,
}

impl Ingest {
    pub(super) fn new(
        access: Access,
        outlet: Outlet,
        compute: Compute,
        settings: &Settings,
    ) -> Ingest {
        let (body_bytes_max, concurrency) = (settings.push.body_bytes, settings.push.concurrency);
        let limits = Limits {
            compressed_bytes: body_bytes_max,
            unpacked_bytes: body_bytes_max.saturating_mul(UNPACKED_FACTOR),
            ..settings.limits.clone()
        };
        Ingest {
            access,
            outlet,
            compute,
            limits,
            body_bytes_max: usize::try_from(body_bytes_max).unwrap_or(usize::MAX),
            turns: Semaphore::new(usize::try_from(concurrency).unwrap_or(usize::MAX)),
        }
    }

    async fn push(
        &self,
        source: Source,
        peer: &Peer,
        request: Request,
    ) -> Result<Accepted, Problem> {
        let (head, body) = request.into_parts();
        let grant = self.access.admit(&head.headers, peer)?;
        let coding = body::expect(&head.headers, self.body_bytes_max)?;
        let turn = timeout(TURN_MAX, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| busy())?.expect("nobody closes it");
        let _in_hand = metrics::InHand::new();
        let body = body::read(body, self.body_bytes_max).await?;
        if let Some(coding) = coding {
            coding.check(&body)?;
        }
        self.check(&body).await?;
        let sender = grant
            .as_ref()
            .map_or("local", |grant| grant.name())
            .to_owned();
        let publisher = match grant {
            Some(grant) => Publisher::granted(self.outlet.clone(), source, grant),
            None => Publisher::new(self.outlet.clone(), Some(source), None),
        };
        let bytes = body.len() as u64;
        let sent = timeout(SEND_MAX, self.send(body, publisher)).await;
        let sent = sent.unwrap_or_else(|_| Err(Unsent::Queue("it takes too long".to_owned())));
        let accepted = sent.map_err(|unsent| unsent.told(source))?;
        metrics::push_accepted(source, &sender, accepted.accepted, accepted.messages, bytes);
        Ok(accepted)
    }

    /// Whether the body holds events and nothing else.
    async fn check(&self, body: &Bytes) -> Result<(), Problem> {
        let mut decoder = Decoder::of_object(body.clone(), &self.limits);
        loop {
            let (returned, parcel) = self
                .compute
                .run(move || {
                    let parcel = decoder.next_parcel();
                    (decoder, parcel)
                })
                .await
                .map_err(|panicked| Unsent::from(panicked).problem())?;
            decoder = returned;
            match parcel.map_err(|why| unreadable(&why))? {
                Pull::Parcel(parcel) => only_events(&parcel, body)?,
                // Only a decoder that is fed is ever hungry.
                Pull::End | Pull::Hungry => return Ok(()),
            }
        }
    }

    async fn send(&self, body: Bytes, mut publisher: Publisher) -> Result<Accepted, Unsent> {
        let mut decoder = Decoder::of_object(body, &self.limits);
        let mut packing = Packing::default();
        let mut more = true;
        while more {
            (decoder, packing, more) = self
                .compute
                .run(move || {
                    let more = match decoder.next_parcel()? {
                        Pull::Parcel(parcel) => {
                            for event in parcel.events {
                                packing.event(event.raw);
                            }
                            true
                        }
                        Pull::End | Pull::Hungry => {
                            packing.finish();
                            false
                        }
                    };
                    Ok::<_, Unsent>((decoder, packing, more))
                })
                .await??;
            let sent = publisher.send_all(&mut packing).await;
            sent.map_err(|error| Unsent::Queue(error.to_string()))?;
        }
        let sent = publisher.sent();
        Ok(Accepted {
            accepted: sent.events,
            messages: sent.messages,
        })
    }
}

/// Answers a push. Teleport's event handler, and whatever else takes the path
/// for a Fluentd tag, appends `.log` or `.<session>.log` to the source and knows
/// no success but 200.
pub(super) async fn answer(
    State(ingest): State<Arc<Ingest>>,
    path: Result<Path<String>, PathRejection>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let named = path.map(|Path(path)| path).unwrap_or_default();
    let (name, success) = match named.split_once('.') {
        Some((name, tag)) if tag == "log" || tag.ends_with(".log") => (name, StatusCode::OK),
        _ => (named.as_str(), StatusCode::ACCEPTED),
    };
    let source: Option<Source> = name.parse().ok();
    let result = match source {
        Some(source) => ingest.push(source, &peer, request).await,
        None => Err(unknown_source()),
    };
    let response = match result {
        Ok(accepted) => {
            let body = serde_json::to_string(&accepted).expect("two numbers are JSON");
            let json = [(CONTENT_TYPE, "application/json")];
            (success, json, body + "\n").into_response()
        }
        Err(problem) => problem.into_response(),
    };
    metrics::push_answered(source, response.status());
    response
}

pub(super) async fn wrong_method() -> Problem {
    let detail = "events are sent with POST";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail).with(ALLOW, "POST")
}

fn unknown_source() -> Problem {
    let names = Source::ALL.map(Source::name).join(", ");
    let detail = format!("the path must end in one of {names}");
    Problem::new(StatusCode::NOT_FOUND, "source", detail)
}

fn busy() -> Problem {
    let detail = "as many pushes are in hand as http.ingest_concurrency allows: send it again";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).retry_after(AGAIN_SOON)
}

fn unreadable(why: &Unreadable) -> Problem {
    let (status, code) = match why {
        Unreadable::Compressed(_) | Unreadable::Unpacked(_) | Unreadable::Ratio(_) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "unpacked_too_large")
        }
        _ => (StatusCode::BAD_REQUEST, "unreadable"),
    };
    Problem::new(status, code, format!("{why}; nothing was accepted"))
}

fn only_events(parcel: &Parcel, body: &[u8]) -> Result<(), Problem> {
    if let Some(bad) = parcel.bad.first() {
        let detail = format!(
            "{}: {}: {}; nothing was accepted, mend or remove it and send the rest again",
            place(bad.offset, body),
            bad.reason,
            excerpt(&bad.raw)
        );
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "not_an_event",
            detail,
        ));
    }
    if let Some(object) = parcel.objects.first() {
        let detail = format!(
            "{}: a notification of an object, which belongs in the queue; nothing was accepted",
            place(object.offset, body)
        );
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "not_an_event",
            detail,
        ));
    }
    Ok(())
}

/// Lines are counted in a body that was sent as it is; of a compressed one only
/// the offset is known.
fn place(offset: u64, body: &[u8]) -> String {
    let is_packed = [&[0x1f, 0x8b][..], &[0x28, 0xb5]]
        .iter()
        .any(|m| body.starts_with(m));
    let before = usize::try_from(offset).ok().and_then(|end| body.get(..end));
    match before {
        Some(before) if !is_packed => {
            let breaks = before.iter().filter(|byte| **byte == b'\n').count();
            format!("line {}, byte {offset}", breaks + 1)
        }
        _ => format!("byte {offset} unpacked"),
    }
}

/// Why a body that holds events could not be sent on.
#[derive(Debug)]
enum Unsent {
    /// Known or not what arrived.
    Queue(String),
    /// Read once and then not again: nothing that comes from outside.
    Internal(String),
}

impl Unsent {
    fn told(self, source: Source) -> Problem {
        let (Unsent::Queue(reason) | Unsent::Internal(reason)) = &self;
        metrics::push_not_sent(source, reason);
        self.problem()
    }

    /// Says nothing of what is behind the listener.
    fn problem(self) -> Problem {
        match self {
            Unsent::Queue(_) => {
                let detail = "the queue does not take events now: send the same body again, what \
                              arrived already is recognised";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "queue", detail)
                    .retry_after(AGAIN_LATER)
            }
            Unsent::Internal(_) => {
                let detail = "this body made a part of idtrail fail: please report it";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

impl From<Panicked> for Unsent {
    fn from(panicked: Panicked) -> Unsent {
        Unsent::Internal(panicked.to_string())
    }
}

impl From<Unreadable> for Unsent {
    fn from(why: Unreadable) -> Unsent {
        Unsent::Internal(why.to_string())
    }
}
