//! Workflows in files.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use super::same_name;

/// A workflow as somebody wrote it.
pub(super) struct Document {
    /// The file.
    pub origin: String,
    /// What it says.
    pub value: Value,
}

/// The documents of files, and of all `.json` files of directories, by name.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Document>> {
    let mut paths = Vec::new();
    for path in files {
        if path.is_dir() {
            let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            found.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
            found.sort();
            if found.is_empty() {
                bail!("{} has no .json file", path.display());
            }
            paths.extend(found);
        } else {
            paths.push(path.clone());
        }
    }
    paths.iter().map(|path| document(path)).collect()
}

fn document(path: &Path) -> anyhow::Result<Document> {
    let origin = path.display().to_string();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        fs::read_to_string(path).with_context(|| format!("cannot read {origin}"))?
    };
    let value = serde_json::from_str(&text).with_context(|| format!("{origin} is not JSON"))?;
    Ok(Document { origin, value })
}

/// Refuses two documents of one workflow: the second would overwrite what the first one said.
pub(super) fn refuse_twins(documents: &[Document]) -> anyhow::Result<()> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for Document { origin, value } in documents {
        let Some(name) = value.get("name").and_then(Value::as_str) else { continue };
        if let Some(earlier) = seen.insert(same_name(name), origin) {
            bail!("{earlier} and {origin} both say what '{}' is: nothing was changed", name.trim());
        }
    }
    Ok(())
}
