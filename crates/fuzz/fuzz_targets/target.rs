//! The targets under libFuzzer: which one is in `TURNLOOM_FUZZ_TARGET`. `make fuzz` builds and starts this.
#![no_main]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

use fuzz::Target;
use libfuzzer_sys::fuzz_target;

/// What the last panic said. Some libraries panic and are caught by us, which is no failure.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());
static TARGET: OnceLock<Target> = OnceLock::new();

fn begin() {
    let name = std::env::var_os("TURNLOOM_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = name.to_str().and_then(Target::named) else {
        eprintln!("TURNLOOM_FUZZ_TARGET names no target");
        std::process::exit(2);
    };
    TARGET.get_or_init(|| target);
    // In the place of libFuzzer's, which would end the process at every panic.
    std::panic::set_hook(Box::new(|panic| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

fuzz_target!(init: begin(), |bytes: &[u8]| {
    let Some(target) = TARGET.get() else { return };
    if catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).is_err() {
        eprintln!("{}", LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
});
