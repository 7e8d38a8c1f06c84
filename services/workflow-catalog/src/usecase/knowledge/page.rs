//! Places in the lists of bases and documents.
//!
//! A cursor is the list's name and the place of the last row: its creation in hexadecimal microseconds, its id. What one
//! list gave means nothing in another one.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::Failure;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::store::knowledge::{Place, Span};

/// Rows of a page at most.
const LIMIT_MAX: u32 = 100;

/// Names the list of this kind that belongs to an account or base.
pub(super) fn name_of(kind: char, owner: &Uuid) -> String {
    format!("{kind}{:08x}", xxh3_64(owner.as_bytes()) >> 32)
}

/// The part of a list that is asked for by page and limit, or by cursor, and how many rows of it are shown: one more is
/// read, since whether there is one says whether there is a next page.
pub(super) fn span<Id>(
    list: &str,
    (page, limit): (u32, u32),
    cursor: &str,
    read_id: impl Fn(&str) -> Option<Id>,
) -> Result<(Span<Id>, usize), Failure> {
    let limit = limit.clamp(1, LIMIT_MAX);
    let after = if cursor.is_empty() { None } else { Some(read(list, cursor, read_id)?) };
    let skip = if after.is_some() { 0 } else { u64::from(page.max(1) - 1) * u64::from(limit) };
    Ok((Span { after, skip, limit: limit + 1 }, limit as usize))
}

/// The cursor behind a row.
pub(super) fn cursor(list: &str, row: &Place<String>) -> String {
    format!("{list}-{:x}-{}", row.created_at.timestamp_micros(), row.id)
}

/// The place behind the name of the list.
pub(super) fn read<Id>(
    list: &str,
    text: &str,
    read_id: impl Fn(&str) -> Option<Id>,
) -> Result<Place<Id>, Failure> {
    let place = || {
        let (micros, id) = text.strip_prefix(list)?.strip_prefix('-')?.split_once('-')?;
        let micros = i64::from_str_radix(micros, 16).ok().filter(|micros| (0..1 << 58).contains(micros))?;
        let created_at = DateTime::<Utc>::from_timestamp_micros(micros)?;
        Some(Place { created_at, id: read_id(id)? })
    };
    place().ok_or_else(|| {
        Failure::because(ErrorCode::InvalidRequest, "The cursor is not one that this list gave").at("cursor")
    })
}
