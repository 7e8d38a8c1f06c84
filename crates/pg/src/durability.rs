//! Whether the database keeps what it has committed.

use tokio_postgres::Client;

use crate::{PgConfig, Unavailable, raw};

/// Settings that decide it, as a server tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// Whether anything is synced at all: `on` or `off`.
    pub fsync: String,
    /// Whether pages that were torn by a crash can be mended: `on` or `off`.
    pub full_page_writes: String,
    /// What a commit waits for: `on`, `local`, `remote_write`, `remote_apply` or `off`.
    pub synchronous_commit: String,
}

impl Durability {
    /// Asks for them, as they hold for this connection.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn of(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let row = client
            .query_one(
                "SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')",
                &[],
            )
            .await?;
        Ok(Self { fsync: row.get(0), full_page_writes: row.get(1), synchronous_commit: row.get(2) })
    }

    /// What of them may lose what was committed: a sentence each, with what to do about it.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        [
            (
                &self.fsync,
                "fsync is off in PostgreSQL: a power cut loses what was committed and may damage the rest",
            ),
            (
                &self.full_page_writes,
                "full_page_writes is off in PostgreSQL: a power cut may damage what is stored",
            ),
            (
                &self.synchronous_commit,
                "synchronous_commit is off in PostgreSQL: a crash loses the last commits",
            ),
        ]
        .into_iter()
        .filter(|(setting, _)| *setting == "off")
        .map(|(_, problem)| format!("{problem}; set it to on"))
        .collect()
    }
}

/// What of the settings may lose what the service that owns this schema has committed: a sentence each.
///
/// # Errors
/// When the database is away.
pub async fn durability_problems(config: &PgConfig, schema: &str) -> Result<Vec<String>, Unavailable> {
    let client = raw::connect(config, schema).await?;
    let asking = tokio::time::timeout(config.timeout(), Durability::of(&client)).await;
    let durability = asking
        .map_err(|_| Unavailable::because("the database does not tell its settings"))?
        .map_err(|error| Unavailable::new("the database does not tell its settings", &error))?;
    Ok(durability.problems())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_may_lose_something_is_named() {
        let of = |fsync: &str, pages: &str, commit: &str| {
            let [fsync, full_page_writes, synchronous_commit] = [fsync, pages, commit].map(str::to_owned);
            Durability { fsync, full_page_writes, synchronous_commit }.problems()
        };
        for commit in ["on", "local", "remote_write", "remote_apply"] {
            assert_eq!(of("on", "on", commit), Vec::<String>::new(), "{commit}");
        }
        let problems = of("off", "off", "off");
        for (problem, setting) in problems.iter().zip(["fsync", "full_page_writes", "synchronous_commit"]) {
            assert!(problem.starts_with(&format!("{setting} is off")), "{problem}");
        }
        assert_eq!(problems.len(), 3);
    }
}
