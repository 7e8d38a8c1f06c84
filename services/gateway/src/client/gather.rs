//! Asks for many things in one request, so that what costs a round trip is paid once for all who come at the same time.
//!
//! Who asks while few requests of the account are under way has one at once; who asks later goes into the next one, together with
//! all who wait. So nobody is answered with what was read before they asked, and nothing is kept. Accounts do not wait for each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::rpc::CallError;
use flow_model::{AccountId, WorkflowId};
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tracing::Instrument;

/// Requests of an account that are under way at once.
const UNDER_WAY_MAX: usize = 2;
/// Things asked for in one request.
const ASKED_MAX: usize = 128;

/// What is there of what was asked for.
pub(super) type Answer<V> = Result<HashMap<WorkflowId, V>, CallError>;
/// Asks for something about workflows of an account.
type Ask<V> = dyn Fn(AccountId, Vec<WorkflowId>) -> BoxFuture<'static, Answer<V>> + Send + Sync;

/// Gathers what is asked for. Clones are the same.
pub(super) struct Gather<V> {
    ask: Arc<Ask<V>>,
    accounts: Arc<Mutex<HashMap<AccountId, Queue<V>>>>,
}

impl<V> Clone for Gather<V> {
    fn clone(&self) -> Self {
        Self { ask: Arc::clone(&self.ask), accounts: Arc::clone(&self.accounts) }
    }
}

impl<V> std::fmt::Debug for Gather<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather").field("accounts", &self.accounts().len()).finish_non_exhaustive()
    }
}

struct Waiting<V> {
    id: WorkflowId,
    tell: oneshot::Sender<Result<Option<V>, CallError>>,
}

struct Queue<V> {
    under_way: usize,
    waiting: Vec<Waiting<V>>,
}

impl<V> Gather<V> {
    fn accounts(&self) -> MutexGuard<'_, HashMap<AccountId, Queue<V>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone + Send + 'static> Gather<V> {
    /// Asks by this.
    pub fn by(
        ask: impl Fn(AccountId, Vec<WorkflowId>) -> BoxFuture<'static, Answer<V>> + Send + Sync + 'static,
    ) -> Self {
        Self { ask: Arc::new(ask), accounts: Arc::default() }
    }

    /// What there is of this workflow, read after this was called; none when there is nothing.
    pub async fn get(&self, account: AccountId, id: WorkflowId) -> Result<Option<V>, CallError> {
        let (tell, told) = oneshot::channel();
        if let Some(flight) = self.queue(account, Waiting { id, tell }) {
            // A task of its own: others' answers do not depend on whether this caller stays.
            tokio::spawn(flight.run().in_current_span());
        }
        told.await.unwrap_or_else(|_| Err(CallError::Unavailable("nobody asks any more".to_owned())))
    }

    fn queue(&self, account: AccountId, waiting: Waiting<V>) -> Option<Flight<V>> {
        let mut accounts = self.accounts();
        let queue = accounts.entry(account).or_insert_with(|| Queue { under_way: 0, waiting: Vec::new() });
        queue.waiting.push(waiting);
        let starts = queue.under_way < UNDER_WAY_MAX;
        queue.under_way += usize::from(starts);
        starts.then(|| Flight { gather: self.clone(), account, landed: false })
    }
}

/// One of the requests that are under way, and then the next ones, until nobody waits.
struct Flight<V> {
    gather: Gather<V>,
    account: AccountId,
    landed: bool,
}

impl<V: Clone + Send + 'static> Flight<V> {
    async fn run(mut self) {
        while let Some(asked) = self.next() {
            let mut ids: Vec<WorkflowId> = asked.iter().map(|waiting| waiting.id).collect();
            ids.sort_unstable();
            ids.dedup();
            let answer = (self.gather.ask)(self.account, ids).await;
            for Waiting { id, tell } in asked {
                let one = answer.as_ref().map(|found| found.get(&id).cloned()).map_err(Clone::clone);
                // Who has gone away needs no answer.
                tell.send(one).ok();
            }
        }
    }

    /// Those who wait. Looking and landing are one step: who comes in between would wait for nobody.
    fn next(&mut self) -> Option<Vec<Waiting<V>>> {
        let mut accounts = self.gather.accounts();
        let queue = accounts.get_mut(&self.account)?;
        if queue.waiting.is_empty() {
            land(&mut accounts, self.account);
            self.landed = true;
            return None;
        }
        Some(queue.waiting.drain(..queue.waiting.len().min(ASKED_MAX)).collect())
    }
}

impl<V> Drop for Flight<V> {
    /// Only one that a panic ended has not landed: who waits for it is told that nobody asks any more.
    fn drop(&mut self) {
        if !self.landed {
            land(&mut self.gather.accounts(), self.account);
        }
    }
}

