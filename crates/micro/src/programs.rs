//! The programs of benches: built by cargo, asked for what they have.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use cargo_metadata::{Message, TargetKind};

use crate::benches::NAMES;

/// A bench and the program that runs it.
#[derive(Debug)]
pub(crate) struct Bench {
    pub name: String,
    pub program: PathBuf,
}

/// Builds all programs of benches of the workspace, with the features that its product is built with, and lists their
/// benches by name.
pub(crate) fn build() -> anyhow::Result<Vec<Bench>> {
    let mut cargo = Command::new("cargo")
        .args([
            "bench",
            "--workspace",
            "--bench",
            "*",
            "--no-run",
            "--message-format",
            "json-render-diagnostics",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo is started")?;
    let told = cargo.stdout.take().context("cargo tells what it builds")?;
    let mut programs = Vec::new();
    for message in Message::parse_stream(BufReader::new(told)) {
        if let Message::CompilerArtifact(artifact) = message.context("cargo is understood")?
            && artifact.target.kind.contains(&TargetKind::Bench)
            && let Some(program) = artifact.executable
        {
            programs.push(program.into_std_path_buf());
        }
    }
    ensure!(cargo.wait()?.success(), "the benches cannot be built");
    let mut benches = Vec::new();
    for program in programs {
        benches.extend(benches_of(&program)?);
    }
    benches.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(benches)
}

fn benches_of(program: &Path) -> anyhow::Result<Vec<Bench>> {
    let told = Command::new(program).arg(NAMES).output().context("a program of benches is started")?;
    ensure!(told.status.success(), "{} does not name its benches", program.display());
    let names = String::from_utf8(told.stdout).context("names are UTF-8")?;
    Ok(names.lines().map(|name| Bench { name: name.to_owned(), program: program.to_owned() }).collect())
}
