//! Everything that an account can have, two of each, under names that say whose it is.

use std::collections::BTreeMap;

use fault_suite::failure::Failure;
use gateway::key::Level;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, workflows};

use crate::account::Account;
use crate::calls::{self, text};
use crate::document::Operation;
use crate::product::Product;

/// What changes by itself, so that it is no sign of anything.
const VOLATILE: [&str; 5] = ["last_used_at", "as_of", "complete", "request_id", "lag_seconds"];
/// Reads of what changes by itself in whole.
const VOLATILE_PATHS: [&str; 3] = ["/v1/runners", "/v1/events", "/v1/workflows/{workflow_id}/metrics"];

/// An account and what it has.
#[derive(Debug, Clone)]
pub struct Estate {
    /// The account.
    pub account: Account,
    /// An access token of full access.
    pub token: String,
    /// A word that is in everything that it has, and in nothing else.
    pub mark: String,
    /// Ids, by the names of parameters.
    pub ids: BTreeMap<&'static str, String>,
}

impl Estate {
    /// Makes an account and all of it.
    ///
    /// # Errors
    /// When something is refused.
    pub async fn make(product: &Product, mark: &str) -> Result<Self, Failure> {
        let account = Account::make(product, mark).await?;
        let api = product.gateway(0, account.full())?;
        let mut estate = Self {
            account,
            token: String::new(),
            mark: mark.to_owned(),
            ids: BTreeMap::from([("channel", "web".to_owned())]),
        };
        for number in ["two", "one"] {
            estate.flow(&api, number).await?;
            estate.knowledge(&api, number).await?;
            estate.keys(product, &api, number).await?;
        }
        Ok(estate)
    }

    fn note(&mut self, name: &'static str, id: impl Into<String>) {
        self.ids.insert(name, id.into());
    }

    /// A workflow, and what comes of it when a customer talks.
    async fn flow(&mut self, api: &Api, number: &str) -> Result<(), Failure> {
        let mark = self.mark.clone();
        let name = format!("{mark} {number}");
        let keyword = format!("hello {number}");
        let workflow = calls::run(api, &workflows::greet(&name, &keyword)).await?;
        let (customer, message) = (format!("customer-{mark}-{number}"), format!("message-{mark}-{number}"));
        let body = json!({
            "customer_id": customer, "channel": "web", "message": format!("{keyword} {mark}"), "message_id": message
        });
        let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
        let told = calls::send(api, request).await?;
        let execution = told.body.pointer("/data/execution/id").and_then(Value::as_str).unwrap_or_default();
        if execution.is_empty() {
            return Err(Failure::broken(format!("a message of {mark} made no execution: {}", told.text)));
        }
        self.note("execution_id", execution);
        self.note(
            "conversation_id",
            told.body.pointer("/data/conversation_id").and_then(Value::as_str).unwrap_or_default(),
        );
        self.note("workflow_id", workflow);
        self.note("customer_id", customer);
        self.note("message_id", message);
        Ok(())
    }

    /// A knowledge base with documents, and a secret.
    async fn knowledge(&mut self, api: &Api, number: &str) -> Result<(), Failure> {
        let base = format!("{}-{number}", self.mark);
        let description = format!("of {}", self.mark);
        calls::make(
            api,
            Method::POST,
            "/v1/knowledge-bases",
            &json!({"name": base, "description": description}),
        )
        .await?;
        for document in ["second.md", "first.md"] {
            let path = format!("/v1/knowledge-bases/{base}/documents/{document}");
            let body = format!("# {}\n\nThe shop of {} opens at nine.", self.mark, self.mark);
            let request = api.request(Method::PUT, &path).header("content-type", "text/markdown").body(body);
            let answer = calls::send(api, request).await?;
            if answer.status != 201 {
                return Err(Failure::broken(format!("a document is refused: {}", answer.text)));
            }
            self.note("document_id", document);
        }
        self.note("knowledge_base_id", base);
        let secret = format!("secret_{}_{number}", self.mark.replace('-', "_"));
        calls::make(api, Method::PUT, &format!("/v1/secrets/{secret}"), &json!({"value": self.mark})).await?;
        self.note("name", secret);
        Ok(())
    }

    async fn keys(&mut self, product: &Product, api: &Api, number: &str) -> Result<(), Failure> {
        let wanted = json!({"name": format!("key of {} {number}", self.mark), "level": "read_only"});
        let made = calls::make(api, Method::POST, "/v1/api-keys", &wanted).await?;
        self.note("api_key_id", text(&made, "id"));
        let name = format!("client of {} {number}", self.mark);
        let client = self.account.client(product, &name, Level::FullAccess).await?;
        self.note("oauth_client_id", client.id);
        self.token = client.access;
        Ok(())
    }

    /// The id that a parameter of this name has here.
    pub fn id(&self, parameter: &str) -> Option<String> {
        self.ids.get(parameter).cloned()
    }

    /// Everything that its owner can read of it, by path.
    ///
    /// # Errors
    /// When a read fails.
    pub async fn seen(
        &self,
        product: &Product,
        operations: &[Operation],
    ) -> Result<BTreeMap<String, Value>, Failure> {
        let api = product.gateway(1, self.account.full())?;
        let mut seen = BTreeMap::new();
        for operation in operations.iter().filter(|operation| operation.reads() && operation.level.is_some())
        {
            if VOLATILE_PATHS.contains(&operation.path.as_str()) || operation.is_endless {
                continue;
            }
            let path = operation.at(|name| self.id(name).filter(|_| operation.needs(name)));
            let answer = calls::get(&api, &path).await?;
            if answer.status >= 500 {
                return Err(Failure::broken(format!(
                    "{path} is answered with {}: {}",
                    answer.status, answer.text
                )));
            }
            let mut body = answer.body;
            forget_volatile(&mut body);
            seen.insert(path, body);
        }
        Ok(seen)
    }
}

fn forget_volatile(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !VOLATILE.contains(&name.as_str()));
            members.values_mut().for_each(forget_volatile);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_volatile),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The paths whose answers differ, for a problem.
pub fn differences(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let differs = |(path, was): (&String, &Value)| {
        let is = after.get(path)?;
        (was != is).then(|| format!("{path} was {was} and is {is}"))
    };
    before.iter().filter_map(differs).collect()
}
