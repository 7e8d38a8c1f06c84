//! Open files: each connection is one, and a process may often have no more than 1024 unless it asks for more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for everything else: databases, the bus, logs.
const RESERVED: u64 = 256;

/// How many of these connections can be open at once, after the process has allowed itself as many files as it may; at least
/// one. Logs a warning when they are fewer than that.
#[must_use]
pub fn fitting(connections: usize) -> usize {
    let needed = connections as u64 + RESERVED;
    let limit = getrlimit(Resource::Nofile);
    // None is no limit.
    let current = limit.current.unwrap_or(u64::MAX);
    let allowed = if current >= needed {
        current
    } else {
        let wanted = limit.maximum.map_or(needed, |maximum| maximum.min(needed)).max(current);
        match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
            Ok(()) => wanted,
            Err(_) => current,
        }
    };
    let fitting = usize::try_from(allowed.saturating_sub(RESERVED)).unwrap_or(usize::MAX).min(connections);
    if fitting < connections {
        tracing::warn!(
            allowed,
            connections = fitting,
            wanted = connections,
            "the process may open too few files"
        );
    }
    fitting.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_never_take_more_files_than_the_process_may_open() {
        assert_eq!(fitting(1), 1);
        let fitting = fitting(usize::MAX >> 1) as u64;
        let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        assert!(fitting + RESERVED <= allowed.max(RESERVED + 1), "{fitting} {allowed}");
    }
}
