//! `turnloom runners`: who owns what since when, and how far behind it is.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Api, ApiError};
use crate::output::{self, DIM, Format, GREEN, RED, YELLOW, member, short, styled, time};
use crate::printing::{eprintln, println};

/// How often `--watch` looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Takes away what stands on a terminal. Where the output is no terminal this is taken out.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// What `runners` takes.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Arguments {
    /// Shows every partition by itself
    #[arg(long)]
    partitions: bool,
    /// Shows it again every second, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Shows them.
///
/// # Errors
/// When the API refuses or cannot be reached; a watch goes on when it is away for a while.
pub async fn run(arguments: Arguments, api: &Api, format: Format) -> anyhow::Result<()> {
    loop {
        match api.get("/v1/runners", &[]).await {
            Ok(answer) => {
                let found = answer.get("data").unwrap_or(&answer);
                if arguments.watch && !format.json {
                    println!("{CLEAR}{}", styled(DIM, &member(found, "/as_of")));
                }
                show(found, arguments, format)?;
            }
            Err(error @ ApiError::Unreachable(_)) if arguments.watch => eprintln!("{error}; trying again"),
            Err(error) => return Err(error.into()),
        }
        if !arguments.watch {
            return Ok(());
        }
        tokio::time::sleep(WATCH_EVERY).await;
    }
}

fn show(found: &Value, arguments: Arguments, format: Format) -> anyhow::Result<()> {
    if format.json {
        return output::json(found);
    }
    let runners = list(found, "runners");
    if arguments.partitions {
        show_partitions(&runners);
    } else {
        show_runners(&runners);
    }
    let unowned = list(found, "unowned_partitions");
    if !unowned.is_empty() {
        let waiting = format!("backlog {}, oldest input {}", backlog(&unowned), oldest(&unowned));
        println!("{} nobody owns {}: {waiting}", styled(YELLOW, "!"), ranges(&numbers(&unowned)));
    }
    Ok(())
}

fn show_runners(runners: &[Value]) {
    let row = |runner: &Value| {
        let partitions = list(runner, "partitions");
        let since = partitions.iter().map(|partition| time(partition, "/owned_since")).min();
        vec![
            name(runner),
            since.unwrap_or_else(|| "–".to_owned()),
            ranges(&numbers(&partitions)),
            backlog(&partitions).to_string(),
            oldest(&partitions),
            member(runner, "/commits_per_second"),
            member(runner, "/inputs_per_second"),
        ]
    };
    let headings = ["RUNNER", "OWNS SINCE", "PARTITIONS", "BACKLOG", "OLDEST INPUT", "COMMITS/S", "INPUTS/S"];
    output::table(&headings, runners.iter().map(row).collect());
}

fn show_partitions(runners: &[Value]) {
    let mut rows: Vec<(u64, Vec<String>)> = Vec::new();
    for runner in runners {
        for partition in list(runner, "partitions") {
            let row = vec![
                member(&partition, "/partition"),
                name(runner),
                time(&partition, "/owned_since"),
                member(&partition, "/epoch"),
                member(&partition, "/backlog_frames"),
                oldest(std::slice::from_ref(&partition)),
            ];
            rows.push((number(&partition, "partition"), row));
        }
    }
    rows.sort();
    let headings = ["PARTITION", "RUNNER", "OWNED SINCE", "EPOCH", "BACKLOG", "OLDEST INPUT"];
    output::table(&headings, rows.into_iter().map(|(_, row)| row).collect());
}

/// A runner's name, its group when it is not the first one, and whether it is alive.
fn name(runner: &Value) -> String {
    let name = short(&member(runner, "/name"), 40);
    let name = match number(runner, "group") {
        0 => name,
        group => format!("{name} ({group})"),
    };
    if runner.get("alive") == Some(&json!(true)) {
        styled(GREEN, &name)
    } else {
        styled(RED, &format!("{name}, lease is over"))
    }
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn numbers(partitions: &[Value]) -> Vec<u64> {
    partitions.iter().map(|partition| number(partition, "partition")).collect()
}

/// The longest of the backlogs. They overlap, so their sum says nothing.
fn backlog(partitions: &[Value]) -> u64 {
    partitions.iter().map(|partition| number(partition, "backlog_frames")).max().unwrap_or(0)
}

fn oldest(partitions: &[Value]) -> String {
    let ages = partitions.iter().filter_map(|partition| partition.get("oldest_input_age_seconds")?.as_f64());
    ages.reduce(f64::max).map_or_else(|| "–".to_owned(), |age| format!("{age:.1} s"))
}

/// Numbers in order, with neighbours together: `0-3, 7`.
fn ranges(numbers: &[u64]) -> String {
    let neighbours = numbers.chunk_by(|one, next| *next == one + 1);
    let range = |part: &[u64]| match part {
        [] => String::new(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
    };
    let ranges: Vec<String> = neighbours.map(range).collect();
    if ranges.is_empty() { "–".to_owned() } else { ranges.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_shown_together() {
        assert_eq!(ranges(&[]), "–");
        assert_eq!(ranges(&[5]), "5");
        assert_eq!(ranges(&[0, 1, 2, 3, 7, 9, 10]), "0-3, 7, 9-10");
    }

    #[test]
    fn the_oldest_of_all_inputs_counts() {
        let partitions =
            [json!({"oldest_input_age_seconds": 0.5}), json!({"oldest_input_age_seconds": null})];
        assert_eq!(oldest(&partitions), "0.5 s");
        assert_eq!(oldest(&partitions[1..]), "–");
    }
}
