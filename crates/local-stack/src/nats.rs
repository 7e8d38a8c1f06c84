//! A private nats-server with JetStream that syncs every message before it acknowledges it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::keeper::{self, Until};
use crate::postgres::{interrupt, signal};
use crate::{Error, binaries, io_error, log, port};

/// A start that takes longer has failed.
const READY_DEADLINE: Duration = Duration::from_secs(30);
/// How often readiness is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Starts tried when the port is taken in between.
const STARTS_MAX: u32 = 5;

/// A running nats-server; it is stopped when this is dropped.
#[derive(Debug)]
pub struct Nats {
    directory: PathBuf,
    program: PathBuf,
    port: u16,
    monitor_port: u16,
    running: Option<(Child, Child)>,
    ephemeral: Option<TempDir>,
    own: Own,
}

/// What is not as usual.
#[derive(Debug)]
struct Own {
    /// User and password that every client has to name.
    login: Option<(String, String)>,
    /// Who may do what, and what the server's environment has for it.
    users: Option<Users>,
    /// How often it syncs, as its configuration says it.
    sync_interval: &'static str,
}

impl Own {
    const USUAL: Self = Self { login: None, users: None, sync_interval: "always" };
}

/// Users that a server knows; all others are refused.
#[derive(Debug, Clone)]
pub struct Users {
    /// A part of the server's configuration with `authorization` in it. It is kept in [`USERS_FILE`] in the server's directory.
    pub conf: String,
    /// Variables that the configuration takes from the server's environment, such as passwords.
    pub environment: Vec<(String, String)>,
}

/// The file of users in the directory of a server that has any. A change counts when the server is told to read it again.
pub const USERS_FILE: &str = "users.conf";
/// The file that names the process of a server in its directory.
pub const PID_FILE: &str = "nats.pid";

impl Nats {
    /// Starts a server that keeps its streams in this directory.
    ///
    /// # Errors
    /// When the program is missing, or it does not become ready.
    pub fn start(directory: &Path) -> Result<Self, Error> {
        Self::in_directory(directory.to_owned(), None, Own::USUAL)
    }

    /// Starts a server that knows these users only; it keeps its streams in this directory, or none without one. They are
    /// not part of [`Nats::url`].
    ///
    /// # Errors
    /// As [`Nats::start`].
    pub fn start_with(directory: Option<&Path>, users: Users) -> Result<Self, Error> {
        let own = Own { users: Some(users), ..Own::USUAL };
        match directory {
            Some(directory) => Self::in_directory(directory.to_owned(), None, own),
            None => Self::in_temporary_directory(own),
        }
    }

    /// Starts a server whose streams go away with this value.
    ///
    /// # Errors
    /// As [`Nats::start`].
    pub fn ephemeral() -> Result<Self, Error> {
        Self::in_temporary_directory(Own::USUAL)
    }

    /// The same for clients that name this user and password only. They are not part of [`Nats::url`].
    ///
    /// # Errors
    /// As [`Nats::start`].
    pub fn ephemeral_for(user: &str, password: &str) -> Result<Self, Error> {
        let login = Some((user.to_owned(), password.to_owned()));
        Self::in_temporary_directory(Own { login, ..Own::USUAL })
    }

    /// The same, but it acknowledges at once and syncs every two minutes only: what a power cut would lose then.
    ///
    /// # Errors
    /// As [`Nats::start`].
    pub fn ephemeral_that_syncs_late() -> Result<Self, Error> {
        Self::in_temporary_directory(Own { sync_interval: "2m", ..Own::USUAL })
    }

    fn in_temporary_directory(own: Own) -> Result<Self, Error> {
        let directory = TempDir::with_prefix("turnloom-nats-").map_err(io_error("no temporary directory"))?;
        Self::in_directory(directory.path().to_owned(), Some(directory), own)
    }

    fn in_directory(directory: PathBuf, ephemeral: Option<TempDir>, own: Own) -> Result<Self, Error> {
        fs::create_dir_all(&directory).map_err(io_error(format!("cannot make {}", directory.display())))?;
        if let Some(users) = &own.users {
            write_private(&directory.join(USERS_FILE), &users.conf)?;
        }
        let mut nats = Self {
            directory,
            program: binaries::nats()?,
            port: 0,
            monitor_port: 0,
            running: None,
            ephemeral,
            own,
        };
        for attempt in 1.. {
            nats.port = port::free()?;
            nats.monitor_port = port::free()?;
            match nats.start_again() {
                Ok(()) => break,
                Err(Error::NotReady { tail, .. })
                    if attempt < STARTS_MAX && tail.contains("address already in use") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(nats)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where it tells of itself over HTTP.
    #[must_use]
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor_port)
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|(server, _)| server.id())
    }

