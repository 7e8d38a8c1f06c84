//! Which part of a list that the gateway keeps itself: newest first, by id.

use uuid::Uuid;

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Only rows behind this one.
    pub after: Option<Uuid>,
    /// Without so many of the first.
    pub skip: u64,
    /// At most so many.
    pub limit: u32,
}

impl Span {
    /// The first rows.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { after: None, skip: 0, limit }
    }

    /// Ids of its rows are below this one.
    pub(crate) fn below(self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// As the database takes it.
    pub(crate) fn offset(self) -> i64 {
        i64::try_from(self.skip).unwrap_or(i64::MAX)
    }
}

/// A part of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<Row> {
    /// The rows.
    pub rows: Vec<Row>,
    /// Rows of the whole list.
    pub total: u64,
}
