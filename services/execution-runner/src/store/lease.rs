//! Who owns which partition. Time is the database's; nothing here trusts a runner's clock.
//!
//! One transaction extends what is owned, counts who is alive, gives surplus back and takes what is free:
//! `free –claim→ owned –renew→ owned –release, surplus→ free`, `owned –lease over→ free to anyone`. Each claim
//! raises the epoch, which every commit checks.

use std::time::Duration;

use tokio_postgres::{Client, Error, Row, Transaction};

use super::code::{big, count, int, number};
use crate::partition::port::{Ownership, Renewal, Tenure};

/// Runners that were not heard of for so many leases are forgotten.
const FORGET_AFTER_LEASES: f64 = 30.0;

/// Extends what still is as the runner thinks; the cursor moves to where it has read everything.
const KEEP: &str = "UPDATE partitions AS stored SET expires_at = now() + make_interval(secs => $6),
    applied_seq = GREATEST(stored.applied_seq, $7),
    applied_inputs = CASE WHEN $7 > stored.applied_seq THEN 0 ELSE stored.applied_inputs END,
    tries = CASE WHEN $7 > stored.applied_seq THEN 0 ELSE stored.tries END, told_no = GREATEST(stored.told_no, known.told_no)
FROM UNNEST($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $9::int[], $10::bigint[])
    AS known (id, epoch, applied_seq, commit_no, applied_inputs, told_no)
WHERE stored.id = known.id AND stored.owner = $5 AND stored.epoch = known.epoch AND stored.applied_seq = known.applied_seq
    AND stored.applied_inputs = known.applied_inputs AND stored.commit_no = known.commit_no AND stored.incarnation = $8
RETURNING stored.id, stored.epoch, stored.applied_seq, stored.commit_no, stored.applied_inputs, stored.told_no";

/// Takes partitions over: those that the row says are this runner's but that it does not know of, then free ones.
const CLAIM: &str = "WITH free AS (
    SELECT id, owner IS NOT NULL OR told_to IS DISTINCT FROM $7 AS unclean, tries > 0 OR (owner IS NOT NULL AND owner <> $1) AS suspect
    FROM partitions WHERE grp = $4 AND NOT id = ANY($5) AND (owner IS NULL OR owner = $1 OR expires_at < now())
    ORDER BY (owner = $1) DESC NULLS LAST, id LIMIT $6 FOR UPDATE SKIP LOCKED)
UPDATE partitions AS stored SET owner = $1, owned_since = now(), expires_at = now() + make_interval(secs => $2), epoch = epoch + 1,
    applied_seq = CASE WHEN incarnation = $3 THEN applied_seq ELSE 0 END,
    applied_inputs = CASE WHEN incarnation = $3 THEN applied_inputs ELSE 0 END,
    tries = CASE WHEN incarnation = $3 THEN tries ELSE 0 END, incarnation = $3
FROM free WHERE stored.id = free.id
RETURNING stored.id, epoch, applied_seq, commit_no, applied_inputs, told_no, free.unclean, free.suspect AND stored.incarnation = $3";

/// What is told under an epoch; one that is over tells nothing any more.
const KEEP_TOLD: &str = "UPDATE partitions AS stored SET told_no = known.told_no
FROM UNNEST($1::int[], $2::bigint[], $3::bigint[]) AS known (id, epoch, told_no)
WHERE stored.id = known.id AND stored.epoch = known.epoch AND stored.told_no < known.told_no";

/// Counts that the next input after the cursor is begun.
const BEGIN: &str = "UPDATE partitions SET tries = tries + $6
WHERE id = $1 AND epoch = $2 AND applied_seq = $3 AND applied_inputs = $4 AND commit_no = $5 RETURNING tries";

/// Runners that take part in sharing: those that renew as they should, and have been there for a while, so that one that
/// comes and goes does not move everything around. A runner that is the only one asks for itself.
const SHARING: &str = "SELECT count(*) FROM runners WHERE grp = $1 AND expires_at > now()
AND renewed_at > now() - make_interval(secs => $2) AND (id = $3 OR started_at < now() - make_interval(secs => $4))";

