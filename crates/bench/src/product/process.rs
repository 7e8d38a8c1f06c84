//! One process of the product, which ends with the bench, however that ends.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A process that was asked to end and has not after this is killed.
const END_DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of a log's end that are shown.
const TAIL_BYTES: usize = 2000;

/// What the keeper does once the bench has gone: it reads until the other end of its input is closed, then asks the
/// process to end, and kills it when it does not.
const KEEPER: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
kill -s TERM "$1" 2>/dev/null
i=0
while kill -0 "$1" 2>/dev/null && [ $i -lt 200 ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL "$1" 2>/dev/null
"#;

/// A process; it is asked to end when this is dropped.
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    keeper: Child,
}

impl Process {
    /// Starts it; its output goes to the file `log`.
    ///
    /// # Errors
    /// When its program is missing or the log cannot be written.
    pub fn start(
        name: &str,
        program: &Path,
        flags: impl IntoIterator<Item = impl AsRef<OsStr>>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(log);
        let out = opened.with_context(|| format!("cannot write {}", log.display()))?;
        let errors = out.try_clone().context("the log cannot be shared")?;
        // In a group of its own: Ctrl-C reaches the bench only, which ends everything in order.
        let spawned = Command::new(program)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors)
            .process_group(0)
            .spawn();
        let mut child = spawned.with_context(|| {
            format!("{} cannot be run: `make bench` builds all programs", program.display())
        })?;
        let kept = Command::new("/bin/sh")
            .args(["-c", KEEPER, "keeper", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let keeper = match kept {
            Ok(keeper) => keeper,
            Err(error) => {
                child.kill().ok();
                child.wait().ok();
                return Err(error).context("no shell to end it with");
            }
        };
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child, keeper })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Refuses when it has ended by itself, with the end of its log.
    ///
    /// # Errors
    /// When it has.
    pub fn require_running(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        let text = fs::read(&self.log).unwrap_or_default();
        let tail = text.get(text.len().saturating_sub(TAIL_BYTES)..).unwrap_or_default();
        bail!("{} has ended with {status}: {}", self.name, String::from_utf8_lossy(tail))
    }
}

impl Drop for Process {
    /// Asks it to end and waits until it has.
    fn drop(&mut self) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).ok();
        }
        let deadline = Instant::now() + END_DEADLINE;
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        self.child.wait().ok();
        // It waits at a pipe that only this process holds, and has nothing left to do.
        self.keeper.kill().ok();
        self.keeper.wait().ok();
    }
}
