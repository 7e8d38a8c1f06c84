//! Which Turnloom the command line talks to, and with which key.
//!
//! Looked for in this order: flags, environment, a profile of the configuration file, the `turnloom up` of the data
//! directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bus::{Bus, BusConfig};
use serde::Deserialize;

use crate::api::{self, Api};
use crate::run_file::RunFile;

/// Where the API is and who asks.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// The address of the API
    #[arg(long, env = "TURNLOOM_URL", global = true)]
    url: Option<String>,
    /// The API key
    #[arg(long, alias = "api-key", env = "TURNLOOM_API_KEY", hide_env_values = true, global = true)]
    key: Option<String>,
    /// A profile of the configuration file: `[profiles.<name>]` with `url`, and `key` or `key_file`
    #[arg(long, env = "TURNLOOM_PROFILE", global = true)]
    profile: Option<String>,
    /// The configuration file; `$XDG_CONFIG_HOME/turnloom/config.toml` unless set
    #[arg(long, env = "TURNLOOM_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The data directory of a `turnloom up` on this machine, taken when nothing else is said
    #[arg(long, env = "TURNLOOM_DATA_DIR", default_value = ".turnloom", global = true)]
    pub data_dir: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    /// The profile that counts when none is named.
    default_profile: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: Option<String>,
    key: Option<String>,
    key_file: Option<PathBuf>,
}

impl Connection {
    /// A client of the API.
    ///
    /// # Errors
    /// When it is not said, or cannot be found out, where the API is or which key to use.
    pub fn api(&self) -> anyhow::Result<Api> {
        let profile = self.profile()?;
        let url = if let Some(url) = self.url.as_ref().or(profile.url.as_ref()) {
            url.clone()
        } else {
            RunFile::read(&self.data_dir)
                .context("say where the API is with --url, TURNLOOM_URL or a profile")?
                .api_url
        };
        let key = match (&self.key, &profile.key, &profile.key_file) {
            (Some(key), _, _) | (None, Some(key), _) => key.clone(),
            (None, None, Some(file)) => read_key(file)?,
            (None, None, None) => self.kept_key(&url).with_context(|| {
                format!("{url} needs a key: say which with TURNLOOM_API_KEY, --key or a profile")
            })?,
        };
        Api::new(&url, &key)
    }

    /// The product that flags, environment or a profile name; none when only a `turnloom up` could be found.
    ///
    /// # Errors
    /// When it is not said which key to use, or a profile cannot be read.
    pub fn named(&self) -> anyhow::Result<Option<(String, String)>> {
        let profile = self.profile()?;
        let Some(url) = self.url.as_ref().or(profile.url.as_ref()) else { return Ok(None) };
        let key = match (self.key.as_ref().or(profile.key.as_ref()), &profile.key_file) {
            (Some(key), _) => key.clone(),
            (None, Some(file)) => read_key(file)?,
            (None, None) => self.kept_key(url)?,
        };
        Ok(Some((url.clone(), key)))
    }

    /// The bus at this address, or that of the `turnloom up` in the data directory; `name` is how operators see it.
    ///
    /// # Errors
    /// When it is not said where it is, or it cannot be reached.
    pub async fn bus(&self, url: Option<&str>, name: &str) -> anyhow::Result<Bus> {
        let url = match url {
            Some(url) => url.to_owned(),
            None => RunFile::read(&self.data_dir)?.nats_url,
        };
        Ok(Bus::connect(&BusConfig::for_url(&url), name).await?)
    }

    /// The database at this address, or that of the `turnloom up` in the data directory.
    ///
    /// # Errors
    /// When it is not said where it is.
    pub fn database_url(&self, url: Option<&str>) -> anyhow::Result<String> {
        match url {
            Some(url) => Ok(url.to_owned()),
            None => Ok(RunFile::read(&self.data_dir)?.database_url),
        }
    }

    /// The key that `turnloom up` keeps in the data directory. It opens everything there, so nobody else gets to see it.
    fn kept_key(&self, url: &str) -> anyhow::Result<String> {
        let running = RunFile::read(&self.data_dir)?.api_url;
        let file = self.data_dir.join("api-key");
        if api::base(url) != api::base(&running) {
            bail!("the key in {} is for {running} only", file.display());
        }
        read_key(&file)
    }

    fn profile(&self) -> anyhow::Result<Profile> {
        let file = self.config_file()?;
        let Some(name) = self.profile.as_ref().or(file.default_profile.as_ref()) else {
            return Ok(Profile::default());
        };
        let Some(profile) = file.profiles.get(name) else {
            let known: Vec<&str> = file.profiles.keys().map(String::as_str).collect();
            bail!("there is no profile '{name}'; the configuration file has: {}", known.join(", "))
        };
        Ok(profile.clone())
    }

    fn config_file(&self) -> anyhow::Result<ConfigFile> {
        let path = match (&self.config, default_config()) {
            (Some(path), _) => path.clone(),
            (None, Some(path)) if path.exists() => path,
            (None, Some(_) | None) => return Ok(ConfigFile::default()),
        };
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} cannot be understood", path.display()))
    }
}

fn default_config() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(directory.join("turnloom/config.toml"))
}

fn read_key(path: &Path) -> anyhow::Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read the key in {}", path.display()))?;
    Ok(text.trim().to_owned())
}
