//! Clients that generators make from the OpenAPI document, used against the product.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use crate::support::Product;
use crate::tools::{directory, file, node, python, succeed};
use tokio::process::Command;

/// The programs that use the clients.
const PROGRAMS: &str = "crates/turnloom/tests/clients";

/// A directory with the document and with these of the programs' files.
fn with_document(name: &str, files: &[&str]) -> PathBuf {
    let directory = directory(name);
    fs::copy(file("proto-schemas/openapi.json"), directory.join("openapi.json")).unwrap();
    for name in files {
        fs::copy(file(PROGRAMS).join(name), directory.join(name)).unwrap();
    }
    directory
}

/// Runs a program that uses a client, against the product.
async fn use_client(mut program: Command) {
    let mut product = Product::start().await;
    program.env("TURNLOOM_URL", product.api.base()).env("TURNLOOM_KEY", &product.key);
    succeed(&mut program).await;
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_made_from_the_document_works() {
    let directory = with_document("python-client", &["use_client.py", "openapi-python-client.json"]);
    let mut generator = python(&directory);
    generator.args(["-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"]);
    generator.args(["--output-path", "turnloom_client", "--config", "openapi-python-client.json"]);
    // What it leaves out of the client is a warning.
    succeed(generator.arg("--fail-on-warning")).await;

    let mut program = python(&directory);
    program.arg("use_client.py");
    use_client(program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typescript_client_made_from_the_document_works() {
    let files = ["use-client.ts", "tsconfig.json", "openapi-ts.config.mjs"];
    let directory = with_document("typescript-client", &files);
    fs::write(directory.join("package.json"), r#"{"type": "module"}"#).unwrap();
    succeed(&mut node(&directory, "@hey-api/openapi-ts/bin/run.js")).await;
    // Checks the types and compiles.
    succeed(&mut node(&directory, "typescript/bin/tsc")).await;

    use_client(node(&directory, directory.join("compiled/use-client.js"))).await;
}
