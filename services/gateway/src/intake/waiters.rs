//! Callers that wait to hear what became of their inputs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::v1;
use flow_model::ExecutionId;
use tokio::sync::oneshot;

/// Callers that wait at once in one process.
const WAITERS_MAX: usize = 16_384;

type Waiting = HashMap<ExecutionId, oneshot::Sender<v1::Answer>>;

/// All callers that wait. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Waiters {
    waiting: Arc<Mutex<Waiting>>,
}

impl Waiters {
    /// Waits for this input's answer from now on; none when too many wait already.
    pub fn register(&self, input: ExecutionId) -> Option<Waiter> {
        let mut waiting = self.lock();
        if waiting.len() >= WAITERS_MAX {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        waiting.insert(input, sender);
        Some(Waiter { waiters: self.clone(), input, answer })
    }

    /// Hands an answer to who waits for it, if anybody still does.
    pub fn resolve(&self, answer: v1::Answer) {
        let Ok(input) = ExecutionId::from_slice(&answer.input_execution_id) else { return };
        if let Some(waiter) = self.lock().remove(&input) {
            // A caller that has just given up does not hear it.
            waiter.send(answer).ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One caller. Dropping it gives its place up.
pub(crate) struct Waiter {
    waiters: Waiters,
    input: ExecutionId,
    answer: oneshot::Receiver<v1::Answer>,
}

impl Waiter {
    /// The answer, if it comes in time.
    pub async fn wait(mut self, longest: Duration) -> Option<v1::Answer> {
        tokio::time::timeout(longest, &mut self.answer).await.ok()?.ok()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiters.lock().remove(&self.input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(input: ExecutionId) -> v1::Answer {
        v1::Answer { input_execution_id: input.to_vec().into(), ..v1::Answer::default() }
    }

    #[tokio::test]
    async fn an_answer_reaches_the_caller_that_waits_for_it() {
        let waiters = Waiters::default();
        let input = ExecutionId::new(platform::clock::new_uuid_v7());
        let waiter = waiters.register(input);
        waiters.resolve(answer_to(ExecutionId::new(platform::clock::new_uuid_v7())));
        waiters.resolve(answer_to(input));
        let heard = match waiter {
            Some(waiter) => waiter.wait(Duration::from_secs(5)).await,
            None => None,
        };
        assert_eq!(heard, Some(answer_to(input)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_gives_up_leaves_nothing_behind() {
        let waiters = Waiters::default();
        let input = ExecutionId::new(platform::clock::new_uuid_v7());
        let waiter = waiters.register(input);
        assert_eq!(waiters.lock().len(), 1);
        if let Some(waiter) = waiter {
            assert_eq!(waiter.wait(Duration::from_secs(1)).await, None);
        }
        assert!(waiters.lock().is_empty());
    }

    #[test]
    fn the_number_of_callers_is_bounded() {
        let waiters = Waiters::default();
        let callers: Vec<_> = (0..WAITERS_MAX)
            .map(|_| waiters.register(ExecutionId::new(platform::clock::new_uuid_v7())))
            .collect();
        assert!(callers.iter().all(Option::is_some));
        assert!(waiters.register(ExecutionId::new(platform::clock::new_uuid_v7())).is_none());
    }
}
