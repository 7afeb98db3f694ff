//! A pipeline at work with its listener: what `run` and `demo` keep up.
//!
//! The parts end in order: no new connections, then what is in hand is made
//! durable, then the listener's last answers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actors::{
    base::{Outcome, Topology},
    pipeline::Watch,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    boot,
    cli::Failure,
    http::{self, Listener, Readiness},
    local::DirectoryLock,
    metrics,
    publish::Outlet,
    settings::Settings,
    version::{self, VERSION},
};

#[derive(Debug)]
pub struct Serving {
    service: boot::Service,
    metrics: PrometheusHandle,
    listener: Option<Listening>,
    grace: Duration,
}

#[derive(Debug)]
struct Listening {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Serving {
    /// Starts the pipeline, holding the lock, and answers on the listener, if
    /// there is one. Once in a process: its metrics are the process's.
    pub async fn start(
        lock: Option<DirectoryLock>,
        listener: Option<Listener>,
        settings: &Settings,
        topology: Topology,
    ) -> Result<Serving, Failure> {
        let recorder = http::record_metrics().map_err(Failure::outside)?;
        metrics::describe_all();
        version::tell();
        let grace = topology.limits().shutdown.stop;
        let service = boot::start(lock, settings, topology).await?;
        let listener = listener.map(|listener| {
            let (stop, stopped) = oneshot::channel::<()>();
            let answers = http::Answers {
                readiness: readiness(service.pipeline.watch()),
                metrics: recorder.clone(),
                outlet: service.outlet.clone(),
                compute: service.compute.clone(),
            };
            let stopped = async {
                stopped.await.ok();
            };
            let ended = tokio::spawn(listener.serve(settings.clone(), answers, stopped));
            Listening { stop, ended }
        });
        Ok(Serving {
            service,
            metrics: recorder,
            listener,
            grace,
        })
    }

    pub fn watch(&self) -> Watch {
        self.service.pipeline.watch()
    }

    /// Where events are sent to.
    pub fn outlet(&self) -> Outlet {
        self.service.outlet.clone()
    }

    /// What `/metrics` would answer.
    pub fn metrics(&self) -> String {
        self.metrics.render()
    }

    /// Ends only when the pipeline does, by itself.
    pub async fn finished(&mut self) -> Outcome {
        self.service.pipeline.finished().await
    }

    /// Pushes that are in hand are still answered.
    pub async fn stop(self) -> Outcome {
        let ended = self.listener.map(Listening::stop);
        let outcome = self.service.pipeline.stop(self.grace).await;
        if let Some(ended) = ended {
            ended.await.ok();
        }
        outcome
    }

    /// After the pipeline has ended by itself.
    pub async fn close(self) {
        if let Some(listener) = self.listener {
            listener.stop().await.ok();
        }
    }
}

impl Listening {
    /// Accepts nobody any more.
    fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).ok();
        self.ended
    }
}

fn readiness(watch: Watch) -> http::Probe {
    Arc::new(move || {
        let standing = watch.standing();
        let mut parts = BTreeMap::from([
            ("role", standing.role.name().into()),
            ("journal_epoch", standing.epoch.0.into()),
            ("journal_head", standing.head.0.into()),
            ("version", VERSION.into()),
        ]);
        parts.extend(standing.lag_ms.map(|lag| ("journal_lag_ms", lag.into())));
        Readiness {
            ready: standing.is_current,
            parts,
        }
    })
}
