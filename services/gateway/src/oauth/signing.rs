//! The keys that tokens are signed with: rows that all gateways share.
//!
//! A key signs for [`SIGNING_DAYS`]. The next one is made two days before, so that whoever keeps the JWKS has it by then; the one before
//! stays in the JWKS until its tokens have ended. Of gateways that make the next key at once one does: its number is taken only once.
//!
//! A private key lies in the database sealed with the operator's key for secrets. Without that it lies there as it is, and whoever reads the
//! database could sign: a warning says so. A gateway signs only with a key that it can open and that lies as it would put it there itself; when
//! there is none it makes one.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use platform::clock;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use secrets::Sealer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::{ACCESS_SECONDS, CONSENT_SECONDS, SIGNING_DAYS, jws};
use crate::store::{Store, StoreError};

/// How old what is held may be; it is read again each minute.
const FRESH: Duration = Duration::from_mins(2);
/// The same when a token names a key that is not held: anybody can send those.
const FRESH_FOR_STRANGERS: Duration = Duration::from_millis(100);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The next key is made so long before the last one ends.
const LEAD_MS: i64 = 2 * DAY_MS;
/// Tokens of a key that signs no more have ended after this.
const TAIL_MS: i64 = (ACCESS_SECONDS + CONSENT_SECONDS) * 1000;
/// Attempts to have a key that signs.
const ATTEMPTS: usize = 3;

/// A key as it is stored. Times are Unix milliseconds.
#[derive(Clone)]
pub(crate) struct StoredKey {
    pub number: i64,
    pub id: Uuid,
    pub public_key: Vec<u8>,
    pub private_key: Vec<u8>,
    pub sealed: bool,
    pub signs_from_ms: i64,
    pub signs_until_ms: i64,
}

/// No token can be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    /// Keys cannot be reached.
    #[error("signing keys cannot be reached")]
    Store(#[from] StoreError),
    /// The system gives no random bytes, or another gateway always makes keys that this one cannot use.
    #[error("there is no key to sign with")]
    NoKey,
}

/// A key that is held.
#[derive(Clone)]
struct Key {
    number: i64,
    id: Uuid,
    public: Vec<u8>,
    /// None when it is not for this gateway to sign with.
    pair: Option<Arc<EcdsaKeyPair>>,
    signs_from_ms: i64,
    signs_until_ms: i64,
}

/// A public key as others read it (RFC 7517, RFC 7518 §6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: Uuid,
}

#[derive(Default)]
struct Held {
    keys: Arc<[Key]>,
    read_at: Option<Instant>,
}

/// Signs and reads tokens. Clones share the keys that are held.
#[derive(Clone)]
pub(crate) struct KeyRing {
    store: Store,
    sealer: Option<Sealer>,
    held: Arc<RwLock<Held>>,
    reading: Arc<Mutex<()>>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Holds nothing yet.
    pub fn new(store: Store, sealer: Option<Sealer>) -> Self {
        Self { store, sealer, held: Arc::default(), reading: Arc::default() }
    }

