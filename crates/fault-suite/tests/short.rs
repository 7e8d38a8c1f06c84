//! Nothing is lost, done twice or out of order, whatever is killed: the short form of the fault suite.
//!
//! `make fault` plays all faults, and longer.

use std::path::PathBuf;

use clap::Parser;
use fault_suite::{Options, Row, Verdict};

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_holds_whatever_is_killed() {
    let programs = PathBuf::from(env!("CARGO_BIN_EXE_fault-suite")).with_file_name("");
    let options = Options::parse_from(["fault-suite", "--short"]);
    let rows = fault_suite::play(&options, programs).await;
    let broken: Vec<&Row> = rows.iter().filter(|row| row.verdict != Verdict::Held).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(rows.iter().all(|row| row.messages > 0), "a fault was played without a load");
}
