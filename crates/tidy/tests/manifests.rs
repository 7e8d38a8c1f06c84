//! Versions are set in one place, each with its reason.

use std::path::Path;

use tidy::{files, text};

#[test]
fn every_dependency_has_a_reason() {
    let root = text(Path::new("Cargo.toml"));
    let section = root.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let dependencies: Vec<&str> =
        section.lines().filter(|line| line.contains(" = ") && !line.contains("path = \"")).collect();
    assert!(dependencies.len() > 20, "the list of dependencies was not found");
    for line in dependencies {
        assert!(line.contains(" # "), "say at the end of the line why it is here: {line}");
        assert!(line.contains("\"="), "pin the version with =: {line}");
    }
}

#[test]
fn members_take_their_versions_from_the_workspace() {
    for manifest in
        files().iter().filter(|path| path.ends_with("Cargo.toml") && path.components().count() > 1)
    {
        let text = text(manifest);
        let dependencies = text.split("ependencies]").skip(1).flat_map(|section| {
            section.lines().take_while(|line| !line.starts_with('[')).filter(|line| line.contains('='))
        });
        for line in dependencies {
            assert!(
                line.contains("workspace = true"),
                "{}: write `{}.workspace = true`: {line}",
                manifest.display(),
                line.split(['.', ' ']).next().unwrap_or_default()
            );
        }
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{}: add the workspace's lints",
            manifest.display()
        );
    }
}

#[test]
fn what_must_not_be_linked_is_not() {
    let lock = text(Path::new("Cargo.lock"));
    let packages: Vec<(String, String)> = lock
        .split("[[package]]")
        .filter_map(|package| {
            let field = |name: &str| {
                let line = package.lines().find(|line| line.starts_with(name))?;
                line.split('"').nth(1).map(str::to_owned)
            };
            Some((field("name = ")?, field("version = ")?))
        })
        .collect();
    assert!(packages.len() > 50, "Cargo.lock was not understood");
    for (name, version) in packages {
        assert!(
            name != "h2" || !is_before_0_4(&version),
            "h2 {version} has an open advisory: keep http2 off in actix"
        );
        for banned in ["pq-sys", "openssl-sys", "native-tls"] {
            assert_ne!(
                name, banned,
                "{banned} wants a library of the system: turn the feature off that brings it"
            );
        }
    }
}

fn is_before_0_4(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0_u32));
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) < (0, 4)
}

#[test]
fn versions_are_compared_by_their_numbers() {
    for (version, before) in
        [("0.3.27", true), ("0.2.7", true), ("0.4.0", false), ("0.10.1", false), ("1.0.0", false)]
    {
        assert_eq!(is_before_0_4(version), before, "{version}");
    }
}
