//! The table at the end: for people, as Markdown, or as JSON.

use comfy_table::{ContentArrangement, Table, presets};

use crate::fleet::LEASE_MS;
use crate::row::{Row, Verdict, percentile};

const HEADINGS: [&str; 10] = [
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
];

/// What is true of all rows.
pub fn head() -> String {
    format!(
        "two gateways, three runners, catalog, aggregator, PostgreSQL and nats-server as processes of one machine; lease {LEASE_MS} ms \
         unless a row says otherwise"
    )
}

/// The table for a terminal.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(HEADINGS);
    table.add_rows(rows.iter().map(cells));
    format!("{}\n{}", head(), table.trim_fmt())
}

/// The table as Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let headings = line(&HEADINGS.map(str::to_owned));
    let rule = line(&HEADINGS.map(|_| "---".to_owned()));
    let rows = rows.iter().map(|row| line(&cells(row)));
    [headings, rule].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn cells(row: &Row) -> [String; 10] {
    let seconds = |ms: u128| format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    let take_over = percentile(&row.take_over_ms, 50).zip(percentile(&row.take_over_ms, 99));
    let times = row.times.iter().map(|timed| {
        let missed = timed.took_ms > timed.target_ms;
        let target = if missed { format!(" (target {})", seconds(timed.target_ms)) } else { String::new() };
        format!("{} {}{target}", timed.what, seconds(timed.took_ms))
    });
    let seen: Vec<String> = times.chain(row.notes.iter().cloned()).collect();
    let verdict = match row.verdict {
        Verdict::Held => "held",
        Verdict::Broken => "BROKEN",
        Verdict::Skipped => "skipped",
    };
    [
        row.fault.to_string(),
        row.what.clone(),
        (row.took_ms / 1000).to_string(),
        row.messages.to_string(),
        row.lost.to_string(),
        row.twice.to_string(),
        row.out_of_order.to_string(),
        take_over.map_or_else(|| "–".to_owned(), |(p50, p99)| format!("{}/{}", seconds(p50), seconds(p99))),
        verdict.to_owned(),
        seen.join("; "),
    ]
}
