//! The HTTP listener: what the process tells machines (`/healthz`, `/readyz`,
//! `/metrics`), and push ingest.
//!
//! Liveness never depends on anything outside: an outage of a queue or store
//! must not make an orchestrator restart what would only wait again. Readiness
//! says whether this replica does its work, and of what it waits. Neither needs
//! a token, and both answer while every place of push ingest is taken.

mod access;
mod body;
mod certificate;
mod ingest;
pub mod metrics;
mod problem;
pub mod process;
mod server;
mod tls;

use std::{
    collections::BTreeMap, fmt, future::Future, io, net::SocketAddr, sync::Arc, time::Duration,
};

use actors::base::Compute;
use actors::metrics::Kind;
use axum::{
    Router,
    extract::State,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

pub use self::tls::TlsError;
use self::{access::Access, ingest::Ingest, problem::Problem, tls::Reloader};
use crate::{publish::Outlet, settings::Settings};

/// How often histograms are folded, scraped or not: until then they grow.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Whether the process does its work.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// What each part says of itself.
    #[serde(flatten)]
    pub parts: BTreeMap<&'static str, Value>,
}

/// Asked at each request; must answer at once.
pub type Probe = Arc<dyn Fn() -> Readiness + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address}: {source}: free the port or set `http.listen` to another address, such as \
     IDTRAIL_HTTP_LISTEN=127.0.0.1:8081"
)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// Everything that answers, on an address that is taken.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<(Reloader, tls::Current)>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What requests are answered from.
pub struct Answers {
    pub readiness: Probe,
    pub metrics: PrometheusHandle,
    /// Where pushes go, and where they are decoded.
    pub outlet: Outlet,
    pub compute: Compute,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// Makes the process's metrics recorder; once in a process.
pub fn record_metrics() -> Result<PrometheusHandle, BuildError> {
    crate::metrics::all()
        .try_fold(PrometheusBuilder::new(), |builder, metric| {
            match metric.kind {
                Kind::Histogram(buckets) => {
                    let name = Matcher::Full(metric.name.to_owned());
                    builder.set_buckets_for_metric(name, buckets)
                }
                Kind::Counter | Kind::Gauge => Ok(builder),
            }
        })?
        .install_recorder()
}

impl Listener {
    /// Takes the address and reads the certificates, so that a taken port or a
    /// broken file is told before any work begins.
    pub async fn open(settings: &Settings) -> Result<Listener, OpenError> {
        let tls = match &settings.tls {
            Some(files) => Some(Reloader::open(files).await?),
            None => None,
        };
        let bind_error = |source| BindError {
            address: settings.http_listen,
            source,
        };
        let listener = TcpListener::bind(settings.http_listen)
            .await
            .map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        if tls.is_none() && !settings.push.tokens.is_empty() && !is_loopback(address) {
            tracing::warn!(
                %address,
                "tokens come in plain text: set tls.cert and tls.key, or let a proxy speak TLS"
            );
        }
        Ok(Listener {
            listener,
            address,
            tls,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is done.
    pub async fn serve(
        self,
        settings: Settings,
        answers: Answers,
        stop: impl Future<Output = ()> + Send,
    ) {
        let upkeep = {
            let metrics = answers.metrics.clone();
            async move {
                loop {
                    tokio::time::sleep(UPKEEP_EVERY).await;
                    metrics.run_upkeep();
                }
            }
        };
        let router = router(answers, &settings, self.address);
        let (reloader, current) = self.tls.unzip();
        let reload = async {
            match reloader {
                Some(reloader) => reloader.run().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = server::serve(self.listener, router, current, stop) => {}
            never = upkeep => never,
            never = reload => match never {},
        }
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[derive(Clone)]
struct Machines {
    readiness: Probe,
    metrics: PrometheusHandle,
}

fn router(answers: Answers, settings: &Settings, address: SocketAddr) -> Router {
    let ingest = Arc::new(Ingest::new(
        Access::new(settings, is_loopback(address)),
        answers.outlet,
        answers.compute,
        settings,
    ));
    let machines = Machines {
        readiness: answers.readiness,
        metrics: answers.metrics,
    };
    let ingest = post(ingest::answer)
        .fallback(ingest::wrong_method)
        .with_state(ingest);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(machines)
        .route("/api/v1/ingest/{source}", ingest)
        .fallback(nowhere)
        .layer(axum::middleware::map_response(guarded))
}

async fn nowhere() -> Problem {
    let detail = "nothing is here: push to /api/v1/ingest/{source}";
    Problem::new(StatusCode::NOT_FOUND, "path", detail)
}

/// No answer is for a browser to interpret, or for anybody to keep.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn readyz(State(machines): State<Machines>) -> Response {
    let readiness = (machines.readiness)();
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = serde_json::to_string(&readiness).expect("a map of strings is JSON");
    (status, [(CONTENT_TYPE, "application/json")], body + "\n").into_response()
}

async fn render(State(machines): State<Machines>) -> Response {
    let exposition = "text/plain; version=0.0.4; charset=utf-8";
    let text = machines.metrics.render() + &process::exposition();
    ([(CONTENT_TYPE, exposition)], text).into_response()
}

#[cfg(test)]
mod tests;
