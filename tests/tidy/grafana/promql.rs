//! What a query of Prometheus names: metrics with their matchers, and labels to
//! group by. Not a parser of the language, which `promtool` is: it finds the names
//! in queries that are known to be right.

/// `name{label=~"value"}` as it stands in a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector {
    pub name: String,
    pub matchers: Vec<(String, String)>,
}

/// The metrics of a query: ours, a process's, Prometheus's own, and records.
pub(super) fn selectors(query: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find(is_name_start) {
        let word_end = rest[start..]
            .find(|c: char| !is_name(c))
            .map_or(rest.len(), |length| start + length);
        let (name, after) = (&rest[start..word_end], &rest[word_end..]);
        let braces = after
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'));
        if is_metric(name) {
            let matchers = braces.map_or_else(Vec::new, |(inside, _)| matchers(inside));
            found.push(Selector {
                name: name.to_owned(),
                matchers,
            });
        }
        rest = braces.map_or(after, |(_, after)| after);
    }
    found
}

/// The labels of every `by (…)` and `on (…)`.
pub(super) fn grouped_by(query: &str) -> Vec<String> {
    let lists = query.split([')']).filter_map(|part| {
        let (before, list) = part.rsplit_once('(')?;
        let word = before.split_whitespace().next_back()?;
        matches!(word, "by" | "on").then_some(list)
    });
    let labels = lists.flat_map(|list| list.split(','));
    labels.map(|label| label.trim().to_owned()).collect()
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn is_metric(name: &str) -> bool {
    name == "up"
        || name.contains(':')
        || ["idtrail_", "process_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// `a="x",b=~"y|z"`; a value holds no comma.
fn matchers(inside: &str) -> Vec<(String, String)> {
    let one = |matcher: &str| {
        let (label, value) = matcher.split_once(['=', '!'])?;
        let value = value.trim_start_matches(['=', '~']);
        Some((
            label.trim().to_owned(),
            value.trim().trim_matches('"').to_owned(),
        ))
    };
    inside.split(',').filter_map(one).collect()
}

#[test]
fn names_matchers_and_groups_are_found() {
    let query = "sum by (job, le) (rate(idtrail_a_total{job=~\"$job\",\n kind=~\"x|y\"}[5m])) / 1e6 \
                 > process_b and on (job) up == 0 or job:idtrail_c:p99 unless max(d) by (e)";
    let names: Vec<_> = selectors(query).into_iter().map(|s| s.name).collect();
    assert_eq!(
        names,
        ["idtrail_a_total", "process_b", "up", "job:idtrail_c:p99"]
    );
    let pair = |label: &str, value: &str| (label.to_owned(), value.to_owned());
    assert_eq!(
        selectors(query)[0].matchers,
        [pair("job", "$job"), pair("kind", "x|y")]
    );
    assert_eq!(grouped_by(query), ["job", "le", "job", "e"]);
}
