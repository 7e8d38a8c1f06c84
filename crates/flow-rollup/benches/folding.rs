//! Folding events into buckets.

use std::collections::HashMap;

use flow_model::{AccountId, Channel, WorkflowId};
use flow_rollup::{AiUsage, BucketKey, Fact, Fold, Place, QUARTER_MS, What, customer_key, holes};
use uuid::Uuid;

/// Events of a batch.
const FACTS: u32 = 1000;
/// Events of one turn: a message came, a step, two replies went, the execution is over.
const FACTS_OF_A_TURN: u32 = 5;

fn main() {
    micro::benches("flow-rollup", |benches| {
        benches.add("fold_1000_events", || {
            let facts = facts();
            move || {
                let mut fold = Fold::from(HashMap::new());
                for fact in &facts {
                    fold.add(fact);
                }
                fold
            }
        });
        benches.add("look_for_holes_in_1000_events", || {
            let facts = facts();
            move || holes(&HashMap::new(), &facts)
        });
    });
}

/// A batch of 64 partitions, 40 workflows of 8 accounts, two quarters and 150 customers.
fn facts() -> Vec<Fact> {
    (0..FACTS).map(fact).collect()
}

fn fact(number: u32) -> Fact {
    let turn = number / FACTS_OF_A_TURN;
    let what = match number % FACTS_OF_A_TURN {
        0 => What::MessageReceived,
        1 => What::Other,
        2 | 3 => What::MessageSent,
        _ => What::Completed {
            customer: customer_key(&format!("customer-{}", turn % 150)),
            failed: turn.is_multiple_of(50),
            duration_ms: i64::from(turn * 7 % 400),
            ai: AiUsage::default(),
        },
    };
    let of = BucketKey {
        account: AccountId::new(Uuid::from_u128(u128::from(turn % 8))),
        workflow: WorkflowId::new(Uuid::from_u128(u128::from(turn % 40))),
        channel: Channel::Web,
        quarter_ms: i64::from(turn / 150) * QUARTER_MS + i64::from(turn),
    };
    let place = Place { commit_no: u64::from(turn / 64) + 1, index: number % FACTS_OF_A_TURN };
    Fact { partition: turn % 64, place, at_ms: of.quarter_ms, of: Some(of), what }
}
