//! Meanings of texts as vectors, from an endpoint that speaks as `OpenAI`'s `/embeddings` does.
//!
//! Without an endpoint everything works by words alone; while it is away, too.

use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Texts of one request.
pub(crate) const BATCH_TEXTS: usize = 64;
/// Numbers of a vector at most.
const DIMENSIONS_MAX: usize = 4096;
/// Bytes of an answer: each number is some 20 letters.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// An endpoint that does not take the connection by then is away.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

/// Settings of the endpoint.
#[derive(Debug, Clone, Args)]
pub struct EmbeddingConfig {
    /// Where texts are turned into vectors, such as `https://api.example.com/v1`: searches go by meaning, too. It is asked
    /// for `…/embeddings` as `OpenAI`'s is; none unless set
    #[arg(long, env = "TURNLOOM_EMBEDDING_URL", requires = "embedding_model")]
    pub embedding_url: Option<String>,
    /// The model that it is asked for; another one has all vectors made anew
    #[arg(long, env = "TURNLOOM_EMBEDDING_MODEL")]
    pub embedding_model: Option<String>,
    /// The key that it wants
    #[arg(long, env = "TURNLOOM_EMBEDDING_KEY", hide_env_values = true)]
    pub embedding_key: Option<SecretString>,
}

/// No vectors came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbeddingError {
    /// The endpoint is away, or too slow.
    #[error("the embedding endpoint cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    /// The endpoint does not take these texts.
    #[error("the embedding endpoint answers {0}")]
    Refused(u16),
    /// What it answers is not what was asked for.
    #[error("the embedding endpoint's answer makes no sense: {0}")]
    Nonsense(&'static str),
}

/// Asks the endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Embedder {
    http: reqwest::Client,
    url: String,
    model: String,
    key: Option<SecretString>,
}

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    input: &'a [String],
}

#[derive(Deserialize)]
struct Answered {
    data: Vec<Embedded>,
}

#[derive(Deserialize)]
struct Embedded {
    index: usize,
    embedding: Vec<f32>,
}

impl Embedder {
    /// Of these settings; none when there is no endpoint.
    pub fn new(config: &EmbeddingConfig) -> anyhow::Result<Option<Self>> {
        let set = |setting: &Option<String>| setting.clone().filter(|text| !text.is_empty());
        let (Some(url), Some(model)) = (set(&config.embedding_url), set(&config.embedding_model)) else {
            return Ok(None);
        };
        // Another part of the process may have done so before.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let url = format!("{}/embeddings", url.trim_end_matches('/'));
        url::Url::parse(&url).map_err(|error| anyhow::anyhow!("--embedding-url: {error}"))?;
        Ok(Some(Self { http, url, model, key: config.embedding_key.clone() }))
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The vectors of these texts, in order, each of length 1.
    pub async fn embed(&self, texts: &[String], deadline: Duration) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let mut request =
            self.http.post(&self.url).timeout(deadline).json(&Asked { model: &self.model, input: texts });
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await?;
        if !response.status().is_success() {
            return Err(EmbeddingError::Refused(response.status().as_u16()));
        }
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(part) = stream.next().await {
            bytes.extend_from_slice(&part?);
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(EmbeddingError::Nonsense("it is too long"));
            }
        }
        let answered: Answered = serde_json::from_slice(&bytes)
            .map_err(|_| EmbeddingError::Nonsense("it is not the JSON that it should be"))?;
        in_order(answered, texts.len())
    }
}

fn in_order(answered: Answered, texts: usize) -> Result<Vec<Vec<f32>>, EmbeddingError> {
    let mut data = answered.data;
    data.sort_by_key(|embedded| embedded.index);
    let complete =
        data.len() == texts && data.iter().zip(0..).all(|(embedded, index)| embedded.index == index);
    if !complete {
        return Err(EmbeddingError::Nonsense("there is not one vector for each text"));
    }
    data.into_iter().map(|embedded| of_length_1(embedded.embedding)).collect()
}

fn of_length_1(mut vector: Vec<f32>) -> Result<Vec<f32>, EmbeddingError> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if !(1..=DIMENSIONS_MAX).contains(&vector.len()) || !length.is_finite() || length <= f32::EPSILON {
        return Err(EmbeddingError::Nonsense("a vector has no direction"));
    }
    for number in &mut vector {
        *number /= length;
    }
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(vectors: &[(usize, &[f32])]) -> Answered {
        let embedded =
            |(index, vector): &(usize, &[f32])| Embedded { index: *index, embedding: vector.to_vec() };
        Answered { data: vectors.iter().map(embedded).collect() }
    }

    #[test]
    fn vectors_are_put_in_order_and_to_length_1() {
        let vectors = in_order(answered(&[(1, &[0.0, 2.0]), (0, &[3.0, 4.0])]), 2).unwrap();
        assert_eq!(vectors, [[0.6, 0.8], [0.0, 1.0]]);
    }

    #[test]
    fn what_is_no_vector_for_each_text_is_refused() {
        for vectors in [
            &[(0, &[1.0][..])][..],
            &[(0, &[1.0]), (0, &[1.0])],
            &[(0, &[1.0]), (2, &[1.0])],
            &[(0, &[1.0]), (1, &[])],
            &[(0, &[1.0]), (1, &[0.0])],
            &[(0, &[1.0]), (1, &[f32::NAN])],
        ] {
            assert!(in_order(answered(vectors), 2).is_err());
        }
    }
}
