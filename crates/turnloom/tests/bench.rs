//! `turnloom bench` as its users run it. No number is looked at: only that everything is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;

/// What it says on its last line.
fn bench(flags: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnloom"));
    command.args(["bench", "--json", "--seconds", "1", "--warm-up", "0", "--connections", "4"]).args(flags);
    for name in ["TURNLOOM_URL", "TURNLOOM_API_KEY", "TURNLOOM_PROFILE"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{complaint}");
    serde_json::from_str(told.lines().last().unwrap()).unwrap()
}

#[test]
fn everything_that_was_acknowledged_under_load_is_there() {
    let told = bench(&["--scenario", "greet,form,mixed"]);
    assert_eq!(told["ok"], true, "{told:#}");
    let figures = told["figures"].as_array().unwrap();
    for scenario in ["greet", "form", "mixed"] {
        let rate = figures.iter().find(|figure| {
            figure["scenario"].as_str().unwrap().starts_with(scenario) && figure["figure"] == "executions/s"
        });
        assert!(rate.unwrap()["value"].as_f64().unwrap() > 0.0, "{told:#}");
    }
}

#[test]
fn an_open_load_reads_among_workflows() {
    let told = bench(&["--scenario", "read", "--workflows", "20"]);
    assert_eq!(told["ok"], true, "{told:#}");
    assert!(told["figures"].as_array().unwrap().iter().any(|figure| figure["percent_of_floor"].is_f64()));
}
