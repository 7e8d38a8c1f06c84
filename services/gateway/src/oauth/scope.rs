//! Scopes (RFC 6749 §3.3): the levels of keys, by their names. Each includes those before it, so of several the highest counts.

use crate::key::Level;

/// What a client gets that names no scope: the least.
const DEFAULT: Level = Level::ReadOnly;

/// The level that a `scope` asks for; none when it names anything else, or more than is allowed.
pub(crate) fn level(scope: Option<&str>, most: Level) -> Option<Level> {
    let Some(scope) = scope else { return Some(DEFAULT) };
    let names = scope.split(' ').map(|name| name.parse::<Level>().ok());
    let asked = names.collect::<Option<Vec<Level>>>()?.into_iter().max()?;
    (asked <= most).then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_scope_counts_and_none_is_above_what_is_allowed() {
        use Level::{FullAccess, ReadOnly, ReadWrite};
        for (scope, most, expected) in [
            (None, FullAccess, Some(ReadOnly)),
            (Some("read_only"), ReadOnly, Some(ReadOnly)),
            (Some("read_only read_write"), FullAccess, Some(ReadWrite)),
            (Some("full_access read_only"), FullAccess, Some(FullAccess)),
            (Some("read_write"), ReadOnly, None),
            (Some("read_only full_access"), ReadWrite, None),
            (Some("openid read_only"), FullAccess, None),
            (Some(""), FullAccess, None),
            (Some("read_only  read_write"), FullAccess, None),
            (Some("READ_ONLY"), FullAccess, None),
        ] {
            assert_eq!(level(scope, most), expected, "{scope:?}");
        }
    }
}
