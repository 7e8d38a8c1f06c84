//! Trying a target on its corpus and on mutations of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Mutator, Target, corpus};

/// An input that a target failed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The target.
    pub target: &'static str,
    /// The input.
    pub input: Vec<u8>,
    /// Which mutation of the seed it was; none when it is in the corpus.
    pub mutation: Option<u32>,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.input.get(..self.input.len().min(2000)).unwrap_or_default();
        write!(f, "{} fails on \"{}\"", self.target, shown.escape_ascii())
    }
}

/// Tries a target on its corpus and on so many mutations of it; gives how many inputs that were.
///
/// # Errors
/// The first input that it failed on.
pub fn replay(target: Target, seed: u64, mutations: u32) -> Result<u64, Broken> {
    let corpus = corpus::of(target.name).unwrap_or_default();
    for input in &corpus {
        try_one(target, input, None)?;
    }
    let mut mutator = Mutator::new(seed);
    for mutation in 0..mutations {
        try_one(target, &mutator.input(&corpus), Some(mutation))?;
    }
    Ok(corpus.len() as u64 + u64::from(mutations))
}

fn try_one(target: Target, input: &[u8], mutation: Option<u32>) -> Result<(), Broken> {
    let tried = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    tried.map_err(|_| Broken { target: target.name, input: input.to_vec(), mutation })
}
