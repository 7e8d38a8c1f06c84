//! What the customers hear: the stream of replies, read as a channel's adapter reads it, while the load goes on.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bus::reader::Reader;
use bus::{Bus, BusConfig};
use contracts::{subject, v1};
use prost::Message;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::patience::PATIENCE;

/// Messages that are taken at once.
const MESSAGES_MAX: usize = 1_000;
/// Longest wait for a message before it is asked again.
const WAIT: Duration = Duration::from_secs(5);
/// Pause before the stream is opened again.
const PAUSE: Duration = Duration::from_millis(50);

/// What was heard, and who waits to hear more. Customers by their ids: hundreds who looked again and again would be a load of
/// their own.
#[derive(Debug, Default)]
struct Heard {
    /// The replies to each customer, by their ids.
    replies: HashMap<String, HashSet<String>>,
    /// For how many replies in all a customer waits, and who is told then.
    waiting: HashMap<String, (usize, oneshot::Sender<()>)>,
}

impl Heard {
    fn count(&self, customer: &str) -> usize {
        self.replies.get(customer).map_or(0, HashSet::len)
    }

    fn hear(&mut self, reply: v1::OutboundReply) {
        let customer = reply.customer_id;
        let replies = self.replies.entry(customer.clone()).or_default();
        replies.insert(reply.id);
        let is_all = |wanted: usize| replies.len() >= wanted;
        if self.waiting.get(&customer).is_some_and(|(wanted, _)| is_all(*wanted))
            && let Some((_, told)) = self.waiting.remove(&customer)
        {
            // Who has given up waiting is not there any more.
            told.send(()).ok();
        }
    }
}

/// Who listens. It ends with this value.
#[derive(Debug)]
pub struct Hearing {
    heard: Arc<Mutex<Heard>>,
    listening: JoinHandle<()>,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Hearing {
    /// Begins to listen at the first reply.
    ///
    /// # Errors
    /// When the broker is away.
    pub async fn start(nats: &str) -> Result<Self, Failure> {
        let bus = Bus::connect(&BusConfig::for_url(nats), "hearing").await?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let listening = tokio::spawn(listen(bus, Arc::clone(&heard)));
        Ok(Self { heard, listening })
    }

    /// Waits until the customer has heard so many replies, those that were sent again counted once; gives whether that came true
    /// within [`PATIENCE`]. One waits for a customer at a time.
    pub async fn hears(&self, customer: &str, replies: usize) -> bool {
        let (told, all) = oneshot::channel();
        {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            if heard.count(customer) >= replies {
                return true;
            }
            heard.waiting.insert(customer.to_owned(), (replies, told));
        }
        matches!(timeout(PATIENCE, all).await, Ok(Ok(())))
    }
}

async fn listen(bus: Bus, heard: Arc<Mutex<Heard>>) {
    let mut next = 1;
    loop {
        if let Ok(mut reader) = Reader::open(&bus, subject::REPLIES_STREAM, next).await {
            while let Ok(messages) = reader.next_batch(MESSAGES_MAX, WAIT).await {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                for message in messages {
                    next = message.seq + 1;
                    // The oracle reads them all again, and says what cannot be read.
                    let replies = v1::Replies::decode(message.payload).unwrap_or_default();
                    for reply in replies.replies {
                        heard.hear(reply);
                    }
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
