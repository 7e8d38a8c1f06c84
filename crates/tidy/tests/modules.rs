//! Directions inside a service: edges point at use cases, use cases at the store, only `app` knows all.

use std::path::Path;

use tidy::{sources, text};

/// A part of a service and the parts that it must not name.
const RULES: &[(&str, &[&str])] = &[
    ("store", &["app", "http", "inbound", "usecase", "transport", "definitions", "client", "intake", "auth"]),
    ("usecase", &["app", "http", "inbound", "transport", "definitions"]),
    ("partition", &["app", "http", "inbound", "usecase", "store", "transport", "definitions"]),
    ("inbound", &["app"]),
    ("http", &["app", "store"]),
    // Clients take the account of a checked credential, which is a type of `auth`.
    ("client", &["app", "intake", "store"]),
];

#[test]
fn parts_of_a_service_know_only_what_lies_beneath_them() {
    let mut looked_at = 0;
    for path in sources() {
        let Ok(inside) = path.strip_prefix("services") else { continue };
        let mut parts = inside.iter().skip(1);
        if parts.next() != Some("src".as_ref()) {
            continue;
        }
        let Some(part) = parts.next().map(Path::new).and_then(Path::file_stem).and_then(|stem| stem.to_str())
        else {
            continue;
        };
        let Some((_, banned)) = RULES.iter().find(|(name, _)| *name == part) else { continue };
        looked_at += 1;
        let text = text(&path);
        for other in *banned {
            let edge = format!("crate::{other}");
            let named = text.match_indices(&edge).any(|(at, _)| {
                text[at + edge.len()..]
                    .chars()
                    .next()
                    .is_none_or(|next| !next.is_alphanumeric() && next != '_')
            });
            assert!(!named, "{} is part of {part} and must not name {edge}", path.display());
        }
    }
    assert!(looked_at > 30, "only {looked_at} files were looked at");
}
