//! What customers and the catalog put into the stream.

use contracts::v1::{self, WorkflowStatus, input::Kind};
use flow_model::{AccountId, ExecutionId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::flows::{ASK, GREET, marker};
use crate::world::PARTITIONS;

/// Frames after the first.
const FRAMES: usize = 30;
const CUSTOMERS: usize = 6;
/// What customers say.
const TEXTS: [&str; 6] = ["hello", "ask me", "blue", "red", "well, hello again", "nothing"];
/// Unix milliseconds of the first message.
const BEGIN_MS: i64 = 1_800_000_000_000;

/// The frames of a game, in order.
pub fn frames(seed: u64) -> Vec<v1::Frame> {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
    let first = v1::Frame {
        inputs: Vec::new(),
        markers: [GREET, ASK].map(|workflow| marker(workflow, 1, WorkflowStatus::Active)).to_vec(),
    };
    let mut frames = vec![first];
    let mut said: Vec<v1::Input> = Vec::new();
    let mut state_no = 1;
    for _ in 0..FRAMES {
        let mut frame = v1::Frame::default();
        if rng.random_range(0..10) == 0 {
            state_no += 1;
            let status = if state_no % 2 == 0 { WorkflowStatus::Inactive } else { WorkflowStatus::Active };
            frame.markers.push(marker(GREET, state_no, status));
        }
        for _ in 0..rng.random_range(1..4) {
            let repeats = !said.is_empty() && rng.random_range(0..6) == 0;
            let input = if repeats {
                let earlier = said[rng.random_range(0..said.len())].clone();
                minted(earlier, said.len())
            } else {
                message(&mut rng, said.len())
            };
            said.push(input.clone());
            frame.inputs.push(input);
        }
        frames.push(frame);
    }
    frames
}

fn message(rng: &mut StdRng, number: usize) -> v1::Input {
    let account = AccountId::named("default");
    let customer_id = format!("customer-{}", rng.random_range(0..CUSTOMERS));
    let text = TEXTS[rng.random_range(0..TEXTS.len())].to_owned();
    let said =
        v1::InboundMessage { message_id: format!("m-{number}"), text, ..v1::InboundMessage::default() };
    let input = v1::Input {
        partition: contracts::partition::of_customer(account, &customer_id, PARTITIONS),
        account_id: account.to_vec().into(),
        customer_id,
        channel: "web".to_owned(),
        kind: Some(Kind::Message(said)),
        ..v1::Input::default()
    };
    minted(input, number)
}

/// The same as a gateway takes it in now.
fn minted(input: v1::Input, number: usize) -> v1::Input {
    let accepted_at_ms = BEGIN_MS + i64::try_from(number).unwrap();
    let mut random = [0; 10];
    random[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let id = uuid::Builder::from_unix_timestamp_millis(accepted_at_ms.unsigned_abs(), &random).into_uuid();
    v1::Input { execution_id: ExecutionId::new(id).to_vec().into(), accepted_at_ms, ..input }
}
