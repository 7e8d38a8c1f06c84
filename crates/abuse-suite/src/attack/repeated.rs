//! S11: a request that is sent many times is done once, and answered each time as at first.

use std::collections::BTreeSet;

use fault_suite::failure::Failure;
use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use testkit::{Answer, Api, workflows};

use crate::account::Account;
use crate::calls;
use crate::product::{GATEWAYS, Product};
use crate::row::Row;
use crate::stage::Stage;

/// Requests at once.
const AT_ONCE: usize = 50;

pub(super) async fn play(stage: &Stage, product: &mut Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s11-{:08x}", stage.seed)).await?;
    let api = product.gateway(0, account.full())?;
    let total = |answer: &Answer| answer.body.pointer("/pagination/total").and_then(Value::as_u64);
    for round in 0..stage.pick(2, 10) {
        let (key, name) = (format!("key-{round}"), format!("Once {round}"));
        let request = |api: &Api| create(api, &key, &name);
        let apis = (0..AT_ONCE).map(|n| product.gateway(n, account.full())).collect::<Result<Vec<_>, _>>()?;
        let answers = join_all(apis.iter().map(|api| api.try_send(request(api)))).await;
        let answers: Vec<Answer> = answers.into_iter().flatten().collect();
        row.must(answers.len() == AT_ONCE, || format!("{} of {AT_ONCE} answers", answers.len()));
        let different: BTreeSet<(u16, &str)> =
            answers.iter().map(|answer| (answer.status, answer.text.as_str())).collect();
        row.tries += AT_ONCE as u64;
        row.must(different.len() == 1 && answers.iter().all(|answer| answer.status == 201), || {
            format!("{} different answers: {different:?}", different.len())
        });
        let listed = calls::get(&api, &format!("/v1/workflows?search=Once%20{round}")).await?;
        row.tried(total(&listed) == Some(1), || {
            format!("made more than once, or not at all: {}", listed.text)
        });
        let other = calls::send(&api, create(&api, &key, "Another")).await?;
        row.tried(other.status == 409 && other.text.contains("IDEMPOTENCY_KEY_REUSED"), || {
            format!("another body is answered with {}: {}", other.status, other.text)
        });
    }
    let first = calls::send(&api, create(&api, "key-0", "Once 0")).await?;
    stage.say("the gateways start again");
    for gateway in 0..GATEWAYS {
        product.restart_gently(&format!("gateway-{gateway}")).await?;
    }
    product.is_ready().await?;
    for gateway in 0..GATEWAYS {
        let api = product.gateway(gateway, account.full())?;
        let again = calls::send(&api, create(&api, "key-0", "Once 0")).await?;
        row.tried(again.status == first.status && again.text == first.text, || {
            format!("after a restart it is answered with {}: {}", again.status, again.text)
        });
        let other = calls::send(&api, create(&api, "key-0", "Another")).await?;
        row.tried(other.status == 409, || {
            format!("after a restart another body is answered with {}", other.status)
        });
    }
    let listed = calls::get(&api, "/v1/workflows?search=Another").await?;
    row.tried(total(&listed) == Some(0), || format!("another body has made something: {}", listed.text));
    Ok(())
}

fn create(api: &Api, key: &str, name: &str) -> RequestBuilder {
    let request = api.request(Method::POST, "/v1/workflows").header("idempotency-key", key);
    request.json(&workflows::greet(name, &name.to_lowercase()))
}
