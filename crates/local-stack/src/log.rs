//! The end of a server's log, for error messages.

use std::fs;
use std::path::Path;

/// Lines shown.
const LINES_MAX: usize = 20;

/// The last lines of a log; empty when there is none.
pub(crate) fn tail(path: &Path) -> String {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LINES_MAX)..).unwrap_or_default().join("\n")
}
