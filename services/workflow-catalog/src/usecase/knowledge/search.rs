//! Searching: the passages that speak of what a question asks.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::AccountId;
use knowledge::limits::FOUND_MAX;
use knowledge::rank::{self, Counted, Fit, Term};
use knowledge::{Language, question};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::base_failure;
use super::meaning::{Meaning, Near};
use crate::store::Store;
use crate::store::knowledge::{Candidate, Passage, Shape, WantedTerm};
use crate::usecase::account_of;

/// Passages that are looked at closely.
const CANDIDATES_MAX: i64 = 200;

/// Searches. Passages that are replaced while their texts are fetched are searched for once more.
pub(crate) async fn search(
    store: &Store,
    meaning: &Meaning,
    request: v1::SearchKnowledgeRequest,
) -> Result<v1::SearchKnowledgeResponse, Failure> {
    let account = account_of(&request.account_id)?;
    let (found, is_whole) = look(store, meaning, account, &request).await?;
    if is_whole { Ok(found) } else { Ok(look(store, meaning, account, &request).await?.0) }
}

/// What is found, and whether none of it was removed meanwhile.
async fn look(
    store: &Store,
    meaning: &Meaning,
    account: AccountId,
    request: &v1::SearchKnowledgeRequest,
) -> Result<(v1::SearchKnowledgeResponse, bool), Failure> {
    let limit = request.limit.clamp(1, FOUND_MAX) as usize;
    let languages = languages(&request.language)?;
    let words = question::words(&request.query).join(" ");
    let turn = in_turn().await?;
    let base = store.searched(account, &request.base, &languages, &words).await;
    drop(turn);
    let base = base.map_err(|error| base_failure(&error))?;
    let (shapes, wanted) = (&base.shapes, &base.terms);
    let terms = weighed(wanted, shapes);
    let weights: Vec<f64> = terms.iter().map(|term| term.weight).collect();
    let near = if shapes.is_empty() { Vec::new() } else { meaning.nearest(&base, &request.query).await };
    let others: Vec<i64> = near.iter().map(|(id, _)| *id).collect();
    let turn = in_turn().await?;
    let candidates = store.candidates(base.id, wanted, &weights, &others, CANDIDATES_MAX).await;
    let mut candidates = candidates.map_err(|error| base_failure(&error))?;
    candidates.retain(|candidate| shapes.iter().any(|shape| shape.language == candidate.language));
    let fits = fits(&candidates, wanted, &terms, shapes);
    let order = order(&candidates, fits, &near, limit);
    let ids: Vec<i64> = order.iter().map(|placed| placed.candidate.id).collect();
    let passages = store.passages(base.id, &ids).await.map_err(|error| base_failure(&error))?;
    drop(turn);
    let is_whole = passages.len() == ids.len();
    let passages: HashMap<i64, Passage> = passages.into_iter().map(|passage| (passage.id, passage)).collect();
    // Of several languages the terms are those of the best passage.
    let language = order.first().map(|best| best.candidate.language.clone());
    let told = terms
        .into_iter()
        .zip(wanted)
        .filter(|(_, wanted)| language.as_ref().is_none_or(|language| wanted.language == *language));
    let with_text = |placed: Placed<'_>| Some(found(passages.get(&placed.candidate.id)?, placed));
    let response = v1::SearchKnowledgeResponse {
        base_id: flow_model::KnowledgeBaseId::new(base.id).to_vec().into(),
        terms: told.map(|(term, _)| v1::SearchTerm { lexeme: term.lexeme, weight: term.weight }).collect(),
        passages: order.into_iter().filter_map(with_text).collect(),
    };
    Ok((response, is_whole))
}

/// Searches look into the database in turn, as many at once as half the cores there are: they are its work from beginning to
/// end, so that more at once take as long in all, and whatever else it does waits meanwhile.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    Semaphore::new(cores.div_ceil(2))
});

/// Whoever waits longer for a turn is refused: its caller gives up soon, and it keeps a place from other requests.
const TURN_WITHIN: Duration = Duration::from_secs(5);

/// A turn to search; this semaphore is never closed.
async fn in_turn() -> Result<SemaphorePermit<'static>, Failure> {
    match timeout(TURN_WITHIN, TURNS.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        Ok(Err(_)) | Err(_) => {
            Err(Failure::because(ErrorCode::ServiceUnavailable, "Too many searches are under way"))
        }
    }
}

