//! What this process holds, as Linux tells it (proc(5)).

/// Bytes in memory now.
pub(crate) fn resident() -> u64 {
    field("VmRSS:")
}

/// The most there ever were.
pub(crate) fn resident_max() -> u64 {
    field("VmHWM:")
}

fn field(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    1024 * kib.unwrap_or_default()
}
