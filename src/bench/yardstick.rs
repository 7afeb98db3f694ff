//! How fast the machine was while it was measured.
//!
//! On a shared host the same work takes up to twice the CPU time when a
//! neighbour uses the core's other half, and that changes from second to second.
//! So a thread does a piece of work beside the pipeline, always the same, some
//! forty times a second, and notes the CPU time of each: audit events are
//! parsed and compressed, as the pipeline itself does most of the time. What the
//! typical piece took, by what a piece takes while the neighbours are quiet, is
//! how much dearer the run was than on a machine of its own. The thread's own CPU
//! time is not counted as the pipeline's.

use std::{
    hint::black_box,
    sync::mpsc::{self, RecvTimeoutError, SyncSender},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use zstd::bulk::Compressor;

use super::process::thread_cpu_seconds;

/// Between two pieces of work.
const PAUSE: Duration = Duration::from_millis(25);

/// Events of one piece: they and the compressor's tables fit into a core's own
/// cache.
const PIECE_BYTES: usize = 64 << 10;

/// A piece is done once for the cache, then so often for the clock.
const TIMES: u32 = 3;

/// Which part of the pieces counts as done in quiet. The very fastest would be
/// those at the run's ends, while the pipeline itself is quiet.
const QUIET: f64 = 0.1;

/// Of one run.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Yardstick {
    pub pieces: usize,
    /// CPU time of a piece, on average.
    pub mean_microseconds: f64,
    /// Only a tenth of the pieces took less.
    pub quiet_microseconds: f64,
}

/// Works until it is asked for the result.
/// The events of a piece of work: the first that are offered.
#[derive(Clone, Default, Debug)]
pub(super) struct Piece {
    events: Vec<Bytes>,
    bytes: usize,
}

impl Piece {
    pub(super) fn offer(&mut self, event: &Bytes) {
        if self.bytes + event.len() <= PIECE_BYTES {
            self.bytes += event.len();
            self.events.push(event.clone());
        }
    }

    fn work(&self, compressor: &mut Compressor<'_>) {
        for event in &self.events {
            black_box(serde_json::from_slice::<IgnoredAny>(event).is_ok());
        }
        black_box(compressor.compress(&self.events.concat()).is_ok());
    }
}

#[derive(Debug)]
pub(super) struct Working {
    stop: SyncSender<()>,
    thread: JoinHandle<(Vec<f64>, f64)>,
}

impl Working {
    pub(super) fn start(piece: Piece) -> Working {
        let (stop, stopped) = mpsc::sync_channel(0);
        let thread = thread::spawn(move || {
            let begun = thread_cpu_seconds();
            let mut compressor = Compressor::new(1).expect("level 1 exists");
            let mut taken = Vec::new();
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                piece.work(&mut compressor);
                let before = thread_cpu_seconds();
                (0..TIMES).for_each(|_| piece.work(&mut compressor));
                taken.push((thread_cpu_seconds() - before) * 1e6 / f64::from(TIMES));
            }
            (taken, thread_cpu_seconds() - begun)
        });
        Working { stop, thread }
    }

    /// What it found, if it had time to, and the seconds of CPU time it used.
    pub(super) fn stop(self) -> (Option<Yardstick>, f64) {
        drop(self.stop);
        let (taken, seconds) = self.thread.join().expect("it does nothing that panics");
        (Yardstick::of(taken), seconds)
    }
}

impl Yardstick {
    fn of(mut taken: Vec<f64>) -> Option<Yardstick> {
        taken.sort_by(f64::total_cmp);
        let quiet_microseconds = *taken.get((taken.len() as f64 * QUIET) as usize)?;
        Some(Yardstick {
            pieces: taken.len(),
            mean_microseconds: taken.iter().sum::<f64>() / taken.len() as f64,
            quiet_microseconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_so_many_bytes() {
        let mut piece = Piece::default();
        let large = Bytes::from(vec![b'1'; PIECE_BYTES]);
        let event = Bytes::from_static(br#"{"a":1}"#);
        [&event, &large, &event, &event]
            .iter()
            .for_each(|event| piece.offer(event));
        assert_eq!(piece.events, vec![event; 3]);
    }

    #[test]
    fn a_tenth_is_quicker_than_what_counts_as_quiet() {
        let taken = (1..=100).rev().map(f64::from).collect();
        let found = Yardstick::of(taken).expect("some");
        assert!((found.quiet_microseconds - 11.0).abs() < 1e-9);
        assert!((found.mean_microseconds - 50.5).abs() < 1e-9);
        assert_eq!(Yardstick::of(Vec::new()), None);
    }
}
