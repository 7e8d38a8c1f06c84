//! How much memory and processor time a process takes, as Linux tells it.

use std::fs;
use std::time::Duration;

/// `/proc/<pid>/stat` counts CPU time in these on every architecture that Linux runs servers on.
const TICK: Duration = Duration::from_millis(10);
/// Written to `/proc/<pid>/clear_refs` it makes the peak of a process what it has now (proc(5)).
const RESET_PEAK: &str = "5";

/// Processes whose memory is watched.
#[derive(Debug)]
pub struct Watch {
    before: Vec<(u32, u64)>,
}

impl Watch {
    /// From now on.
    pub fn start(pids: &[u32]) -> Self {
        let before = |pid: &u32| {
            // Where it is not allowed, the peak since the start counts, and growth shows only above that.
            fs::write(format!("/proc/{pid}/clear_refs"), RESET_PEAK).ok();
            Some((*pid, status(*pid, "VmHWM:")?))
        };
        Self { before: pids.iter().filter_map(before).collect() }
    }

    /// By how much the one that grew most was above its beginning at its highest, bytes.
    pub fn grew(&self) -> u64 {
        let grew = |(pid, before): &(u32, u64)| status(*pid, "VmHWM:").unwrap_or(0).saturating_sub(*before);
        self.before.iter().map(grew).max().unwrap_or(0)
    }
}

/// A number of `/proc/<pid>/status`, which is in KiB there, bytes.
fn status(pid: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The processor time of a process so far, all threads together.
pub fn cpu(pid: u32) -> Duration {
    let ticks = || {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything; user and system time are fields 14 and 15.
        let (_, behind) = text.rsplit_once(") ")?;
        let mut fields = behind.split_whitespace().skip(11);
        let mut number = || fields.next()?.parse::<u32>().ok();
        Some(number()? + number()?)
    };
    TICK * ticks().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_taken_is_seen_also_when_it_was_given_back() {
        let own = std::process::id();
        let watch = Watch::start(&[own]);
        let taken = vec![1_u8; 64 << 20];
        assert!(taken.iter().all(|byte| *byte == 1));
        drop(taken);
        assert!(watch.grew() >= 32 << 20, "{}", watch.grew());
    }

    #[test]
    fn a_process_has_taken_time() {
        let begun = cpu(std::process::id());
        let mut sum = 0_u64;
        while cpu(std::process::id()) < begun + Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu(std::process::id()) > begun);
    }
}
