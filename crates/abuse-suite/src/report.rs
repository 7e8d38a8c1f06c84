//! The table at the end: for people, as Markdown, or as JSON.

use comfy_table::{ContentArrangement, Table, presets};

use crate::row::{Row, Verdict};

const HEADINGS: [&str; 8] =
    ["attack", "what is tried", "tries", "got through", "memory", "seconds", "result", "seen"];

/// What is true of all rows.
pub const HEAD: &str = "gateways, runner, catalog, aggregator, PostgreSQL and nats-server as processes of one machine, attackers on it too";

/// The table for a terminal.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(HEADINGS);
    table.add_rows(rows.iter().map(cells));
    format!("{HEAD}\n{}", table.trim_fmt())
}

/// The table as Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let headings = line(&HEADINGS.map(str::to_owned));
    let rule = line(&HEADINGS.map(|_| "---".to_owned()));
    let rows = rows.iter().map(|row| line(&cells(row)));
    [headings, rule].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn cells(row: &Row) -> [String; 8] {
    let time = |ms: u128| if ms < 10_000 { format!("{ms} ms") } else { format!("{} s", ms / 1000) };
    let times = row.times.iter().map(|timed| {
        let missed = timed.took_ms > timed.target_ms;
        let target = if missed { format!(" (target {})", time(timed.target_ms)) } else { String::new() };
        format!("{} {}{target}", timed.what, time(timed.took_ms))
    });
    let seen: Vec<String> = times.chain(row.notes.iter().cloned()).collect();
    let verdict = match row.verdict {
        Verdict::Held => "held",
        Verdict::Broken => "BROKEN",
        Verdict::Skipped => "skipped",
    };
    [
        row.attack.to_string(),
        row.what.clone(),
        row.tries.to_string(),
        row.got_through.to_string(),
        row.grew_bytes.map_or_else(|| "–".to_owned(), |bytes| format!("+{:.1} MiB", mib(bytes))),
        (row.took_ms / 1000).to_string(),
        verdict.to_owned(),
        seen.join("; "),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
