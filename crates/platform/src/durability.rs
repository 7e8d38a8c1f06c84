//! What a service does about a database or a broker that may lose what it acknowledges.

use clap::ValueEnum;

/// Whether to go on with them.
#[derive(Debug, Clone, clap::Args)]
pub struct DurabilityConfig {
    /// What to do at start when the broker or the database may lose what it has acknowledged, or that cannot be known
    #[arg(long, env = "TURNLOOM_DURABILITY", default_value = "warn")]
    pub durability: Durability,
}

/// Answers to a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Says so in the log.
    Warn,
    /// Does not start.
    Strict,
}

/// The service does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--durability strict: {}", .0.join("; and "))]
pub struct NotDurable(Vec<String>);

impl DurabilityConfig {
    /// Says what was found in the log.
    ///
    /// # Errors
    /// When anything was found and the setting is strict: all of it.
    pub fn judge(&self, problems: Vec<String>) -> Result<(), NotDurable> {
        for problem in &problems {
            tracing::warn!(problem, "acknowledged messages may be lost");
        }
        match self.durability {
            Durability::Strict if !problems.is_empty() => Err(NotDurable(problems)),
            Durability::Strict | Durability::Warn => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_refuses_with_all_problems_and_warn_goes_on() {
        let problems = || vec!["one".to_owned(), "two".to_owned()];
        for (durability, found, refused) in [
            (Durability::Warn, problems(), None),
            (Durability::Strict, Vec::new(), None),
            (Durability::Strict, problems(), Some("--durability strict: one; and two")),
        ] {
            let judged = DurabilityConfig { durability }.judge(found);
            assert_eq!(judged.err().map(|error| error.to_string()).as_deref(), refused, "{durability:?}");
        }
    }
}
