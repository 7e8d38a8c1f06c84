//! Passages by their meaning: exact search over a base's vectors, which are kept in memory as long as they are current.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use uuid::Uuid;

use crate::embedding::Embedder;
use crate::store::Store;
use crate::store::knowledge::Searched;

/// A question's vector that takes longer is done without.
const QUESTION_DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of vectors that one process keeps: two bases as large as may be with 768 numbers each.
const CACHE_BYTES_MAX: u64 = 320 * 1024 * 1024;
/// Passages that are near enough to be looked at.
const NEAREST_MAX: usize = 100;

/// A passage and how near it is, in -1..=1.
pub(crate) type Near = (i64, f32);

/// The vectors of one base, one after the other.
#[derive(Debug)]
struct Vectors {
    revision: i64,
    ids: Vec<i64>,
    numbers: Vec<f32>,
    dimensions: usize,
}

/// Searches by meaning, where an endpoint is set.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    store: Store,
    embedder: Option<Embedder>,
    cache: Cache<Uuid, Arc<Vectors>>,
}

impl Meaning {
    /// With this endpoint, or without one.
    pub fn new(store: Store, embedder: Option<Embedder>) -> Self {
        let weight = |_: &Uuid, vectors: &Arc<Vectors>| {
            u32::try_from(vectors.numbers.len() * size_of::<f32>() + vectors.ids.len() * size_of::<i64>())
                .unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().weigher(weight).max_capacity(CACHE_BYTES_MAX).build();
        Self { store, embedder, cache }
    }

    /// The passages of a base that are nearest to a question, nearest first; none when meanings cannot be compared now.
    pub async fn nearest(&self, base: &Searched, question: &str) -> Vec<Near> {
        let Some(embedder) = &self.embedder else { return Vec::new() };
        if question.trim().is_empty() {
            return Vec::new();
        }
        let question = match embedder.embed(&[question.to_owned()], QUESTION_DEADLINE).await {
            Ok(vectors) => vectors.into_iter().next().unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "a question is searched for by its words alone");
                return Vec::new();
            }
        };
        let Some(vectors) = self.vectors(base, embedder).await else { return Vec::new() };
        // Some ten million multiplications.
        let nearest = tokio::task::spawn_blocking(move || vectors.nearest(&question)).await;
        nearest.unwrap_or_default()
    }

    async fn vectors(&self, base: &Searched, embedder: &Embedder) -> Option<Arc<Vectors>> {
        if let Some(known) = self.cache.get(&base.id).await.filter(|known| known.revision == base.revision) {
            return Some(known);
        }
        match self.store.vectors(base.id, embedder.model()).await {
            Ok(stored) => {
                let dimensions = stored.first().map_or(0, |vector| vector.embedding.len());
                let mut vectors =
                    Vectors { revision: base.revision, ids: Vec::new(), numbers: Vec::new(), dimensions };
                for vector in stored.into_iter().filter(|vector| vector.embedding.len() == dimensions) {
                    vectors.ids.push(vector.id);
                    vectors.numbers.extend(vector.embedding);
                }
                let vectors = Arc::new(vectors);
                self.cache.insert(base.id, Arc::clone(&vectors)).await;
                Some(vectors)
            }
            Err(error) => {
                tracing::warn!(%error, "vectors cannot be read");
                None
            }
        }
    }
}

impl Vectors {
    fn nearest(&self, question: &[f32]) -> Vec<Near> {
        if question.is_empty() || question.len() != self.dimensions {
            return Vec::new();
        }
        let product =
            |vector: &[f32]| vector.iter().zip(question).map(|(one, other)| one * other).sum::<f32>();
        let mut near: Vec<Near> =
            self.ids.iter().copied().zip(self.numbers.chunks(self.dimensions).map(product)).collect();
        near.sort_unstable_by(|(one, a), (other, b)| b.total_cmp(a).then(one.cmp(other)));
        near.truncate(NEAREST_MAX);
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        let vectors = Vectors {
            revision: 1,
            ids: vec![7, 8, 9],
            numbers: vec![1.0, 0.0, 0.0, 1.0, 0.6, 0.8],
            dimensions: 2,
        };
        let order: Vec<i64> = vectors.nearest(&[0.0, 1.0]).into_iter().map(|(id, _)| id).collect();
        assert_eq!(order, [8, 9, 7]);
        assert!(vectors.nearest(&[1.0]).is_empty() && vectors.nearest(&[]).is_empty());
    }
}
