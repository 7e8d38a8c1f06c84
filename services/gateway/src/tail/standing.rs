//! Whether a tail may go on: what it was opened with must still let its caller in, as it must with any request.
//!
//! It is looked at now and then by the tail itself, before it tells anything further, and counts as long as for requests
//! ([`crate::auth`]). An access token ends at its own time without being asked about. While it cannot be known, nothing is told.

use std::time::Duration;

use platform::clock;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::frame::{self, End};
use super::place::Place;
use crate::auth::{AuthError, Authenticator, Verified};

/// So often it is looked at: with the time for which an answer counts, what a revoked key was used for ends within five seconds.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What a tail is opened with.
pub(crate) struct Credential {
    auth: Authenticator,
    text: SecretString,
    /// When it is over by itself.
    ends_at: Option<Instant>,
}

impl Credential {
    /// This key or access token, which was checked just now.
    pub fn new(auth: &Authenticator, text: &str, holder: &Verified) -> Self {
        let left_ms = |end_ms: i64| u64::try_from(end_ms - clock::now_ms()).unwrap_or(0);
        let ends_at = holder.ends_at_ms.map(|end_ms| Instant::now() + Duration::from_millis(left_ms(end_ms)));
        Self { auth: auth.clone(), text: text.to_owned().into(), ends_at }
    }
}

/// How it stands with a tail.
pub(super) struct Standing {
    credential: Credential,
    looked_at: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It tells what it reads.
    Good,
    /// It waits until keys can be checked.
    Unknown,
    /// It tells nothing any more.
    Ended,
}

impl Standing {
    /// A tail that begins.
    pub fn new(credential: Credential) -> Self {
        Self { credential, looked_at: Instant::now(), state: State::Good }
    }

    /// When it is to be looked at again.
    pub fn due(&self) -> Instant {
        let due = self.looked_at + LOOK_EVERY;
        self.credential.ends_at.map_or(due, |end| due.min(end))
    }

    /// Whether events may be told.
    pub fn is_good(&self) -> bool {
        self.state == State::Good
    }

    /// Whether there is nothing more to say.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Looks; gives what the caller is to be told of it, at this place.
    pub async fn look(&mut self, place: &Place) -> String {
        let is_over = self.credential.ends_at.is_some_and(|end| Instant::now() >= end);
        let found = if is_over {
            Found::Over
        } else {
            match self.credential.auth.holder(self.credential.text.expose_secret()).await {
                Ok(_) => Found::Good,
                Err(AuthError::Invalid) => Found::Bad,
                Err(AuthError::Unavailable(error)) => {
                    tracing::debug!(%error, "a tail's key cannot be checked");
                    Found::Unknown
                }
            }
        };
        self.looked_at = Instant::now();
        let (state, said) = after(self.state, found, place);
        self.state = state;
        said
    }
}

/// What was found of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Good,
    /// Its own time is over.
    Over,
    /// It lets nobody in.
    Bad,
    Unknown,
}

fn after(state: State, found: Found, place: &Place) -> (State, String) {
    match (state, found) {
        (State::Ended, _) => (State::Ended, String::new()),
        (State::Good, Found::Good) => (State::Good, String::new()),
        (State::Unknown, Found::Good) => (State::Good, frame::comment("events go on")),
        (State::Good, Found::Unknown) => {
            (State::Unknown, frame::comment("events pause: keys cannot be checked now"))
        }
        (State::Unknown, Found::Unknown) => (State::Unknown, String::new()),
        (State::Good | State::Unknown, Found::Over) => (State::Ended, frame::end(End::TokenExpired, place)),
        (State::Good | State::Unknown, Found::Bad) => (State::Ended, frame::end(End::Unauthorized, place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_pauses_while_its_key_cannot_be_checked_and_ends_when_it_is_bad() {
        let place = Place { incarnation: 1, seq: 2, taken: 0, stamp: 0 };
        let played = |founds: &[Found]| {
            let mut state = State::Good;
            let mut said = Vec::new();
            for found in founds {
                let text;
                (state, text) = after(state, *found, &place);
                said.push(text.lines().next().unwrap_or_default().to_owned());
            }
            (state, said)
        };
        let (pauses, goes_on) = (": events pause: keys cannot be checked now", ": events go on");
        assert_eq!(played(&[Found::Good, Found::Good]), (State::Good, vec![String::new(); 2]));
        let (state, said) = played(&[Found::Unknown, Found::Unknown, Found::Good, Found::Good]);
        assert_eq!((state, said), (State::Good, [pauses, "", goes_on, ""].map(str::to_owned).to_vec()));
        for (found, word) in [(Found::Over, "expired"), (Found::Bad, "valid")] {
            for before in [&[][..], &[Found::Unknown]] {
                let (state, said) = played(&[before, &[found, Found::Good, Found::Unknown]].concat());
                assert_eq!(state, State::Ended);
                let end = said.get(before.len()).unwrap();
                assert!(end.contains(word), "{said:?}");
                assert!(said.iter().skip(before.len() + 1).all(String::is_empty), "{said:?}");
            }
        }
    }
}