    /// Signs a token of this type.
    pub async fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        let (id, pair) = self.signer().await?;
        jws::sign(id, &pair, typ, claims).ok_or(SigningError::NoKey)
    }

    /// What a token of this type says; none when it is none, or not ours.
    pub async fn read<T: DeserializeOwned>(&self, typ: &str, text: &str) -> Result<Option<T>, StoreError> {
        let Some(token) = jws::read(typ, text) else { return Ok(None) };
        let Some(key) = self.public_key(token.kid).await? else { return Ok(None) };
        Ok(token.claims(&key))
    }

    /// All keys whose tokens may still be good, and those that are to sign next.
    pub async fn jwks(&self) -> Result<Vec<Jwk>, SigningError> {
        self.signer().await?;
        let now_ms = clock::now_ms();
        let keys = self.keys(FRESH).await?;
        Ok(keys.iter().filter(|key| key.counts(now_ms)).filter_map(Key::jwk).collect())
    }

    /// Makes the next key when it is time.
    pub async fn prepare(&self) -> Result<(), SigningError> {
        let keys = self.keys(Duration::ZERO).await?;
        let now_ms = clock::now_ms();
        let last = keys.iter().filter(|key| key.pair.is_some()).map(|key| key.signs_until_ms).max();
        match last {
            Some(last_ms) if last_ms <= now_ms + LEAD_MS => self.make(&keys, last_ms.max(now_ms)).await,
            // The first one is made when it is needed.
            Some(_) | None => Ok(()),
        }
    }

    async fn public_key(&self, id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        let now_ms = clock::now_ms();
        let of = |keys: &[Key]| {
            keys.iter().find(|key| key.id == id && key.counts(now_ms)).map(|key| key.public.clone())
        };
        // What is held is read again in the background, so that no request waits for it.
        if let Some(key) = self.held(None).and_then(|keys| of(&keys)) {
            return Ok(Some(key));
        }
        Ok(of(&self.keys(FRESH_FOR_STRANGERS).await?))
    }

    async fn signer(&self) -> Result<(Uuid, Arc<EcdsaKeyPair>), SigningError> {
        for _ in 0..ATTEMPTS {
            let keys = self.keys(FRESH).await?;
            let now_ms = clock::now_ms();
            if let Some(found) = current(&keys, now_ms) {
                return Ok(found);
            }
            self.make(&keys, now_ms).await?;
        }
        Err(SigningError::NoKey)
    }

    /// Makes the key with the next number, unless another gateway does, and reads all again.
    async fn make(&self, keys: &[Key], signs_from_ms: i64) -> Result<(), SigningError> {
        let number = keys.iter().map(|key| key.number).max().unwrap_or(0) + 1;
        let key = new_key(number, signs_from_ms, self.sealer.as_ref()).ok_or(SigningError::NoKey)?;
        let sealed = key.sealed;
        if self.store.add_signing_key(key).await? {
            tracing::info!(number, "a key to sign access tokens with is made");
            if !sealed {
                tracing::warn!(
                    "the key for access tokens lies in the database as it is: --secrets-key (TURNLOOM_SECRETS_KEY) would seal it"
                );
            }
        }
        self.keys(Duration::ZERO).await?;
        Ok(())
    }

    /// All keys, read no longer ago than this.
    async fn keys(&self, age_max: Duration) -> Result<Arc<[Key]>, StoreError> {
        let asked = Instant::now();
        if let Some(keys) = self.held(Some(age_max)) {
            return Ok(keys);
        }
        let _turn = self.reading.lock().await;
        // Another one may have read them meanwhile.
        if let Some(keys) = self.held(Some(age_max.max(asked.elapsed()))) {
            return Ok(keys);
        }
        let read_at = Instant::now();
        let stored = self.store.signing_keys().await?;
        let keys: Arc<[Key]> = stored.into_iter().map(|key| Key::new(key, self.sealer.as_ref())).collect();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        *held = Held { keys: keys.clone(), read_at: Some(read_at) };
        Ok(keys)
    }

    /// What is held, if it is no older than this.
    fn held(&self, age_max: Option<Duration>) -> Option<Arc<[Key]>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let age = held.read_at?.elapsed();
        age_max.is_none_or(|most| age < most).then(|| held.keys.clone())
    }
}

/// The newest key that signs by now; when clocks differ, the first one that is to.
fn current(keys: &[Key], now_ms: i64) -> Option<(Uuid, Arc<EcdsaKeyPair>)> {
    let usable = || keys.iter().filter(|key| key.pair.is_some() && key.signs_until_ms > now_ms);
    let begun = usable().filter(|key| key.signs_from_ms <= now_ms).max_by_key(|key| key.number);
    let key = begun.or_else(|| usable().min_by_key(|key| key.number))?;
    Some((key.id, key.pair.clone()?))
}

fn new_key(number: i64, signs_from_ms: i64, sealer: Option<&Sealer>) -> Option<StoredKey> {
    let rng = SystemRandom::new();
    let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).ok()?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref(), &rng).ok()?;
    let id = clock::new_uuid_v4();
    let private_key = match sealer {
        Some(sealer) => sealer.seal_own(&sealed_as(id), private.as_ref()).ok()?,
        None => private.as_ref().to_vec(),
    };
    Some(StoredKey {
        number,
        id,
        public_key: pair.public_key().as_ref().to_vec(),
        private_key,
        sealed: sealer.is_some(),
        signs_from_ms,
        signs_until_ms: signs_from_ms + SIGNING_DAYS * DAY_MS,
    })
}

/// What a key is sealed for.
fn sealed_as(id: Uuid) -> String {
    format!("oauth-signing-key/{id}")
}

impl Key {
    fn new(stored: StoredKey, sealer: Option<&Sealer>) -> Self {
        let pair = open(&stored, sealer);
        Self {
            number: stored.number,
            id: stored.id,
            public: stored.public_key,
            pair: pair.map(Arc::new),
            signs_from_ms: stored.signs_from_ms,
            signs_until_ms: stored.signs_until_ms,
        }
    }

