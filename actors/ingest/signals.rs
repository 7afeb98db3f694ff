//! What pollers tell each other and the pipeline: that no more is to be
//! received, that a message wants to be alone, that the queue has been silent.
//!
//! Made by the pipeline, shared by all incarnations. None of it decides what is
//! kept or deleted: a signal that is missed costs time only.

use std::{
    sync::{self, Arc, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, watch},
    time::{Instant, timeout},
};

/// Tells all pollers to receive no more.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

/// Where messages are taken apart: by many pollers at once, or by one alone.
#[derive(Clone, Debug, Default)]
pub struct Floor(Arc<Rooms>);

#[derive(Debug, Default)]
struct Rooms {
    company: RwLock<()>,
    turn: Mutex<()>,
}

/// Nobody else is alone while this lives, and nobody in company if they left in
/// time.
#[derive(Debug)]
pub struct Alone<'a> {
    company: Option<RwLockWriteGuard<'a, ()>>,
    _turn: MutexGuard<'a, ()>,
}

/// Since when every receive that was answered brought nothing.
#[derive(Clone, Debug, Default)]
pub struct Silence(Arc<sync::Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    nothing_since: Option<Instant>,
    last: Option<Instant>,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate(Arc::new(watch::Sender::new(false)))
    }
}

impl Gate {
    pub fn shut(&self) {
        self.0.send_replace(true);
    }

    pub fn is_shut(&self) -> bool {
        *self.0.borrow()
    }

    /// Until it is shut.
    pub async fn closing(&self) {
        let mut news = self.0.subscribe();
        // It lives as long as this borrow of it.
        news.wait_for(|shut| *shut).await.ok();
    }
}

impl Floor {
    /// In company: waits only while somebody is alone, or about to be.
    pub async fn share(&self) -> RwLockReadGuard<'_, ()> {
        self.0.company.read().await
    }

    /// Alone: after the others who want to be, and when all in company have
    /// left, if they do in time.
    pub async fn clear(&self, within: Duration) -> Alone<'_> {
        let turn = self.0.turn.lock().await;
        let company = timeout(within, self.0.company.write()).await;
        Alone {
            company: company.ok(),
            _turn: turn,
        }
    }
}

impl Alone<'_> {
    pub fn is_clear(&self) -> bool {
        self.company.is_some()
    }
}

impl Silence {
    /// A receive that began then was answered with nothing.
    pub fn heard_nothing(&self, since: Instant) {
        let mut heard = self.lock();
        let since = heard.last.map_or(since, |last| last.max(since));
        heard.nothing_since.get_or_insert(since);
    }

    /// Messages came, or it is not known whether there are any.
    pub fn end(&self) {
        let mut heard = self.lock();
        heard.nothing_since = None;
        heard.last = Some(Instant::now());
    }

    pub fn lasts(&self) -> Duration {
        let since = self.lock().nothing_since;
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn lock(&self) -> sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_silence_lasts_from_its_first_empty_receive_and_ends_with_any_doubt() {
        let silence = Silence::default();
        assert_eq!(silence.lasts(), Duration::ZERO);
        let began = Instant::now();
        tokio::time::sleep(20 * SECOND).await;
        silence.heard_nothing(began);
        tokio::time::sleep(15 * SECOND).await;
        silence.heard_nothing(began + 20 * SECOND);
        assert_eq!(silence.lasts(), 35 * SECOND);
        silence.end();
        assert_eq!(silence.lasts(), Duration::ZERO);
        tokio::time::sleep(SECOND).await;
        silence.heard_nothing(began);
        assert_eq!(silence.lasts(), SECOND, "it was not silent before");
    }

    #[tokio::test(start_paused = true)]
    async fn the_floor_is_cleared_when_all_have_left_or_not_in_time() {
        let floor = Floor::default();
        let company = floor.share().await;
        assert!(!floor.clear(SECOND).await.is_clear());
        drop(company);
        let alone = floor.clear(SECOND).await;
        assert!(alone.is_clear());
        assert!(timeout(SECOND, floor.share()).await.is_err());
        assert!(timeout(9 * SECOND, floor.clear(SECOND)).await.is_err());
        drop(alone);
        assert!(timeout(SECOND, floor.share()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_at_the_gate_hears_that_it_was_shut() {
        let gate = Gate::default();
        assert!(timeout(SECOND, gate.closing()).await.is_err());
        gate.clone().shut();
        gate.closing().await;
        assert!(gate.is_shut());
    }
}
