//! Query parameters: each at most once, but for lists, none unknown, every value checked.

use std::str::FromStr;

use actix_web::HttpRequest;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use flow_model::Channel;
use flow_model::limits::CUSTOMER_ID_CHARS_MAX;
use flow_rollup::series;

use super::error::ApiError;
use super::operation::{Kind, Operation};

/// Rows of a page unless the caller says otherwise, and at most.
pub(super) const LIMIT_DEFAULT: u32 = 20;
pub(super) const LIMIT_MAX: u32 = 100;
/// Pages that can be asked for; what lies further is reached by cursor.
pub(super) const PAGE_MAX: u32 = 100_000_000;
/// Characters of a text to search for.
pub(super) const SEARCH_CHARS_MAX: usize = 200;
/// Characters of a cursor.
pub(super) const CURSOR_CHARS_MAX: usize = 200;

/// The parameters of one request.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

/// Where in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub number: u32,
    pub limit: u32,
    pub cursor: String,
}

impl Query {
    /// Reads the parameters of a request to an operation.
    pub fn of(request: &HttpRequest, operation: &Operation) -> Result<Self, ApiError> {
        Self::read(request.query_string(), operation)
    }

    /// Reads the parameters of an operation.
    pub fn read(text: &str, operation: &Operation) -> Result<Self, ApiError> {
        let known: Vec<&str> = operation.query.iter().map(|parameter| parameter.name).collect();
        let is_list = |name: &str| {
            let mut named = operation.query.iter().filter(|parameter| parameter.name == name);
            named.any(|parameter| matches!(parameter.kind, Kind::Choices(_)))
        };
        Self::parse(text, &known, is_list)
    }

    /// A list may be given piece by piece: `a=1&a=2` is `a=1,2`.
    fn parse(text: &str, known: &[&str], is_list: impl Fn(&str) -> bool) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let shown: String = name.chars().take(64).collect();
                let takes = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let details = format!("Unknown parameter '{shown}'; the route takes {takes}");
                return Err(ApiError::invalid(&shown, details));
            }
            match pairs.iter_mut().find(|(earlier, _)| *earlier == name) {
                None => pairs.push((name.into_owned(), value.into_owned())),
                Some((_, list)) if is_list(&name) => {
                    list.push(',');
                    list.push_str(&value);
                }
                Some(_) => {
                    return Err(ApiError::invalid(&name, format!("The parameter '{name}' is given twice")));
                }
            }
        }
        Ok(Self { pairs })
    }

    /// A parameter's text. An empty one is an error: it is never what the caller meant.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.pairs.iter().find(|(known, _)| known == name) {
            None => Ok(None),
            Some((_, value)) if value.is_empty() => {
                Err(ApiError::invalid(name, format!("The parameter '{name}' is empty")))
            }
            Some((_, value)) => Ok(Some(value)),
        }
    }

    /// `page`, `limit` and `cursor`.
    pub fn page(&self) -> Result<Page, ApiError> {
        let page = self.number("page", 1, PAGE_MAX)?;
        let limit = self.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT);
        let cursor = self.text("cursor")?.unwrap_or_default();
        if cursor.len() > CURSOR_CHARS_MAX {
            return Err(ApiError::invalid("cursor", "The cursor is not one that this list gave"));
        }
        if page.is_some() && !cursor.is_empty() {
            return Err(ApiError::invalid("cursor", "Give either page or cursor, not both"));
        }
        Ok(Page { number: page.unwrap_or(1), limit, cursor: cursor.to_owned() })
    }

    /// A whole number.
    pub fn number(&self, name: &str, min: u32, max: u32) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<u32>().ok().filter(|number| digits && (min..=max).contains(number));
        number.map(Some).ok_or_else(|| {
            ApiError::invalid(
                name,
                format!("The parameter '{name}' must be a whole number from {min} to {max}"),
            )
        })
    }

    /// `customer_id`; empty when it is not given.
    pub fn customer(&self) -> Result<String, ApiError> {
        let customer = self.text("customer_id")?.unwrap_or_default();
        if customer.chars().count() > CUSTOMER_ID_CHARS_MAX || customer.chars().any(char::is_control) {
            let details = format!(
                "The parameter 'customer_id' must be a text of at most {CUSTOMER_ID_CHARS_MAX} characters"
            );
            return Err(ApiError::invalid("customer_id", details));
        }
        Ok(customer.to_owned())
    }

    /// `channel`.
    pub fn channel(&self) -> Result<Option<Channel>, ApiError> {
        let Some(text) = self.text("channel")? else { return Ok(None) };
        let names = Channel::ALL.map(Channel::as_str).join(", ");
        text.parse().map(Some).map_err(|_| {
            ApiError::invalid("channel", format!("The parameter 'channel' must be one of {names}"))
        })
    }

    /// One of these values.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == text) {
            return Ok(Some(*value));
        }
        let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
        Err(ApiError::invalid(name, format!("The parameter '{name}' must be one of {}", names.join(", "))))
    }

    /// Some of these values, separated by commas; none when it is not given.
    pub fn choices(
        &self,
        name: &str,
        choices: &'static [&'static str],
    ) -> Result<Vec<&'static str>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(Vec::new()) };
        let known = |part: &str| choices.iter().find(|choice| **choice == part).copied();
        text.split(',').map(known).collect::<Option<_>>().ok_or_else(|| {
            let details =
                format!("The parameter '{name}' must be some of {}, separated by commas", choices.join(", "));
            ApiError::invalid(name, details)
        })
    }

    /// An id of this kind, as answers and events write it.
    pub fn id<T: FromStr + ToString>(&self, name: &str, kind: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let id: Result<T, _> = text.parse();
        id.map(|id| Some(id.to_string()))
            .map_err(|_| ApiError::invalid(name, format!("The parameter '{name}' must be {kind}-<uuid>")))
    }

    /// `search`, without outer blanks.
    pub fn search(&self) -> Result<String, ApiError> {
        let text = self.text("search")?.unwrap_or_default().trim();
        if text.chars().count() > SEARCH_CHARS_MAX || text.contains('\0') {
            let details =
                format!("The parameter 'search' must be a text of at most {SEARCH_CHARS_MAX} characters");
            return Err(ApiError::invalid("search", details));
        }
        Ok(text.to_owned())
    }

    /// The start of a span, Unix milliseconds: a date begins at its midnight, UTC.
    pub fn start(&self, name: &str) -> Result<Option<i64>, ApiError> {
        Ok(self.moment(name)?.map(|moment| moment.first_ms(Tz::UTC)))
    }

    /// The end of a span, Unix milliseconds, itself included: a date ends with its last millisecond, UTC.
    pub fn end(&self, name: &str) -> Result<Option<i64>, ApiError> {
        Ok(self.moment(name)?.map(|moment| moment.last_ms(Tz::UTC)))
    }

    /// A date or a time.
    pub fn moment(&self, name: &str) -> Result<Option<Moment>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            && text.len() == 10
        {
            return Ok(Some(Moment::Date(date)));
        }
        // The + of an offset is a blank in a query whose writer did not escape it.
        let escaped = text.replace(' ', "+");
        let time = DateTime::parse_from_rfc3339(&escaped);
        time.map(|time| Some(Moment::Time(time.timestamp_millis()))).map_err(|_| {
            let details = format!("The parameter '{name}' must be a date such as 2024-01-31 or a time such as 2024-01-31T10:30:00Z");
            ApiError::invalid(name, details)
        })
    }
}

