//! What must be true when a fault is over, told by the scripts of the customers alone.
//!
//! The scripts say which executions there must be; the executions say what must have been told and counted. Each part
//! compares the whole of what it looks at. What is wrong becomes a problem of the fault's row with the number of the
//! invariant that it breaks.

mod by_time;
mod numbers;
mod outbox;
mod shown;
mod standing;
mod stored;
mod told;

use std::collections::HashMap;

use crate::failure::Failure;
use crate::load::Said;
use crate::scene::Scene;

pub use standing::{Standing, handled, standing};

/// What the broker's streams must hold.
#[derive(Debug, Clone)]
pub enum Told {
    /// All that was ever told.
    Everything,
    /// The broker was emptied when these customers had said so many messages: at least what came after that.
    Since(HashMap<String, usize>),
    /// All that was ever told, but not in order: the broker's disk was full, and it has kept later events and lost earlier
    /// ones that it had acknowledged. They are told again behind those.
    InAnyOrder,
}

impl Told {
    /// Messages of a customer below this number may have been forgotten.
    fn first(&self, customer: &str) -> usize {
        match self {
            Self::Everything | Self::InAnyOrder => 0,
            Self::Since(said) => said.get(customer).copied().unwrap_or(0),
        }
    }
}

/// How many executions these messages must have.
pub fn expected_executions(said: &Said) -> usize {
    let turns = said.spoken.iter().flat_map(|spoken| (0..spoken.turns).map(|n| spoken.script.turn(n)));
    turns.map(|turn| turn.executions()).sum()
}

/// Compares everything.
///
/// # Errors
/// When the database or the broker do not answer.
pub async fn judge(scene: &mut Scene, said: &Said, told: &Told) -> Result<(), Failure> {
    let client = scene.database().await?;
    let executions = stored::read(&client).await?;
    scene.row.messages = said.messages();
    let ignored = stored::compare(&mut scene.row, said, &executions);
    outbox::compare(&mut scene.row, &client, &executions).await?;
    numbers::compare(&mut scene.row, &client, &executions).await?;
    told::compare(&mut scene.row, &scene.fleet.nats.url(), &executions, &ignored, told).await?;
    shown::compare(scene, said, &ignored).await;
    Ok(())
}
