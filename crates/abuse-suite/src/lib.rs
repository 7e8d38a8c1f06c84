//! The abuse suite: what attackers try against the real product, and what must bounce off.
//!
//! The product runs as processes of its own on a private PostgreSQL and nats-server, as in production. Each attack has an exact
//! assertion; what got through is counted, and one that got through breaks its row. Everything random comes from a seed, which
//! is printed. What is deliberately absent: an attack that fails because something took longer than it should. Times are shown
//! beside their targets.

mod account;
mod attack;
mod calls;
mod document;
mod estate;
mod files;
mod gzip;
mod memory;
mod options;
mod pace;
mod product;
mod raw;
mod report;
mod row;
mod stage;
mod wiretap;

use std::path::PathBuf;

use tokio::time::Instant;

pub use attack::Attack;
pub use fault_suite::{Timed, Verdict};
pub use options::Options;
pub use row::Row;

use fault_suite::failure::{self, Failure};
use product::Product;
use stage::Stage;

/// Plays attacks, one after the other, and prints what came of them; gives whether all bounced off.
///
/// # Errors
/// When what came of them cannot be printed.
pub async fn run(options: &Options, programs: PathBuf) -> anyhow::Result<bool> {
    let rows = play(options, programs).await;
    options.output.print(report::HEAD, &report::COLUMNS, &rows)?;
    Ok(rows.iter().all(|row| row.verdict != Verdict::Broken))
}

/// Plays attacks, one after the other; the services' programs are in the directory `programs`.
pub async fn play(options: &Options, programs: PathBuf) -> Vec<Row> {
    let plan = options.plan(programs);
    let seed = options.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    eprintln!("seed {seed}; {}", report::HEAD);
    let mut rows = Vec::new();
    // Attacks that need nothing special share one product, so each also meets what those before it have left.
    let mut shared = None;
    for attack in options.attacks() {
        let stage = Stage { attack, seed, plan: plan.clone() };
        let row = play_one(&stage, &mut shared).await;
        conclude(&row, &stage);
        rows.push(row);
    }
    drop(shared);
    let all_held = rows.iter().all(|row| row.verdict != Verdict::Broken);
    if all_held && !options.output.keep {
        std::fs::remove_dir_all(&plan.directory).ok();
    } else {
        eprintln!("logs and data: {}", plan.directory.display());
    }
    rows
}

async fn play_one(stage: &Stage, shared: &mut Option<Product>) -> Row {
    let begun = Instant::now();
    stage.say(stage.attack.does());
    let mut row = Row::new(stage.attack, stage.seed);
    match Box::pin(stage.attack.play(stage, shared, &mut row)).await {
        Ok(()) => {}
        Err(Failure::Impossible(why)) => {
            row.verdict = Verdict::Skipped;
            row.note(why);
        }
        Err(failure) => row.problem(failure::chain(&failure)),
    }
    row.took_ms = begun.elapsed().as_millis();
    row.judge();
    row
}

fn conclude(row: &Row, stage: &Stage) {
    match row.verdict {
        Verdict::Held => stage.say("held"),
        Verdict::Skipped => stage.say("skipped"),
        Verdict::Broken => {
            stage.say(&format!("BROKEN, seed {}", row.seed));
            for problem in row.shown_problems() {
                stage.say(&format!("  {problem}"));
            }
            let short = if stage.plan.short { " --short" } else { "" };
            stage.say(&format!(
                "  again: make abuse ARGS=\"--only {} --seed {}{short}\"",
                row.attack, row.seed
            ));
        }
    }
}
