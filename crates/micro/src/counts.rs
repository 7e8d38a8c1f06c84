//! The counts that are committed, and what they were counted with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// What the number of instructions depends on besides the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Compiler {
    /// Version of rustc, such as `1.95.0`.
    pub rustc: String,
    /// What it compiles for, such as `x86_64-unknown-linux-gnu`.
    pub target: String,
}

/// Instructions of one run, by bench.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    #[serde(flatten)]
    pub compiler: Compiler,
    pub instructions: BTreeMap<String, u64>,
}

impl Compiler {
    /// The one that the benches are built with.
    pub fn here() -> anyhow::Result<Self> {
        let told = Command::new("rustc").arg("-vV").output().context("rustc is started")?;
        ensure!(told.status.success(), "rustc does not tell its version");
        let told = String::from_utf8(told.stdout).context("rustc tells its version in UTF-8")?;
        let field = |name: &str| {
            let value =
                told.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
            value.with_context(|| format!("rustc does not tell its {name}"))
        };
        Ok(Self { rustc: field("release:")?, target: field("host:")? })
    }
}

impl std::fmt::Display for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rustc {} for {}", self.rustc, self.target)
    }
}

impl Counts {
    /// Reads the file; none when there is none.
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).with_context(|| format!("{} is read", path.display()))?;
        serde_json::from_str(&text).map(Some).with_context(|| format!("{} holds counts", path.display()))
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("{} is written", path.display()))
    }
}
