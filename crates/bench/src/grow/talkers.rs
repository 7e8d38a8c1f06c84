//! The customers of what is filled in, and what follows from all their executions: conversations, and how many there are.

use anyhow::Context;
use contracts::partition::{self, PARTITIONS_DEFAULT};
use flow_model::{AccountId, ConversationId};
use flow_rollup::customer_key;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::draw::Drawn;
use super::fill::{CHANNEL, time};
use crate::number::{count, index};

/// Events of an execution, by which the number of a conversation's events goes up.
const EVENTS_EACH: i64 = 6;

/// A customer.
#[derive(Debug)]
pub(super) struct Talker {
    /// Their id.
    pub id: String,
    /// What stands for them where they were.
    pub key: Uuid,
    /// Their only conversation.
    pub conversation: Uuid,
    /// Its partition.
    pub partition: i32,
    /// Their executions.
    executions: i64,
    /// When the first one started.
    first_ms: i64,
    /// When the last one to be over was over.
    last_ms: i64,
}

/// All of them, by number.
pub(super) struct Talkers {
    account: AccountId,
    all: Vec<Talker>,
}

impl Talkers {
    /// None yet, of this account.
    pub fn of(account: Uuid) -> Self {
        Self { account: AccountId::new(account), all: Vec::new() }
    }

    /// Names those that are not named yet, until there are so many.
    pub fn name(&mut self, until: u64) {
        let account = self.account;
        self.all.extend((count(self.all.len())..until).map(|n| {
            let id = format!("customer-{n}");
            let partition = partition::of_customer(account, &id, PARTITIONS_DEFAULT);
            Talker {
                key: customer_key(&id),
                conversation: *ConversationId::of(account, CHANNEL, &id).as_uuid(),
                partition: i32::try_from(partition).unwrap_or(0),
                executions: 0,
                first_ms: i64::MAX,
                last_ms: 0,
                id,
            }
        }));
    }

    /// The customer of this number.
    pub fn get(&self, number: u64) -> Option<&Talker> {
        self.all.get(index(number))
    }

    /// Notes an execution.
    pub fn talk(&mut self, drawn: &Drawn) {
        if let Some(talker) = self.all.get_mut(index(drawn.customer)) {
            talker.executions += 1;
            talker.first_ms = talker.first_ms.min(drawn.started_at_ms);
            talker.last_ms = talker.last_ms.max(drawn.started_at_ms + drawn.duration_ms);
        }
    }

    /// Puts their conversations in the place of those that are stored.
    pub async fn write(&self, client: &Client, channel: i16) -> anyhow::Result<()> {
        client.batch_execute(TALKED).await.context("what customers talked")?;
        let sink = client.copy_in("COPY talked FROM STDIN (FORMAT binary)").await?;
        let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &TALKED_TYPES));
        for talker in self.all.iter().filter(|talker| talker.executions > 0) {
            let seq = talker.executions * EVENTS_EACH;
            let (first, last) = (time(talker.first_ms), time(talker.last_ms));
            let row: [&(dyn ToSql + Sync); 6] =
                [&talker.conversation, &talker.partition, &talker.id, &seq, &last, &first];
            writer.as_mut().write(&row).await?;
        }
        writer.finish().await?;
        let account = self.account.as_uuid();
        client.execute(CONVERSATIONS, &[account, &channel]).await.context("conversations")?;
        client.execute(CUSTOMERS, &[account]).await.context("customers")?;
        client.batch_execute(CONVERSATION_COUNTS).await.context("how many conversations there are")
    }
}

const TALKED: &str = "DROP TABLE IF EXISTS talked; CREATE TEMP TABLE talked (conversation_id uuid, partition integer, customer_id text,
    seq bigint, updated_at timestamptz, created_at timestamptz)";

const TALKED_TYPES: [Type; 6] =
    [Type::UUID, Type::INT4, Type::TEXT, Type::INT8, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ];

const CONVERSATIONS: &str = "INSERT INTO conversations (id, partition, account_id, channel, customer_id, seq, wait_no, updated_at,
    created_at)
SELECT conversation_id, partition, $1, $2, customer_id, seq, 0, updated_at, created_at FROM talked
ON CONFLICT (id) DO UPDATE SET seq = EXCLUDED.seq, updated_at = EXCLUDED.updated_at, created_at = EXCLUDED.created_at";

const CUSTOMERS: &str = "INSERT INTO customers (account_id, customer_id, created_at)
SELECT $1, customer_id, created_at FROM talked
ON CONFLICT (account_id, customer_id) DO UPDATE SET created_at = EXCLUDED.created_at";

const CONVERSATION_COUNTS: &str =
    "INSERT INTO conversation_counts (account_id, channel, partition, conversations)
SELECT account_id, channel, partition, count(*) FROM conversations WHERE customer_id <> '' GROUP BY 1, 2, 3
ON CONFLICT (account_id, channel, partition) DO UPDATE SET conversations = EXCLUDED.conversations";
