//! The account's secrets, opened for one request and for no longer.

use std::collections::HashMap;
use std::time::Duration;

use bus::Bus;
use bus::rpc::CallError;
use contracts::{subject, v1};
use flow_engine::Object;
use flow_model::{AccountId, SecretName};
use secrecy::SecretString;
use secrets::Sealer;
use serde_json::Value;

use super::retry::Failed;

/// The catalog must answer within this time.
const DEADLINE: Duration = Duration::from_secs(5);

/// What the engine marks the places of secrets with (`flow_engine::secrets`).
const MARKS: [char; 2] = ['\u{F8F0}', '\u{F8F1}'];

/// What came from outside, without marks: else whoever answers could have a later request tell a secret, also by the name of
/// a member, which `tojson` writes as it stands.
pub(super) fn without_marks(output: Object) -> Object {
    output.into_iter().map(|(name, value)| (unmarked(name), unmarked_value(value))).collect()
}

fn unmarked_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(unmarked(text)),
        Value::Array(items) => items.into_iter().map(unmarked_value).collect(),
        Value::Object(members) => Value::Object(without_marks(members)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn unmarked(mut text: String) -> String {
    text.retain(|letter| !MARKS.contains(&letter));
    text
}

/// Where secrets come from.
pub(super) struct Secrets {
    bus: Bus,
    sealer: Option<Sealer>,
}

impl Secrets {
    pub fn new(bus: Bus, sealer: Option<Sealer>) -> Self {
        Self { bus, sealer }
    }

    /// The values of these names.
    pub async fn open(
        &self,
        account: AccountId,
        names: Vec<String>,
    ) -> Result<HashMap<String, SecretString>, Failed> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let missing =
            |name: &str| Failed::for_good("SECRET_NOT_FOUND", format!("there is no secret '{name}'"));
        let Some(sealer) = &self.sealer else {
            let message = "the operator has set no key for secrets (--secrets-key)";
            return Err(Failed::for_good("SECRETS_NOT_CONFIGURED", message));
        };
        let request = v1::GetSecretsRequest { account_id: account.to_vec().into(), names: names.clone() };
        let answer = self.bus.rpc().call(subject::catalog::GET_SECRETS, &request, DEADLINE).await;
        let answer: v1::GetSecretsResponse = answer.map_err(|error| match error {
            CallError::Refused(failure) => Failed::for_good(&failure.code, failure.details),
            CallError::Unavailable(_) | CallError::TimedOut => {
                Failed::for_now("SERVICE_UNAVAILABLE", "the catalog does not hand out secrets now")
            }
        })?;
        let mut values = HashMap::new();
        for sealed in answer.secrets {
            let name: SecretName = sealed.name.parse().map_err(|_| missing(&sealed.name))?;
            let value = sealer.open(account, &name, &sealed.ciphertext).map_err(|_| {
                let message = format!("the secret '{}' was sealed with another key", sealed.name);
                Failed::for_good("SECRET_UNREADABLE", message)
            })?;
            values.insert(sealed.name, value);
        }
        match names.iter().find(|name| !values.contains_key(*name)) {
            Some(name) => Err(missing(name)),
            None => Ok(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_from_outside_names_no_secret() {
        let forged = format!("{}crm{}", MARKS[0], MARKS[1]);
        let output =
            json!({&forged: [{&forged: &forged}, 1, null], "ok": true}).as_object().cloned().unwrap();
        assert_eq!(
            Value::Object(without_marks(output)),
            json!({"crm": [{"crm": "crm"}, 1, null], "ok": true})
        );
    }
}
