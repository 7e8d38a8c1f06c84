//! What attackers try bounces off: the short form of the abuse suite.
//!
//! `make abuse` plays all attacks, and with more of each.

use std::path::PathBuf;

use abuse_suite::{Options, Row, Verdict};
use clap::Parser;

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_bounces_off() {
    let programs = PathBuf::from(env!("CARGO_BIN_EXE_abuse-suite")).with_file_name("");
    let options = Options::parse_from(["abuse-suite", "--short"]);
    let rows = abuse_suite::play(&options, programs).await;
    let broken: Vec<&Row> = rows.iter().filter(|row| row.verdict != Verdict::Held).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(rows.iter().all(|row| row.tries > 0), "an attack was not tried");
}
