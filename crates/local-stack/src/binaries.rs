//! Where the servers' programs are.
//!
//! Looked for in this order: a directory or file named by the environment, `.turnloom/tools/bin` of the working
//! directory or one above it, `PATH`, and for PostgreSQL `/usr/lib/postgresql/*/bin`, highest version first.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// The directory with `postgres` and `initdb`.
pub(crate) fn postgres() -> Result<PathBuf, Error> {
    let named = env::var_os("TURNLOOM_POSTGRES_BIN").map(PathBuf::from);
    named
        .into_iter()
        .chain(tools())
        .chain(path())
        .chain(debian())
        .find(|directory| directory.join("postgres").is_file() && directory.join("initdb").is_file())
        .ok_or_else(|| {
            Error::Missing(
                "PostgreSQL's server programs (postgres, initdb) are not on this machine: run `make setup`, \
                 or set TURNLOOM_POSTGRES_BIN to the directory that holds them"
                    .to_owned(),
            )
        })
}

/// The nats-server program.
pub(crate) fn nats() -> Result<PathBuf, Error> {
    let named = env::var_os("TURNLOOM_NATS_BIN").map(PathBuf::from);
    let named = named.map(|path| if path.is_dir() { path.join("nats-server") } else { path });
    named
        .into_iter()
        .chain(tools().into_iter().chain(path()).map(|directory| directory.join("nats-server")))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            Error::Missing(
                "nats-server is not on this machine: run `make setup`, or set TURNLOOM_NATS_BIN to the program \
                 (2.12 or newer)"
                    .to_owned(),
            )
        })
}

fn tools() -> Vec<PathBuf> {
    let Ok(here) = env::current_dir() else { return Vec::new() };
    here.ancestors().map(|directory| directory.join(".turnloom/tools/bin")).collect()
}

fn path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

fn debian() -> Vec<PathBuf> {
    let Ok(versions) = fs::read_dir(Path::new("/usr/lib/postgresql")) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, directory)| directory).collect()
}
