//! The table at the end.

use fault_suite::output::Columns;

use crate::row::Row;

/// Its columns.
pub const COLUMNS: Columns<Row, 8> = Columns {
    headings: ["attack", "what is tried", "tries", "got through", "memory", "seconds", "result", "seen"],
    cells,
};

/// What is true of all rows.
pub const HEAD: &str = "gateways, runner, catalog, aggregator, PostgreSQL and nats-server as processes of one machine, attackers on it too";

fn cells(row: &Row) -> [String; 8] {
    let time = |ms: u128| if ms < 10_000 { format!("{ms} ms") } else { format!("{} s", ms / 1000) };
    [
        row.attack.to_string(),
        row.what.clone(),
        row.tries.to_string(),
        row.got_through.to_string(),
        row.grew_bytes.map_or_else(|| "–".to_owned(), |bytes| format!("+{:.1} MiB", mib(bytes))),
        (row.took_ms / 1000).to_string(),
        row.verdict.to_string(),
        row.seen(time),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
