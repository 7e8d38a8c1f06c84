//! What people see while it runs.

use std::io::Write;

/// Says how far it is. Nobody needs to read it.
pub(crate) fn say(text: &str) {
    writeln!(std::io::stderr().lock(), "bench  {text}").ok();
}
