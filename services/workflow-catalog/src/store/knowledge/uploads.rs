//! Parts of documents on their way: any catalog takes each, and any puts them together.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Binary, Integer, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::AccountId;
use uuid::Uuid;

use crate::store::{Store, StoreError};

#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = Integer)]
    part: i32,
    #[diesel(sql_type = Binary)]
    data: Vec<u8>,
}

impl Store {
    /// Keeps a part. One that comes again is the same.
    pub async fn keep_part(
        &self,
        account: AccountId,
        upload: Uuid,
        part: i32,
        data: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(async move {
                    sql_query(
                        "INSERT INTO uploads (account_id, upload_id, part, data, created_at) VALUES ($1, $2, $3, $4, $5)
                         ON CONFLICT DO NOTHING",
                    )
                    .bind::<SqlUuid, _>(account.as_uuid())
                    .bind::<SqlUuid, _>(upload)
                    .bind::<Integer, _>(part)
                    .bind::<Binary, _>(data)
                    .bind::<Timestamptz, _>(now)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// All parts together; none when one is missing.
    pub async fn joined_parts(
        &self,
        account: AccountId,
        upload: Uuid,
        parts: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let query = "SELECT part, data FROM uploads WHERE account_id = $1 AND upload_id = $2 ORDER BY part";
        let found: Vec<Part> = sql_query(query)
            .bind::<SqlUuid, _>(account.as_uuid())
            .bind::<SqlUuid, _>(upload)
            .get_results(&mut *connection)
            .await?;
        let complete =
            found.len() == parts as usize && found.iter().zip(0..).all(|(part, no)| part.part == no);
        Ok(complete.then(|| found.into_iter().flat_map(|part| part.data).collect()))
    }

    /// Forgets an upload.
    pub async fn forget_upload(&self, account: AccountId, upload: Uuid) -> Result<(), StoreError> {
        self.pool
            .run_of(*account.as_uuid(), move |connection| {
                Box::pin(async move {
                    sql_query("DELETE FROM uploads WHERE account_id = $1 AND upload_id = $2")
                        .bind::<SqlUuid, _>(account.as_uuid())
                        .bind::<SqlUuid, _>(upload)
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Forgets parts that nobody has put together; how many.
    pub async fn forget_parts_before(&self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    Ok(sql_query("DELETE FROM uploads WHERE created_at < $1")
                        .bind::<Timestamptz, _>(before)
                        .execute(connection)
                        .await?)
                })
            })
            .await
    }
}
