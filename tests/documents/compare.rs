//! Whether output is what a document shows, but for what varies by nature.
//!
//! Times, dates, ids, digests, and numbers with a unit of size or time are the
//! same as any other of their kind. In a document `…` stands for anything: on
//! a line of its own for any lines, inside of one for any characters. All else,
//! counts of events for one, must be as it is shown.

/// What follows a number that differs from run to run: sizes, times, and objects
/// of the journal, whose batches close by the clock.
const UNITS: [&str; 15] = [
    "B", "bytes", "KiB", "MiB", "GiB", "kB", "KB", "MB", "GB", "s", "ms", "µs", "%", "events/s",
    "journal",
];

/// Shorter hexadecimal runs can be words or counts.
const ID_DIGITS_MIN: usize = 7;
/// Digits alone are a count, up to here.
const NUMBER_DIGITS_MAX: usize = 11;

/// Whether `shown` in a document stands for `found`. With `more`, something may
/// follow.
pub(super) fn is_shown(shown: &[String], found: &str, more: bool) -> bool {
    let mut shown: Vec<String> = shown.iter().map(|line| plain(line)).collect();
    if more {
        shown.push("…".to_owned());
    }
    let found: Vec<String> = found.lines().map(plain).collect();
    matches(
        trimmed(&shown),
        trimmed(&found),
        &|line| line == "…",
        &|shown, found| {
            let shown: Vec<char> = shown.chars().collect();
            let found: Vec<char> = found.chars().collect();
            matches(&shown, &found, &|c| *c == '…', &|a, b| a == b)
        },
    )
}

/// Without empty lines at the end, which keep commands of a document apart.
fn trimmed(lines: &[String]) -> &[String] {
    let last = lines.iter().rposition(|line| !line.is_empty());
    &lines[..last.map_or(0, |last| last + 1)]
}

/// A pattern with a wildcard against a sequence: each wildcard takes as little
/// as it can, and the last one takes more where the rest does not fit.
fn matches<T>(
    pattern: &[T],
    found: &[T],
    is_any: &dyn Fn(&T) -> bool,
    same: &dyn Fn(&T, &T) -> bool,
) -> bool {
    let (mut p, mut f) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while f < found.len() {
        match pattern.get(p) {
            Some(part) if is_any(part) => {
                back = Some((p, f));
                p += 1;
            }
            Some(part) if same(part, &found[f]) => {
                p += 1;
                f += 1;
            }
            _ => {
                let Some((any, taken)) = back else {
                    return false;
                };
                back = Some((any, taken + 1));
                p = any + 1;
                f = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(is_any)
}

/// A line without what varies.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.trim_end();
    while let Some(first) = rest.chars().next() {
        let word_before = out.ends_with(|c: char| c.is_alphanumeric());
        let varying =
            (!word_before).then(|| moment(rest).or_else(|| id(rest)).or_else(|| amount(rest)));
        if let Some((kind, length)) = varying.flatten() {
            out.push_str(kind);
            rest = &rest[length..];
            continue;
        }
        // Columns are as wide as what stands in them.
        if !(matches!(first, ' ' | '─') && out.ends_with(first)) {
            out.push(first);
        }
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// `2026-11-23`, with a time of day or without.
fn moment(text: &str) -> Option<(&'static str, usize)> {
    let date = shaped(text, "0000-00-00")?;
    let rest = &text[date..];
    let Some(time) = rest
        .strip_prefix(['T', ' '])
        .and_then(|rest| shaped(rest, "00:00:00"))
    else {
        return Some(("DATE", date));
    };
    let mut end = date + 1 + time;
    if text[end..].starts_with('.') {
        end += 1 + text[end + 1..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
    }
    end += usize::from(text[end..].starts_with('Z'));
    Some(("TIME", end))
}

/// The length of `shape`, if the text begins with it; 0 is any digit.
fn shaped(text: &str, shape: &str) -> Option<usize> {
    let fits = text.len() >= shape.len()
        && shape
            .bytes()
            .zip(text.bytes())
            .all(|(shape, byte)| match shape {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            });
    fits.then_some(shape.len())
}

/// A digest, commit, writer or message id.
fn id(text: &str) -> Option<(&'static str, usize)> {
    let run: &str = &text[..text.bytes().take_while(u8::is_ascii_alphanumeric).count()];
    let hexadecimal = run
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    // A commit in a version can be all digits, or all letters; its date tells.
    let dated = text[run.len()..]
        .strip_prefix(' ')
        .is_some_and(|rest| shaped(rest, "0000-00-00").is_some());
    let telling = dated || digits > NUMBER_DIGITS_MAX || (digits > 0 && digits < run.len());
    (run.len() >= ID_DIGITS_MIN && hexadecimal && telling).then_some(("ID", run.len()))
}

/// A number with one of the units.
fn amount(text: &str) -> Option<(&'static str, usize)> {
    let digits = text
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
        .count();
    let rest = text[digits..].strip_prefix(' ').unwrap_or(&text[digits..]);
    let unit = &rest[..rest
        .find(|c: char| !c.is_alphanumeric() && c != '/' && c != '%')
        .unwrap_or(rest.len())];
    let known =
        digits > 0 && text.starts_with(|c: char| c.is_ascii_digit()) && UNITS.contains(&unit);
    known.then(|| ("AMOUNT", text.len() - rest.len()))
}

#[test]
fn what_varies_is_alike_and_all_else_is_not() {
    for (shown, found, alike) in [
        ("seq=1", "seq=2", false),
        (
            "2026-11-23T03:53:27.280Z  INFO up",
            "2027-01-02T00:00:00Z INFO up",
            true,
        ),
        ("│ 08:58:41 │ okta │", "│ 08:58:41  │ okta   │", true),
        ("│ 08:58:41 │", "│ 08:58:42 │", false),
        ("writer 84acfa4d3ce5e44c", "writer 0000fa4d3ce5e44d", true),
        (
            "0.1.0 (133cbdb 2026-11-23)",
            "0.1.0 (0755527 2026-11-24)",
            true,
        ),
        (
            "0.1.0 (133cbdb 2026-11-23)",
            "0.2.0 (133cbdb 2026-11-23)",
            false,
        ),
        ("3 rows, 274 bytes", "3 rows, 1,312 bytes", true),
        ("3 rows, 274 bytes", "4 rows, 274 bytes", false),
        ("took 1.5 s", "took 12 s", true),
        ("took 1.5 s", "took 12 KiB", false),
        (
            "3 files, 6 journal objects",
            "3 files, 7 journal objects",
            true,
        ),
        (
            "3 files, 6 journal objects",
            "4 files, 6 journal objects",
            false,
        ),
        ("200000 events", "200001 events", false),
        ("a … c", "a b b c", true),
        ("a\n…\nc", "a\nb\nb\nc", true),
        ("a\n…", "a", true),
        ("a", "a\nb", false),
        ("a\n\n", "a", true),
        ("acceded effaced", "acceded defaced", false),
    ] {
        let lines: Vec<String> = shown.lines().map(str::to_owned).collect();
        assert_eq!(is_shown(&lines, found, false), alike, "{shown} / {found}");
    }
}
