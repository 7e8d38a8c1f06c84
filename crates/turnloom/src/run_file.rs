//! What a running `turnloom up` tells other commands: a file in its data directory, for its owner's eyes only.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// Where everything is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunFile {
    /// The API.
    pub api_url: String,
    /// NATS.
    pub nats_url: String,
    /// What nats-server tells of itself.
    pub nats_monitor_url: String,
    /// PostgreSQL.
    pub database_url: String,
    /// The subject of all events of the account `default`.
    pub events_subject: String,
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("run.json")
}

impl RunFile {
    /// Writes the file.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        write_private(&path(data_dir), serde_json::to_string_pretty(self)?.as_bytes())
    }

    /// Reads the file of a running `turnloom up`.
    ///
    /// # Errors
    /// When nothing runs there.
    pub fn read(data_dir: &Path) -> anyhow::Result<Self> {
        let path = path(data_dir);
        let text = fs::read(&path).with_context(|| {
            format!("nothing runs in {}: start it with `turnloom up`", data_dir.display())
        })?;
        serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", path.display()))
    }

    /// Removes the file, if it is there.
    pub fn remove(data_dir: &Path) {
        fs::remove_file(path(data_dir)).ok();
    }
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    // Made anew, so that it has the mode that is asked for here.
    fs::remove_file(path).ok();
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(failed)?;
    file.write_all(content).with_context(failed)
}
