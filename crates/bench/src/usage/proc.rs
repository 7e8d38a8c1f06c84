//! What Linux tells of a process in `/proc/<pid>`.

use std::fs;

/// `/proc/<pid>/stat` counts CPU time in these; it is 100 a second on every architecture that Linux runs servers on.
pub(crate) const TICK_MICROS: u64 = 10_000;

/// The line of `/proc/<pid>/stat`, as far as it is of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The process.
    pub pid: u32,
    /// The name of its program; of one that is not ours at most 15 bytes.
    pub name: String,
    /// Who started it.
    pub parent: u32,
    /// User and system time of all its threads, ticks.
    pub own_ticks: u64,
    /// The same of its children that have ended and were waited for.
    pub children_ticks: u64,
}

impl Stat {
    /// Reads the line. The name stands in parentheses and may hold any character, these included.
    pub fn parse(line: &str) -> Option<Self> {
        let (pid, rest) = line.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // proc_pid_stat(5) counts from 1, and the field after the name is the third one.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            pid: pid.trim().parse().ok()?,
            name: whole(name).to_owned(),
            parent: u32::try_from(number(4)?).ok()?,
            own_ticks: number(14)? + number(15)?,
            children_ticks: number(16)? + number(17)?,
        })
    }

    /// Of a process that runs.
    pub fn of(pid: &str) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }
}

/// Linux keeps the first 15 bytes of a program's name; these of ours are longer.
const LONG_NAMES: [&str; 3] = ["execution-runner", "metrics-aggregator", "workflow-catalog"];

/// The whole name of a program.
fn whole(name: &str) -> &str {
    LONG_NAMES.into_iter().find(|long| long.get(..15) == Some(name)).unwrap_or(name)
}

/// All processes of this machine that may be looked at.
pub(crate) fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|pid| Stat::of(&pid))
        .collect()
}

/// Resident memory of a process, kB: all of it, and with pages that are shared divided among those who share them.
pub(crate) fn memory_kb(pid: u32) -> (u64, u64) {
    let told = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    (field(&told, "Rss").unwrap_or(0), field(&told, "Pss").unwrap_or(0))
}

/// The number of a line such as `Pss:  123 kB`.
pub(crate) fn field(told: &str, name: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "4711 (a (b) c) S 42 4711 4711 0 -1 4194560 100 200 0 0 31 7 50 12 20 0 9 0 12345 1000 200 18446744073709551615 1";

    #[test]
    fn a_line_is_read_whatever_the_program_is_called() {
        let read = Stat::parse(LINE).unwrap();
        let name = "a (b) c".to_owned();
        assert_eq!(read, Stat { pid: 4711, name, parent: 42, own_ticks: 38, children_ticks: 62 });
        assert_eq!(Stat::parse("nonsense"), None);
        assert_eq!(Stat::parse("1 (short) S 2"), None);
    }

    #[test]
    fn our_programs_have_their_whole_names() {
        let all = ["execution-runne", "gateway", "execution", "metrics-aggrega"].map(whole);
        assert_eq!(all, ["execution-runner", "gateway", "execution", "metrics-aggregator"]);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let told = "Pss_Anon:  1 kB\nPss:   77 kB\n";
        assert_eq!(field(told, "Pss"), Some(77));
        assert_eq!(field(told, "Rss"), None);
    }

    #[test]
    fn this_process_is_among_all() {
        let own = std::process::id();
        assert!(all().iter().any(|stat| stat.pid == own));
        assert!(memory_kb(own).0 >= memory_kb(own).1);
    }
}
