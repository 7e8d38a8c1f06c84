//! One bench under callgrind, which runs it on a processor of its own making and counts.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::benches::{COUNT, COUNTED, COUNTED_RUNS};
use crate::programs::Bench;

/// Instructions of one run of a bench. Leaves a profile in `profiles`, for `callgrind_annotate`.
pub(crate) fn count(bench: &Bench, profiles: &Path) -> anyhow::Result<u64> {
    let profile = profiles.join(format!("{}.out", bench.name.replace('/', ".")));
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(&bench.program)
        .args([COUNT, &bench.name])
        .output()
        .context("valgrind is started")?;
    let told = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{} does not run under valgrind:\n{told}", bench.name);
    let all = collected(&told).with_context(|| format!("valgrind counted nothing:\n{told}"))?;
    Ok(all / COUNTED_RUNS)
}

/// From `==42== Collected : 1234`.
fn collected(told: &str) -> Option<u64> {
    let (_, count) = told.lines().find_map(|line| line.split_once("Collected : "))?;
    count.trim().parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_valgrind_tells() {
        assert_eq!(collected("==42== Events    : Ir\n==42== Collected : 1234\n==42== \n"), Some(1234));
        assert_eq!(collected("==42== Collected : 0"), None);
        assert_eq!(collected("valgrind: no"), None);
    }
}
