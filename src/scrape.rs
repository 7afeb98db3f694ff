//! What `/metrics` says, read back: the text format of Prometheus as samples.
//!
//! For the verbs that watch a running process. A line that is no sample (a
//! comment, an unknown form, half a line) is passed over, and nothing that a
//! server sends makes it panic; how much of it is read, the client bounds.
//! Quantiles are those of Prometheus' `histogram_quantile`: linear inside a
//! bucket, and never beyond the highest bound.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::Chars,
};

/// One answer of `/metrics`.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Samples {
    by_name: BTreeMap<String, Vec<Series>>,
}

/// One line: some labels, and the value that stands behind them.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Series {
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    fn carries(&self, labels: &[(&str, &str)]) -> bool {
        labels
            .iter()
            .all(|(name, value)| self.label(name) == Some(value))
    }
}

impl Samples {
    pub fn parse(text: &str) -> Samples {
        let mut samples = Samples::default();
        for (name, series) in text.lines().filter_map(line) {
            samples.by_name.entry(name).or_default().push(series);
        }
        samples
    }

    /// Every series of a metric, in the order of the text.
    pub fn series(&self, name: &str) -> &[Series] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The first series that carries these labels, whatever others it has.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut series = self.series(name).iter();
        series.find(|s| s.carries(labels)).map(|s| s.value)
    }

    /// All series of a metric together; 0 without any.
    pub fn sum(&self, name: &str) -> f64 {
        let series = self.series(name).iter();
        series.map(|s| s.value).filter(|v| !v.is_nan()).sum()
    }

    /// The sum for each value that a label has; series without it are left out.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for series in self.series(name) {
            if let (Some(of), false) = (series.label(label), series.value.is_nan()) {
                *sums.entry(of.to_owned()).or_default() += series.value;
            }
        }
        sums
    }

    /// Every value of a label, in any metric.
    pub fn values_of(&self, label: &str) -> BTreeSet<&str> {
        let series = self.by_name.values().flatten();
        series.filter_map(|s| s.label(label)).collect()
    }

    /// All series of a histogram together; `None` where there is no such thing.
    pub fn histogram(&self, name: &str) -> Option<Histogram> {
        let buckets = self.series(&format!("{name}_bucket")).iter();
        let buckets = buckets.filter_map(|series| {
            let le: f64 = series.label("le")?.parse().ok()?;
            (!le.is_nan() && series.value >= 0.0).then_some((le, series.value))
        });
        Histogram::new(buckets.collect())
    }

    /// The quantile of a histogram since its process began; `None` without any
    /// observation.
    pub fn quantile(&self, name: &str, q: f64) -> Option<f64> {
        self.histogram(name)?.quantile(q)
    }
}

/// How many observations were at most as large as each bound.
#[derive(Clone, PartialEq, Debug)]
pub struct Histogram {
    /// By bound; the last is infinite.
    buckets: Vec<(f64, f64)>,
}

impl Histogram {
    fn new(mut buckets: Vec<(f64, f64)>) -> Option<Histogram> {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let whole = buckets.len() > 1 && buckets.last()?.0 == f64::INFINITY;
        whole.then_some(Histogram { buckets })
    }

    /// All observations.
    pub fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, count)| *count)
    }

    /// What was observed after `earlier`: all of it where the process began anew.
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let bounds = |h: &Histogram| h.buckets.iter().map(|b| b.0).collect::<Vec<_>>();
        let goes_on = bounds(self) == bounds(earlier)
            && (self.buckets.iter().zip(&earlier.buckets)).all(|(now, then)| now.1 >= then.1);
        let mut since = self.clone();
        if goes_on {
            for (now, then) in since.buckets.iter_mut().zip(&earlier.buckets) {
                now.1 -= then.1;
            }
        }
        since
    }

    /// As `histogram_quantile` has it; `None` without observations.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let (finite, highest) = (&self.buckets[..self.buckets.len() - 1], self.count());
        if highest.is_nan() || highest <= 0.0 || q.is_nan() {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * highest;
        let (mut start, mut before) = (0.0, 0.0_f64);
        for (bound, count) in finite {
            // Scraped while it was counted: a bound may lag behind a lower one.
            let count = count.max(before);
            if count >= rank && count > before {
                let share = (rank - before).max(0.0) / (count - before);
                // Below the lowest bound there is nothing to go between.
                let start = if start == 0.0 && *bound <= 0.0 {
                    *bound
                } else {
                    start
                };
                return Some(start + (bound - start) * share).filter(|v| v.is_finite());
            }
            (start, before) = (*bound, count);
        }
        finite.last().map(|(bound, _)| *bound)
    }
}

/// `name{label="value",…} value [timestamp]`
fn line(line: &str) -> Option<(String, Series)> {
    let line = line.trim();
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with('#') {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => {
            let mut rest = inner.chars();
            (labels(&mut rest)?, rest.as_str())
        }
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some((name.to_owned(), Series { labels, value }))
}

/// Takes what stands between the braces, and the closing one.
fn labels(rest: &mut Chars<'_>) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    loop {
        let text = rest.as_str().trim_start_matches([',', ' ']);
        if let Some(after) = text.strip_prefix('}') {
            *rest = after.chars();
            return Some(labels);
        }
        let (name, value) = text.split_once('=')?;
        *rest = value.trim_start().strip_prefix('"')?.chars();
        labels.insert(name.trim().to_owned(), quoted(rest)?);
    }
}

