//! The key that accounts' secrets are sealed with: made once, kept in a file that only its owner can read.

use std::fs;
use std::path::Path;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use secrets::{Sealer, SecretsConfig, new_key};

use crate::run_file::write_private;

/// The given key, the kept one, or a new one, which is kept when there is a data directory. A given one is not kept: it is
/// kept elsewhere.
pub(super) fn obtain(given: &SecretsConfig, data_dir: Option<&Path>) -> anyhow::Result<SecretString> {
    if let (Some(key), Some(_)) = (&given.secrets_key, Sealer::new(given)?) {
        return Ok(key.clone());
    }
    let Some(directory) = data_dir else { return Ok(new_key()?) };
    let path = directory.join("secrets-key");
    if path.exists() {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let kept = SecretsConfig { secrets_key: Some(text.into()) };
        let sealer = Sealer::new(&kept).ok().flatten();
        return kept.secrets_key.filter(|_| sealer.is_some()).with_context(|| {
            let path = path.display();
            format!("{path} holds no key; what was sealed with the one before needs that one, a new one is made without the file")
        });
    }
    let key = new_key()?;
    write_private(&path, format!("{}\n", key.expose_secret()).as_bytes())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn nothing() -> SecretsConfig {
        SecretsConfig::default()
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let made = obtain(&nothing(), Some(directory.path())).unwrap();
        let kept = obtain(&nothing(), Some(directory.path())).unwrap();
        assert_eq!(made.expose_secret(), kept.expose_secret().trim());
        let permissions = fs::metadata(directory.path().join("secrets-key")).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_given_key_comes_first_and_one_that_is_none_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let given = SecretsConfig { secrets_key: Some(new_key().unwrap()) };
        let obtained = obtain(&given, Some(directory.path())).unwrap();
        assert_eq!(obtained.expose_secret(), given.secrets_key.as_ref().unwrap().expose_secret());
        assert!(!directory.path().join("secrets-key").exists());
        let none = SecretsConfig { secrets_key: Some("none".to_owned().into()) };
        assert!(obtain(&none, None).is_err());
        fs::write(directory.path().join("secrets-key"), "none").unwrap();
        assert!(obtain(&nothing(), Some(directory.path())).unwrap_err().to_string().contains("holds no key"));
    }
}
