//! The committed inputs of each target: small, written by hand, and whatever made it fail once.

use std::io;
use std::path::{Path, PathBuf};

/// Bytes of all inputs together: the corpus is for people to read, too.
pub const BYTES_MAX: usize = 200_000;

/// Where the inputs of a target are.
#[must_use]
pub fn directory(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The inputs of a target, by their names.
///
/// # Errors
/// When they cannot be read.
pub fn of(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory(target))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    paths.iter().map(std::fs::read).collect()
}
