//! S15: bytes that are nothing, for every decoder: see `crates/fuzz`, of which `make fuzz` finds more.

use fault_suite::failure::Failure;
use fuzz::{TARGETS, replay};

use crate::row::Row;
use crate::stage::Stage;

/// So many times the mutations of `make test`.
const TIMES: u32 = 10;

pub(super) async fn play(stage: &Stage, row: &mut Row) -> Result<(), Failure> {
    let (seed, times) = (stage.seed, stage.pick(1, TIMES));
    for target in TARGETS {
        let tried = tokio::task::spawn_blocking(move || replay(target, seed, target.mutations * times));
        match tried.await? {
            Ok(inputs) => row.tries += inputs,
            Err(broken) => row.tried(false, || broken.to_string()),
        }
    }
    row.note(format!("{} decoders", TARGETS.len()));
    Ok(())
}
