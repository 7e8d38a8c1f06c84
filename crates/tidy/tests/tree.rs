//! The files and folders of the project.

use std::path::Path;

use tidy::{files, sources, text};

const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "crates",
    "deploy",
    "docker-compose.yml",
    "proto-schemas",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "services",
];

/// Lines of a file: what is longer has more than one idea.
const LINES_MAX: usize = 500;
/// Lines of a `main.rs`.
const MAIN_LINES_MAX: usize = 40;

#[test]
fn nothing_else_lies_at_the_top() {
    for path in files() {
        let first = path.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let first = first.unwrap_or_default();
        assert!(
            first.starts_with('.') || TOP.contains(&first.as_str()),
            "{first} does not belong at the top"
        );
    }
}

#[test]
fn no_folder_is_a_drawer_for_everything() {
    for path in files() {
        for part in path.iter().map(|part| part.to_string_lossy()) {
            let stem = part.split('.').next().unwrap_or_default();
            assert!(
                !["common", "utils", "util", "helpers", "misc"].contains(&stem),
                "{}: name it by its idea",
                path.display()
            );
        }
    }
}

#[test]
fn files_are_short() {
    for path in sources() {
        let lines = text(&path).lines().count();
        let most = if path.ends_with("src/main.rs") { MAIN_LINES_MAX } else { LINES_MAX };
        assert!(lines <= most, "{} has {lines} lines, {most} are enough: split it by ideas", path.display());
    }
}

#[test]
fn every_module_says_what_it_is() {
    for path in sources() {
        assert!(text(&path).starts_with("//! "), "{}: open with //! and what it is about", path.display());
    }
}

#[test]
fn every_file_of_tests_is_part_of_its_crates_suite() {
    let mut suites = 0;
    for suite in sources().iter().filter(|path| path.ends_with("tests/main.rs")) {
        suites += 1;
        let text = text(suite);
        let beside = suite.parent().expect("a file lies in a directory");
        for path in sources().iter().filter(|path| path.parent() == Some(beside) && *path != suite) {
            let name = path.file_stem().expect("a source has a name").to_string_lossy();
            assert!(
                text.contains(&format!("mod {name};")),
                "{} is never run: {} lacks it",
                path.display(),
                suite.display()
            );
        }
    }
    assert!(suites >= 6, "only {suites} suites were found");
}

#[test]
fn nothing_is_left_undone() {
    // Put together, so that this file does not find itself.
    let marks = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    for path in sources() {
        let text = text(&path);
        for mark in &marks {
            assert!(!text.contains(mark), "{} has {mark}…)", path.display());
        }
    }
}

#[test]
fn no_file_names_a_machine() {
    let paths = ["work", "home", "root"].map(|name| format!("/{name}/"));
    for path in files().iter().filter(|path| !path.ends_with("Cargo.lock")) {
        let Ok(text) = std::fs::read_to_string(tidy::top().join(path)) else { continue };
        for machine in &paths {
            assert!(!text.contains(machine), "{} names the path {machine} of a machine", path.display());
        }
    }
}

#[test]
fn the_tests_look_at_the_whole_project() {
    assert!(sources().len() > 100, "only {} sources were found", sources().len());
    assert!(files().iter().any(|path| path == Path::new("Cargo.toml")));
}