    /// Where it has its files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Lets it read its configuration again.
    pub fn reload(&self) {
        if let Some(server) = self.pid() {
            signal(server, Signal::HUP);
        }
    }

    /// Kills it without notice, as a crash would.
    pub fn kill(&mut self) {
        if let Some((mut server, keeper)) = self.running.take() {
            keeper::dismiss(keeper);
            server.kill().ok();
            server.wait().ok();
        }
    }

    /// Removes everything that it has stored, as the loss of its disk would. It is killed before.
    ///
    /// # Errors
    /// When the data cannot be removed.
    pub fn lose_data(&mut self) -> Result<(), Error> {
        self.kill();
        fs::remove_dir_all(self.data()).map_err(io_error("the data of nats-server cannot be removed"))
    }

    /// Lets it hang: its connections stay, and it answers nothing until [`Nats::resume`].
    pub fn pause(&self) {
        if let Some(server) = self.pid() {
            signal(server, Signal::STOP);
        }
    }

    /// Lets it go on after [`Nats::pause`].
    pub fn resume(&self) {
        if let Some(server) = self.pid() {
            signal(server, Signal::CONT);
        }
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        if let Some((mut server, keeper)) = self.running.take() {
            keeper::dismiss(keeper);
            interrupt(&server);
            server.wait().ok();
        }
    }

    /// Starts it again after [`Nats::kill`] or [`Nats::stop`], on the same port.
    ///
    /// # Errors
    /// As [`Nats::start`].
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.stop();
        let config = self.directory.join("nats.conf");
        fs::write(&config, self.config()).map_err(io_error("the configuration of nats-server"))?;
        let log = File::create(self.log()).map_err(io_error("the log of nats-server"))?;
        let errors = log.try_clone().map_err(io_error("the log of nats-server"))?;
        let mut server = Command::new(&self.program)
            .arg("--config")
            .arg(&config)
            .envs(self.own.users.iter().flat_map(|users| users.environment.iter().cloned()))
            .env("GOMAXPROCS", threads().to_string())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(io_error("nats-server could not be run"))?;
        self.wait_ready(&mut server)?;
        let remove = self.ephemeral.as_ref().map(TempDir::path);
        let keeper = keeper::watch(server.id(), "INT", remove, &Until::ThisProcessEnds)
            .map_err(io_error("the keeper of nats-server could not be started"))?;
        self.running = Some((server, keeper));
        Ok(())
    }

    fn config(&self) -> String {
        format!(
            "listen: \"127.0.0.1:{}\"\nhttp: \"127.0.0.1:{}\"\nserver_name: turnloom-local\nmax_payload: 1MB\n\
             pid_file: {:?}\njetstream {{\n  store_dir: {:?}\n  sync_interval: {:?}\n}}\n{}{}",
            self.port,
            self.monitor_port,
            self.directory.join(PID_FILE).display().to_string(),
            self.data().display().to_string(),
            self.own.sync_interval,
            self.own
                .login
                .as_ref()
                .map(|(user, password)| format!(
                    "authorization {{ user: {user:?}, password: {password:?} }}\n"
                ))
                .unwrap_or_default(),
            // A name beside this file: the server looks there only.
            self.own.users.as_ref().map(|_| format!("include {USERS_FILE:?}\n")).unwrap_or_default(),
        )
    }

    fn data(&self) -> PathBuf {
        self.directory.join("jetstream")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("nats.log")
    }

    /// It is ready when it greets with JetStream on.
    fn wait_ready(&self, server: &mut Child) -> Result<(), Error> {
        let deadline = Instant::now() + READY_DEADLINE;
        let why = loop {
            if self.greets() {
                return Ok(());
            }
            match server.try_wait() {
                Ok(Some(status)) => break format!("it ended with {status}"),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
                Ok(None) => break format!("not within {} s", READY_DEADLINE.as_secs()),
                Err(error) => break error.to_string(),
            }
        };
        server.kill().ok();
        server.wait().ok();
        Err(Error::NotReady { server: "nats-server", why, log: self.log(), tail: log::tail(&self.log()) })
    }

    fn greets(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok();
        let mut greeting = String::new();
        BufReader::new(stream).read_line(&mut greeting).is_ok()
            && greeting.starts_with("INFO ")
            && greeting.contains("\"jetstream\":true")
    }
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    fs::remove_file(path).ok();
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(io_error(format!("cannot write {}", path.display())))
}

impl Drop for Nats {
    fn drop(&mut self) {
        if self.ephemeral.is_some() { self.kill() } else { self.stop() }
    }
}

/// It shares the machine with a database and services: of more threads than half the cores most only wake each other.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}
