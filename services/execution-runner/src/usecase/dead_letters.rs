//! Inputs that could not be handled: lists of them, one of them, and trying one again.

use std::sync::Arc;

use bus::Bus;
use bus::frames::{AppendError, Writer};
use contracts::ErrorCode;
use contracts::v1::{self, DeadLetterKind, DeadLetterStatus, Failure};
use flow_model::{AccountId, DeadLetterId};
use prost::Message;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::{failure, malformed};
use crate::store::dead_letters::{DeadLetters, Found, Place};

/// Letters of a page at most.
const LIMIT_MAX: u32 = 100;

/// Answers about dead letters.
#[derive(Clone)]
pub(crate) struct LetterDesk {
    letters: DeadLetters,
    /// One for each group.
    writers: Arc<[Writer]>,
}

impl LetterDesk {
    /// Tries again over this connection, in so many groups.
    pub fn new(letters: DeadLetters, bus: &Bus, groups: u32) -> Self {
        Self { letters, writers: (0..groups).map(|group| Writer::start(bus, group)).collect() }
    }

    /// A page, without payloads.
    pub async fn list(
        &self,
        request: v1::ListDeadLettersRequest,
    ) -> Result<v1::ListDeadLettersResponse, Failure> {
        let account = AccountId::from_slice(&request.account_id).map_err(|_| malformed("account_id"))?;
        let limit = request.limit.clamp(1, LIMIT_MAX);
        let name = name_of(&request);
        let place = place_of(&name, &request, limit)?;
        // One more than is shown: whether there is one says whether there is a next page.
        let listed = self.letters.list(account, request.status(), place, limit + 1).await;
        let listed = listed.map_err(|error| failure(&error))?;
        let mut dead_letters = listed.letters;
        let more = dead_letters.len() > limit as usize;
        dead_letters.truncate(limit as usize);
        let last = dead_letters.last().filter(|_| more);
        let next_cursor = last.and_then(|last| cursor_of(&name, last)).unwrap_or_default();
        Ok(v1::ListDeadLettersResponse { dead_letters, total: listed.total, next_cursor })
    }

    /// One, with its payload.
    pub async fn get(&self, request: v1::GetDeadLetterRequest) -> Result<v1::DeadLetter, Failure> {
        Ok(self.find(&request.account_id, &request.id).await?.letter)
    }

    /// Puts an input into the stream again, as it was accepted: with its execution's id and its message's id, so that it takes
    /// effect once, however often this is done. Whoever waited for it has gone.
    ///
    /// The letter is noted as retried when the stream has the input: a crash in between leaves it open, to be tried again.
    pub async fn retry(&self, request: v1::RetryDeadLetterRequest) -> Result<v1::DeadLetter, Failure> {
        let Found { letter, group } = self.find(&request.account_id, &request.id).await?;
        let input = input_of(&letter)?;
        let id = DeadLetterId::from_slice(&letter.id).map_err(|_| malformed("id"))?;
        let writer = self.writers.get(group as usize);
        let writer = writer.ok_or_else(|| Failure::of(ErrorCode::InternalError))?;
        writer.append(input).await.map_err(|error| refusal(&error))?;
        self.letters.note_retried(id).await.map_err(|error| failure(&error))?;
        tracing::info!(%id, "a dead letter is tried again");
        let mut retried = self.find(&request.account_id, &request.id).await?.letter;
        retried.payload.clear();
        Ok(retried)
    }

    async fn find(&self, account: &[u8], id: &[u8]) -> Result<Found, Failure> {
        let account = AccountId::from_slice(account).map_err(|_| malformed("account_id"))?;
        let id = DeadLetterId::from_slice(id).map_err(|_| malformed("id"))?;
        let found = self.letters.find(account, id).await.map_err(|error| failure(&error))?;
        found.ok_or_else(|| Failure::of(ErrorCode::DeadLetterNotFound))
    }
}

/// The input of a letter that can be tried again.
fn input_of(letter: &v1::DeadLetter) -> Result<v1::Input, Failure> {
    let conflict = |details: &str| Failure::because(ErrorCode::Conflict, details);
    if letter.status() == DeadLetterStatus::Retried {
        return Err(conflict("The dead letter has been retried already"));
    }
    match letter.kind() {
        DeadLetterKind::Message | DeadLetterKind::Start | DeadLetterKind::Command => {}
        DeadLetterKind::Timer | DeadLetterKind::Result => {
            return Err(conflict("What waited for it is over; its payload can be read with a GET"));
        }
        DeadLetterKind::Frame | DeadLetterKind::Input | DeadLetterKind::Unspecified => {
            return Err(conflict(
                "It cannot be read, so it would only end here again; its payload can be read with a GET",
            ));
        }
    }
    let input = v1::Input::decode(letter.payload.clone())
        .map_err(|_| conflict("Its payload is not an input; it can be read with a GET"))?;
    Ok(v1::Input { answer_to: String::new(), traceparent: String::new(), ..input })
}

