//! The key of the account `default`: made once, kept in a file that only its owner can read.

use std::fs;
use std::path::Path;

use anyhow::Context;
use gateway::key::ApiKey;

use crate::run_file::write_private;

/// The given key, the kept one, or a new one; kept when there is a data directory.
pub(super) fn obtain(given: Option<&str>, data_dir: Option<&Path>) -> anyhow::Result<String> {
    if let Some(text) = given {
        let key = ApiKey::parse(text.trim()).context("TURNLOOM_BOOTSTRAP_KEY")?;
        return keep(&key, data_dir);
    }
    let Some(directory) = data_dir else { return Ok(ApiKey::generate().expose().to_owned()) };
    let path = directory.join("api-key");
    if path.exists() {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let key = ApiKey::parse(text.trim())
            .with_context(|| format!("{} holds no key; remove it to have a new one made", path.display()))?;
        return Ok(key.expose().to_owned());
    }
    keep(&ApiKey::generate(), data_dir)
}

fn keep(key: &ApiKey, data_dir: Option<&Path>) -> anyhow::Result<String> {
    if let Some(directory) = data_dir {
        write_private(&directory.join("api-key"), format!("{}\n", key.expose()).as_bytes())?;
    }
    Ok(key.expose().to_owned())
}
