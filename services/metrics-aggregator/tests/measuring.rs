//! Random histories, told twice, in pieces and with restarts in between: every number is what a plain GROUP BY says.

use crate::support::Stack;
use crate::support::history::{Question, check, history, keep, told};
use flow_model::WorkflowId;
use metrics_aggregator::store::SCHEMA;
use pg::PgConfig;
use platform::clock;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const QUERIES: usize = 30;
const YEARS: usize = 10;
const PARTITIONS: u32 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_number_is_what_a_group_by_says() {
    let mut rng = StdRng::seed_from_u64(testkit::seed());
    let stack = Stack::start().await;
    let client = pg::raw::connect(&PgConfig::for_url(&stack.database_url), SCHEMA).await.unwrap();
    let mut aggregator = stack.aggregator().await;
    let mut commit_no = vec![0; PARTITIONS as usize];
    let mut completed = [0_i64; 2];
    for _ in 0..6 {
        let workflow = WorkflowId::new(clock::new_uuid_v7());
        let history = history(&mut rng);
        keep(&client, workflow, &history).await;
        let commits = told(workflow, &history, &mut commit_no);
        let middle = rng.random_range(1..commits.len());
        for commit in &commits[..middle] {
            stack.publish(commit).await;
        }
        aggregator.stop().await;
        // The next owner tells again from somewhere before where the first one stopped.
        let again = rng.random_range(0..middle);
        aggregator = stack.aggregator().await;
        for commit in &commits[again..] {
            stack.publish(commit).await;
        }
        for ran in &history {
            completed[usize::from(ran.failed)] += 1;
        }
        stack.ended(completed).await;
        for _ in 0..QUERIES {
            let question = Question::random(&mut rng, &history);
            check(&stack, &client, workflow, &question).await;
        }
        for _ in 0..YEARS {
            let question = Question::of_a_year(&mut rng, &history);
            check(&stack, &client, workflow, &question).await;
        }
    }
    aggregator.stop().await;
}
