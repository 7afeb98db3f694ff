//! Asks a running idtrail how it is.
//!
//! A connection that failed is made anew, with certificates read again, so that
//! a service which restarts, or shows another certificate, is found again.

use std::fmt;

use actors::ports::Clock;
use hyper::StatusCode;

use super::model::{Readiness, Scrape};
use crate::{
    client::{Client, ClientError, Place},
    clock::Machine,
    scrape::Samples,
};

#[derive(Debug)]
pub struct Reader {
    place: Place,
    client: Option<Client>,
}

impl Reader {
    pub fn new(place: Place) -> Reader {
        Reader {
            place,
            client: None,
        }
    }

    pub fn place(&self) -> impl fmt::Display {
        &self.place
    }

    /// One answer of `/metrics` and `/readyz`.
    pub async fn scrape(&mut self) -> Result<Scrape, ClientError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::new(self.place.clone())?,
        };
        let scrape = ask(&client).await?;
        self.client = Some(client);
        Ok(scrape)
    }
}

async fn ask(client: &Client) -> Result<Scrape, ClientError> {
    const METRICS: &str = "/metrics";
    let foreign = || ClientError::Foreign(client.place().clone());
    let (status, metrics) = client.get(METRICS).await?;
    if status != StatusCode::OK {
        return Err(ClientError::Status(client.place().clone(), METRICS, status));
    }
    // Between the two requests, so that rates are of the time of the numbers.
    let (at_ms, wall_ms) = (Machine.boot_ms(), Machine.wall_ms());
    // Not ready is an answer too.
    let (_, readiness) = client.get("/readyz").await?;
    let readiness: Readiness = serde_json::from_str(&readiness).map_err(|_| foreign())?;
    if !metrics.contains("idtrail_") {
        return Err(foreign());
    }
    Ok(Scrape {
        at_ms,
        wall_ms,
        readiness,
        samples: Samples::parse(&metrics),
    })
}
