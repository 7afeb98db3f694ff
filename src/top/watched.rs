//! What is known of a service that is being watched: the newest numbers, and as
//! much of those before as the screen shows.
//!
//! Takes scrapes one by one and does no I/O. A scrape that failed changes no
//! number: it says why nothing new is known.

use std::collections::{BTreeMap, VecDeque};

use super::model::{Latencies, Model, Scrape};

/// More columns than a terminal has.
const POINTS_MAX: usize = 600;

/// Quantiles are of so much time: a single interval has few commits.
const MINUTE_MS: u64 = 60_000;

/// Histograms kept of the minute, however short the interval is.
const MARKS_MAX: usize = 120;

#[derive(Default, Debug)]
pub(super) struct Watched {
    last: Option<Scrape>,
    /// Oldest first, each with its time.
    marks: VecDeque<(u64, Latencies)>,
    /// Events received a second, by source; oldest first.
    history: VecDeque<BTreeMap<String, f64>>,
    pub model: Option<Model>,
    /// Why nothing new is known.
    pub trouble: Option<String>,
}

impl Watched {
    pub(super) fn scraped(&mut self, scrape: Scrape) {
        self.trouble = None;
        let latencies = Latencies::of(&scrape.samples);
        while let Some((at_ms, _)) = self.marks.front()
            && (self.marks.len() >= MARKS_MAX
                || scrape.at_ms.saturating_sub(*at_ms) > MINUTE_MS && self.marks.len() > 1)
        {
            self.marks.pop_front();
        }
        if let (Some(last), Some((_, minute))) = (&self.last, self.marks.front()) {
            let model = Model::between(last, &scrape, minute);
            let received = model.sources.iter();
            let point = received.map(|row| (row.source.clone(), row.received));
            if self.history.len() == POINTS_MAX {
                self.history.pop_front();
            }
            self.history.push_back(point.collect());
            self.model = Some(model);
        }
        self.marks.push_back((scrape.at_ms, latencies));
        self.last = Some(scrape);
    }

    pub(super) fn failed(&mut self, why: String) {
        self.trouble = Some(why);
    }

    /// Events received a second from a source, oldest first.
    pub(super) fn history_of(&self, source: &str) -> Vec<f64> {
        let points = self.history.iter();
        points
            .map(|point| point.get(source).copied().unwrap_or_default())
            .collect()
    }

    /// The same of all sources together.
    pub(super) fn history(&self) -> Vec<f64> {
        self.history
            .iter()
            .map(|point| point.values().sum())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::Samples;

    fn scrape(at_secs: u64, received: u32, slow_commits: u32) -> Scrape {
        let text = format!(
            "idtrail_events_received_total{{source=\"okta\",tenant=\"a\"}} {received}\n\
             idtrail_journal_commit_seconds_bucket{{le=\"1\"}} 100\n\
             idtrail_journal_commit_seconds_bucket{{le=\"2\"}} {slow}\n\
             idtrail_journal_commit_seconds_bucket{{le=\"+Inf\"}} {slow}\n",
            slow = 100 + slow_commits
        );
        Scrape {
            at_ms: at_secs * 1_000,
            samples: Samples::parse(&text),
            ..Scrape::default()
        }
    }

    #[test]
    fn two_scrapes_make_the_first_numbers() {
        let mut watched = Watched::default();
        watched.failed("nobody there".to_owned());
        watched.scraped(scrape(0, 10, 0));
        assert_eq!((&watched.model, &watched.trouble), (&None, &None));
        watched.scraped(scrape(2, 30, 0));
        let model = watched.model.as_ref().expect("two scrapes");
        assert_eq!(model.sources[0].received, 10.0);
        assert_eq!(watched.history_of("okta"), [10.0]);
        assert_eq!(watched.history_of("aws"), [0.0]);
    }

    #[test]
    fn a_failure_keeps_the_numbers_and_the_next_answer_spans_the_gap() {
        let mut watched = Watched::default();
        watched.scraped(scrape(0, 10, 0));
        watched.scraped(scrape(1, 20, 0));
        watched.failed("it went away".to_owned());
        assert!(watched.model.is_some() && watched.trouble.is_some());
        watched.scraped(scrape(11, 120, 0));
        assert!(watched.trouble.is_none());
        assert_eq!(watched.history(), [10.0, 10.0]);
    }

    #[test]
    fn quantiles_are_of_the_last_minute() {
        let mut watched = Watched::default();
        let mut p99 = |at_secs, slow| {
            watched.scraped(scrape(at_secs, 0, slow));
            let model = watched.model.as_ref();
            model.and_then(|model| model.journal.commit_p99_secs)
        };
        assert_eq!(p99(0, 0), None);
        assert_eq!(p99(1, 0), None);
        assert!(p99(2, 50).is_some_and(|p99| p99 > 1.9));
        assert!(p99(50, 50).is_some(), "still within the minute");
        assert_eq!(p99(115, 50), None, "long over");
    }

    #[test]
    fn what_is_kept_has_a_limit() {
        let mut watched = Watched::default();
        for at_secs in 0..2_000 {
            watched.scraped(scrape(at_secs, 0, 0));
        }
        assert_eq!(watched.history().len(), POINTS_MAX);
        assert!(watched.marks.len() <= MARKS_MAX);
    }
}