/// Renewals that a runner may miss before it does not take part in sharing any more.
const RENEWALS_MISSED_MAX: f64 = 2.0;
/// A runner takes part in sharing after this, seconds.
const SHARING_AFTER_SECONDS: f64 = 1.0;

pub(super) async fn renew(client: &mut Client, renewal: &Renewal) -> Result<Tenure, Error> {
    let transaction = client.transaction().await?;
    let tenure = renew_within(&transaction, renewal).await?;
    transaction.commit().await?;
    Ok(tenure)
}

async fn renew_within(transaction: &Transaction<'_>, renewal: &Renewal) -> Result<Tenure, Error> {
    let group = int(renewal.group);
    let lease_seconds = renewal.lease.as_secs_f64();
    let alive = alive(transaction, renewal, lease_seconds).await?;
    let partitions: i64 =
        transaction.query_one("SELECT count(*) FROM partitions WHERE grp = $1", &[&group]).await?.get(0);
    let fair_share = partitions.unsigned_abs().div_ceil(alive.unsigned_abs().max(1));
    let mut kept = keep(transaction, renewal, lease_seconds).await?;
    let share = usize::try_from(fair_share).unwrap_or(usize::MAX);
    if renewal.shares && kept.len() > share {
        let surplus = kept.split_off(share);
        give_back(transaction, renewal, &surplus).await?;
    }
    let room = if renewal.shares { share.saturating_sub(kept.len()) } else { 0 };
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    let held: Vec<i32> = kept.iter().map(|ownership| int(ownership.partition)).collect();
    let claimed = transaction
        .query(
            CLAIM,
            &[&renewal.runner, &lease_seconds, &renewal.incarnation, &group, &held, &room, &renewal.broker],
        )
        .await?;
    let all = transaction
        .query_one(
            "SELECT min(CASE WHEN incarnation = $2 THEN applied_seq ELSE 0 END),
                 extract(epoch FROM min(expires_at) FILTER (WHERE owner <> $3 AND expires_at > now()) - now())::float8
             FROM partitions WHERE grp = $1",
            &[&group, &renewal.incarnation, &renewal.runner],
        )
        .await?;
    let (lowest, next_expiry): (Option<i64>, Option<f64>) = (all.get(0), all.get(1));
    let numbers_where =
        |column: usize| claimed.iter().filter(|row| row.get(column)).map(|row| number(row.get(0))).collect();
    Ok(Tenure {
        kept,
        gained: ownerships(&claimed),
        unclean: numbers_where(6),
        suspect: numbers_where(7),
        next_expiry: next_expiry.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        lowest_applied_seq: count(lowest.unwrap_or(0)),
        fair_share: u32::try_from(fair_share).unwrap_or(u32::MAX),
    })
}

/// Says that this runner is alive, forgets those long gone, and counts.
async fn alive(transaction: &Transaction<'_>, renewal: &Renewal, lease_seconds: f64) -> Result<i64, Error> {
    let group = int(renewal.group);
    transaction
        .execute(
            "INSERT INTO runners (id, grp, name, expires_at, commits_per_second, inputs_per_second)
             VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5::float8, $6::float8)
             ON CONFLICT (id, grp) DO UPDATE SET expires_at = EXCLUDED.expires_at, renewed_at = now(),
                 commits_per_second = EXCLUDED.commits_per_second, inputs_per_second = EXCLUDED.inputs_per_second",
            &[
                &renewal.runner,
                &group,
                &renewal.runner_name,
                &lease_seconds,
                &renewal.rates.commits_per_second,
                &renewal.rates.inputs_per_second,
            ],
        )
        .await?;
    transaction
        .execute(
            "DELETE FROM runners WHERE expires_at < now() - make_interval(secs => $1)",
            &[&(lease_seconds * FORGET_AFTER_LEASES)],
        )
        .await?;
    let missed = renewal.renew_every.as_secs_f64() * RENEWALS_MISSED_MAX;
    let row =
        transaction.query_one(SHARING, &[&group, &missed, &renewal.runner, &SHARING_AFTER_SECONDS]).await?;
    Ok(row.get(0))
}

