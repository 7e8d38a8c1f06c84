//! The crate graph is the architecture.

use std::collections::BTreeMap;

use tidy::{Member, members};

/// Which of our crates each may be built with.
const ALLOWED: &[(&str, &[&str])] = &[
    ("flow-model", &[]),
    ("flow-engine", &["flow-model"]),
    ("flow-rollup", &["flow-model"]),
    ("knowledge", &["flow-model"]),
    ("contracts", &["flow-model"]),
    ("platform", &[]),
    ("pg", &[]),
    ("bus", &["contracts", "flow-model", "platform"]),
    ("local-stack", &[]),
    ("outbound", &["platform"]),
    ("secrets", &["flow-model"]),
    ("testkit", &[]),
    ("tidy", &[]),
    ("micro", &[]),
    ("gateway", &["bus", "contracts", "flow-model", "flow-rollup", "pg", "platform", "secrets"]),
    ("workflow-catalog", &["bus", "contracts", "flow-engine", "flow-model", "knowledge", "pg", "platform"]),
    (
        "execution-runner",
        &[
            "bus",
            "contracts",
            "flow-engine",
            "flow-model",
            "knowledge",
            "outbound",
            "pg",
            "platform",
            "secrets",
        ],
    ),
    ("metrics-aggregator", &["bus", "contracts", "flow-model", "flow-rollup", "pg", "platform"]),
    ("bench", &["bus", "contracts", "flow-model", "flow-rollup", "local-stack", "pg", "platform"]),
    (
        "fuzz",
        &[
            "contracts",
            "execution-runner",
            "flow-engine",
            "flow-model",
            "flow-rollup",
            "gateway",
            "knowledge",
            "metrics-aggregator",
            "outbound",
            "secrets",
            "workflow-catalog",
        ],
    ),
    (
        "abuse-suite",
        &["fault-suite", "fuzz", "gateway", "local-stack", "pg", "platform", "secrets", "testkit"],
    ),
    (
        "fault-suite",
        &[
            "bus",
            "contracts",
            "execution-runner",
            "flow-model",
            "flow-rollup",
            "gateway",
            "local-stack",
            "metrics-aggregator",
            "pg",
            "platform",
            "testkit",
        ],
    ),
    (
        "turnloom",
        &[
            "bench",
            "bus",
            "contracts",
            "execution-runner",
            "flow-model",
            "gateway",
            "local-stack",
            "metrics-aggregator",
            "pg",
            "platform",
            "secrets",
            "workflow-catalog",
        ],
    ),
];

/// What the pure crates may not have: anything that reaches outside, waits, or is different every time.
const IMPURE: &[&str] = &[
    "actix-web",
    "async-nats",
    "diesel",
    "diesel-async",
    "metrics",
    "opentelemetry",
    "rand",
    "reqwest",
    "tokio",
    "tokio-postgres",
    "tracing",
];

fn ours(member: &Member, members: &BTreeMap<String, Member>) -> Vec<String> {
    member.dependencies.iter().filter(|name| members.contains_key(*name)).cloned().collect()
}

#[test]
fn every_crate_knows_only_the_crates_that_it_may() {
    let members = members();
    for member in members.values() {
        let allowed = ALLOWED.iter().find(|(name, _)| *name == member.name).map(|(_, allowed)| *allowed);
        assert!(allowed.is_some(), "{} is new: say in ALLOWED what it may know", member.name);
        for known in ours(member, &members) {
            assert!(
                allowed.is_some_and(|allowed| allowed.contains(&known.as_str())),
                "{} must not know {known}: see the code map in ARCHITECTURE.md",
                member.name
            );
        }
    }
}

#[test]
fn pure_crates_reach_nothing() {
    let members = members();
    for name in ["flow-model", "flow-engine", "flow-rollup", "knowledge"] {
        let found = members.get(name).map(|member| member.dependencies.clone()).unwrap_or_default();
        assert!(!found.is_empty(), "{name} is missing");
        let impure: Vec<_> = found.iter().filter(|known| IMPURE.contains(&known.as_str())).collect();
        assert!(impure.is_empty(), "{name} is pure and must not know {impure:?}");
    }
}

#[test]
fn only_the_bus_names_nats() {
    for member in members().values().filter(|member| member.name != "bus") {
        let all = member.dependencies.iter().chain(&member.dev_dependencies);
        assert!(!all.clone().any(|name| name == "async-nats"), "{} must go through crates/bus", member.name);
    }
}

#[test]
fn the_test_kit_is_used_by_tests_only() {
    // These two suites are tests that are also programs.
    let suites = ["fault-suite", "abuse-suite"];
    for member in members().values().filter(|member| !suites.contains(&member.name.as_str())) {
        assert!(!member.dependencies.contains(&"testkit".to_owned()), "{} is no test", member.name);
    }
}
