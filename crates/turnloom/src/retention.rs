//! `turnloom retention`: how long things are kept, what is over its time, and having that dropped at once.

use std::time::Duration;

use anyhow::anyhow;
use bus::Bus;
use bus::rpc::CallError;
use contracts::subject;
use contracts::v1::{self, RetentionClass};
use platform::clock::rfc3339;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::output::{self, DIM, Format, GREEN, YELLOW, styled};
use crate::printing::println;

/// Everything that is over its time is dropped.
const DEADLINE: Duration = Duration::from_mins(10);

/// What `retention` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where NATS is; that of the `turnloom up` in the data directory unless set
    #[arg(long, env = "TURNLOOM_NATS_URL", hide_env_values = true, global = true)]
    nats_url: Option<String>,
}

/// What to do about it.
#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Drops what is over its time now; else a runner does within a minute
    Run {
        /// Only says what would be dropped
        #[arg(long)]
        dry_run: bool,
    },
}

/// Shows it, or has it applied.
///
/// # Errors
/// When NATS, the runners or the aggregator cannot be reached.
pub async fn run(arguments: Arguments, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let (run, dry_run) = match arguments.command {
        None => (false, false),
        Some(Command::Run { dry_run }) => (true, dry_run),
    };
    let bus = connection.bus(arguments.nats_url.as_deref(), "turnloom-retention").await?;
    let mut classes = ask(&bus, subject::runner::RETENTION, run && !dry_run).await?;
    classes.extend(ask(&bus, subject::metrics::RETENTION, run && !dry_run).await?);
    if format.json {
        return output::json(&Value::Array(classes.iter().map(as_json).collect()));
    }
    match (run, dry_run) {
        (false, _) => show(&classes),
        (true, true) => show_due(&classes),
        (true, false) => show_dropped(&classes),
    }
    Ok(())
}

async fn ask(bus: &Bus, subject: &'static str, apply: bool) -> anyhow::Result<Vec<RetentionClass>> {
    let asked = bus.rpc().call(subject, &v1::RetentionRequest { apply }, DEADLINE).await;
    let answer: v1::RetentionResponse = asked.map_err(|error| match error {
        CallError::Refused(failure) => anyhow!("{}: {}", failure.code, failure.details),
        error @ (CallError::Unavailable(_) | CallError::TimedOut) => error.into(),
    })?;
    Ok(answer.classes)
}

fn show(classes: &[RetentionClass]) {
    let row = |class: &RetentionClass| {
        vec![
            class.name.clone(),
            kept(class),
            if class.setting.is_empty() { "fixed".to_owned() } else { class.setting.clone() },
            class.oldest_ms.map_or_else(|| "–".to_owned(), date),
            class.slices.map_or_else(|| "–".to_owned(), |slices| slices.to_string()),
            class.rows.to_string(),
            size(class.bytes),
            due(class),
        ]
    };
    let headings = ["CLASS", "KEPT", "SETTING", "OLDEST", "SLICES", "ROWS", "SIZE", "NEXT DUE"];
    output::table(&headings, classes.iter().map(row).collect());
    println!("{}", styled(DIM, "rows of slices are as the database estimates"));
}

fn show_due(classes: &[RetentionClass]) {
    let due: Vec<&RetentionClass> = classes.iter().filter(|class| is_due(class)).collect();
    if due.is_empty() {
        println!("{} nothing is over its time", styled(GREEN, "✓"));
    }
    for class in due {
        println!("{} {}: {} would go", styled(YELLOW, "~"), class.name, due_parts(class));
        class.due.iter().for_each(|slice| println!("    {slice}"));
    }
}

fn show_dropped(classes: &[RetentionClass]) {
    let dropped = classes.iter().filter(|class| class.dropped_slices > 0 || class.dropped_rows > 0);
    let mut nothing = true;
    for class in dropped {
        nothing = false;
        let gone = parts(class.dropped_slices as usize, class.dropped_rows);
        println!("{} {}: {gone} dropped", styled(GREEN, "✓"), class.name);
    }
    for class in classes.iter().filter(|class| is_due(class)) {
        nothing = false;
        let waits = due_parts(class);
        println!("{} {}: {waits} in use by others; dropped later", styled(YELLOW, "!"), class.name);
    }
    if nothing {
        println!("{} nothing was over its time", styled(GREEN, "✓"));
    }
}

fn is_due(class: &RetentionClass) -> bool {
    !class.due.is_empty() || class.due_rows > 0
}

fn due_parts(class: &RetentionClass) -> String {
    parts(class.due.len(), class.due_rows)
}

fn parts(slices: usize, rows: u64) -> String {
    match (slices, rows) {
        (0, rows) => format!("{rows} rows"),
        (1, rows) => format!("1 slice, about {rows} rows,"),
        (slices, rows) => format!("{slices} slices, about {rows} rows,"),
    }
}

fn kept(class: &RetentionClass) -> String {
    match class.keep_days {
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
        None => "for ever".to_owned(),
    }
}

fn due(class: &RetentionClass) -> String {
    if is_due(class) {
        let slices = class.due.len();
        let now = if slices > 0 { format!("{slices} now") } else { format!("{} rows now", class.due_rows) };
        return styled(YELLOW, &now);
    }
    class.next_due_ms.map_or_else(|| "–".to_owned(), date)
}

/// The date of a time, UTC.
fn date(ms: i64) -> String {
    rfc3339(ms).chars().take_while(|character| *character != 'T').collect()
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (0..UNITS.len() - 1).find(|power| bytes >> (10 * power) < 1024).unwrap_or(UNITS.len() - 1);
    let unit = UNITS.get(power).copied().unwrap_or_default();
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    if power == 0 { format!("{bytes} {unit}") } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

fn as_json(class: &RetentionClass) -> Value {
    json!({
        "class": class.name,
        "setting": (!class.setting.is_empty()).then_some(&class.setting),
        "keep_days": class.keep_days,
        "kept_since": class.kept_since_ms.map(rfc3339),
        "oldest": class.oldest_ms.map(rfc3339),
        "slices": class.slices,
        "rows": class.rows,
        "bytes": class.bytes,
        "next_due": class.next_due_ms.map(rfc3339),
        "due": class.due,
        "due_rows": class.due_rows,
        "dropped_slices": class.dropped_slices,
        "dropped_rows": class.dropped_rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_keeps_them_short() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_610_612_736, "1.5 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