/// Takes a label's value, and the closing quote.
fn quoted(rest: &mut Chars<'_>) -> Option<String> {
    let mut value = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = r#"
# HELP idtrail_events_stored_total Events
# TYPE idtrail_events_stored_total counter
idtrail_events_stored_total{source="aws",tenant="acme"} 10
idtrail_events_stored_total{source="okta",tenant="acme"} 4 1732330000123
idtrail_events_stored_total{tenant="b \"x\" \\ \n , }", source="aws",} 1e1
idtrail_journal_head 7
odd NaN
odd{of="x"} 2
seconds_bucket{le="0.1",of="a"} 5
seconds_bucket{le="0.1",of="b"} 5
seconds_bucket{le="1",of="a"} 20
seconds_bucket{le="+Inf",of="a"} 30
seconds_bucket{le="+Inf",of="b"} 10
unfinished{a="b
no_value
word value
{} 1
"#;

    #[test]
    fn samples_are_read_and_all_else_is_passed_over() {
        let samples = Samples::parse(TEXT);
        let value = |name, labels: &[_]| samples.value(name, labels);
        assert_eq!(value("idtrail_journal_head", &[]), Some(7.0));
        assert_eq!(
            value("idtrail_events_stored_total", &[("source", "okta")]),
            Some(4.0)
        );
        let quoted = [("tenant", "b \"x\" \\ \n , }")];
        assert_eq!(value("idtrail_events_stored_total", &quoted), Some(10.0));
        assert_eq!(
            value("idtrail_events_stored_total", &[("source", "github")]),
            None
        );
        assert_eq!(samples.sum("idtrail_events_stored_total"), 24.0);
        assert_eq!(samples.sum("odd"), 2.0);
        assert_eq!(samples.sum("absent"), 0.0);
        let by_source = samples.by("idtrail_events_stored_total", "source");
        assert_eq!(
            by_source,
            [("aws".to_owned(), 20.0), ("okta".to_owned(), 4.0)].into()
        );
        assert_eq!(
            samples.values_of("of").into_iter().collect::<Vec<_>>(),
            ["a", "b", "x"]
        );
        for absent in ["unfinished", "no_value", "word", "", "#"] {
            assert_eq!(samples.series(absent), [], "{absent}");
        }
    }

    fn histogram(buckets: &[(f64, f64)]) -> Option<Histogram> {
        Histogram::new(buckets.to_vec())
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        const INF: f64 = f64::INFINITY;
        let even: &[(f64, f64)] = &[(1.0, 10.0), (2.0, 20.0), (INF, 20.0)];
        for (buckets, q, expected) in [
            (even, 0.5, Some(1.0)),
            (even, 0.75, Some(1.5)),
            (even, 0.25, Some(0.5)),
            (even, 1.0, Some(2.0)),
            (even, 7.0, Some(2.0)),
            (even, 0.0, Some(0.0)),
            (even, f64::NAN, None),
            // In the infinite bucket: the highest bound there is.
            (&[(1.0, 1.0), (2.0, 2.0), (INF, 10.0)], 0.99, Some(2.0)),
            // A bound that lags behind counts as its predecessor.
            (&[(1.0, 10.0), (2.0, 9.0), (INF, 10.0)], 0.95, Some(0.95)),
            (&[(-1.0, 4.0), (1.0, 4.0), (INF, 4.0)], 0.5, Some(-1.0)),
            (&[(1.0, 0.0), (INF, 0.0)], 0.5, None),
            (&[(INF, 5.0)], 0.5, None),
            (&[(1.0, 5.0)], 0.5, None),
            (&[], 0.5, None),
        ] {
            let found = histogram(buckets).and_then(|h| h.quantile(q));
            assert_eq!(found, expected, "{buckets:?} {q}");
        }
        // Series are summed by bound, bounds that one of them lacks included.
        assert_eq!(Samples::parse(TEXT).quantile("seconds", 0.25), Some(0.1));
    }

    #[test]
    fn a_difference_of_histograms_survives_a_restart() {
        let inf = f64::INFINITY;
        let then = histogram(&[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)]).expect("whole");
        let now = histogram(&[(1.0, 10.0), (2.0, 24.0), (inf, 24.0)]).expect("whole");
        assert_eq!(now.since(&then).quantile(0.5), Some(1.5));
        assert_eq!(now.since(&then).count(), 4.0);
        assert_eq!(now.since(&now).quantile(0.5), None);
        let restarted = histogram(&[(1.0, 2.0), (2.0, 2.0), (inf, 2.0)]).expect("whole");
        assert_eq!(restarted.since(&now), restarted);
        let other = histogram(&[(5.0, 30.0), (inf, 30.0)]).expect("whole");
        assert_eq!(other.since(&now), other);
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_panics(
            text in r#"([a-z_]{1,3}(_bucket)?[{](le="(-?[0-9.e]{0,3}|[+]Inf)")?.{0,9}[}]? [-0-9.eNaInf]{1,4}[\n]|.{0,20}[\n]?){0,30}"#,
            q in any::<f64>(),
        ) {
            let samples = Samples::parse(&text);
            for name in samples.by_name.keys() {
                samples.sum(name);
                samples.by(name, "le");
                samples.quantile(name.trim_end_matches("_bucket"), q);
            }
        }

        #[test]
        fn a_label_comes_back_as_it_was(value in ".*") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            // A carriage return ends no line of the format, and comes from no label of ours.
            prop_assume!(!value.contains('\r'));
            let samples = Samples::parse(&format!("m{{a=\"{escaped}\"}} 1"));
            prop_assert_eq!(samples.value("m", &[("a", &value)]), Some(1.0));
        }
    }
}