/// The languages that are searched: the one that is asked for, or all.
fn languages(asked_for: &str) -> Result<Vec<Language>, Failure> {
    if asked_for.is_empty() {
        return Ok(Language::ALL.to_vec());
    }
    Language::parse(asked_for).map(|language| vec![language]).ok_or_else(|| {
        let known = Language::ALL.map(Language::code).join(", ");
        Failure::because(ErrorCode::InvalidRequest, format!("must be one of {known}")).at("language")
    })
}

/// A passage with all that decides its place.
#[derive(Debug, Clone, Copy)]
struct Placed<'a> {
    candidate: &'a Candidate,
    fit: Fit,
    similarity: Option<f32>,
}

/// The best: by their words, or, where meanings are compared, by both orders.
fn order<'a>(candidates: &'a [Candidate], fits: Vec<Fit>, near: &[Near], limit: usize) -> Vec<Placed<'a>> {
    let placed: Vec<Placed<'a>> = candidates
        .iter()
        .zip(fits)
        .map(|(candidate, fit)| {
            let similarity =
                near.iter().find(|(id, _)| *id == candidate.id).map(|(_, similarity)| *similarity);
            Placed { candidate, fit, similarity }
        })
        .collect();
    let mut by_words: Vec<usize> =
        (0..placed.len()).filter(|no| placed.get(*no).is_some_and(|placed| placed.fit.score > 0.0)).collect();
    let score = |no: &usize| placed.get(*no).map_or(0.0, |placed| placed.fit.score);
    by_words.sort_by(|one, other| score(other).total_cmp(&score(one)).then(one.cmp(other)));
    if near.is_empty() {
        return by_words.iter().filter_map(|no| placed.get(*no).copied()).take(limit).collect();
    }
    let number = |(id, _): &Near| placed.iter().position(|placed| placed.candidate.id == *id);
    let by_meaning: Vec<usize> = near.iter().filter_map(number).collect();
    let with_score = |(no, score): (usize, f64)| {
        placed.get(no).map(|placed| Placed { fit: Fit { score, ..placed.fit }, ..*placed })
    };
    rank::fuse(&[by_words, by_meaning]).into_iter().filter_map(with_score).take(limit).collect()
}

/// The terms with what they say, by how many passages of their language have them.
fn weighed(wanted: &[WantedTerm], shapes: &[Shape]) -> Vec<Term> {
    let size = |language: &str| {
        let shape = shapes.iter().find(|shape| shape.language == language);
        shape.map_or(0, |shape| u64::try_from(shape.passages).unwrap_or(0))
    };
    wanted
        .iter()
        .map(|term| Term {
            lexeme: term.lexeme.clone(),
            weight: rank::weight(u64::try_from(term.having).unwrap_or(0), size(&term.language)),
        })
        .collect()
}

/// How each candidate fits the terms of its language.
fn fits(candidates: &[Candidate], wanted: &[WantedTerm], terms: &[Term], shapes: &[Shape]) -> Vec<Fit> {
    candidates
        .iter()
        .map(|candidate| {
            let of_language =
                |no: &usize| wanted.get(*no).is_some_and(|wanted| wanted.language == candidate.language);
            let numbers: Vec<usize> = (0..terms.len()).filter(of_language).collect();
            let terms: Vec<Term> = numbers.iter().filter_map(|no| terms.get(*no).cloned()).collect();
            let counts = numbers.iter().filter_map(|no| candidate.counts.get(*no));
            let counted = Counted {
                counts: counts.map(|count| u32::try_from(*count).unwrap_or(0)).collect(),
                words: u32::try_from(candidate.words).unwrap_or(0),
            };
            rank::fit(&terms, &counted, words_mean(shapes, &candidate.language))
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a base has some million words")]
fn words_mean(shapes: &[Shape], language: &str) -> f64 {
    let shape = shapes.iter().find(|shape| shape.language == language);
    shape.map_or(1.0, |shape| shape.words as f64 / shape.passages.max(1) as f64)
}

fn found(passage: &Passage, Placed { candidate, fit, similarity }: Placed<'_>) -> v1::FoundPassage {
    v1::FoundPassage {
        document: passage.document.clone(),
        title: passage.title.clone(),
        headings: passage.headings.clone(),
        position: u32::try_from(passage.position).unwrap_or(0),
        text: passage.body.clone(),
        language: candidate.language.clone(),
        score: fit.score,
        coverage: fit.coverage,
        similarity: similarity.map(f64::from),
    }
}
