//! What is put into the streams by hand, as gateways do.

use bus::Bus;
use bus::frames::Writer;
use contracts::v1;

use crate::failure::Failure;

/// A writer for each group of partitions.
pub struct Writers(Vec<Writer>);

impl Writers {
    /// For so many groups.
    pub fn start(bus: &Bus, groups: u32) -> Self {
        Self((0..groups).map(|group| Writer::start(bus, group)).collect())
    }

    /// Puts an input into the stream of its partition.
    ///
    /// # Errors
    /// When it is not stored, or that is not known.
    pub async fn append(&self, input: v1::Input) -> Result<(), Failure> {
        let group = input.partition as usize % self.0.len().max(1);
        let writer = self.0.get(group).ok_or_else(|| Failure::broken("there is no group"))?;
        let stored = writer.append(input).await;
        stored.map(|_| ()).map_err(|error| Failure::broken(format!("an input was not kept: {error}")))
    }
}
