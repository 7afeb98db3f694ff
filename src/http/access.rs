//! Who may push: tokens, client certificates that stand for tokens, or, where
//! there are none, this machine alone.
//!
//! Without tokens a listener on the loopback address takes pushes from local
//! processes, but never from a browser, which would send them for any web page;
//! a listener on any other address takes none. Failures are told a few times a
//! second at most; beyond that they are only counted and answered with 429.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use audit::{
    credential::{Grant, Grants},
    token::Token,
};
use axum::http::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, ORIGIN, WWW_AUTHENTICATE},
};
use tokio::time::Instant;

use super::{metrics, problem::Problem};
use crate::settings::Settings;

/// Failures that are answered for what they are, and how fast more may come.
const FAILURES_MAX: u32 = 20;
const FAILURE_EVERY: Duration = Duration::from_secs(1);

/// What the connection says of who is at its other end.
#[derive(Clone, Default, Debug)]
pub(super) struct Peer {
    /// DNS names of its client certificate, which was verified.
    pub(super) names: Option<Arc<[String]>>,
}

#[derive(Debug)]
pub(super) struct Access {
    grants: Grants,
    /// By DNS name.
    clients: BTreeMap<String, Grant>,
    is_local: bool,
    failures: Mutex<Failures>,
}

impl Access {
    /// `is_local`: only processes of this machine reach the listener.
    pub(super) fn new(settings: &Settings, is_local: bool) -> Access {
        let grants = settings.push.tokens.clone();
        let clients = settings.tls.iter().flat_map(|tls| &tls.clients);
        let clients = clients.filter_map(|(name, token)| {
            let grant = grants.named(token)?;
            Some((name.to_ascii_lowercase(), grant.clone()))
        });
        Access {
            clients: clients.collect(),
            grants,
            is_local,
            failures: Mutex::default(),
        }
    }

    /// With which grant this is pushed; `None`: by a local process, without one.
    pub(super) fn admit(&self, headers: &HeaderMap, peer: &Peer) -> Result<Option<Grant>, Problem> {
        if self.grants.is_empty() && !self.is_local {
            let detail =
                "push ingest is off: set http.ingest_tokens, `idtrail token new` makes one";
            return Err(Problem::new(StatusCode::FORBIDDEN, "ingest_off", detail));
        }
        let authorization = headers.get(AUTHORIZATION);
        // Whatever else admits, a browser has it without its user's knowledge.
        if headers.contains_key(ORIGIN) && (self.grants.is_empty() || authorization.is_none()) {
            let detail = "a browser may push with a token only: set http.ingest_tokens";
            return Err(Problem::new(StatusCode::FORBIDDEN, "browser", detail));
        }
        if self.grants.is_empty() {
            return Ok(None);
        }
        let grant = match (authorization, &peer.names) {
            (Some(value), _) => self.by_token(value.as_bytes()),
            (None, Some(names)) => self.by_names(names),
            (None, None) => Err(unauthorized(
                "token_missing",
                "send the header `Authorization: Bearer <token>`",
                "Bearer realm=\"idtrail\"",
            )),
        };
        grant.map(Some).map_err(|problem| self.failed(problem))
    }

    fn by_token(&self, authorization: &[u8]) -> Result<Grant, Problem> {
        let invalid = |detail: &str| {
            let challenge = "Bearer realm=\"idtrail\", error=\"invalid_token\"";
            unauthorized("token_invalid", detail, challenge)
        };
        let (scheme, rest) = authorization.split_at(authorization.len().min(7));
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return Err(invalid("the scheme of Authorization must be Bearer"));
        }
        let text = std::str::from_utf8(rest.trim_ascii()).unwrap_or_default();
        let token = Token::parse(text).map_err(|error| invalid(&error.to_string()))?;
        let grant = self.grants.of_token(&token);
        grant
            .cloned()
            .ok_or_else(|| invalid("this token is not, or no longer, in http.ingest_tokens"))
    }

    fn by_names(&self, names: &[String]) -> Result<Grant, Problem> {
        let mut known = names
            .iter()
            .filter_map(|name| self.clients.get(&name.to_ascii_lowercase()));
        known.next().cloned().ok_or_else(|| {
            let detail = "no DNS name of the client certificate is in tls.clients";
            Problem::new(StatusCode::FORBIDDEN, "certificate_unknown", detail)
        })
    }

    fn failed(&self, problem: Problem) -> Problem {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let told = failures.admit(Instant::now());
        metrics::auth_failed(problem.code(), told);
        if told {
            return problem;
        }
        let detail = "too many pushes without a valid token, from all senders together";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "auth_failures", detail)
            .retry_after(FAILURE_EVERY)
    }
}

fn unauthorized(code: &'static str, detail: &str, challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail).with(WWW_AUTHENTICATE, challenge)
}

/// Failures of the recent past: each one goes away after a while.
#[derive(Default, Debug)]
struct Failures {
    /// When all that happened will have gone away.
    gone_at: Option<Instant>,
}

impl Failures {
    /// Whether one more is within bounds.
    fn admit(&mut self, now: Instant) -> bool {
        let gone_at = self.gone_at.map_or(now, |at| at.max(now)) + FAILURE_EVERY;
        let is_within = gone_at <= now + FAILURE_EVERY * FAILURES_MAX;
        if is_within {
            self.gone_at = Some(gone_at);
        }
        is_within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_have_a_rate_beyond_which_they_are_only_counted() {
        let mut failures = Failures::default();
        let mut admitted = |times: u32| {
            let now = Instant::now();
            (0..times).filter(|_| failures.admit(now)).count()
        };
        assert_eq!(admitted(100), 20);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(admitted(100), 3);
        tokio::time::advance(Duration::from_secs(1_000)).await;
        assert_eq!(admitted(100), 20);
    }
}
