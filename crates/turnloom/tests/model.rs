//! Answers of a language model: what it is asked, what is made of what it says, and where a flow goes when it misbehaves.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use crate::support::answering::{FAQ, answers, data, messages, says, with_document};
use serde_json::{Value, json};
use testkit::{Api, FakeModel, Says, eventually};
use tokio::task::JoinSet;

const KEY: &str = "sk-model-key";
/// Long enough to connect on this machine, and short for a test.
const SOON_MS: &str = "300";
const FALLBACK: &str = "A colleague will help.";

/// The product with this model, and the shop's knowledge base.
async fn product(model: &FakeModel, more: &[&str]) -> Product {
    let url = model.base_url();
    let own = ["--llm-url", url.as_str(), "--llm-model", "small-1", "--llm-key", KEY];
    let settings: Vec<&str> = own.iter().chain(more).copied().collect();
    let product = Product::with_runner(&settings).await;
    with_document(&product.api, "text/markdown", FAQ).await;
    product
}

/// The execution of what somebody says.
async fn execution(product: &Product, customer: &str, text: &str) -> Value {
    product.api.say(customer, text).await["execution"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_with_passages_and_what_was_said_and_its_answer_is_told_with_sources_and_cost() {
    let model = FakeModel::saying(|_| says("Until noon.", &[1], 0.9));
    let mut product = product(&model, &["--llm-input-price", "2", "--llm-output-price", "8"]).await;
    let node = json!({"personality": "Cheerful; says {{ customer.id }}.", "context_length": 3});
    product.api.run(&answers("Help", "question", &node)).await;
    execution(&product, "bob", "question: may I return a hat?").await;
    execution(&product, "ann", "question: when is the shop open?").await;
    execution(&product, "ann", "question: who pays for the parcel?").await;
    let last = "question: is the shop open on Saturdays?";
    let told = execution(&product, "ann", last).await;

    let request = model.requests().pop().unwrap();
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!((&request.body["model"], &request.body["stream"]), (&json!("small-1"), &json!(false)));
    let messages = messages(&request);
    let roles: Vec<&str> = messages.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["system", "user"]);
    let system = &messages[0].1;
    assert!(system.contains(r#""Cheerful; says ann.""#) && system.contains(r#"{"text": "#), "{system}");
    assert!(!system.contains("Saturdays"), "{system}");
    let shown = data(&request);
    assert_eq!(shown["question"], last);
    let before = json!([
        {"by": "assistant", "text": "Until noon."},
        {"by": "customer", "text": "question: who pays for the parcel?"},
        {"by": "assistant", "text": "Until noon."},
    ]);
    assert_eq!(shown["conversation"], before);
    let best = &shown["passages"][0];
    assert!(best["text"].as_str().unwrap().contains("on Saturdays until noon"), "{shown:#}");

    let words = |text: &str| u64::try_from(text.split_whitespace().count()).unwrap();
    let read: u64 = messages.iter().map(|(_, content)| words(content)).sum();
    let said = words(&json!({"text": "Until noon.", "sources": [1], "confidence": 0.9}).to_string());
    let step = &told["steps"][0]["output"];
    assert_eq!(told["output"]["response"], "Until noon.");
    assert_eq!((&step["response"], &step["confidence"]), (&json!("Until noon."), &json!(0.9)));
    let source =
        json!({"document": "faq", "title": "Shop", "heading": "Shop > Opening hours", "position": 0});
    assert_eq!(step["sources"], json!([source]));
    assert_eq!((&best["number"], &best["heading"]), (&json!(1), &source["heading"]));
    assert_eq!(
        (&step["model"], &step["input_tokens"], &step["output_tokens"]),
        (&json!("small-1"), &json!(read), &json!(said))
    );
    #[expect(clippy::cast_precision_loss, reason = "few tokens")]
    let price = (read * 2 + said * 8) as f64 / 1e6;
    assert!((step["cost"].as_f64().unwrap() - price).abs() < 1e-9, "{step}");
    product.stop().await;
}

/// A number of each answer in steps, summed.
fn sum(steps: &[Value], member: &str) -> f64 {
    steps.iter().map(|step| step[member].as_f64().unwrap_or(f64::NAN)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_took_is_told_in_events_and_summed_in_metrics() {
    let model = FakeModel::saying(|_| says("Until noon.", &[1], 0.9));
    let mut product = product(&model, &["--llm-input-price", "2000", "--llm-output-price", "8000"]).await;
    let api = &product.api;
    let workflow = api.run(&answers("Help", "question", &json!({}))).await;
    let mut steps = Vec::new();
    let mut told = Vec::new();
    for text in ["question: when is the shop open?", "question: who pays for the parcel?"] {
        let said = api.say("ann", text).await;
        let events =
            format!("/v1/conversations/{}/events?limit=100", said["conversation_id"].as_str().unwrap());
        steps.push(said["execution"]["steps"][0]["output"].clone());
        told = api.get(&events).await.expect(200)["data"].as_array().unwrap().clone();
    }

    told.retain(|event| event["type"] == "workflow.completed");
    assert_eq!(told.len(), 2, "{told:#?}");
    for (event, step) in told.iter().zip(&steps) {
        let ai = &event["data"]["ai"];
        assert_eq!((&ai["answers"], &ai["fallbacks"]), (&json!(1), &json!(0)), "{event:#}");
        assert_eq!(
            (&ai["prompt_tokens"], &ai["completion_tokens"]),
            (&step["input_tokens"], &step["output_tokens"])
        );
        assert!(
            (ai["cost"].as_f64().unwrap() - step["cost"].as_f64().unwrap()).abs() < 1e-6,
            "{event:#} {step:#}"
        );
    }
    let path = format!("/v1/workflows/{workflow}/metrics");
    let counted = eventually("both are counted", || async {
        let found = api.get(&path).await.expect(200)["data"]["metrics"].clone();
        (found["total_executions"] == 2).then_some(found)
    });
    let ai = counted.await["ai"].clone();
    assert_eq!((&ai["answers"], &ai["fallbacks"]), (&json!(2), &json!(0)));
    for (counted, member) in
        [("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"), ("cost", "cost")]
    {
        let (is, steps) = (ai[counted].as_f64().unwrap(), sum(&steps, member));
        assert!(steps > 0.0 && (is - steps).abs() < 1e-6, "{counted}: {is}, not {steps}");
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_of_an_answer_is_asked_for_and_read() {
    let all = json!({"text": "Until noon.", "data": {"until": "noon"}, "sources": [1], "confidence": 0.9});
    let model = FakeModel::saying(move |_| Says::text(all.to_string()));
    let mut product = product(&model, &[]).await;
    let named_values = json!({"until": "noon"});
    for (form, response, values, has_text, has_data) in [
        ("conversational", "Until noon.", &Value::Null, true, false),
        ("structured", r#"{"until":"noon"}"#, &named_values, false, true),
        ("hybrid", "Until noon.", &named_values, true, true),
    ] {
        product.api.run(&answers(form, form, &json!({"response_type": form}))).await;
        let told = execution(&product, "ann", &format!("{form}: when is the shop open?")).await;
        let step = &told["steps"][0]["output"];
        assert_eq!((&step["response"], &step["data"]), (&json!(response), values), "{form}");
        let rules = messages(&model.requests().pop().unwrap())[0].1.clone();
        let asked = (rules.contains(r#""text": "#), rules.contains(r#""data": "#));
        assert_eq!(asked, (has_text, has_data), "{form}: {rules}");
    }
    product.stop().await;
}

/// What a model may do wrong, and the code that says so.
fn misbehaviours() -> Vec<(Says, &'static str)> {
    let streamed = |says| Says::Streamed(Box::new(says));
    let data = json!({"data": {"until": "noon"}, "sources": [1], "confidence": 0.9}).to_string();
    vec![
        (Says::Status(500), "MODEL_UNAVAILABLE"),
        (Says::Half, "MODEL_UNAVAILABLE"),
        (streamed(Says::Half), "MODEL_UNAVAILABLE"),
        (Says::Status(401), "MODEL_REFUSED"),
        (Says::Status(404), "MODEL_REFUSED"),
        (Says::Refusal("I would rather not".to_owned()), "MODEL_REFUSED"),
        (Says::Status(504), "MODEL_TIMED_OUT"),
        (Says::TooMuch(3600), "MODEL_RATE_LIMITED"),
        (Says::TooMuch(0), "MODEL_RATE_LIMITED"),
        (Says::Nothing, "MODEL_EMPTY"),
        (streamed(Says::Nothing), "MODEL_EMPTY"),
        (Says::Endless, "MODEL_ENDLESS"),
        (streamed(Says::Endless), "MODEL_ENDLESS"),
        (Says::Unfinished("Until no".to_owned()), "MODEL_ENDLESS"),
        (Says::Nonsense, "MODEL_NONSENSE"),
        (Says::text("{\"text\": \"Until no"), "MODEL_NONSENSE"),
        (Says::text("[]"), "MODEL_NONSENSE"),
        (Says::text("…"), "MODEL_NONSENSE"),
        (Says::text(data), "MODEL_NONSENSE"),
        (says("Until noon.", &[7], 0.9), "MODEL_NONSENSE"),
        (says("Until noon.", &[0], 0.9), "MODEL_NONSENSE"),
        (says("Until noon.", &[1], 90.0), "MODEL_NONSENSE"),
        (says(&"Until noon. ".repeat(1000), &[1], 0.9), "MODEL_NONSENSE"),
    ]
}

/// Asks the workflow of this keyword what the model answers in the way of this case.
async fn ask_in_case(api: &Api, number: usize, keyword: &str) -> Value {
    let text = format!("{keyword} case-{number}- when is the shop open?");
    api.say(&format!("{keyword}-{number}"), &text).await["execution"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_misbehaves_ends_in_the_fallback_or_in_a_failure_that_says_how() {
    let model = FakeModel::saying(|body| {
        let asked = body["messages"][1]["content"].as_str().unwrap_or_default();
        let cases = misbehaviours().into_iter().enumerate();
        let case = cases.filter(|(number, _)| asked.contains(&format!("case-{number}-")));
        case.map(|(_, (says, _))| says).next().unwrap()
    });
    let mut product = product(&model, &[]).await;
    let api = &product.api;
    api.run(&answers("Alone", "alone", &json!({}))).await;
    api.run(&answers("Helped", "helped", &json!({"fallback_message": FALLBACK}))).await;
    let mut elsewhere = answers("Elsewhere", "elsewhere", &json!({"fallback": "person"}));
    let nodes = elsewhere["configuration"]["nodes"].as_array_mut().unwrap();
    nodes.push(json!({"id": "person", "type": "message", "content": "{{ steps.answer.error.code }}"}));
    api.run(&elsewhere).await;

    let mut turns = JoinSet::new();
    for (number, (says, code)) in misbehaviours().into_iter().enumerate() {
        let api = api.clone();
        turns.spawn(async move {
            let (alone, helped, elsewhere) = tokio::join!(
                ask_in_case(&api, number, "alone"),
                ask_in_case(&api, number, "helped"),
                ask_in_case(&api, number, "elsewhere")
            );
            assert_eq!(alone["status"], "failed", "{says:?}: {alone:#}");
            assert_eq!(
                (&alone["error"]["code"], &alone["error"]["node_id"]),
                (&json!(code), &json!("answer")),
                "{says:?}"
            );
            assert_eq!(
                (&helped["status"], &helped["output"]["response"]),
                (&json!("success"), &json!(FALLBACK))
            );
            let step = &helped["steps"][0]["output"];
            assert_eq!((&step["fallback"], &step["error"]["code"]), (&json!(true), &json!(code)), "{says:?}");
            assert_eq!(elsewhere["output"]["response"], code, "{says:?}");
            for told in [alone, helped, elsewhere] {
                assert!(!told.to_string().contains(KEY), "{told:#}");
            }
        });
    }
    while let Some(turn) = turns.join_next().await {
        turn.unwrap();
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_slow_or_away_ends_in_a_failure_that_says_so() {
    let model = FakeModel::saying(|_| Says::Held(Box::new(says("Until noon.", &[1], 0.9))));
    let mut product = product(&model, &["--llm-timeout-ms", SOON_MS]).await;
    product.api.run(&answers("Help", "question", &json!({}))).await;
    let slow = execution(&product, "ann", "question: when is the shop open?").await;
    assert_eq!((&slow["status"], &slow["error"]["code"]), (&json!("failed"), &json!("MODEL_TIMED_OUT")));
    drop(model);
    let away = execution(&product, "ann", "question: when is the shop open?").await;
    assert_eq!((&away["status"], &away["error"]["code"]), (&json!("failed"), &json!("MODEL_UNAVAILABLE")));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_recovers_is_asked_again_and_one_that_streams_is_heard() {
    let model = FakeModel::saying(|_| Says::Streamed(Box::new(says("Until noon.", &[1], 0.9))));
    let mut product = product(&model, &[]).await;
    product.api.run(&answers("Help", "question", &json!({}))).await;
    for bad in [Says::TooMuch(0), Says::Status(503), Says::text("{")] {
        model.next(bad);
    }
    let told = execution(&product, "ann", "question: when is the shop open?").await;
    assert_eq!(told["output"]["response"], "Until noon.", "{told:#}");
    let requests = model.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.body == requests[0].body));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_unsure_or_has_no_source_is_not_given() {
    let model = FakeModel::saying(|body| {
        let asked = body["messages"][1]["content"].as_str().unwrap_or_default();
        if asked.contains("unsure") {
            says("Perhaps noon.", &[1], 0.4)
        } else if asked.contains("made up") {
            says("Certainly noon.", &[], 0.99)
        } else if asked.contains("plainly") {
            Says::text("Plainly noon.")
        } else {
            Says::text("Noon, as [1] says.")
        }
    });
    let mut product = product(&model, &[]).await;
    product.api.run(&answers("Help", "question", &json!({"fallback_message": FALLBACK}))).await;
    // Each by another customer: what was said before is shown to the model, too.
    for (text, response) in [
        ("question: when is the shop open? unsure", FALLBACK),
        ("question: when is the shop open? made up", FALLBACK),
        ("question: when is the shop open? plainly", FALLBACK),
        ("question: is the shop open on Saturdays", "Noon, as [1] says."),
    ] {
        let told = execution(&product, text, text).await;
        assert_eq!(told["output"]["response"], response, "{text}: {told:#}");
        assert!(told["steps"][0]["output"]["error"].is_null(), "{text}: {told:#}");
    }
    let asked = model.requests().len();
    let unknown = execution(&product, "ann", "question: Eiffel?").await;
    assert_eq!(unknown["output"]["response"], FALLBACK, "{unknown:#}");
    assert_eq!(model.requests().len(), asked, "nothing was found, so there was nothing to ask about");
    product.stop().await;
}
