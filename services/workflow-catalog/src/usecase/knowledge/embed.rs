//! Making the vectors of passages that have none: after a document was put, or when another model was set.
//!
//! A passage without a vector is found by its words meanwhile, so nobody waits for the endpoint. Two catalogs may make the
//! same vectors; that costs a request and nothing else.

use std::time::Duration;

use platform::lifecycle::Shutdown;

use crate::embedding::{BATCH_TEXTS, Embedder, EmbeddingError};
use crate::store::Store;
use crate::store::knowledge::ToEmbed;

/// Pause between two looks when there is nothing to do, or the endpoint is away.
const EVERY: Duration = Duration::from_secs(2);
/// A batch that takes longer is made again later.
const BATCH_DEADLINE: Duration = Duration::from_secs(30);

/// Looks and makes until the stop is asked for.
pub(crate) async fn run(store: Store, embedder: Embedder, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        let made = tokio::select! {
            made = round(&store, &embedder) => made,
            () = shutdown.requested() => return,
        };
        let pause = match made {
            Ok(0) => EVERY,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(%error, "vectors are made later");
                EVERY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.requested() => {}
        }
    }
}

async fn round(store: &Store, embedder: &Embedder) -> anyhow::Result<usize> {
    let rows_max = i64::try_from(BATCH_TEXTS).unwrap_or(i64::MAX);
    let wanted = store.to_embed(embedder.model(), rows_max).await?;
    if wanted.is_empty() {
        return Ok(0);
    }
    let made = make(embedder, &wanted).await?;
    store.keep_vectors(embedder.model().to_owned(), made).await?;
    Ok(wanted.len())
}

/// The vectors of a batch. When the endpoint does not take it, one by one: what it does not take alone has none.
async fn make(
    embedder: &Embedder,
    wanted: &[ToEmbed],
) -> Result<Vec<(i64, Option<Vec<f32>>)>, EmbeddingError> {
    let texts: Vec<String> = wanted.iter().map(|wanted| wanted.text.clone()).collect();
    match embedder.embed(&texts, BATCH_DEADLINE).await {
        Ok(vectors) => Ok(wanted.iter().map(|wanted| wanted.id).zip(vectors.into_iter().map(Some)).collect()),
        Err(EmbeddingError::Refused(400 | 413 | 422)) => {
            let mut made = Vec::new();
            for wanted in wanted {
                let vector = match embedder.embed(std::slice::from_ref(&wanted.text), BATCH_DEADLINE).await {
                    Ok(vectors) => vectors.into_iter().next(),
                    Err(EmbeddingError::Refused(400 | 413 | 422)) => None,
                    Err(error) => return Err(error),
                };
                made.push((wanted.id, vector));
            }
            Ok(made)
        }
        Err(error) => Err(error),
    }
}
