//! What customers and the catalog put into the stream.

use std::collections::HashMap;

use contracts::v1::{self, WorkflowStatus, input::Kind};
use execution_runner::partition::arrival::Arrival;
use flow_model::{AccountId, ExecutionId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use crate::flows::{ALL, ASK, CALL, GREET, marker};
use crate::world::{PARTITIONS, Poison};

mod story;

use story::Story;

/// Frames after the first.
const FRAMES: usize = 30;
const CUSTOMERS: usize = 6;
/// What customers say.
const TEXTS: [&str; 6] = ["hello", "ask me", "blue", "red", "well, hello again", "nothing"];
/// Unix milliseconds of the first message.
const BEGIN_MS: i64 = 1_800_000_000_000;

/// What the one says who calls another system, while that is slow. Nothing that starts and stops being active, so that it
/// does not matter when it is handled.
const CALLER_TEXTS: [&str; 4] = ["call them", "ask me", "blue", "nothing"];

/// What nobody survives, and what no database takes.
const KILLS: &str = "hello, this kills";
const REFUSED: &str = "hello, this is refused";
/// In how many games of a hundred there is such an input; it takes a minute and more until one is given up.
const POISONED_GAMES: u32 = 15;

/// What is wrong with an input.
pub fn poison(input: &v1::Input) -> Option<Poison> {
    match input.kind.as_ref()? {
        Kind::Message(message) if message.text == KILLS => Some(Poison::Kills),
        Kind::Message(message) if message.text == REFUSED => Some(Poison::Refused),
        Kind::Message(_) | Kind::Start(_) | Kind::Timer(_) | Kind::Result(_) | Kind::Command(_) => None,
    }
}

/// The keys of such inputs.
pub fn poisoned(frames: &[v1::Frame]) -> HashMap<Uuid, Poison> {
    let inputs = frames.iter().flat_map(|frame| &frame.inputs);
    inputs.filter_map(|input| Some((Arrival::read(input.clone()).unwrap().key?, poison(input)?))).collect()
}

/// A frame in some words.
pub fn summary(frame: &v1::Frame) -> String {
    let marker = |marker: &v1::CatalogMarker| format!("[state {} {:?}]", marker.state_no, marker.status());
    let input = |input: &v1::Input| {
        let said = match input.kind.as_ref() {
            Some(Kind::Message(message)) => format!("{}: {}", message.message_id, message.text),
            Some(Kind::Start(start)) => format!("start, replace {}", start.replace),
            Some(Kind::Timer(timer)) => format!("timer of wait {}", timer.wait_no),
            Some(Kind::Command(command)) => format!("{:?}", command.kind),
            Some(Kind::Result(result)) => format!("result of wait {}", result.wait_no),
            None => String::new(),
        };
        format!(
            "({} {} of partition {} {said})",
            input.accepted_at_ms - BEGIN_MS,
            input.customer_id,
            input.partition
        )
    };
    frame.markers.iter().map(marker).chain(frame.inputs.iter().map(input)).collect::<Vec<_>>().join(" ")
}

/// The frames of a game, in order.
pub fn frames(seed: u64) -> Vec<v1::Frame> {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
    let first = v1::Frame {
        inputs: Vec::new(),
        markers: ALL.map(|(workflow, _)| marker(workflow, 1, WorkflowStatus::Active)).to_vec(),
    };
    let mut frames = vec![first];
    let poisoned = (rng.random_range(0..100) < POISONED_GAMES).then(|| rng.random_range(0..FRAMES));
    let mut said: Vec<v1::Input> = Vec::new();
    let mut state_no = 1;
    let mut callers: Vec<v1::Input> = Vec::new();
    let patient = rng.random_range(0..FRAMES);
    let mut stories = Story::all();
    for number in 0..FRAMES {
        let mut frame = v1::Frame::default();
        if rng.random_range(0..10) == 0 {
            state_no += 1;
            let status = if state_no % 2 == 0 { WorkflowStatus::Inactive } else { WorkflowStatus::Active };
            frame.markers.push(marker(GREET, state_no, status));
        }
        for _ in 0..rng.random_range(1..4) {
            let repeats = said.iter().any(is_of_customer) && rng.random_range(0..6) == 0;
            let input = if repeats {
                let all: Vec<&v1::Input> = said.iter().filter(|input| is_of_customer(input)).collect();
                minted(all[rng.random_range(0..all.len())].clone(), said.len())
            } else if rng.random_range(0..8) == 0 {
                start(&mut rng, said.len())
            } else {
                let text = TEXTS[rng.random_range(0..TEXTS.len())];
                message(&mut rng, said.len(), text)
            };
            said.push(input.clone());
            frame.inputs.push(input);
        }
        if rng.random_range(0..4) == 0 {
            let text = CALLER_TEXTS[rng.random_range(0..CALLER_TEXTS.len())];
            let input = if rng.random_range(0..6) == 0 {
                let replace = rng.random_range(0..2) == 0;
                let workflow_id = CALL.to_vec().into();
                let start = v1::ApiStart { workflow_id, text: "by the API".to_owned(), replace };
                said_by("caller", said.len(), Kind::Start(start))
            } else {
                said_by("caller", said.len(), message_of(said.len(), text))
            };
            let earlier = callers.get(rng.random_range(0..=callers.len()));
            let input = earlier.cloned().map_or(input, |earlier| minted(earlier, said.len()));
            callers.push(input.clone());
            said.push(input.clone());
            frame.inputs.push(input);
        }
        if number == patient {
            for (who, text) in [("patient-1", "remind me"), ("patient-2", "quiz me")] {
                let input = said_by(who, said.len(), message_of(said.len(), text));
                said.push(input.clone());
                frame.inputs.push(input);
            }
        }
        for story in &mut stories {
            if rng.random_range(0..3) == 0
                && let Some(input) = story.next(said.len())
            {
                said.push(input.clone());
                frame.inputs.push(input);
            }
        }
        if poisoned == Some(number) {
            let text = if rng.random_range(0..2) == 0 { KILLS } else { REFUSED };
            let place = rng.random_range(0..=frame.inputs.len());
            frame.inputs.insert(place, message(&mut rng, POISON_NUMBER, text));
        }
        frames.push(frame);
    }
    for story in &mut stories {
        while let Some(input) = story.next(said.len()) {
            said.push(input.clone());
            frames.push(v1::Frame { inputs: vec![input], markers: Vec::new() });
        }
    }
    frames
}

fn is_of_customer(input: &v1::Input) -> bool {
    input.customer_id.starts_with("customer-")
}

/// Far from the numbers of the others.
const POISON_NUMBER: usize = 10_000;

fn message(rng: &mut StdRng, number: usize, text: &str) -> v1::Input {
    of_customer(rng, number, message_of(number, text))
}

fn message_of(number: usize, text: &str) -> Kind {
    Kind::Message(v1::InboundMessage {
        message_id: format!("m-{number}"),
        text: text.to_owned(),
        ..v1::InboundMessage::default()
    })
}

fn start(rng: &mut StdRng, number: usize) -> v1::Input {
    let workflow_id = [GREET, ASK][rng.random_range(0..2)].to_vec().into();
    let start =
        v1::ApiStart { workflow_id, text: "by the API".to_owned(), replace: rng.random_range(0..2) == 0 };
    of_customer(rng, number, Kind::Start(start))
}

fn of_customer(rng: &mut StdRng, number: usize, kind: Kind) -> v1::Input {
    said_by(&format!("customer-{}", rng.random_range(0..CUSTOMERS)), number, kind)
}

fn said_by(customer_id: &str, number: usize, kind: Kind) -> v1::Input {
    let account = AccountId::named("default");
    let customer_id = customer_id.to_owned();
    let input = v1::Input {
        partition: contracts::partition::of_customer(account, &customer_id, PARTITIONS),
        account_id: account.to_vec().into(),
        customer_id,
        channel: "web".to_owned(),
        kind: Some(kind),
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
