//! The table at the end.

use crate::fleet::LEASE_MS;
use crate::output::Columns;
use crate::row::{Row, percentile};

/// Its columns.
pub const COLUMNS: Columns<Row, 10> = Columns {
    headings: [
        "fault",
        "what is done",
        "seconds",
        "messages",
        "lost",
        "twice",
        "out of order",
        "take-over p50/p99",
        "result",
        "seen",
    ],
    cells,
};

/// What is true of all rows.
pub fn head() -> String {
    format!(
        "two gateways, three runners, catalog, aggregator, PostgreSQL and nats-server as processes of one machine; lease {LEASE_MS} ms \
         unless a row says otherwise"
    )
}

fn cells(row: &Row) -> [String; 10] {
    let seconds = |ms: u128| format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    let take_over = percentile(&row.take_over_ms, 50).zip(percentile(&row.take_over_ms, 99));
    [
        row.fault.to_string(),
        row.what.clone(),
        (row.took_ms / 1000).to_string(),
        row.messages.to_string(),
        row.lost.to_string(),
        row.twice.to_string(),
        row.out_of_order.to_string(),
        take_over.map_or_else(|| "–".to_owned(), |(p50, p99)| format!("{}/{}", seconds(p50), seconds(p99))),
        row.verdict.to_string(),
        row.seen(seconds),
    ]
}
