//! `retention`: how long things are kept, and what is over its time.

use serde_json::{Value, json};

use super::{against, end, told};
use crate::support::Product;

const MONTH_MS: i64 = 30 * 24 * 60 * 60 * 1000;

fn class<'a>(shown: &'a Value, name: &str) -> &'a Value {
    let classes = shown.as_array().unwrap();
    classes.iter().find(|class| class["class"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_is_shown_tried_and_applied() {
    let mut product = Product::with_runner(&["--keep-notes-days", "90", "--keep-executions-days", "0"]).await;
    let old = platform::clock::now_ms().div_euclid(MONTH_MS) - 7;
    let seconds = |month: i64| month * MONTH_MS / 1000;
    // Somebody reads it for long, so that no runner drops it meanwhile.
    let reading = product.client().await;
    let slice = format!(
        "BEGIN; CREATE TABLE conversation_notes_{old} PARTITION OF conversation_notes
         FOR VALUES FROM (to_timestamp({})) TO (to_timestamp({})); COMMIT;
         BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT count(*) FROM conversation_notes",
        seconds(old),
        seconds(old + 1)
    );
    reading.batch_execute(&slice).await.unwrap();

    let shown = told(&product, &["retention", "--json"]).json();
    let notes = class(&shown, "notes");
    assert_eq!((&notes["keep_days"], &notes["setting"]), (&json!(90), &json!("TURNLOOM_KEEP_NOTES_DAYS")));
    assert_eq!(notes["due"], json!([format!("conversation_notes_{old}")]));
    assert_eq!(class(&shown, "executions")["keep_days"], Value::Null);
    assert_eq!(class(&shown, "numbers")["keep_days"], 800);
    let table = told(&product, &["retention"]).out();
    assert!(table.contains("NEXT DUE") && table.contains("for ever") && table.contains("1 now"), "{table}");

    let would = told(&product, &["retention", "run", "--dry-run"]).out();
    assert!(
        would.contains("~ notes: 1 slice") && would.contains(&format!("conversation_notes_{old}")),
        "{would}"
    );
    let busy = told(&product, &["retention", "run"]).out();
    assert!(busy.contains("! notes: 1 slice") && busy.contains("in use by others; dropped later"), "{busy}");

    reading.batch_execute("COMMIT").await.unwrap();
    let applied = told(&product, &["retention", "run", "--json"]).json();
    let notes = class(&applied, "notes");
    assert_eq!(notes["due"], json!([]));
    assert_eq!(notes["kept_since"], platform::clock::rfc3339((old + 1) * MONTH_MS));
    assert!(told(&product, &["retention", "run"]).out().contains("✓ nothing was over its time"));
    assert!(told(&product, &["retention", "run", "--dry-run"]).out().contains("✓ nothing is over its time"));
    let mut nowhere = against(&product, &["retention"]);
    nowhere.env("TURNLOOM_NATS_URL", "nats://127.0.0.1:1");
    end(nowhere, "").complaint(3);
    product.stop().await;
}
