//! What the system says of this process. Nothing is told where there is no `/proc`.

/// Resident memory in bytes. `statm` would need the size of a page.
pub(super) fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// File descriptors that are open, without the one that looks.
pub(super) fn open_files() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_knows_this_process() {
        assert!(super::resident_memory().unwrap() > 100_000);
        assert!(super::open_files().unwrap() >= 3);
    }
}
