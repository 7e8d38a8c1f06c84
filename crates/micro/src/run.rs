//! The program: builds the benches, counts each, compares, and says whether that is well.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};

use crate::compare::{Comparison, WORSE_MAX_PERCENT};
use crate::counts::{Compiler, Counts};
use crate::{callgrind, programs};

/// Counts the instructions of the micro-benchmarks and compares them with those that are committed
///
/// Fails when a benchmark takes over 5 % more than before. Another version of rustc, or another target, compiles other
/// instructions: then both are shown, and nothing fails.
#[derive(Debug, Clone, clap::Parser)]
pub struct Options {
    /// Only benchmarks with this in their names
    #[arg(long)]
    pub only: Option<String>,
    /// Keeps what was counted as what later counts are compared with
    #[arg(long)]
    pub write: bool,
    /// Where that is kept
    #[arg(long, default_value = "deploy/instructions.json")]
    pub counts: PathBuf,
    /// Where the profiles go, one for each benchmark: `callgrind_annotate <file>` shows where its instructions are
    #[arg(long, default_value = "target/instructions")]
    pub profiles: PathBuf,
}

/// Counts and compares; whether nothing has become worse.
///
/// # Errors
/// When something cannot be built, run, read or written.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let committed = Counts::read(&options.counts)?;
    fs::create_dir_all(&options.profiles).context("a directory for the profiles")?;
    let asked = |name: &str| options.only.as_ref().is_none_or(|part| name.contains(part));
    let mut instructions = BTreeMap::new();
    for bench in programs::build()?.iter().filter(|bench| asked(&bench.name)) {
        eprintln!("  → {}", bench.name);
        instructions.insert(bench.name.clone(), callgrind::count(bench, &options.profiles)?);
    }
    ensure!(!instructions.is_empty(), "there is no such benchmark");
    let counted = Counts { compiler: Compiler::here()?, instructions };
    let comparison = Comparison { counted: &counted, committed: committed.as_ref() };
    println!("{}", comparison.table(options.only.is_none()));
    if options.write {
        kept(&counted, committed.as_ref(), options).write(&options.counts)?;
        println!("Written to {}.", options.counts.display());
        return Ok(true);
    }
    if let Some(committed) = &committed
        && !comparison.is_fair()
    {
        println!("NOT COMPARABLE: counted with {}, committed with {}.", counted.compiler, committed.compiler);
    }
    let worse = comparison.worse();
    if !worse.is_empty() {
        println!("WORSE by more than {WORSE_MAX_PERCENT} %: {}", worse.join(", "));
    }
    Ok(worse.is_empty())
}

/// What is kept: what was counted, and beside it what was not asked for, if the same compiler made that.
fn kept(counted: &Counts, committed: Option<&Counts>, options: &Options) -> Counts {
    let mut kept = counted.clone();
    let earlier = committed.filter(|earlier| options.only.is_some() && earlier.compiler == counted.compiler);
    for (name, count) in earlier.iter().flat_map(|earlier| &earlier.instructions) {
        kept.instructions.entry(name.clone()).or_insert(*count);
    }
    kept
}
