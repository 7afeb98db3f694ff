//! What this process has used.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of all threads, user and system, in seconds.
pub(super) fn cpu_seconds() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// The same, of this thread alone.
pub(super) fn thread_cpu_seconds() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

/// Seconds since some moment; never goes back.
pub(super) fn wall_seconds() -> f64 {
    seconds(ClockId::Monotonic)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that was resident at once, in bytes, since the start or the
/// last [`forget_peak`]; `None` where there is no /proc.
pub(super) fn peak_rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// From here on the peak is a new one, where the system can do that (Linux:
/// proc(5), clear_refs).
pub(super) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_memory_are_seen() {
        let (cpu, wall) = (cpu_seconds(), wall_seconds());
        let memory = std::hint::black_box(vec![7_u8; 64 << 20]);
        assert!(memory.iter().map(|byte| u64::from(*byte)).sum::<u64>() == 7 * (64 << 20));
        assert!(cpu_seconds() > cpu && wall_seconds() > wall);
        if let Some(peak) = peak_rss_bytes() {
            assert!(peak >= 64 << 20, "{peak}");
        }
    }
}
