//! `make fuzz`: libFuzzer on each target for a while, and a table of how far it came.
//!
//! libFuzzer keeps inputs that reach branches which nothing reached before, in a folder of its own beside the committed
//! corpus, so a later campaign goes on from there. What breaks a target is kept under `broken`, to become part of the corpus.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use clap::Parser;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::{TARGETS, Target, corpus};

/// One input that takes longer hangs, seconds.
const INPUT_SECONDS_MAX: u32 = 25;
/// A target that takes more memory is broken, MiB.
const MEMORY_MIB_MAX: u32 = 2048;
/// Bytes of an input at most.
const INPUT_BYTES_MAX: u32 = 16 * 1024;

/// Lets libFuzzer look for inputs that break a decoder of outside bytes.
#[derive(Debug, Clone, Parser)]
#[command(name = "fuzz", version)]
pub struct Options {
    /// Only these targets, such as `pdf,html`
    #[arg(long, value_delimiter = ',', value_parser = target)]
    pub only: Vec<Target>,
    /// How long each is tried
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub seconds: u32,
    /// The targets with libFuzzer linked in: `make fuzz` builds and names it
    #[arg(long)]
    pub program: PathBuf,
    /// Where what is found is kept
    #[arg(long, default_value = "target/fuzz")]
    pub directory: PathBuf,
    /// Prints the result as JSON
    #[arg(long)]
    pub json: bool,
}

fn target(name: &str) -> Result<Target, String> {
    let names = TARGETS.map(|target| target.name).join(", ");
    Target::named(name).ok_or_else(|| format!("there are {names}"))
}

/// How far a target came.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Progress {
    /// Which.
    pub target: &'static str,
    /// Inputs that were tried.
    pub inputs: u64,
    /// The same in a second.
    pub per_second: u64,
    /// Branches that were reached.
    pub branches: u64,
    /// Memory at its highest, MiB.
    pub peak_mib: u64,
    /// What broke it.
    pub broken: Vec<PathBuf>,
    /// Whether it ended as it should.
    pub held: bool,
}

/// Tries the targets, one after the other, and prints the table; gives whether all held.
///
/// # Errors
/// When the program cannot be started, or its folders not be made.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let targets = if options.only.is_empty() { TARGETS.to_vec() } else { options.only.clone() };
    let mut all = Vec::new();
    for target in targets {
        let progress = fuzz(target, options)?;
        let said = if progress.held { "held" } else { "BROKEN" };
        eprintln!("{:>14}  {said} after {} inputs", progress.target, progress.inputs);
        all.push(progress);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        println!("{}", table(&all));
    }
    Ok(all.iter().all(|progress| progress.held))
}

fn fuzz(target: Target, options: &Options) -> anyhow::Result<Progress> {
    let folder = |of: &str| -> anyhow::Result<PathBuf> {
        let folder = options.directory.join(of).join(target.name);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    };
    let (found, broken, logs) = (folder("found")?, folder("broken")?, folder("logs")?);
    let log = logs.join("last.log");
    let file = File::create(&log).with_context(|| log.display().to_string())?;
    let status = Command::new(&options.program)
        .env("TURNLOOM_FUZZ_TARGET", target.name)
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .arg("-print_final_stats=1")
        .args([&found, &corpus::directory(target.name)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        .status()
        .with_context(|| options.program.display().to_string())?;
    let log = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let broken = files(&broken)?;
    Ok(Progress { held: status.success() && broken.is_empty(), broken, ..progress(target.name, &log) })
}

/// What libFuzzer has said of itself.
fn progress(target: &'static str, log: &str) -> Progress {
    let stat = |name: &str| {
        let line = log.lines().rev().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
        line.and_then(|line| line.trim_start_matches(':').trim().parse().ok()).unwrap_or(0)
    };
    let branches = log.lines().rev().find_map(|line| {
        let (_, behind) = line.split_once(" cov: ")?;
        behind.split_whitespace().next()?.parse().ok()
    });
    Progress {
        target,
        inputs: stat("number_of_executed_units"),
        per_second: stat("average_exec_per_sec"),
        branches: branches.unwrap_or(0),
        peak_mib: stat("peak_rss_mb"),
        ..Progress::default()
    }
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?)
}

fn table(all: &[Progress]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["target", "inputs", "a second", "branches", "memory", "result"]);
    for progress in all {
        let broken: Vec<String> = progress.broken.iter().map(|path| path.display().to_string()).collect();
        table.add_row([
            progress.target.to_owned(),
            progress.inputs.to_string(),
            progress.per_second.to_string(),
            progress.branches.to_string(),
            format!("{} MiB", progress.peak_mib),
            if progress.held { "held".to_owned() } else { format!("BROKEN {}", broken.join(" ")) },
        ]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let log = "#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                   #900\tNEW    cov: 321 ft: 400 corp: 7/1Kb exec/s: 300 rss: 61Mb\n\
                   stat::number_of_executed_units: 1234\nstat::average_exec_per_sec:     56\nstat::peak_rss_mb:  78\n";
        let seen = progress("pdf", log);
        assert_eq!((seen.inputs, seen.per_second, seen.branches, seen.peak_mib), (1234, 56, 321, 78));
        assert_eq!(progress("pdf", "").inputs, 0);
    }
}
