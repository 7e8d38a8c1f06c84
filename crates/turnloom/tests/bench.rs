//! `turnloom bench` as its users run it. No number is looked at: only that everything is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;

/// What it says on its last line.
fn bench(flags: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnloom"));
    command.args(["bench", "--json", "--seconds", "1", "--warm-up", "0", "--connections", "4"]).args(flags);
    last_line(command)
}

fn last_line(mut command: Command) -> Value {
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

#[test]
fn everything_that_a_grown_product_is_filled_with_is_told_exactly() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnloom"));
    command.args(["bench", "--json", "grow", "--small", "2000", "--executions", "20000", "--requests", "3"]);
    let told = last_line(command);
    assert_eq!(told["ok"], true, "{told:#}");
    let requests: Vec<&str> =
        told["rows"].as_array().unwrap().iter().map(|row| row["request"].as_str().unwrap()).collect();
    for request in
        ["newest page", "page 10,000", "a customer with many", "status that none has", "a year by day"]
    {
        assert!(requests.contains(&request), "{told:#}");
    }
}
