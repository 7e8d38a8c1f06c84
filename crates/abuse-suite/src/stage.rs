//! One attack, about to be played.

use std::path::PathBuf;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::attack::Attack;

/// How all attacks are played.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whether it is the short form.
    pub short: bool,
    /// How long schemathesis goes on with each level.
    pub minutes: u32,
    /// Where the services' programs are.
    pub programs: PathBuf,
    /// Where logs and data go, a directory for each product.
    pub directory: PathBuf,
}

/// An attack.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Which.
    pub attack: Attack,
    /// What everything random comes from.
    pub seed: u64,
    /// How.
    pub plan: Arc<Plan>,
}

impl Stage {
    /// One of two numbers: that of the short form, or the usual one.
    pub fn pick<T>(&self, short: T, usual: T) -> T {
        if self.plan.short { short } else { usual }
    }

    /// Random numbers, the same for the same seed and attack.
    pub fn rng(&self) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ (self.attack as u64) << 32)
    }

    /// Says how far the attack is.
    pub fn say(&self, text: &str) {
        eprintln!("{:>4}  {text}", self.attack.to_string());
    }
}
