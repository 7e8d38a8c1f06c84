//! A knowledge base of this project's own documentation answers what users ask, and is unsure of what it cannot know.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use crate::support::Catalog;
use crate::support::knowledge::found;
use knowledge::extract::{CONFIDENCE_THRESHOLD, Extract, extract};

const README: &str = "README.md";
const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CONTRIBUTING: &str = "CONTRIBUTING.md";
const GUARANTEES: &str = "guarantees.md";
const RELIABILITY: &str = "reliability.md";

/// What users ask, and the documents that say it.
const ANSWERABLE: [(&str, &[&str]); 30] = [
    ("How do I start the whole thing on my laptop?", &[README]),
    ("Which database and which message broker does it need?", &[README]),
    ("What happens if the same message is delivered twice?", &[GUARANTEES, README]),
    ("Is the order of a customer's messages kept?", &[GUARANTEES]),
    ("Can I run more than one gateway at the same time?", &[README, ARCHITECTURE]),
    ("How many requests per hour may one API key make?", &[README]),
    ("Which port does the API listen on by default?", &[README]),
    ("How do I write a program in Go that reads the events?", &[README]),
    ("How long are events kept before they are removed?", &[README, GUARANTEES]),
    ("What is a dead letter?", &[GUARANTEES, ARCHITECTURE, README]),
    ("How does a runner take over the partitions of one that crashed?", &[ARCHITECTURE, GUARANTEES]),
    ("How big may a workflow get?", &[README]),
    ("What is the maximum length of a message?", &[README]),
    ("How are my tests supposed to be named?", &[CONTRIBUTING]),
    ("Am I allowed to use sleep in a test?", &[CONTRIBUTING]),
    ("How do I add a new third-party dependency?", &[CONTRIBUTING]),
    ("Can I edit a migration that was already merged?", &[CONTRIBUTING]),
    ("Which crates are forbidden to do any I/O?", &[ARCHITECTURE]),
    ("What does the metrics aggregator do?", &[ARCHITECTURE]),
    ("Which service owns the accounts and API keys?", &[ARCHITECTURE]),
    ("What happens to messages while PostgreSQL is down?", &[GUARANTEES, ARCHITECTURE]),
    ("What does a 503 answer mean for my message?", &[GUARANTEES]),
    ("Which NATS setting prevents losing data when the power fails?", &[GUARANTEES]),
    ("How is it tested that no message gets lost?", &[RELIABILITY, README]),
    ("What does the oracle compare?", &[RELIABILITY]),
    ("How do I repeat a failed fault run with the same random numbers?", &[RELIABILITY]),
    ("Do I need Docker to deploy it?", &[README]),
    ("Where do I set the log level?", &[README]),
    ("How can I see which steps a workflow ran for one customer?", &[README]),
    ("When are the executions of a deleted workflow erased?", &[ARCHITECTURE]),
];

/// What the documentation does not say.
const NOT_ANSWERABLE: [&str; 10] = [
    "What does a subscription cost per month?",
    "Can I connect it to Salesforce?",
    "Do you offer phone support on weekends?",
    "How do I reset my password?",
    "What is the weather in Berlin tomorrow?",
    "Which vegan restaurants are open near me?",
    "How tall is the Eiffel tower?",
    "Is there a mobile app for the iPhone?",
    "Can I pay by credit card?",
    "Who won the football world cup in 2014?",
];

/// Questions whose document must be among the first three passages.
const FOUND_MIN: usize = 27;
/// Questions that must be answered with little confidence.
const UNSURE_MIN: usize = 9;

async fn documentation() -> Catalog {
    let catalog = Catalog::start().await;
    catalog.create_base("documentation").await.unwrap();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<_> = [README, ARCHITECTURE, CONTRIBUTING].map(|name| top.join(name)).to_vec();
    let more = std::fs::read_dir(top.join("deploy")).unwrap().map(|entry| entry.unwrap().path());
    files.extend(more.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        catalog.put("documentation", name, "text/markdown", &std::fs::read(&path).unwrap()).await.unwrap();
    }
    catalog
}

async fn ask(catalog: &Catalog, question: &str) -> (Vec<String>, Extract) {
    let response = catalog.search("documentation", question, 3).await.unwrap();
    let documents = response.passages.iter().map(|passage| passage.document.clone()).collect();
    (documents, extract(&found(&response)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_answers_what_users_ask_and_knows_what_it_does_not() {
    let catalog = documentation().await;
    let (mut right, mut unsure) = (0, 0);
    let mut told = Vec::new();
    for (question, documents) in ANSWERABLE {
        let (found, answer) = ask(&catalog, question).await;
        let is_right = found.iter().any(|document| documents.contains(&document.as_str()));
        right += usize::from(is_right);
        told.push(format!("{is_right} {:.2} {question} {found:?}: {}", answer.confidence, answer.text));
    }
    for question in NOT_ANSWERABLE {
        let (_, answer) = ask(&catalog, question).await;
        let is_unsure = answer.confidence < CONFIDENCE_THRESHOLD;
        unsure += usize::from(is_unsure);
        told.push(format!("{is_unsure} {:.2} {question}: {}", answer.confidence, answer.text));
    }
    println!("{}", told.join("\n"));
    assert!(right >= FOUND_MIN, "{right} of {} were found", ANSWERABLE.len());
    assert!(unsure >= UNSURE_MIN, "{unsure} of {} were unsure", NOT_ANSWERABLE.len());
}
