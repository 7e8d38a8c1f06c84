//! Failures on demand, for fault drills: with `--fault-drill on` a message's text can do what no real one should be able to.

use std::time::Duration;

/// The turn panics.
const PANIC: &str = "drill:panic";
/// The process dies at once.
const ABORT: &str = "drill:abort";
/// The turn never ends.
const HANG: &str = "drill:hang";

/// Does what the text says.
pub(super) fn strike(text: &str) {
    #[expect(clippy::panic, reason = "that is what was asked for")]
    if text.contains(PANIC) {
        panic!("a drill");
    }
    if text.contains(ABORT) {
        std::process::abort();
    }
    if text.contains(HANG) {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}
