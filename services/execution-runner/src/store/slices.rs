//! The runner's tables that are cut by time, into slices of thirty days.
//!
//! A slice is made before the first row that needs it, in a transaction of its own; a row of any time finds one.

use std::collections::HashSet;

use pg::slices::Sliced;
use tokio_postgres::{Client, Error};

/// Finished executions, by `started_at`; a list looks into all of a year's.
pub(super) const EXECUTIONS: Sliced = Sliced::new("executions", 30);
/// A look-up of 30 days meets two of them.
pub(super) const MESSAGE_KEYS: Sliced = Sliced::new("message_keys", 30);
/// What happened to conversations beside executions.
pub(super) const NOTES: Sliced = Sliced::new("conversation_notes", 30);

/// Slices that are known to exist. One may have been dropped since; a row that finds none fails, and whoever keeps this
/// forgets it then.
#[derive(Debug, Default)]
pub(super) struct Slices {
    known: HashSet<(Sliced, i64)>,
}

impl Slices {
    /// Makes the slices that these times need.
    pub async fn ensure(
        &mut self,
        client: &Client,
        sliced: Sliced,
        times_ms: impl Iterator<Item = i64>,
    ) -> Result<(), Error> {
        let missing: HashSet<i64> = times_ms
            .map(|ms| sliced.slice_of(ms))
            .filter(|slice| !self.known.contains(&(sliced, *slice)))
            .collect();
        for slice in missing {
            client.batch_execute(&sliced.making(slice)).await?;
            self.known.insert((sliced, slice));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::commit::{HOUR_MS, SLICE_HOURS};
    use super::EXECUTIONS;

    #[test]
    fn executions_are_counted_by_their_slices() {
        assert_eq!(i64::from(SLICE_HOURS) * HOUR_MS, EXECUTIONS.width_ms());
    }
}
