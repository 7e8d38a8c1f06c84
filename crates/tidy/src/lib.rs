//! The structure of the project as its tests look at it: crates, files, and who may know whom.
//!
//! Nothing here is part of the product. Each rule is a test whose failure says how to mend what it found.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// A crate of the workspace.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its directory.
    pub directory: PathBuf,
    /// Crates that it is built with, ours and others'.
    pub dependencies: Vec<String>,
    /// Crates that its tests are built with besides.
    pub dev_dependencies: Vec<String>,
}

/// The top of the repository.
///
/// # Panics
/// When this crate does not lie in it.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/tidy lies two deep").to_owned()
}

/// All crates of the workspace, by name.
///
/// # Panics
/// When cargo cannot read the workspace.
#[must_use]
pub fn members() -> BTreeMap<String, Member> {
    let metadata = MetadataCommand::new()
        .manifest_path(top().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .expect("cargo metadata reads the workspace");
    metadata
        .packages
        .iter()
        .map(|package| {
            let of_kind = |kind: DependencyKind| {
                package
                    .dependencies
                    .iter()
                    .filter(|dependency| dependency.kind == kind)
                    .map(|dependency| dependency.name.clone())
                    .collect::<Vec<String>>()
            };
            let directory = package.manifest_path.parent().expect("a manifest lies in a directory");
            let member = Member {
                name: package.name.to_string(),
                directory: directory.as_std_path().to_owned(),
                dependencies: of_kind(DependencyKind::Normal),
                dev_dependencies: of_kind(DependencyKind::Development),
            };
            (member.name.clone(), member)
        })
        .collect()
}

/// The files that belong to the project, from its top: those that git knows or would add.
///
/// # Panics
/// When git is missing.
#[must_use]
pub fn files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(top())
        .output()
        .expect("git lists the files");
    let listed = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    listed.lines().map(PathBuf::from).filter(|path| top().join(path).is_file()).collect()
}

/// The Rust sources among them.
#[must_use]
pub fn sources() -> Vec<PathBuf> {
    files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// A file's text.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn text(path: &Path) -> String {
    fs::read_to_string(top().join(path)).expect("a file of the project can be read")
}
