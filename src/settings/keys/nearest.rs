//! The key that a misspelt one was probably meant to be.
//!
//! By edit distance, and only if it is near: a hint that is wrong costs more
//! than none. What was given is cut, because somebody else wrote it.

/// The name among `known` that was probably meant, if one is near.
pub fn nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let given: Vec<char> = given.chars().take(128).collect();
    let reach_max = (given.len() / 4).clamp(1, 4);
    known
        .map(|name| (distance(&given, name), name))
        .filter(|(steps, _)| *steps <= reach_max)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's edit distance, one row at a time.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, right) in b.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, left) in a.iter().enumerate() {
            let substituted = diagonal + usize::from(*left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[a.len()]
}

#[cfg(test)]
mod tests {
    use super::{super::all, *};

    #[test]
    fn a_misspelt_key_is_recognised_and_a_foreign_one_is_not() {
        for (given, meant) in [
            ("http.listne", Some("http.listen")),
            ("https.listen", Some("http.listen")),
            ("default-tenant", Some("default_tenant")),
            ("logs.level", Some("log.level")),
            ("kafka.brokers", None),
            ("x", None),
        ] {
            assert_eq!(nearest(given, all().map(|key| key.path)), meant, "{given}");
        }
    }
}
