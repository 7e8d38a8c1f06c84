//! The fault suite: parts of the real product are killed, stopped and cut off under load, and afterwards everything that
//! it says must be exactly what its customers did.
//!
//! Each fault is played on a fresh fleet: two gateways, three runners, the catalog and the aggregator as processes of their own on a
//! private PostgreSQL and nats-server. A load generator keeps a journal of what was acknowledged; the oracle compares the
//! database, the streams and the API with it. Everything random comes from a seed, which is printed. What is deliberately
//! absent: a fault that fails because something took longer than it should. Times are shown beside their targets.

mod asking;
mod database;
pub mod failure;
mod fault;
pub mod findings;
mod fleet;
mod link;
mod load;
mod options;
mod oracle;
pub mod output;
mod outside;
mod owners;
pub mod patience;
pub mod ports;
pub mod process;
mod report;
mod row;
mod scene;
mod writers;

use std::path::PathBuf;

use tokio::time::Instant;

pub use fault::Fault;
pub use findings::{Timed, Verdict};
pub use options::Options;
pub use row::Row;

use failure::Failure;
use scene::{Plan, Stage};

/// Plays faults, one after the other, and prints what came of them; gives whether all promises held.
///
/// # Errors
/// When what came of them cannot be printed.
pub async fn run(options: &Options, programs: PathBuf) -> anyhow::Result<bool> {
    let rows = play(options, programs).await;
    options.output.print(&report::head(), &report::COLUMNS, &rows)?;
    Ok(rows.iter().all(|row| row.verdict != Verdict::Broken))
}

/// Plays faults, one after the other; the services' programs are in the directory `programs`.
pub async fn play(options: &Options, programs: PathBuf) -> Vec<Row> {
    let plan = options.plan(programs);
    let seed = options.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let faults = options.faults();
    eprintln!("seed {seed}; {}", report::head());
    let mut rows = Vec::new();
    for fault in faults {
        let stage = Stage { fault, seed, plan: plan.clone() };
        let row = play_one(&stage).await;
        conclude(&row, &stage, options);
        rows.push(row);
    }
    // Gone when nothing was kept in it.
    std::fs::remove_dir(&plan.directory).ok();
    rows
}

async fn play_one(stage: &Stage) -> Row {
    let begun = Instant::now();
    stage.say(stage.fault.does());
    let mut row = match stage.fault.play(stage).await {
        Ok(row) => row,
        Err(failure) => {
            let mut row = Row::new(stage.fault, stage.seed);
            if let Failure::Impossible(why) = &failure {
                row.verdict = Verdict::Skipped;
                row.note(why.clone());
            } else {
                row.problem(failure::chain(&failure));
            }
            row
        }
    };
    row.took_ms = begun.elapsed().as_millis();
    row.judge();
    row
}

/// Says what came of a fault; of one that failed, how it is played again and where everything of it is.
fn conclude(row: &Row, stage: &Stage, options: &Options) {
    if row.verdict != Verdict::Broken {
        stage.say(if row.verdict == Verdict::Held { "held" } else { "skipped" });
        if !options.output.keep {
            std::fs::remove_dir_all(stage.directory()).ok();
        }
        return;
    }
    stage.say(&format!("BROKEN, seed {}", row.seed));
    for problem in row.shown_problems() {
        stage.say(&format!("  {problem}"));
    }
    stage.say(&format!("  again: {}", again(row, &stage.plan)));
    stage.say(&format!("  journals and logs: {}", stage.directory().display()));
}

fn again(row: &Row, plan: &Plan) -> String {
    let mut flags = vec![format!("--only {} --seed {}", row.fault, row.seed)];
    if plan.short {
        flags.push("--short".to_owned());
    }
    if plan.long > 1 {
        flags.push(format!("--long {}", plan.long));
    }
    if plan.per_second != options::PER_SECOND {
        flags.push(format!("--messages-per-second {}", plan.per_second));
    }
    format!("make fault ARGS=\"{}\"", flags.join(" "))
}
