//! Pages of the lists that the gateway keeps itself: by number, or behind a cursor.
//!
//! A cursor is the list's name, of account and filters, and the id of the last row. What one list gave means nothing in
//! another one.

use flow_model::AccountId;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::error::ApiError;
use super::query::Page;
use super::workflows::list::{Listed, Pagination};
use crate::span::{self, Span};

/// A list, and which page of it is asked for.
#[derive(Debug)]
pub(super) struct Listing {
    name: String,
    page: Page,
    span: Span,
}

impl Listing {
    /// The list of this kind of an account, with these filters.
    pub fn new(kind: char, account: AccountId, filters: &[&str], page: Page) -> Result<Self, ApiError> {
        let mut named = account.to_vec();
        for filter in filters {
            named.push(0);
            named.extend_from_slice(filter.as_bytes());
        }
        let name = format!("{kind}{:08x}", xxh3_64(&named) >> 32);
        let after =
            match page.cursor.as_str() {
                "" => None,
                cursor => Some(read(&name, cursor).ok_or_else(|| {
                    ApiError::invalid("cursor", "The cursor is not one that this list gave")
                })?),
            };
        let skip = if after.is_some() { 0 } else { u64::from(page.number - 1) * u64::from(page.limit) };
        // One more than is shown: whether there is one says whether there is a next page.
        let span = Span { after, skip, limit: page.limit + 1 };
        Ok(Self { name, page, span })
    }

    /// The part that is to be read.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What is answered with what was read.
    pub fn answer<Row, View>(
        &self,
        mut read: span::Listed<Row>,
        id: impl Fn(&Row) -> Uuid,
        view: impl Fn(Row) -> View,
    ) -> Listed<View> {
        let limit = self.page.limit as usize;
        let more = read.rows.len() > limit;
        read.rows.truncate(limit);
        let last = read.rows.last().filter(|_| more).map(id);
        let next_cursor = last.map(|id| format!("{}-{}", self.name, id.as_simple())).unwrap_or_default();
        let pagination = Pagination::new(&self.page, read.total, next_cursor);
        Listed { data: read.rows.into_iter().map(view).collect(), pagination }
    }
}

/// The id behind the name of the list.
pub(super) fn read(name: &str, cursor: &str) -> Option<Uuid> {
    let id = cursor.strip_prefix(name)?.strip_prefix('-')?;
    Uuid::try_parse(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(filters: &[&str], number: u32, cursor: &str) -> Result<Listing, ApiError> {
        let page = Page { number, limit: 2, cursor: cursor.to_owned() };
        Listing::new('k', AccountId::named("a"), filters, page)
    }

    fn cursor_behind(rows: Vec<u128>) -> Option<String> {
        let read = span::Listed { rows, total: 9 };
        let answer = listing(&["x"], 1, "").unwrap().answer(read, |row| Uuid::from_u128(*row), |row| row);
        let answer = serde_json::to_value(answer).unwrap();
        answer["pagination"]["next_cursor"].as_str().map(str::to_owned)
    }

    #[test]
    fn a_page_has_a_cursor_when_there_is_more() {
        assert_eq!(cursor_behind(vec![3, 2]), None);
        let cursor = cursor_behind(vec![3, 2, 1]).unwrap();
        let next = listing(&["x"], 1, &cursor).unwrap().span();
        assert_eq!(next, Span { after: Some(Uuid::from_u128(2)), skip: 0, limit: 3 });
        assert_eq!(listing(&["x"], 3, "").unwrap().span(), Span { after: None, skip: 4, limit: 3 });
    }

    #[test]
    fn a_cursor_is_good_in_the_list_that_gave_it_only() {
        let cursor = cursor_behind(vec![3, 2, 1]).unwrap();
        for filters in [&[][..], &["y"], &["x", ""]] {
            assert!(listing(filters, 1, &cursor).is_err(), "{filters:?}");
        }
        for cursor in ["x", "k", &cursor[..cursor.len() - 1]] {
            assert!(listing(&["x"], 1, cursor).is_err(), "{cursor}");
        }
    }
}
