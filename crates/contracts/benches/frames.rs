//! Frames of inputs: to bytes and back.
#![expect(clippy::expect_used, reason = "a bench that cannot be prepared ends")]

use contracts::partition;
use contracts::v1::{Frame, InboundMessage, Input, input};
use flow_model::AccountId;
use prost::Message;

/// Inputs of a frame under load.
const INPUTS: u32 = 64;

fn main() {
    micro::benches("contracts", |benches| {
        benches.add("encode_a_frame_of_64", || {
            let frame = frame();
            move || frame.encode_to_vec()
        });
        benches.add("decode_a_frame_of_64", || {
            let bytes = frame().encode_to_vec();
            Frame::decode(bytes.as_slice()).expect("a frame is a frame");
            move || Frame::decode(bytes.as_slice())
        });
        benches.add("partition_of_a_customer", || {
            let account = AccountId::named("default");
            move || partition::of_customer(account, "customer-4711", partition::PARTITIONS_DEFAULT)
        });
    });
}

fn frame() -> Frame {
    Frame { inputs: (0..INPUTS).map(input).collect(), markers: Vec::new() }
}

fn input(number: u32) -> Input {
    let account = AccountId::named("default");
    let customer_id = format!("customer-{number}");
    Input {
        partition: partition::of_customer(account, &customer_id, partition::PARTITIONS_DEFAULT),
        account_id: account.to_vec().into(),
        execution_id: vec![7; 16].into(),
        customer_id,
        channel: "web".to_owned(),
        accepted_at_ms: 1_790_000_000_000,
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        answer_to: "answers.0a1b2c3d".to_owned(),
        kind: Some(input::Kind::Message(InboundMessage {
            message_id: format!("message-{number}"),
            text: "Hello, where is my parcel?".to_owned(),
            sent_at_ms: None,
            workflow_id: Vec::new().into(),
            metadata_json: Vec::new().into(),
        })),
    }
}
