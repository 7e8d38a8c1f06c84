//! S3: each operation is open to the levels that the served document names, and to nobody else.

use std::collections::BTreeSet;

use fault_suite::failure::Failure;
use gateway::key::Level;
use reqwest::Method;
use serde_json::json;
use testkit::Api;

use crate::account::Account;
use crate::document::{self, Operation};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// Methods that a route takes only when the document says so. `OPTIONS` is for browsers, `HEAD` is a read without its body.
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let operations = document::read(&product.gateway(0, "")?).await?;
    let account = Account::make(product, &format!("s3-{:08x}", stage.seed)).await?;
    let mut credentials = Vec::new();
    for level in Level::ALL {
        credentials.push((level, "key", account.key(level).to_owned()));
        let client = account.client(product, level.as_str(), level).await?;
        credentials.push((level, "token", client.access));
    }
    for (turn, operation) in operations.iter().enumerate() {
        for (level, kind, credential) in &credentials {
            let api = product.gateway(turn, credential)?;
            let status = status(&api, operation, operation.method.clone()).await?;
            let may = operation.level.is_none_or(|needed| *level >= needed);
            let as_said = if may { !matches!(status, 401 | 403) } else { status == 403 };
            row.tried(as_said && operation.statuses.contains(&status), || {
                format!("{} with a {} {kind} is answered with {status}", operation.id, level.as_str())
            });
            if operation.reads() && !operation.is_endless {
                let head = self::status(&api, operation, Method::HEAD).await?;
                row.tried(head == status, || {
                    format!("HEAD of {} is answered with {head}, not {status}", operation.id)
                });
            }
        }
        let nobody = product.gateway(turn, "")?;
        let status = status(&nobody, operation, operation.method.clone()).await?;
        row.tried(operation.level.is_none() || status == 401, || {
            format!("{} without a key is answered with {status}", operation.id)
        });
    }
    stage.say("methods that no operation has");
    let paths: BTreeSet<&str> = operations.iter().map(|operation| operation.path.as_str()).collect();
    let api = product.gateway(0, account.full())?;
    for path in paths {
        let of_path = operations.iter().filter(|operation| operation.path == path);
        let known: Vec<&Operation> = of_path.collect();
        let Some(any) = known.first() else { continue };
        for method in
            METHODS.into_iter().filter(|method| known.iter().all(|operation| operation.method != *method))
        {
            let status = status(&api, any, method.clone()).await?;
            row.tried(status == 405, || format!("{method} {path} is answered with {status}"));
        }
    }
    row.note(format!("{} operations", operations.len()));
    Ok(())
}

/// The status of an answer; its body may have no end. Names in the path are examples, which no account of the suite has.
async fn status(api: &Api, operation: &Operation, method: Method) -> Result<u16, Failure> {
    let path = operation.at(|_| None);
    let mut request = api.request(method.clone(), &path);
    if method != Method::GET && method != Method::HEAD {
        request = request.json(&json!({}));
    }
    let response = request.send().await;
    let response =
        response.map_err(|error| Failure::broken(format!("{method} {path} has no answer: {error}")))?;
    Ok(response.status().as_u16())
}
