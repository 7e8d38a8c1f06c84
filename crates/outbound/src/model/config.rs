//! Which model, where, and what it costs.

use secrecy::SecretString;
use url::Url;

use crate::NoClient;

/// One answer of a model takes so long at most unless the settings say otherwise; milliseconds.
const TIMEOUT_MS: u64 = 30_000;

/// Settings of the language model.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelConfig {
    /// Where the language model is: an endpoint with OpenAI's protocol, such as `https://api.openai.com/v1`; none unless set
    #[arg(long, env = "TURNLOOM_LLM_URL")]
    pub llm_url: Option<String>,
    /// The language model's name, as its endpoint knows it
    #[arg(long, env = "TURNLOOM_LLM_MODEL")]
    pub llm_model: Option<String>,
    /// The key of the language model's endpoint; none unless set
    #[arg(long, env = "TURNLOOM_LLM_KEY", hide_env_values = true)]
    pub llm_key: Option<SecretString>,
    /// Price of a million tokens that the language model reads, in any currency
    #[arg(long, env = "TURNLOOM_LLM_INPUT_PRICE", default_value_t = 0.0, value_parser = price)]
    pub llm_input_price: f64,
    /// Price of a million tokens that the language model writes, in the same currency
    #[arg(long, env = "TURNLOOM_LLM_OUTPUT_PRICE", default_value_t = 0.0, value_parser = price)]
    pub llm_output_price: f64,
    /// How long the language model may take for one answer, in milliseconds
    #[arg(long, env = "TURNLOOM_LLM_TIMEOUT_MS", default_value_t = TIMEOUT_MS, value_parser = clap::value_parser!(u64).range(100..=80_000))]
    pub llm_timeout_ms: u64,
}

/// The settings name no model that could be asked.
#[derive(Debug, thiserror::Error)]
pub enum ModelConfigError {
    /// It is no address of HTTP.
    #[error("--llm-url is not an http or https URL")]
    Url,
    /// Only one of the two is set.
    #[error("--llm-url and --llm-model are set together or not at all")]
    Half,
    /// No client can be made.
    #[error(transparent)]
    NoClient(#[from] NoClient),
}

/// A model that can be asked.
pub(super) struct Endpoint {
    /// Where its chat is.
    pub url: Url,
    pub model: String,
}

impl ModelConfig {
    /// The settings of a model without a key or prices.
    #[must_use]
    pub fn for_url(url: &str, model: &str) -> Self {
        Self {
            llm_url: Some(url.to_owned()),
            llm_model: Some(model.to_owned()),
            llm_key: None,
            llm_input_price: 0.0,
            llm_output_price: 0.0,
            llm_timeout_ms: TIMEOUT_MS,
        }
    }

    /// An empty setting counts as none.
    pub(super) fn endpoint(&self) -> Result<Option<Endpoint>, ModelConfigError> {
        let set = |setting: &Option<String>| setting.clone().filter(|text| !text.trim().is_empty());
        match (set(&self.llm_url), set(&self.llm_model)) {
            (None, None) => Ok(None),
            (Some(url), Some(model)) => {
                let url = chat_url(&url).ok_or(ModelConfigError::Url)?;
                Ok(Some(Endpoint { url, model }))
            }
            (Some(_), None) | (None, Some(_)) => Err(ModelConfigError::Half),
        }
    }
}

fn chat_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["chat", "completions"]);
    Some(url)
}

fn price(text: &str) -> Result<f64, String> {
    let price = text.parse::<f64>().ok().filter(|price| price.is_finite() && *price >= 0.0);
    price.ok_or_else(|| "not a price".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        model: ModelConfig,
    }

    #[test]
    fn the_chat_lies_beneath_the_address() {
        for (text, url) in [
            ("https://api.example.com/v1", Some("https://api.example.com/v1/chat/completions")),
            ("http://localhost:11434/v1/", Some("http://localhost:11434/v1/chat/completions")),
            ("http://localhost", Some("http://localhost/chat/completions")),
            (
                "https://a.example/deploy/x?api-version=1",
                Some("https://a.example/deploy/x/chat/completions?api-version=1"),
            ),
            ("localhost:11434", None),
            ("ftp://localhost", None),
        ] {
            assert_eq!(chat_url(text).as_ref().map(Url::as_str), url, "{text}");
        }
    }

    #[test]
    fn a_model_needs_an_address_and_a_name() {
        let both = ModelConfig::for_url("http://localhost", "small");
        assert!(both.endpoint().unwrap().is_some());
        assert!(
            ModelConfig { llm_url: None, llm_model: Some(String::new()), ..both.clone() }
                .endpoint()
                .unwrap()
                .is_none()
        );
        let half = ModelConfig { llm_model: None, ..both };
        assert!(matches!(half.endpoint(), Err(ModelConfigError::Half)));
    }

    #[test]
    fn prices_are_numbers_and_the_key_does_not_show_itself() {
        for bad in ["-1", "NaN", "inf", "cheap"] {
            assert!(Command::try_parse_from(["x", "--llm-input-price", bad]).is_err(), "{bad}");
        }
        let config =
            Command::try_parse_from(["x", "--llm-key", "sk-secret", "--llm-output-price", "0.6"]).unwrap();
        assert!(!format!("{config:?}").contains("sk-secret"));
    }
}
