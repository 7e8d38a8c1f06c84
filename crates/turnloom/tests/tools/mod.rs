//! Programs in other languages that tests run, with the tools that `make setup` installs.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part, and a test fails by panicking"
)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A file of the project.
pub fn file(path: &str) -> PathBuf {
    Path::new(TOP).join(path)
}

/// Where the tools are.
fn tools(name: &str) -> PathBuf {
    let directory = file(".turnloom/tools").join(name);
    assert!(directory.exists(), ".turnloom/tools/{name} is missing: run `make setup`");
    directory.canonicalize().unwrap()
}

/// An empty directory of a test's own.
pub fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_dir_all(&directory).ok();
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// Python, with the tools and the modules of a directory.
pub fn python(directory: &Path) -> Command {
    let modules = std::env::join_paths([directory, &tools("python")]).unwrap();
    let mut command = Command::new("python3");
    command.current_dir(directory).env("PYTHONPATH", modules).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A JavaScript program, by its path in the packages or elsewhere, in a directory that sees the packages.
pub fn node(directory: &Path, program: impl AsRef<OsStr>) -> Command {
    let packages = tools("node").join("node_modules");
    let link = directory.join("node_modules");
    if !link.exists() {
        std::os::unix::fs::symlink(&packages, link).unwrap();
    }
    let mut command = Command::new(tools("node/bin").join("node"));
    command.current_dir(directory).arg(packages.join(Path::new(program.as_ref())));
    command
}

/// Runs it to its end, and gives what it said, which must not have been a failure.
pub async fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{:?}: {}\n{said}", command.as_std(), output.status);
    said
}
