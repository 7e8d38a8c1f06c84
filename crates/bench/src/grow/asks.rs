//! What is asked of the product before and after it has grown.

use std::ops::Range;

use chrono::{DateTime, Utc};
use platform::clock::rfc3339;

use super::draw::DAY_MS;

/// The page that must be as quick as the first one.
const DEEP_PAGE: u64 = 10_000;
/// Rows of a page.
pub(super) const PAGE_ROWS: u64 = 20;
/// Days that a year of metrics has.
const YEAR_DAYS: i64 = 364;
/// A zone whose days begin far from those of UTC, always as far: by this many hours before.
const FAR_ZONE: (&str, i64) = ("Asia/Singapore", 8);

/// One kind of request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// Its name.
    pub name: String,
    /// What is asked for in turn; never empty.
    pub paths: Vec<String>,
}

/// What is known of what was filled in.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The ids of all workflows as the API writes them, the largest first.
    pub workflows: Vec<String>,
    /// Executions of the largest.
    pub largest: u64,
    /// When executions start.
    pub span: Range<i64>,
    /// The customers with most executions of the largest.
    pub many: Vec<String>,
    /// Customers with one execution of the largest.
    pub few: Vec<String>,
    /// Some executions of the largest.
    pub executions: Vec<String>,
}

impl Facts {
    /// The path of the largest workflow.
    pub fn workflow(&self) -> String {
        format!("/v1/workflows/{}", self.workflows.first().map_or("", String::as_str))
    }

    /// The path of its executions.
    pub fn listed(&self, query: &str) -> String {
        format!("{}/executions?limit={PAGE_ROWS}{query}", self.workflow())
    }

    /// The deep page: the last whole one while there are not as many.
    pub fn deep_page(&self) -> u64 {
        (self.largest / PAGE_ROWS).clamp(1, DEEP_PAGE)
    }

    /// Spans of dates: one day, and some weeks between two odd times.
    pub fn dates(&self) -> [Range<i64>; 2] {
        let middle = self.span.start.midpoint(self.span.end);
        let day = middle.div_euclid(DAY_MS) * DAY_MS;
        [day..day + DAY_MS, middle - 50 * DAY_MS..middle + 11 * DAY_MS]
    }

    /// The last year of the largest workflow, by day.
    pub fn year(&self) -> String {
        let end = self.span.end.div_euclid(DAY_MS) * DAY_MS;
        let (from, to) = (date(end - YEAR_DAYS * DAY_MS), date(end));
        format!("{}/metrics?granularity=day&start_date={from}&end_date={to}", self.workflow())
    }

    /// The same by the days of a zone far from UTC, and how many milliseconds before those of UTC they begin.
    pub fn far_year(&self) -> (String, i64) {
        let (zone, hours) = FAR_ZONE;
        (format!("{}&timezone={zone}", self.year()), hours * 60 * 60 * 1000)
    }

    /// A day of it, by hour.
    pub fn day(&self) -> String {
        let [day, _] = self.dates();
        let date = date(day.start);
        format!("{}/metrics?granularity=hour&start_date={date}&end_date={date}", self.workflow())
    }

    /// Everything that is measured.
    pub fn asks(&self) -> Vec<Ask> {
        let ask = |name: &str, paths: Vec<String>| Ask { name: name.to_owned(), paths };
        let of_customers = |customers: &[String]| {
            customers.iter().map(|customer| self.listed(&format!("&customer_id={customer}"))).collect()
        };
        let dates = self.dates().map(|span| self.listed(&within(&span)));
        let [_, weeks] = self.dates();
        let both = self.listed(&format!("&status=failed{}", within(&weeks)));
        let details = self.executions.iter().map(|id| format!("{}/executions/{id}", self.workflow()));
        vec![
            ask("newest page", vec![self.listed("")]),
            ask("page 10,000", vec![self.listed(&format!("&page={}", self.deep_page()))]),
            ask("a customer with many", of_customers(&self.many)),
            ask("a customer with few", of_customers(&self.few)),
            ask("status that few have", vec![self.listed("&status=failed")]),
            ask("status that none has", vec![self.listed("&status=running")]),
            ask("dates", dates.to_vec()),
            ask("dates and status", vec![both]),
            ask("an execution", details.collect()),
            ask("a workflow's totals", vec![self.workflow()]),
            ask("20 workflows with counts", vec!["/v1/workflows".to_owned()]),
            ask("100 workflows with counts", vec!["/v1/workflows?limit=100&page=2".to_owned()]),
            ask("a year by day", vec![self.year()]),
            ask("a year by day, far from UTC", vec![self.far_year().0]),
            ask("a day by hour", vec![self.day()]),
            ask("newest conversations", vec!["/v1/conversations".to_owned()]),
        ]
    }
}

/// A filter by dates; the span's end is its first millisecond that does not count.
pub(super) fn within(span: &Range<i64>) -> String {
    format!("&start_date={}&end_date={}", rfc3339(span.start), rfc3339(span.end - 1))
}

fn date(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().date_naive().to_string()
}
