//! Events as a runner publishes them, and a listener that reads an event stream as the standard says (WHATWG HTML §9.2).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use bus::publish::Outgoing;
use bus::{Bus, Layout};
use contracts::subject;
use flow_model::{AccountId, ConversationId, ExecutionId, WorkflowId};
use platform::clock;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use testkit::{Api, PATIENCE};

/// That of the gateway's streams.
pub const LAYOUT: Layout = Layout { partitions: 8, groups: 1 };
/// A stream that nobody ends may last so long.
const LONGEST: Duration = Duration::from_mins(10);

/// What stands between two empty lines.
#[derive(Debug, Default)]
pub struct Block {
    pub comments: Vec<String>,
    pub id: Option<String>,
    /// Empty when there is no event.
    pub event: String,
    pub data: Value,
}

/// A stream that is listened to.
pub struct Listener {
    response: reqwest::Response,
    headers: HeaderMap,
    heard: String,
}

/// Asks for a stream; none when it is refused.
pub async fn try_listen(api: &Api, query: &str, last_event_id: Option<&str>) -> Option<Listener> {
    let mut request = api.request(Method::GET, &format!("/v1/events{query}")).timeout(LONGEST);
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id);
    }
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    (response.status() == 200).then(|| Listener { response, headers, heard: String::new() })
}

pub async fn listen(api: &Api, query: &str, last_event_id: Option<&str>) -> Listener {
    try_listen(api, query, last_event_id).await.unwrap()
}

impl Listener {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// The next block; none when the stream has ended as a whole.
    pub async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.heard.find("\n\n") {
                let block = read(&self.heard[..end]);
                self.heard.drain(..end + 2);
                return Some(block);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("nothing came")).unwrap()?;
            self.heard.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Block {
        loop {
            let block = self.next().await.unwrap();
            if !block.event.is_empty() {
                return block;
            }
        }
    }

    /// The numbers of the next so many events.
    pub async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        for _ in 0..count {
            let event = self.event().await;
            numbers.push(event.data["data"]["number"].as_u64().unwrap_or_else(|| panic!("{event:?}")));
        }
        numbers
    }
}

fn read(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        match line.split_once(": ").unwrap_or_else(|| panic!("no field: {line}")) {
            ("", comment) => block.comments.push(comment.to_owned()),
            ("id", id) => block.id = Some(id.to_owned()),
            ("event", event) => event.clone_into(&mut block.event),
            ("data", data) => {
                assert!(block.data.is_null(), "data of two lines: {text}");
                block.data = serde_json::from_str(data).unwrap();
            }
            ("retry", ms) => assert_eq!(ms, "2000"),
            _ => panic!("an unknown field: {line}"),
        }
    }
    block
}

/// What events are about.
pub struct About {
    pub customer: &'static str,
    pub channel: &'static str,
    pub conversation: ConversationId,
    pub workflow: WorkflowId,
    pub execution: ExecutionId,
}

impl About {
    pub fn new(customer: &'static str, channel: &'static str) -> Self {
        Self {
            customer,
            channel,
            conversation: ConversationId::of(AccountId::named("default"), channel, customer),
            workflow: WorkflowId::new(clock::new_uuid_v7()),
            execution: ExecutionId::new(clock::new_uuid_v7()),
        }
    }

    fn data(&self) -> Value {
        json!({
            "conversation_id": self.conversation.to_string(), "workflow_id": self.workflow.to_string(),
            "execution_id": self.execution.to_string(), "customer_id": self.customer, "channel": self.channel,
        })
    }
}

/// One partition's events of an account.
pub struct Publisher<'a> {
    bus: &'a Bus,
    account: AccountId,
    partition: u32,
    commit_no: u64,
    told: Vec<Outgoing>,
}

impl<'a> Publisher<'a> {
    pub fn new(bus: &'a Bus, account: &str, partition: u32) -> Self {
        Self { bus, account: AccountId::named(account), partition, commit_no: 0, told: Vec::new() }
    }

    /// A commit with one event for each number, in one message.
    pub async fn tell(&mut self, event_type: &str, numbers: &[u64]) {
        self.tell_about(&About::new("ann", "web").data(), event_type, numbers).await;
    }

    pub async fn tell_of(&mut self, about: &About, event_type: &str, numbers: &[u64]) {
        self.tell_about(&about.data(), event_type, numbers).await;
    }

    /// An event that fits these filters.
    pub async fn tell_fitting(&mut self, about: &About, query: &str, number: u64) {
        let mut data = about.data();
        let mut event_type = "message.sent".to_owned();
        for (name, value) in url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            if name == "type" {
                event_type = value.split(',').next().unwrap().to_owned();
            } else {
                data[name.as_ref()] = json!(value);
            }
        }
        self.tell_about(&data, &event_type, &[number]).await;
    }

    /// A message of three quarters of a mebibyte.
    pub async fn tell_at_length(&mut self, number: u64) {
        let mut data = About::new("ann", "web").data();
        data["message"] = json!("x".repeat(768 << 10));
        self.tell_about(&data, "message.sent", &[number]).await;
    }

    async fn tell_about(&mut self, data: &Value, event_type: &str, numbers: &[u64]) {
        self.commit_no += 1;
        let events: Vec<Value> = (0..)
            .zip(numbers)
            .map(|(index, number): (u32, _)| {
                let mut data = data.clone();
                data["partition"] = json!(self.partition);
                data["commit_no"] = json!(self.commit_no);
                data["index"] = json!(index);
                data["number"] = json!(number);
                json!({"specversion": "1.0", "type": event_type, "data": data})
            })
            .collect();
        let message = Outgoing {
            subject: subject::events(self.account, event_type),
            headers: Vec::new(),
            payload: Value::Array(events).to_string().into(),
        };
        self.bus.publish_all(std::slice::from_ref(&message)).await.unwrap();
        self.told.push(message);
    }

    /// The last so many messages once more, as a runner does that does not know whether they were told.
    pub async fn tell_again(&self, messages: usize) {
        self.bus.publish_all(&self.told[self.told.len() - messages..]).await.unwrap();
    }
}
