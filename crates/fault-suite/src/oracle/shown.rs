//! The public API beside the scripts: totals of each workflow, and the lists of some customers.

use reqwest::Method;
use serde_json::Value;
use testkit::Api;

use super::expected_executions;
use super::stored::Ignored;
use crate::load::script::{Ends, Kind};
use crate::load::{Said, Spoken};
use crate::scene::Scene;

/// Customers whose lists are looked at.
const CUSTOMERS_SHOWN: usize = 6;
/// Executions on one page.
const PAGE: usize = 100;

/// Compares what the API shows.
pub async fn compare(scene: &mut Scene, said: &Said, ignored: &Ignored) {
    let api = scene.fleet.gateways[0].clone();
    let mut shown = 0;
    for (kind, workflow) in scene.workflows.clone() {
        let total = scene_total(&api, &format!("/v1/workflows/{workflow}"), "/data/execution_count").await;
        let path = format!("/v1/workflows/{workflow}/executions?limit=1");
        let listed = scene_total(&api, &path, "/pagination/total").await;
        scene.row.must(total.is_some() && total == listed, || {
            format!("I6: the workflow for {} shows {total:?} executions and lists {listed:?}", kind.name())
        });
        shown += total.unwrap_or(0);
    }
    let expected = expected_executions(said);
    scene.row.must(shown == expected, || format!("I6: the API shows {shown} executions, not {expected}"));
    let step = said.spoken.len().div_ceil(CUSTOMERS_SHOWN).max(1);
    for spoken in said.spoken.iter().step_by(step).filter(|spoken| spoken.script.lanes == 1) {
        compare_list(scene, &api, spoken, ignored).await;
    }
}

async fn get(api: &Api, path: &str) -> Option<Value> {
    let answer = api.try_send(api.request(Method::GET, path)).await?;
    (answer.status == 200).then_some(answer.body)
}

async fn scene_total(api: &Api, path: &str, pointer: &str) -> Option<usize> {
    let total = get(api, path).await?.pointer(pointer)?.as_u64()?;
    usize::try_from(total).ok()
}

/// The newest executions of one customer, newest first.
async fn compare_list(scene: &mut Scene, api: &Api, spoken: &Spoken, ignored: &Ignored) {
    let customer = spoken.script.customer();
    // Who makes turns panic or end their process talks to the greeting.
    let of_kind = |wanted: Kind| scene.workflows.iter().find(|(kind, _)| *kind == wanted);
    let Some((_, workflow)) = of_kind(spoken.script.kind).or_else(|| of_kind(Kind::Greet)) else { return };
    let path = format!("/v1/workflows/{workflow}/executions?limit={PAGE}&customer_id={customer}");
    let listed = get(api, &path).await;
    let rows = listed.as_ref().and_then(|body| body.get("data")?.as_array());
    // What a timer made has no message.
    let listed: Option<Vec<String>> = rows.map(|rows| {
        let ids = rows.iter().filter_map(|row| row.get("message_id")?.as_str());
        ids.map(str::to_owned).collect()
    });
    let is_full = rows.is_some_and(|rows| rows.len() == PAGE);
    let messages_max = listed.as_ref().filter(|_| is_full).map_or(PAGE, Vec::len);
    let ignored = ignored.get(&customer);
    let turns = (0..spoken.turns).rev().map(|n| spoken.script.turn(n));
    let living = turns.filter(|turn| {
        turn.ends != Ends::Dead && !ignored.is_some_and(|ignored| ignored.contains(&turn.says))
    });
    let expected: Vec<String> = living.map(|turn| turn.message_id).take(messages_max).collect();
    scene.row.must(listed.as_ref() == Some(&expected), || {
        format!("I4: the API lists {listed:?} of {customer}, not {expected:?}")
    });
}
