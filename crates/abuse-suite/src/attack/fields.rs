//! S4: what only the product sets cannot be set, and a request that tries changes nothing.

use fault_suite::failure::Failure;
use serde_json::{Value, json};

use crate::calls;
use crate::document::{self, Body, Operation};
use crate::estate::{Estate, differences};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// Fields that answers have and requests may not.
const FIELDS: [&str; 9] = [
    "id",
    "status",
    "account",
    "account_id",
    "execution_count",
    "created_at",
    "updated_at",
    "revision",
    "__proto__",
];

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let operations = document::read(&product.gateway(0, "")?).await?;
    let estate = Estate::make(product, &format!("s4-{:08x}", stage.seed)).await?;
    let mut before = estate.seen(product, &operations).await?;
    for operation in operations.iter().filter(|operation| operation.level.is_some()) {
        if let Some(body) = operation.body.as_ref().filter(|body| body.media == "application/json") {
            bodies(product, &estate, operation, body, row).await?;
        }
        queries(product, &estate, operation, row).await?;
    }
    let after = estate.seen(product, &operations).await?;
    // What was refused may be written down.
    before.retain(|path, _| !path.contains("/audit-log"));
    for difference in differences(&before, &after) {
        row.problem(format!("a refused request has changed something: {difference}"));
    }
    Ok(())
}

fn path(estate: &Estate, operation: &Operation) -> String {
    operation.at(|name| estate.id(name).filter(|_| operation.needs(name)))
}

async fn bodies(
    product: &Product,
    estate: &Estate,
    operation: &Operation,
    body: &Body,
    row: &mut Row,
) -> Result<(), Failure> {
    let path = path(estate, operation);
    for (turn, field) in FIELDS.into_iter().filter(|field| !body.fields.contains(*field)).enumerate() {
        let api = product.gateway(turn, estate.account.full())?;
        let mut document = if body.example.is_object() { body.example.clone() } else { json!({}) };
        if let Some(members) = document.as_object_mut() {
            members.insert(field.to_owned(), json!("set by a caller"));
        }
        let answer = calls::json(&api, operation.method.clone(), &path, &document).await?;
        // Who only has a workflow looked at is told what is wrong with it, and nothing is made.
        let is_looked_at = answer.status == 200 && answer.body.pointer("/data/valid") == Some(&json!(false));
        let told = ["/error/errors", "/data/errors"].map(|place| answer.body.pointer(place));
        let problems = told.into_iter().flatten().filter_map(Value::as_array).flatten();
        let mut names =
            problems.chain(answer.body.get("error")).filter_map(|error| error.get("field")?.as_str());
        let bounced = (answer.status == 400 || is_looked_at) && names.any(|name| name == field);
        row.tried(bounced, || {
            format!(
                "'{field}' in the body of {} is answered with {}: {}",
                operation.id, answer.status, answer.text
            )
        });
    }
    Ok(())
}

async fn queries(
    product: &Product,
    estate: &Estate,
    operation: &Operation,
    row: &mut Row,
) -> Result<(), Failure> {
    // The query of an operation that has none of its own and takes a body is nothing that anybody reads.
    if !operation.reads() {
        return Ok(());
    }
    let path = path(estate, operation);
    for (turn, field) in ["account", "account_id", "api_key", "level"].into_iter().enumerate() {
        if operation.takes(field) {
            continue;
        }
        let api = product.gateway(turn, estate.account.full())?;
        let joined = if path.contains('?') { '&' } else { '?' };
        let answer = calls::get(&api, &format!("{path}{joined}{field}=default")).await?;
        let said = calls::text(answer.body.get("error").unwrap_or(&Value::Null), "field");
        row.tried(answer.status == 400 && said == field, || {
            format!(
                "'{field}' in the query of {} is answered with {}: {}",
                operation.id, answer.status, answer.text
            )
        });
    }
    Ok(())
}
