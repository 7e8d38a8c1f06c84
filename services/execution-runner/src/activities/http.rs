//! Requests of `http_request` nodes.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bus::Bus;
use contracts::v1;
use flow_engine::{Object, secrets as marks};
use flow_model::AccountId;
use outbound::{HttpCall, HttpCaller, Method};
use secrecy::{ExposeSecret, SecretString};
use secrets::Sealer;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::retry::{Failed, until_it_works};
use super::secret::{Secrets, without_marks};

/// One attempt takes so long at most, unless the node says less; milliseconds.
const TIMEOUT_MS: u64 = 10_000;

/// Makes requests.
pub(crate) struct Calling {
    caller: HttpCaller,
    secrets: Secrets,
}

/// What the engine has planned.
#[derive(Deserialize)]
struct Planned {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    timeout_ms: Option<u64>,
}

impl Calling {
    pub fn new(bus: Bus, caller: HttpCaller, sealer: Option<Sealer>) -> Self {
        Self { caller, secrets: Secrets::new(bus, sealer) }
    }

    pub async fn perform(&self, activity: &v1::Activity) -> Result<Object, Failed> {
        let unreadable =
            |what: &str| Failed::for_good("INTERNAL_ERROR", format!("the request has no {what}"));
        let planned: Planned =
            serde_json::from_slice(&activity.request_json).map_err(|_| unreadable("right form"))?;
        let account = AccountId::from_slice(&activity.account_id).map_err(|_| unreadable("account"))?;
        let names = marks::named(&String::from_utf8_lossy(&activity.request_json));
        let key = Uuid::from_slice(&activity.id).unwrap_or_default().to_string();
        let (planned, names, key) = (&planned, &names, &key);
        until_it_works(activity, |deadline| Box::pin(self.request(account, planned, names, key, deadline)))
            .await
    }

    async fn request(
        &self,
        account: AccountId,
        planned: &Planned,
        names: &[String],
        key: &str,
        deadline: Instant,
    ) -> Result<Object, Failed> {
        let values = self.secrets.open(account, names.to_vec()).await?;
        let call = call(planned, &values)?;
        let answer = self.caller.call(&call, key, deadline).await.map_err(|failure| Failed {
            code: failure.code.as_str().to_owned(),
            message: failure.message,
            retry: failure.retry,
        })?;
        let output = [("status".to_owned(), Value::from(answer.status)), ("body".to_owned(), answer.body)];
        Ok(without_marks(Object::from_iter(output)))
    }
}

/// The request with its secrets in place.
fn call(planned: &Planned, values: &HashMap<String, SecretString>) -> Result<HttpCall, Failed> {
    let reveal = |text: &str| {
        let known = |name: &str| values.get(name).map(|value| value.expose_secret().to_owned());
        marks::reveal(text, known)
            .map_err(|name| Failed::for_good("SECRET_NOT_FOUND", format!("there is no secret '{name}'")))
    };
    let method = match planned.method.as_str() {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => Method::Get,
    };
    let headers = planned.headers.iter().map(|(name, value)| Ok((name.clone(), reveal(value)?)));
    Ok(HttpCall {
        method,
        url: reveal(&planned.url)?,
        headers: headers.collect::<Result<_, Failed>>()?,
        body: planned.body.as_ref().map(|body| revealed(body, &reveal)).transpose()?,
        timeout: Duration::from_millis(planned.timeout_ms.unwrap_or(TIMEOUT_MS).min(TIMEOUT_MS)),
    })
}

fn revealed(value: &Value, reveal: &dyn Fn(&str) -> Result<String, Failed>) -> Result<Value, Failed> {
    Ok(match value {
        Value::String(text) => Value::String(reveal(text)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| revealed(item, reveal)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), revealed(value, reveal)?)));
            Value::Object(members.collect::<Result<Object, Failed>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}
