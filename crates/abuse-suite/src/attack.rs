//! The attacks: what each tries, what it is played on, and how.

mod bodies;
mod bombs;
mod decoders;
mod fields;
mod forbidden_addresses;
mod isolation;
mod keys;
mod large_documents;
mod levels;
mod planted;
mod quotas;
mod repeated;
mod schemathesis;
mod slow;
mod smuggling;
mod texts;

use clap::ValueEnum;
use fault_suite::failure::Failure;
use serde::Serialize;

use crate::product::{Product, Settings};
use crate::row::Row;
use crate::stage::Stage;

/// An attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Attack {
    /// Another account's ids, filters, cursors and idempotency keys.
    S1,
    /// Keys that are none, or not any more.
    S2,
    /// Operations above a key's level.
    S3,
    /// Fields that only the product may set.
    S4,
    /// Documents that are too large, too deep, or go round in circles.
    S5,
    /// Bombs in templates and expressions.
    S6,
    /// Customers' texts that look like something else.
    S7,
    /// Connections that are slow, or say nothing.
    S8,
    /// Bodies and heads that are too large, or mean two things.
    S9,
    /// More requests than a limit allows, over gateways that are killed.
    S10,
    /// The same `Idempotency-Key` many times.
    S11,
    /// Requests that nobody thought of.
    S12,
    /// URLs that lead behind the firewall.
    S13,
    /// Secrets that are looked for where they must not be.
    S14,
    /// Bytes that are nothing.
    S15,
}

impl std::fmt::Display for Attack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::S1,
        Self::S2,
        Self::S3,
        Self::S4,
        Self::S5,
        Self::S6,
        Self::S7,
        Self::S8,
        Self::S9,
        Self::S10,
        Self::S11,
        Self::S12,
        Self::S13,
        Self::S14,
        Self::S15,
    ];

    /// Those of the short form: `make test` runs schemathesis and the decoders anyway.
    pub const SHORT: [Self; 13] = [
        Self::S1,
        Self::S2,
        Self::S3,
        Self::S4,
        Self::S5,
        Self::S6,
        Self::S7,
        Self::S8,
        Self::S9,
        Self::S10,
        Self::S11,
        Self::S13,
        Self::S14,
    ];

    /// What it tries, in a few words.
    pub fn does(self) -> &'static str {
        match self {
            Self::S1 => "another account's ids, filters, cursors and idempotency keys, in every operation",
            Self::S2 => "keys: bad checksum, wrong secret, other case, expired, rotated, revoked",
            Self::S3 => "every operation with a key of every level, and with none",
            Self::S4 => "fields that only the product sets, in every body and query",
            Self::S5 => "1,000,000 nodes, 2 MiB, 10,000 levels, circles, ids twice",
            Self::S6 => "bombs in templates and expressions",
            Self::S7 => "customers' texts with templates, expressions, NUL, bidi, 1 MB",
            Self::S8 => "slow heads, dripped bodies, silent connections",
            Self::S9 => "10 GB in chunks, a gzip bomb, 10,000 headers, requests that mean two things",
            Self::S10 => "5 times the limit over three gateways that are killed",
            Self::S11 => "50 requests at once with one Idempotency-Key, another body, a restart",
            Self::S12 => "schemathesis against the served document, with a key of every level",
            Self::S13 => "URLs that lead behind the firewall",
            Self::S14 => "secrets planted in keys, headers, settings and accounts, then looked for",
            Self::S15 => "mutations of the corpus of every decoder",
        }
    }

    /// What it is played on when that is a product of its own.
    fn own_product(self) -> Option<Settings> {
        let usual = Settings::usual();
        match self {
            Self::S10 => Some(Settings {
                name: "limited",
                // All attackers have one address here.
                gateway_flags: ["--address-requests-per-second", "0"].map(str::to_owned).into(),
                ..usual
            }),
            Self::S13 => {
                Some(Settings::with_runner("guarded", &["--outbound-allow", forbidden_addresses::ALLOWED]))
            }
            Self::S14 => Some(planted::settings()),
            _ => None,
        }
    }

    /// Plays it; what came of it is in the row. Attacks that need nothing special are played on `shared`, one after the other.
    ///
    /// # Errors
    /// When it could not be played to its end.
    pub async fn play(
        self,
        stage: &Stage,
        shared: &mut Option<Product>,
        row: &mut Row,
    ) -> Result<(), Failure> {
        if self == Self::S15 {
            return decoders::play(stage, row).await;
        }
        if let Some(settings) = self.own_product() {
            let mut product = Product::start(stage, &settings).await?;
            self.play_on(stage, &mut product, row).await?;
            look_after(&mut product, row);
            return Ok(());
        }
        let mut product = match shared.take() {
            Some(product) => product,
            None => Product::start(stage, &Settings::usual()).await?,
        };
        self.play_on(stage, &mut product, row).await?;
        look_after(&mut product, row);
        // One that has suffered would make the next attack fail for it.
        if row.problems.is_empty() {
            *shared = Some(product);
        }
        Ok(())
    }

    async fn play_on(self, stage: &Stage, product: &mut Product, row: &mut Row) -> Result<(), Failure> {
        match self {
            Self::S1 => Box::pin(isolation::play(stage, product, row)).await,
            Self::S2 => Box::pin(keys::play(stage, product, row)).await,
            Self::S3 => Box::pin(levels::play(stage, product, row)).await,
            Self::S4 => Box::pin(fields::play(stage, product, row)).await,
            Self::S5 => Box::pin(large_documents::play(stage, product, row)).await,
            Self::S6 => Box::pin(bombs::play(stage, product, row)).await,
            Self::S7 => Box::pin(texts::play(stage, product, row)).await,
            Self::S8 => Box::pin(slow::play(stage, product, row)).await,
            Self::S9 => Box::pin(bodies::play(stage, product, row)).await,
            Self::S10 => Box::pin(quotas::play(stage, product, row)).await,
            Self::S11 => Box::pin(repeated::play(stage, product, row)).await,
            Self::S12 => Box::pin(schemathesis::play(stage, product, row)).await,
            Self::S13 => Box::pin(forbidden_addresses::play(stage, product, row)).await,
            Self::S14 => Box::pin(planted::play(stage, product, row)).await,
            Self::S15 => Ok(()),
        }
    }
}

/// Nothing of the product has ended by itself.
fn look_after(product: &mut Product, row: &mut Row) {
    for (name, status) in product.ended() {
        row.problem(format!("{name} has ended by itself with {status}"));
    }
}
