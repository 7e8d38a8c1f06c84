//! Finding the workflow that a message starts, among as many keywords as a large account has.

use flow_engine::matcher::{Keyword, Matcher};
use flow_model::WorkflowId;
use uuid::Uuid;

/// Active workflows of the account.
const WORKFLOWS: u32 = 10_000;
/// Keywords of each.
const KEYWORDS: u32 = 10;
/// What keywords are made of: the words of shops, so that many begin in the same way.
const WORDS: [&str; 16] = [
    "order", "refund", "parcel", "invoice", "cancel", "return", "deliver", "account", "price", "size",
    "colour", "repair", "warranty", "where is", "change", "café",
];

fn main() {
    micro::benches("flow-engine", |benches| {
        benches.add("match_among_100000_keywords", || {
            let matcher = Matcher::build(keywords(WORKFLOWS));
            let text = "Hello, I would like to know: where is refund 4705 for the parcel that I sent back?";
            assert!(matcher.find(text).is_some_and(|found| found.keyword == "where is refund 4705"));
            move || matcher.find(text)
        });
        benches.add("match_nothing_among_100000_keywords", || {
            let matcher = Matcher::build(keywords(WORKFLOWS));
            let text =
                "Hello, my parcels and invoices came with the wrong accounts; what can I do about it now?";
            assert!(matcher.find(text).is_none());
            move || matcher.find(text)
        });
        benches.add("match_one_word_among_100000_keywords", || {
            let matcher = Matcher::build(keywords(WORKFLOWS));
            assert!(matcher.find("Order refund 17").is_some());
            move || matcher.find("Order refund 17")
        });
        benches.add("build_a_matcher_of_1000_keywords", || {
            let keywords = keywords(100);
            move || Matcher::build(keywords.clone())
        });
    });
}

/// Keywords of two words and a number each, all different.
fn keywords(workflows: u32) -> Vec<Keyword> {
    let keyword = |number: u32| {
        let word =
            |place: u32| WORDS.iter().cycle().nth(place as usize % WORDS.len()).copied().unwrap_or_default();
        Keyword {
            text: format!("{} {} {}", word(number), word(number / 16), number / 16),
            workflow: WorkflowId::new(Uuid::from_u128(u128::from(number / KEYWORDS))),
            activated_at_ms: i64::from(number % 7),
        }
    };
    (0..workflows * KEYWORDS).map(keyword).collect()
}
