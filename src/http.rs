//! What the process tells machines: `/healthz`, `/readyz`, `/metrics`.
//!
//! Liveness never depends on anything outside: an outage of a queue or store
//! must not make an orchestrator restart what would only wait again. Readiness
//! says whether this replica does its work, and of what it waits.

use std::{collections::BTreeMap, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use tokio::net::TcpListener;

/// How often histograms are folded, scraped or not: until then they grow.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Whether the process does its work.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// What each part says of itself.
    #[serde(flatten)]
    pub parts: BTreeMap<&'static str, String>,
}

/// Asked at each request; must answer at once.
pub type Probe = Arc<dyn Fn() -> Readiness + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address}: {source}: free the port or set `http.listen` to another address"
)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

#[derive(Clone)]
struct Endpoints {
    readiness: Probe,
    metrics: PrometheusHandle,
}

/// Makes the process's metrics recorder; once in a process.
pub fn record_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().install_recorder()
}

/// Takes the address, so that a taken port is told before any work begins.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| BindError { address, source })
}

/// Answers until `stop` is done.
pub async fn serve(
    listener: TcpListener,
    readiness: Probe,
    metrics: PrometheusHandle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let upkeep = {
        let metrics = metrics.clone();
        async move {
            loop {
                tokio::time::sleep(UPKEEP_EVERY).await;
                metrics.run_upkeep();
            }
        }
    };
    let served = axum::serve(listener, router(Endpoints { readiness, metrics }))
        .with_graceful_shutdown(stop)
        .into_future();
    tokio::select! {
        result = served => result,
        never = upkeep => never,
    }
}

fn router(endpoints: Endpoints) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(endpoints)
}

async fn readyz(State(endpoints): State<Endpoints>) -> Response {
    let readiness = (endpoints.readiness)();
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = serde_json::to_string(&readiness).expect("a map of strings is JSON");
    (status, [(CONTENT_TYPE, "application/json")], body + "\n").into_response()
}

async fn render(State(endpoints): State<Endpoints>) -> Response {
    let exposition = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, exposition)], endpoints.metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
        sync::atomic::{AtomicBool, Ordering},
    };

    use tokio::sync::oneshot;

    use super::*;

    async fn ask(address: SocketAddr, path: &'static str) -> String {
        let request = move || {
            let mut stream = TcpStream::connect(address)?;
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        };
        let answer = tokio::task::spawn_blocking(request)
            .await
            .expect("no panic");
        answer.expect("answered")
    }

    #[tokio::test]
    async fn liveness_is_constant_and_readiness_follows_the_probe() {
        let listener = bind("127.0.0.1:0".parse().expect("an address"))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let ready = Arc::new(AtomicBool::new(false));
        let probe: Probe = {
            let ready = Arc::clone(&ready);
            Arc::new(move || Readiness {
                ready: ready.load(Ordering::Relaxed),
                parts: BTreeMap::from([("journal", "replaying".to_owned())]),
            })
        };
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        metrics::with_local_recorder(&recorder, || metrics::counter!("events_total").increment(3));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, probe, metrics, async move {
            stopped.await.ok();
        }));

        for (path, ready_now, status, part) in [
            ("/healthz", false, "200", "ok"),
            (
                "/readyz",
                false,
                "503",
                "{\"ready\":false,\"journal\":\"replaying\"}",
            ),
            (
                "/readyz",
                true,
                "200",
                "{\"ready\":true,\"journal\":\"replaying\"}",
            ),
            ("/healthz", true, "200", "ok"),
            ("/metrics", true, "200", "events_total 3"),
            ("/etc", true, "404", ""),
        ] {
            ready.store(ready_now, Ordering::Relaxed);
            let answer = ask(address, path).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(part),
                "{path}: {answer}"
            );
        }
        stop.send(()).expect("still serving");
        server.await.expect("no panic").expect("an orderly end");
    }

    #[tokio::test]
    async fn a_taken_port_says_what_to_do() {
        let first = bind("127.0.0.1:0".parse().expect("an address"))
            .await
            .expect("a free port");
        let taken = first.local_addr().expect("bound");
        let error = bind(taken).await.expect_err("taken");
        assert!(
            error.to_string().contains(&taken.to_string())
                && error.to_string().contains("http.listen")
        );
    }
}
