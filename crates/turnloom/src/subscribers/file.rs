//! The file of users: read, changed as a whole, and read again by the broker.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use contracts::access::{self, Subscriber};
use local_stack::{PID_FILE, USERS_FILE};
use rustix::process::{Pid, Signal, kill_process};

use crate::run_file::{RunFile, write_private};

/// Where it is, and who has to read it.
pub(super) struct UsersFile {
    path: PathBuf,
    pid_file: Option<PathBuf>,
}

/// Whether the broker was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reloaded {
    Yes,
    No,
}

impl UsersFile {
    /// The given file, or that of what runs in the data directory.
    ///
    /// # Errors
    /// When none is given and nothing runs there.
    pub fn find(path: Option<PathBuf>, pid_file: Option<PathBuf>, data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(path) = path {
            return Ok(Self { path, pid_file });
        }
        RunFile::read(data_dir).context("say where the users of nats-server are with --users-file")?;
        let directory = data_dir.join("nats");
        let pid_file = pid_file.unwrap_or_else(|| directory.join(PID_FILE));
        Ok(Self { path: directory.join(USERS_FILE), pid_file: Some(pid_file) })
    }

    /// The subscribers in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> anyhow::Result<Vec<Subscriber>> {
        let path = || self.path.display().to_string();
        let text = fs::read_to_string(&self.path).with_context(path)?;
        access::read_users(&text).with_context(path)
    }

    /// Changes the subscribers, one change after the other, and has the broker read them. All of it is written or none.
    ///
    /// # Errors
    /// When the change is refused, or the file cannot be read or written.
    pub fn change(
        &self,
        change: impl FnOnce(&mut Vec<Subscriber>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Reloaded> {
        let beside = |ending: &str| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let path = || self.path.display().to_string();
        let lock = File::create(beside(".lock")).with_context(path)?;
        lock.lock().with_context(path)?;
        let mut known = self.read()?;
        change(&mut known)?;
        let fresh = beside(".new");
        write_private(&fresh, access::users_conf(&known).as_bytes())?;
        // Whoever could read it still can.
        fs::set_permissions(&fresh, fs::metadata(&self.path).with_context(path)?.permissions())
            .with_context(path)?;
        fs::rename(&fresh, &self.path).with_context(path)?;
        self.reload()
    }

    fn reload(&self) -> anyhow::Result<Reloaded> {
        let Some(pid_file) = &self.pid_file else { return Ok(Reloaded::No) };
        let told = fs::read_to_string(pid_file).with_context(|| pid_file.display().to_string())?;
        let pid: i32 = told.trim().parse().with_context(|| pid_file.display().to_string())?;
        // The number of one that is gone may be anyone's.
        let is_another =
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() != "nats-server");
        let Some(pid) = Pid::from_raw(pid).filter(|_| !is_another) else { return Ok(Reloaded::No) };
        kill_process(pid, Signal::HUP)
            .with_context(|| format!("nats-server ({}) cannot be told", told.trim()))?;
        Ok(Reloaded::Yes)
    }
}
