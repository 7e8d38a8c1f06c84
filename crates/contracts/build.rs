//! Generates the bus messages from `proto-schemas/`, without a system `protoc`.
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto-schemas");
    println!("cargo:rerun-if-changed={root}/turnloom");
    let files = ["turns", "activities", "executions", "replies", "rpc", "knowledge", "usage"]
        .map(|name| format!("{root}/turnloom/v1/{name}.proto"));
    let descriptors = protox::compile(files, [root])?;
    prost_build::Config::new().bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