fn refusal(error: &AppendError) -> Failure {
    tracing::warn!(%error, "a dead letter was not put into the stream again");
    let details = match error {
        AppendError::Full | AppendError::OverShare => "Too many inputs wait to be stored; nothing was stored",
        AppendError::TooLarge | AppendError::Refused(_) => "The stream did not take it; nothing was stored",
        AppendError::Unavailable(_) => "The message broker is away; nothing was stored",
        AppendError::Unknown(_) => "The message broker did not confirm; trying it again is safe",
    };
    Failure::because(ErrorCode::ServiceUnavailable, details)
}

fn place_of(list: &str, request: &v1::ListDeadLettersRequest, limit: u32) -> Result<Place, Failure> {
    if request.cursor.is_empty() {
        return Ok(Place::Offset(u64::from(request.page.max(1) - 1) * u64::from(limit)));
    }
    read_cursor(list, &request.cursor).ok_or_else(|| {
        Failure::because(ErrorCode::InvalidRequest, "The cursor is not one that this list gave").at("cursor")
    })
}

/// Names the list that a request asks for, whatever the place in it.
fn name_of(request: &v1::ListDeadLettersRequest) -> String {
    let filters = v1::ListDeadLettersRequest { page: 0, limit: 0, cursor: String::new(), ..request.clone() };
    format!("d{:08x}", xxh3_64(&filters.encode_to_vec()) >> 32)
}

/// A cursor is the list's name and the id of the last row.
fn cursor_of(list: &str, letter: &v1::DeadLetter) -> Option<String> {
    Some(format!("{list}-{}", Uuid::from_slice(&letter.id).ok()?.as_simple()))
}

/// The place behind the name of the list.
pub(super) fn read_cursor(list: &str, text: &str) -> Option<Place> {
    let id = text.strip_prefix(list)?.strip_prefix('-')?;
    Some(Place::After(Uuid::try_parse(id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(kind: DeadLetterKind, status: DeadLetterStatus, payload: &[u8]) -> v1::DeadLetter {
        v1::DeadLetter {
            kind: kind.into(),
            status: status.into(),
            payload: payload.to_vec().into(),
            ..v1::DeadLetter::default()
        }
    }

    #[test]
    fn an_input_is_tried_again_as_it_was_accepted_but_for_who_waited() {
        let accepted = v1::Input {
            partition: 3,
            execution_id: vec![7; 16].into(),
            customer_id: "ann".to_owned(),
            accepted_at_ms: 77,
            ..v1::Input::default()
        };
        let stored = v1::Input {
            answer_to: "somebody".to_owned(),
            traceparent: "00-1".to_owned(),
            ..accepted.clone()
        };
        for kind in [DeadLetterKind::Message, DeadLetterKind::Start] {
            let again = input_of(&letter(kind, DeadLetterStatus::Open, &stored.encode_to_vec()));
            assert_eq!(again, Ok(accepted.clone()));
        }
    }

    #[test]
    fn what_cannot_be_read_and_what_was_retried_are_left_alone() {
        let good = v1::Input::default().encode_to_vec();
        for (letter, reason) in [
            (letter(DeadLetterKind::Frame, DeadLetterStatus::Open, &good), "cannot be read"),
            (letter(DeadLetterKind::Input, DeadLetterStatus::Open, &good), "cannot be read"),
            (letter(DeadLetterKind::Unspecified, DeadLetterStatus::Open, &good), "cannot be read"),
            (letter(DeadLetterKind::Message, DeadLetterStatus::Open, b"\xff"), "is not an input"),
            (letter(DeadLetterKind::Message, DeadLetterStatus::Retried, &good), "retried already"),
        ] {
            let refused = input_of(&letter).unwrap_err();
            assert_eq!(refused.error_code(), ErrorCode::Conflict);
            assert!(refused.details.contains(reason), "{}", refused.details);
        }
    }

    #[test]
    fn a_cursor_is_good_in_the_list_that_gave_it_only() {
        let id = Uuid::from_u128(77);
        let last = v1::DeadLetter { id: id.as_bytes().to_vec().into(), ..v1::DeadLetter::default() };
        let all = v1::ListDeadLettersRequest::default();
        let later = v1::ListDeadLettersRequest { page: 2, limit: 9, cursor: "x".to_owned(), ..all.clone() };
        let open = v1::ListDeadLettersRequest { status: DeadLetterStatus::Open.into(), ..all.clone() };
        assert_eq!(name_of(&later), name_of(&all));
        assert_ne!(name_of(&open), name_of(&all));
        let cursor = cursor_of("d1", &last).unwrap_or_default();
        assert_eq!(read_cursor("d1", &cursor), Some(Place::After(id)));
        for text in ["", "d1", "d1-", "d1-7", "d2-00000000000000000000000000000000"] {
            assert_eq!(read_cursor("d1", text), None, "{text}");
        }
    }
}
