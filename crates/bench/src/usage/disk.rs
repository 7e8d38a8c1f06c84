//! What goes to this machine's disks.
//!
//! Linux counts for each process the pages that it makes dirty (`write_bytes` in `/proc/<pid>/io`), and where a file's pages
//! are kept in large folios 8 KB of a log make more than 100 KB dirty, of which 8 KB are written. So it is asked how much
//! the disks have written, whoever caused it, and how much still waits to be.

use std::fs;
use std::path::Path;

/// Disks count in these, whatever theirs are (the kernel's `Documentation/block/stat.rst`).
const SECTOR_BYTES: u64 = 512;

/// Bytes that were written to all disks of this machine since its start, or wait to be; none when nobody may know.
pub(crate) fn written_bytes() -> Option<u64> {
    let disks = fs::read_dir("/sys/block").ok()?.flatten().map(|entry| entry.path());
    // What lies on other disks, as a loop does, has no device.
    let real = disks.filter(|disk| disk.join("device").exists());
    let sectors = real.filter_map(|disk| sectors_written(&disk)).reduce(|one, other| one + other)?;
    Some(sectors * SECTOR_BYTES + waiting_bytes(&fs::read_to_string("/proc/meminfo").ok()?))
}

/// The seventh number of a disk's statistics.
fn sectors_written(disk: &Path) -> Option<u64> {
    fs::read_to_string(disk.join("stat")).ok()?.split_ascii_whitespace().nth(6)?.parse().ok()
}

/// Pages that are to be written.
fn waiting_bytes(meminfo: &str) -> u64 {
    ["Dirty", "Writeback"].iter().filter_map(|name| super::proc::field(meminfo, name)).sum::<u64>() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dirty_and_what_is_on_its_way_waits() {
        assert_eq!(
            waiting_bytes("MemFree: 5 kB\nDirty:   3 kB\nWriteback: 1 kB\nWritebackTmp: 7 kB\n"),
            4096
        );
    }
}