    /// Whether tokens that it signed may be good.
    fn counts(&self, now_ms: i64) -> bool {
        self.signs_until_ms + TAIL_MS > now_ms
    }

    fn jwk(&self) -> Option<Jwk> {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        // 4, and two numbers of 32 bytes (SEC 1 §2.3.3).
        let (x, y) = self.public.strip_prefix(&[4])?.split_at_checked(32)?;
        Some(Jwk {
            kty: "EC",
            crv: "P-256",
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
            usage: "sig",
            alg: jws::ALGORITHM,
            kid: self.id,
        })
    }
}

fn open(stored: &StoredKey, sealer: Option<&Sealer>) -> Option<EcdsaKeyPair> {
    let pair = |bytes: &[u8]| {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes, &SystemRandom::new()).ok()
    };
    match (sealer, stored.sealed) {
        (Some(sealer), true) => pair(&sealer.open_own(&sealed_as(stored.id), &stored.private_key).ok()?),
        (None, false) => pair(&stored.private_key),
        (Some(_), false) | (None, true) => None,
    }
    .filter(|pair| pair.public_key().as_ref() == stored.public_key)
}

#[cfg(test)]
mod tests {
    use secrets::SecretsConfig;

    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&SecretsConfig { secrets_key: Some(secrets::new_key().unwrap()) }).unwrap().unwrap()
    }

    fn key(number: i64, from: i64, until: i64, usable: bool) -> Key {
        let stored =
            StoredKey { signs_from_ms: from, signs_until_ms: until, ..new_key(number, 0, None).unwrap() };
        let key = Key::new(stored, None);
        if usable { key } else { Key { pair: None, ..key } }
    }

    #[test]
    fn the_newest_key_that_has_begun_signs() {
        let signs = |keys: &[Key], now: i64| {
            let (id, _) = current(keys, now)?;
            keys.iter().find(|key| key.id == id).map(|key| key.number)
        };
        let keys = [key(1, 0, 100, true), key(2, 100, 200, true), key(3, 50, 200, false)];
        for (now, expected) in [(0, Some(1)), (99, Some(1)), (100, Some(2)), (199, Some(2)), (200, None)] {
            assert_eq!(signs(&keys, now), expected, "{now}");
        }
        assert_eq!(signs(&keys, -5), Some(1), "a clock that is behind");
        assert_eq!(signs(&[], 0), None);
    }

    #[test]
    fn a_key_lasts_ninety_days_and_its_tokens_a_little_longer() {
        let key = Key::new(new_key(1, 1000, None).unwrap(), None);
        assert_eq!(key.signs_until_ms, 1000 + 90 * DAY_MS);
        assert!(key.counts(key.signs_until_ms + ACCESS_SECONDS * 1000));
        assert!(!key.counts(key.signs_until_ms + 3_600_000));
    }

    #[test]
    fn a_key_is_used_only_as_this_gateway_would_put_it_there() {
        let (ours, others) = (sealer(), sealer());
        let (sealed, plain) = (new_key(1, 0, Some(&ours)).unwrap(), new_key(2, 0, None).unwrap());
        let usable = |stored: &StoredKey, sealer: Option<&Sealer>| open(stored, sealer).is_some();
        assert!(usable(&sealed, Some(&ours)) && usable(&plain, None));
        assert!(!usable(&sealed, Some(&others)) && !usable(&sealed, None) && !usable(&plain, Some(&ours)));
        let moved = StoredKey { id: Uuid::nil(), ..sealed.clone() };
        assert!(!usable(&moved, Some(&ours)));
        let other = StoredKey { public_key: plain.public_key, ..sealed };
        assert!(!usable(&other, Some(&ours)));
    }

    #[test]
    fn a_public_key_is_two_numbers_and_nothing_private() {
        let stored = new_key(1, 0, None).unwrap();
        let jwk = serde_json::to_value(Key::new(stored.clone(), None).jwk().unwrap()).unwrap();
        assert_eq!((&jwk["kty"], &jwk["crv"], &jwk["alg"]), (&"EC".into(), &"P-256".into(), &"ES256".into()));
        assert_eq!(jwk["x"].as_str().unwrap().len(), 43);
        assert!(jwk.get("d").is_none());
        let short = StoredKey { public_key: vec![4], ..stored };
        assert_eq!(Key::new(short, None).jwk(), None);
    }
}
