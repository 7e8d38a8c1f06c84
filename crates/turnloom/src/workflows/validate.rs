//! `turnloom workflows validate`: what the product says about documents, without storing anything.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::documents::{self, Document};
use crate::api::Api;
use crate::output::{self, DIM, Format, GREEN, RED, YELLOW, member, styled};
use crate::printing::println;

/// Asks the product about a whole workflow: `valid`, `errors`, `warnings`.
pub(super) async fn ask(api: &Api, document: &Value) -> anyhow::Result<Value> {
    let answer = api.post("/v1/workflows/validate", document).await?;
    Ok(answer.get("data").cloned().unwrap_or(Value::Null))
}

/// Checks documents without storing them.
pub(super) async fn run(files: &[PathBuf], api: &Api, format: Format) -> anyhow::Result<()> {
    let mut told = Vec::new();
    let mut bad = 0;
    for Document { origin, value } in documents::read(files)? {
        let found = ask(api, &value).await.with_context(|| origin.clone())?;
        let valid = found.get("valid").and_then(Value::as_bool) == Some(true);
        bad += usize::from(!valid);
        if !format.json {
            let sign = if valid { styled(GREEN, "✓") } else { styled(RED, "✗") };
            println!("{sign} {origin}");
            show_problems(&found, "errors");
            show_problems(&found, "warnings");
        }
        told.push(json!({"file": origin, "result": found}));
    }
    if format.json {
        output::json(&Value::Array(told))?;
    }
    if bad > 0 {
        bail!("{bad} cannot be used as they are");
    }
    Ok(())
}

/// The problems of one kind in what the product found.
pub(super) fn show_problems(found: &Value, kind: &str) {
    for problem in found.get(kind).and_then(Value::as_array).into_iter().flatten() {
        println!(
            "    {} {} {}",
            styled(YELLOW, &member(problem, "/code")),
            member(problem, "/message"),
            styled(DIM, &member(problem, "/field"))
        );
    }
}