/// A date, or a time in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Date(NaiveDate),
    Time(i64),
}

impl Moment {
    /// Its first millisecond in a zone.
    pub fn first_ms(self, zone: Tz) -> i64 {
        match self {
            Self::Date(date) => series::begins(date, zone),
            Self::Time(ms) => ms,
        }
    }

    /// Its last millisecond in a zone.
    pub fn last_ms(self, zone: Tz) -> i64 {
        match self {
            Self::Date(_) => self.end_ms(zone) - 1,
            Self::Time(ms) => ms,
        }
    }

    /// Where it ends in a zone: a date with the beginning of the next one.
    pub fn end_ms(self, zone: Tz) -> i64 {
        match self {
            Self::Date(date) => series::begins(date.succ_opt().unwrap_or(date), zone),
            Self::Time(ms) => ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["page", "limit", "cursor", "channel", "start_date", "end_date"];

    fn parse(text: &str) -> Result<Query, ApiError> {
        Query::parse(text, &KNOWN, |name| name == "channel")
    }

    fn refused(text: &str, read: impl Fn(&Query) -> Result<(), ApiError>) -> Option<String> {
        let result = parse(text).and_then(|query| read(&query));
        result.err().map(|error| error.to_string())
    }

    #[test]
    fn pages_are_read() {
        let page = |text: &str| parse(text).and_then(|query| query.page()).ok();
        assert_eq!(page(""), Some(Page { number: 1, limit: 20, cursor: String::new() }));
        assert_eq!(page("page=3&limit=100"), Some(Page { number: 3, limit: 100, cursor: String::new() }));
        assert_eq!(page("cursor=abc"), Some(Page { number: 1, limit: 20, cursor: "abc".to_owned() }));
    }

    #[test]
    fn bad_pages_are_refused() {
        for text in [
            "page=0",
            "page=-1",
            "page=1.0",
            "page=+1",
            "page=",
            "limit=0",
            "limit=101",
            "limit=x",
            "page=1&page=2",
            "page=1&cursor=a",
            "pages=1",
            "page=99999999999",
        ] {
            assert!(refused(text, |query| query.page().map(|_| ())).is_some(), "{text}");
        }
    }

    #[test]
    fn a_list_is_read_whole_and_piece_by_piece() {
        let list = |text: &str| parse(text).and_then(|query| query.choices("channel", &["a", "b", "c"])).ok();
        assert_eq!(list(""), Some(vec![]));
        for text in ["channel=b,c,a", "channel=b&channel=c&channel=a", "channel=b,c&limit=1&channel=a"] {
            assert_eq!(list(text), Some(vec!["b", "c", "a"]), "{text}");
        }
        for text in ["channel=", "channel=a&channel=", "channel=,a", "channel=a,d", "channel=a&channel=d"] {
            assert_eq!(list(text), None, "{text}");
        }
    }

    #[test]
    fn dates_and_times_are_read_in_utc() {
        let span = |text: &str| {
            let query = parse(text).ok()?;
            Some((query.start("start_date").ok()?, query.end("end_date").ok()?))
        };
        assert_eq!(
            span("start_date=2024-01-31&end_date=2024-01-31"),
            Some((Some(1_706_659_200_000), Some(1_706_745_599_999)))
        );
        assert_eq!(
            span("start_date=2024-01-31T10:30:00Z&end_date=2024-01-31T12:30:00+02:00"),
            Some((Some(1_706_697_000_000), Some(1_706_697_000_000)))
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "start_date=yesterday",
            "start_date=2024-13-01",
            "start_date=2024-1-1",
            "start_date=2024-01-31T10:30:00",
            "start_date=1706659200",
        ] {
            assert!(refused(text, |query| query.start("start_date").map(|_| ())).is_some(), "{text}");
        }
    }
}
