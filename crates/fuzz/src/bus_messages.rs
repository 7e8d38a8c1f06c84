//! What comes over the bus: from other services, of this and other versions, and from whoever reaches it.

use std::collections::BTreeMap;

use bytes::Bytes;
use contracts::v1;
use execution_runner::partition::frame::Frame;
use execution_runner::partition::port::{Ownership, RawFrame};
use flow_rollup::{Fold, Sketch};
use prost::Message;

use crate::tried;

/// Partitions that are owned where a frame is read.
const PARTITIONS: u32 = 64;

/// A frame, read by the owner of all partitions.
pub(crate) fn frame(bytes: &[u8]) {
    let owned: BTreeMap<u32, Ownership> =
        (0..PARTITIONS).map(|partition| (partition, owned(partition))).collect();
    let raw = RawFrame { seq: 1, payload: Bytes::copy_from_slice(bytes) };
    let frame = Frame::read(&raw, &owned);
    assert!(frame.arrivals().count() == frame.inputs(), "inputs that are not there");
    for number in 0..frame.inputs() {
        assert!(frame.encoded(number).is_some(), "an input without its bytes");
    }
}

fn owned(partition: u32) -> Ownership {
    Ownership { partition, epoch: 1, applied_seq: 0, applied_inputs: 0, commit_no: 0, told_no: 0 }
}

/// Every other message that is decoded from bytes. What is read can be written and read again.
pub(crate) fn protobuf(bytes: &[u8]) {
    again::<v1::Input>(bytes);
    again::<v1::Definition>(bytes);
    again::<v1::CatalogMarker>(bytes);
    again::<v1::Activity>(bytes);
    again::<v1::ExecutionRecord>(bytes);
    again::<v1::Outbox>(bytes);
    again::<v1::OutboxEntry>(bytes);
    again::<v1::Answers>(bytes);
    again::<v1::Failure>(bytes);
    again::<v1::PutDocumentPartRequest>(bytes);
    again::<v1::CreateWorkflowRequest>(bytes);
    again::<v1::ListExecutionsRequest>(bytes);
    again::<v1::SearchKnowledgeResponse>(bytes);
    again::<v1::CommitEventsResponse>(bytes);
    again::<v1::Numbers>(bytes);
}

fn again<M: Message + Default>(bytes: &[u8]) {
    let Ok(message) = M::decode(bytes) else { return };
    let written = message.encode_to_vec();
    assert!(M::decode(written.as_slice()).is_ok(), "a message cannot be read again");
}

/// Events, as the aggregator and a tail read them, and a sketch of durations.
pub(crate) fn event(bytes: &[u8]) {
    let subject = "events.7d444840-9dc0-11d1-b245-5ffdce74fad2.message.received";
    let mut fold = Fold::default();
    for fact in metrics_aggregator::events::read(subject, bytes) {
        fold.add(&fact);
    }
    tried(gateway::decode::events(bytes));
    if let Ok(sketch) = Sketch::from_bytes(bytes) {
        assert!(Sketch::from_bytes(&sketch.to_bytes()).is_ok_and(|again| again == sketch), "another sketch");
    }
}
