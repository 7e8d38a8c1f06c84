//! The partition rows, made once for an installation.

use pg::{PgConfig, Unavailable};

use super::{SCHEMA, code::int};

/// The installation's partitions cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The database is away.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A statement failed.
    #[error("the partitions cannot be prepared")]
    Database(#[from] tokio_postgres::Error),
    /// Customers would move away from their conversations.
    #[error(
        "this installation has {stored} partitions in {stored_groups} groups, not {wanted} in {wanted_groups}: the number is fixed"
    )]
    Fixed {
        /// Partitions that there are.
        stored: i64,
        /// Their groups.
        stored_groups: i64,
        /// Partitions asked for.
        wanted: u32,
        /// Groups asked for.
        wanted_groups: u32,
    },
}

/// Makes `partitions` rows in `groups` groups, or checks that there are just these.
pub async fn prepare(config: &PgConfig, partitions: u32, groups: u32) -> Result<(), PrepareError> {
    let client = pg::raw::connect(config, SCHEMA).await?;
    client
        .execute(
            "INSERT INTO partitions (id, grp) SELECT id, id % $2 FROM generate_series(0, $1 - 1) AS id \
             WHERE NOT EXISTS (SELECT FROM partitions) ON CONFLICT DO NOTHING",
            &[&int(partitions), &int(groups)],
        )
        .await?;
    let row = client.query_one("SELECT count(*), max(grp)::bigint + 1 FROM partitions", &[]).await?;
    let (stored, stored_groups): (i64, i64) = (row.get(0), row.get(1));
    if (stored, stored_groups) == (i64::from(partitions), i64::from(groups)) {
        Ok(())
    } else {
        Err(PrepareError::Fixed { stored, stored_groups, wanted: partitions, wanted_groups: groups })
    }
}