async fn keep(
    transaction: &Transaction<'_>,
    renewal: &Renewal,
    lease_seconds: f64,
) -> Result<Vec<Ownership>, Error> {
    let owned = &renewal.owned;
    let rows = transaction
        .query(
            KEEP,
            &[
                &owned.iter().map(|ownership| int(ownership.partition)).collect::<Vec<i32>>(),
                &owned.iter().map(|ownership| big(ownership.epoch)).collect::<Vec<i64>>(),
                &owned.iter().map(|ownership| big(ownership.applied_seq)).collect::<Vec<i64>>(),
                &owned.iter().map(|ownership| big(ownership.commit_no)).collect::<Vec<i64>>(),
                &renewal.runner,
                &lease_seconds,
                &big(renewal.position),
                &renewal.incarnation,
                &owned.iter().map(|ownership| int(ownership.applied_inputs)).collect::<Vec<i32>>(),
                &owned.iter().map(|ownership| big(ownership.told_no)).collect::<Vec<i64>>(),
            ],
        )
        .await?;
    let mut kept = ownerships(&rows);
    kept.sort_by_key(|ownership| ownership.partition);
    Ok(kept)
}

async fn give_back(
    transaction: &Transaction<'_>,
    renewal: &Renewal,
    surplus: &[Ownership],
) -> Result<(), Error> {
    let ids: Vec<i32> = surplus.iter().map(|ownership| int(ownership.partition)).collect();
    transaction
        .execute(
            "UPDATE partitions SET owner = NULL, expires_at = '-infinity', told_to = $3 WHERE id = ANY($1) AND owner = $2",
            &[&ids, &renewal.runner, &renewal.told_to],
        )
        .await?;
    Ok(())
}

/// Keeps what is told of these partitions, where the epoch is still theirs.
pub(super) async fn keep_told(client: &Client, owned: &[Ownership]) -> Result<(), Error> {
    let ids: Vec<i32> = owned.iter().map(|ownership| int(ownership.partition)).collect();
    let epochs: Vec<i64> = owned.iter().map(|ownership| big(ownership.epoch)).collect();
    let told: Vec<i64> = owned.iter().map(|ownership| big(ownership.told_no)).collect();
    client.execute(KEEP_TOLD, &[&ids, &epochs, &told]).await.map(|_| ())
}

fn ownerships(rows: &[Row]) -> Vec<Ownership> {
    rows.iter()
        .map(|row| Ownership {
            partition: number(row.get(0)),
            epoch: count(row.get(1)),
            applied_seq: count(row.get(2)),
            commit_no: count(row.get(3)),
            applied_inputs: number(row.get(4)),
            told_no: count(row.get(5)),
        })
        .collect()
}

/// Counts a try of the next input of a partition when `counts`; the number of tries so far, or none when somebody else owns it.
pub(super) async fn begin(
    client: &Client,
    ownership: &Ownership,
    counts: bool,
) -> Result<Option<u32>, Error> {
    let row = client
        .query_opt(
            BEGIN,
            &[
                &int(ownership.partition),
                &big(ownership.epoch),
                &big(ownership.applied_seq),
                &int(ownership.applied_inputs),
                &big(ownership.commit_no),
                &i32::from(counts),
            ],
        )
        .await?;
    Ok(row.map(|row| number(row.get(0))))
}

/// Gives everything back, with the cursors where they are.
pub(super) async fn release(client: &mut Client, renewal: &Renewal) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    let kept = keep(&transaction, renewal, renewal.lease.as_secs_f64()).await?;
    give_back(&transaction, renewal, &kept).await?;
    transaction
        .execute("DELETE FROM runners WHERE id = $1 AND grp = $2", &[&renewal.runner, &int(renewal.group)])
        .await?;
    transaction.commit().await
}