fn land<V>(accounts: &mut HashMap<AccountId, Queue<V>>, account: AccountId) {
    let Some(queue) = accounts.get_mut(&account) else { return };
    queue.under_way -= 1;
    if queue.under_way == 0 {
        accounts.remove(&account);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;
    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// How often it was asked, once that may end.
    struct Counted {
        gather: Gather<usize>,
        calls: Arc<AtomicUsize>,
        gate: Arc<Semaphore>,
    }

    fn counted(permits: usize) -> Counted {
        let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(permits)));
        let (counts, opens) = (Arc::clone(&calls), Arc::clone(&gate));
        let gather = Gather::by(move |_, ids: Vec<WorkflowId>| {
            let call = counts.fetch_add(1, Ordering::SeqCst);
            let opens = Arc::clone(&opens);
            async move {
                opens.acquire().await.unwrap().forget();
                Ok(ids.into_iter().filter(|id| *id != NOT_THERE).map(|id| (id, call)).collect())
            }
            .boxed()
        });
        Counted { gather, calls, gate }
    }

    const NOT_THERE: WorkflowId = WorkflowId::new(uuid::Uuid::max());

    fn workflow(n: u128) -> WorkflowId {
        WorkflowId::new(uuid::Uuid::from_u128(n))
    }

    fn account() -> AccountId {
        AccountId::named("a")
    }

    #[tokio::test]
    async fn who_comes_while_requests_are_under_way_goes_into_one_that_is_begun_later() {
        let Counted { gather, calls, gate } = counted(0);
        let mut first = Vec::new();
        for n in 0..2 {
            let gather = gather.clone();
            first.push(tokio::spawn(async move { gather.get(account(), workflow(n)).await }));
            while calls.load(Ordering::SeqCst) < first.len() {
                tokio::task::yield_now().await;
            }
        }
        let others = join_all((2..100).map(|n| gather.get(account(), workflow(n))));
        gate.add_permits(3);
        let answers = others.await.into_iter().map(|answer| answer.unwrap().unwrap());
        assert_eq!(answers.collect::<Vec<_>>(), [2; 98]);
        for (call, first) in first.into_iter().enumerate() {
            assert_eq!(first.await.unwrap().unwrap(), Some(call));
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3);
        while !gather.accounts().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn everybody_is_answered_with_their_own_and_what_is_not_there_is_none() {
        let Counted { gather, .. } = counted(Semaphore::MAX_PERMITS);
        let (there, not_there) = (workflow(1), NOT_THERE);
        let asked = join_all(
            (0..10_u32).map(|n| gather.get(account(), if n.is_multiple_of(2) { there } else { not_there })),
        );
        for (n, answer) in asked.await.into_iter().enumerate() {
            assert_eq!(answer.unwrap().is_some(), n.is_multiple_of(2));
        }
    }

    #[tokio::test]
    async fn accounts_do_not_wait_for_each_other() {
        let Counted { gather, calls, gate } = counted(0);
        let accounts: Vec<_> = (0..50).map(|n| AccountId::named(&format!("{n}"))).collect();
        let all = join_all(accounts.iter().map(|account| gather.get(*account, workflow(1))));
        gate.add_permits(50);
        all.await.into_iter().for_each(|answer| assert!(answer.unwrap().is_some()));
        assert_eq!(calls.load(Ordering::SeqCst), 50);
    }

    #[tokio::test]
    async fn a_failure_is_everybodys_and_the_next_request_is_a_new_one() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&calls);
        let gather: Gather<u8> = Gather::by(move |_, _| {
            let call = counts.fetch_add(1, Ordering::SeqCst);
            async move { if call == 0 { Err(CallError::TimedOut) } else { Ok(HashMap::new()) } }.boxed()
        });
        let all = join_all((0..10).map(|n| gather.get(account(), workflow(n))));
        assert!(all.await.iter().all(|answer| matches!(answer, Err(CallError::TimedOut))));
        assert!(gather.get(account(), workflow(11)).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_caller_who_goes_away_takes_nobody_with_them() {
        let Counted { gather, gate, .. } = counted(0);
        let first = tokio::spawn({
            let gather = gather.clone();
            async move { gather.get(account(), workflow(1)).await }
        });
        tokio::task::yield_now().await;
        let others = join_all((2..5).map(|n| gather.get(account(), workflow(n))));
        first.abort();
        gate.add_permits(3);
        assert!(others.await.into_iter().all(|answer| answer.unwrap().is_some()));
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_next_one_is_asked() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&calls);
        let gather: Gather<u8> = Gather::by(move |_, _| {
            assert!(counts.fetch_add(1, Ordering::SeqCst) > 0, "on purpose");
            async { Ok(HashMap::new()) }.boxed()
        });
        assert!(gather.get(account(), workflow(1)).await.is_err());
        assert!(gather.get(account(), workflow(1)).await.unwrap().is_none());
    }
}
