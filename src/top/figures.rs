//! Numbers as people read them: short, with their unit, of bounded width.

/// Eighths of a cell, empty to full.
const LEFT: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
const LOWER: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What stands where nothing is known.
pub(super) const UNKNOWN: &str = "–";

/// `f` of a value that may be unknown.
pub(super) fn known(value: Option<f64>, f: impl Fn(f64) -> String) -> String {
    match value {
        Some(value) if value.is_finite() => f(value),
        _ => UNKNOWN.to_owned(),
    }
}

/// `0`, `0.4`, `17`, `12,345`, `12.3M`; at most eight characters.
pub(super) fn count(value: f64) -> String {
    match value.abs() {
        size if size < 0.05 => "0".to_owned(),
        size if size < 9.95 && value.fract() != 0.0 => format!("{value:.1}"),
        size if size < 999_999.5 => thousands(value),
        size if size < 999.95e6 => format!("{:.1}M", value / 1e6),
        size if size < 999.95e9 => format!("{:.1}G", value / 1e9),
        _ => format!("{value:.0e}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// `0 B`, `1.5 KiB`, `200 MiB`.
pub(super) fn bytes(value: f64) -> String {
    let (mut size, mut unit) = (value.abs(), "B");
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if size < 1_023.5 {
            break;
        }
        (size, unit) = (size / 1_024.0, larger);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    match size {
        size if size < 9.95 && size.fract() != 0.0 => format!("{sign}{size:.1} {unit}"),
        size => format!("{sign}{size:.0} {unit}"),
    }
}

/// `0 s`, `12 ms`, `1.5 s`, `45 s`, `7 min`, `2.5 h`, `14 d`.
pub(super) fn seconds(value: f64) -> String {
    let spaced = |number: f64, unit: &str| match number {
        number if number < 9.95 && (number * 10.0).round() % 10.0 != 0.0 => {
            format!("{number:.1} {unit}")
        }
        number => format!("{number:.0} {unit}"),
    };
    match value {
        value if value <= 0.0 => "0 s".to_owned(),
        value if value < 0.9995 => format!("{:.0} ms", (value * 1e3).max(1.0)),
        value if value < 119.5 => spaced(value, "s"),
        value if value < 7_170.0 => spaced(value / 60.0, "min"),
        value if value < 172_000.0 => spaced(value / 3_600.0, "h"),
        value => spaced(value / 86_400.0, "d"),
    }
}

/// `12s`, `4m 07s`, `3h 20m`, `12d 03h`: how long something has been going on.
pub(super) fn span(secs: f64) -> String {
    let secs = secs.max(0.0) as u64;
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", secs % 60),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours:02}h"),
    }
}

/// `0%`, `0.4%`, `37%`.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent < 0.05 => "0%".to_owned(),
        percent if percent < 0.95 => format!("{percent:.1}%"),
        percent => format!("{percent:.0}%"),
    }
}

/// A share as a bar of `width` cells; the rest of them are empty.
pub(super) fn bar(share: f64, width: usize) -> (String, String) {
    // What is no number is as good as nothing.
    let eighths = (share.clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    let mut full = "█".repeat(eighths / 8) + LEFT[eighths % 8];
    // Something is not nothing.
    if full.is_empty() && share > 0.0 && width > 0 {
        full.push_str(LEFT[1]);
    }
    let rest = width - full.chars().count();
    (full, "·".repeat(rest))
}

/// The newest `width` of some values as columns, the highest of them full.
pub(super) fn sparkline(values: &[f64], width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let highest = shown.iter().copied().fold(0.0, f64::max);
    let column = |value: &f64| match value / highest {
        share if share > 0.0 => LOWER[((share * 8.0).round() as usize).clamp(1, 8)],
        _ => LOWER[0],
    };
    let empty = " ".repeat(width - shown.len());
    empty + &shown.iter().map(column).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: fn(f64) -> String, rows: &[(f64, &str)]) {
        for (value, written) in rows {
            assert_eq!(write(*value), *written, "{value}");
        }
    }

    #[test]
    fn numbers_are_short() {
        check(
            count,
            &[
                (0.0, "0"),
                (-0.0, "0"),
                (0.04, "0"),
                (0.44, "0.4"),
                (9.0, "9"),
                (9.96, "10"),
                (999.4, "999"),
                (1_000.0, "1,000"),
                (123_456.0, "123,456"),
                (1_234_567.0, "1.2M"),
                (999_960_000.0, "1.0G"),
                (-1_500.0, "-1,500"),
                (1e300, "1e300"),
            ],
        );
        check(
            bytes,
            &[
                (0.0, "0 B"),
                (1_023.0, "1023 B"),
                (1_536.0, "1.5 KiB"),
                (200.0 * 1_048_576.0, "200 MiB"),
                (-2_048.0, "-2 KiB"),
                (1e18, "888 PiB"),
            ],
        );
        check(
            percent,
            &[(0.0, "0%"), (0.004, "0.4%"), (0.37, "37%"), (2.5, "250%")],
        );
    }

    #[test]
    fn times_have_the_unit_people_would_use() {
        check(
            seconds,
            &[
                (0.0, "0 s"),
                (-3.0, "0 s"),
                (0.0123, "12 ms"),
                (0.0001, "1 ms"),
                (1.0, "1 s"),
                (1.46, "1.5 s"),
                (45.0, "45 s"),
                (420.0, "7 min"),
                (9_000.0, "2.5 h"),
                (1_209_600.0, "14 d"),
            ],
        );
        check(
            span,
            &[
                (-5.0, "0s"),
                (12.9, "12s"),
                (247.0, "4m 07s"),
                (12_000.0, "3h 20m"),
                (1_047_600.0, "12d 03h"),
            ],
        );
        assert_eq!(known(None, seconds), UNKNOWN);
        assert_eq!(known(Some(f64::NAN), seconds), UNKNOWN);
    }

    #[test]
    fn bars_and_columns_fill_their_width_whatever_comes() {
        for (share, full, rest) in [
            (0.0, "", "····"),
            (0.001, "▏", "···"),
            (0.5, "██", "··"),
            (0.55, "██▎", "·"),
            (7.0, "████", ""),
            (-1.0, "", "····"),
            (f64::NAN, "", "····"),
        ] {
            assert_eq!(bar(share, 4), (full.to_owned(), rest.to_owned()), "{share}");
        }
        for (values, line) in [
            (&[][..], "    "),
            (&[0.0, 0.0], "    "),
            (&[0.1, 4.0, 8.0], " ▁▄█"),
            (&[9.0, 1.0, 1.0, 1.0, f64::NAN], "███ "),
        ] {
            assert_eq!(sparkline(values, 4), line, "{values:?}");
        }
        assert_eq!(bar(0.5, 0), (String::new(), String::new()));
        assert_eq!(sparkline(&[1.0], 0), "");
    }
}
