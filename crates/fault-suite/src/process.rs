//! One service as a process that can be killed, stopped for a while, asked to end, and started again.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::{Failure, io_error};
use crate::patience::until;

/// A service; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    /// Whether each start gets a name of its own, which the service is told.
    named: bool,
    log: PathBuf,
    level: &'static str,
    starts: u32,
    child: Option<Child>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// A service that is not started yet. Its output goes to the file `log`.
    pub fn new(name: String, program: PathBuf, arguments: Vec<String>, named: bool, log: PathBuf) -> Self {
        Self { name, program, arguments, named, log, level: "error", starts: 0, child: None }
    }

    /// The same with another level of its log, such as `debug`.
    #[must_use]
    pub fn logging(mut self, level: &'static str) -> Self {
        self.level = level;
        self
    }

    /// What this start of it is called.
    pub fn name(&self) -> String {
        format!("{}.{}", self.name, self.starts)
    }

    /// Starts it, once more.
    ///
    /// # Errors
    /// When its program or its log cannot be opened.
    pub fn start(&mut self) -> Result<(), Failure> {
        self.kill();
        self.starts += 1;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(io_error(format!("cannot write {}", self.log.display())))?;
        let errors = log.try_clone().map_err(io_error("the log cannot be shared"))?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(["--log", self.level, "--log-format", "pretty"]);
        if self.named {
            command.args(["--runner-name", &self.name()]);
        }
        let missing = format!("{}: build it with `cargo build --workspace`", self.program.display());
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        self.child = Some(child.map_err(io_error(missing))?);
        Ok(())
    }

    /// kill -9; gives whether it ran.
    pub fn kill(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return false };
        child.kill().ok();
        child.wait().ok();
        true
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, signal).ok();
        }
    }

    /// How it ended, when it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }

    /// Asks it to end, waits until it has, and says how and how long that took.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn end(&mut self) -> Result<(ExitStatus, Duration), Failure> {
        self.signal(Signal::TERM);
        let name = self.name();
        let what = format!("{name} ends when it is asked to");
        let ended = until(&what, || {
            let ended = self.ended();
            std::future::ready(Ok(ended))
        })
        .await?;
        self.child = None;
        Ok(ended)
    }
}
