//! A private PostgreSQL cluster.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::keeper::{self, Until};
use crate::{Error, binaries, io_error, log, port};

/// A start that takes longer has failed. Recovery after a crash is part of it.
const READY_DEADLINE: Duration = Duration::from_mins(1);
/// How often readiness is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Starts tried when the port is taken in between.
const STARTS_MAX: u32 = 5;
/// Memory of a statement is kept for the next one. Given back to the system, as glibc does with more than 128 KiB, it comes back
/// by a page fault for each 4 KiB: a tenth of what a small commit takes.
const KEEPING_MEMORY: [(&str, &str); 2] =
    [("MALLOC_TRIM_THRESHOLD_", "33554432"), ("MALLOC_TOP_PAD_", "1048576")];
/// The database that is there from the start.
const DATABASE: &str = "turnloom";

/// A running cluster; it is stopped when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
    port: u16,
    running: Option<Running>,
    /// Removed with the cluster.
    ephemeral: Option<TempDir>,
}

/// Where a cluster lives.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    directory: PathBuf,
    bin: PathBuf,
    password: String,
}

#[derive(Debug)]
struct Running {
    server: Child,
    keeper: Child,
}

impl Postgres {
    /// Starts the cluster in this directory; makes it first if there is none.
    ///
    /// # Errors
    /// When the programs are missing, or it does not become ready.
    pub fn start(directory: &Path) -> Result<Self, Error> {
        let cluster = Cluster::at(directory)?;
        let mut postgres = Self { cluster, port: 0, running: None, ephemeral: None };
        postgres.run_on_free_port()?;
        Ok(postgres)
    }

    /// Starts a new cluster that goes away with this value.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn ephemeral() -> Result<Self, Error> {
        let directory =
            TempDir::with_prefix("turnloom-postgres-").map_err(io_error("no temporary directory"))?;
        let cluster = Cluster::at(directory.path())?;
        let mut postgres = Self { cluster, port: 0, running: None, ephemeral: Some(directory) };
        postgres.run_on_free_port()?;
        Ok(postgres)
    }

    /// Address of the database that is there from the start.
    #[must_use]
    pub fn url(&self) -> String {
        self.cluster.url(self.port, DATABASE)
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.server.id())
    }

    /// Kills all of it without notice, as a crash of the machine would: a server process that outlives the first one
    /// may answer for a moment.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            keeper::dismiss(running.keeper);
            let mut server = running.server;
            // Stopped first, so that it can't start another child.
            signal(server.id(), Signal::STOP);
            let children = children(server.id());
            server.kill().ok();
            for child in children {
                signal(child, Signal::KILL);
            }
            server.wait().ok();
        }
    }

    /// Lets all of it hang: its connections stay, and it answers nothing until [`Postgres::resume`].
    pub fn pause(&self) {
        let Some(server) = self.pid() else { return };
        // The first process before its children, so that it can't start another one.
        signal(server, Signal::STOP);
        for child in children(server) {
            signal(child, Signal::STOP);
        }
    }

    /// Lets it go on after [`Postgres::pause`].
    pub fn resume(&self) {
        let Some(server) = self.pid() else { return };
        for child in children(server) {
            signal(child, Signal::CONT);
        }
        signal(server, Signal::CONT);
    }

    /// Stops it in order: open connections are closed, everything is written.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            keeper::dismiss(running.keeper);
            interrupt(&running.server);
            running.server.wait().ok();
        }
    }

    /// Starts it again after [`Postgres::kill`] or [`Postgres::stop`], on the same port.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.stop();
        let server = self.cluster.spawn(self.port)?;
        self.running = Some(self.keep(server)?);
        Ok(())
    }

    fn run_on_free_port(&mut self) -> Result<(), Error> {
        for attempt in 1.. {
            self.port = port::free()?;
            match self.cluster.spawn(self.port) {
                Ok(server) => {
                    self.running = Some(self.keep(server)?);
                    break;
                }
                Err(Error::NotReady { tail, .. })
                    if attempt < STARTS_MAX && tail.contains("Address already in use") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn keep(&self, server: Child) -> Result<Running, Error> {
        let remove = self.ephemeral.as_ref().map(TempDir::path);
        let keeper = keeper::watch(server.id(), "INT", remove, &Until::ThisProcessEnds)
            .map_err(io_error("the keeper of PostgreSQL could not be started"))?;
        Ok(Running { server, keeper })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.ephemeral.is_some() { self.kill() } else { self.stop() }
    }
}

/// Asks a server to stop fast.
pub(crate) fn interrupt(server: &Child) {
    signal(server.id(), Signal::INT);
}

pub(crate) fn signal(process: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        kill_process(pid, signal).ok();
    }
}

/// The children of a process, where the system tells them.
fn children(process: u32) -> Vec<u32> {
    let told = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    told.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

impl Cluster {
    /// The cluster in a directory, made if there is none.
    pub(crate) fn at(directory: &Path) -> Result<Self, Error> {
        let bin = binaries::postgres()?;
        fs::create_dir_all(directory).map_err(io_error(format!("cannot make {}", directory.display())))?;
        let directory =
            directory.canonicalize().map_err(io_error(format!("cannot find {}", directory.display())))?;
        let mut cluster = Self { directory, bin, password: String::new() };
        cluster.password = cluster.read_password()?;
        if !cluster.data().join("PG_VERSION").exists() {
            cluster.init()?;
        }
        Ok(cluster)
    }

    /// Address of one of its databases.
    pub(crate) fn url(&self, port: u16, database: &str) -> String {
        format!("postgres://turnloom:{}@127.0.0.1:{port}/{database}", self.password)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("postgres.log")
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The password, made once; readable by the owner only.
    fn read_password(&self) -> Result<String, Error> {
        let path = self.directory.join("password");
        if let Ok(password) = fs::read_to_string(&path) {
            return Ok(password);
        }
        let mut random = [0_u8; 16];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut random))
            .map_err(io_error("no random numbers"))?;
        let password = format!("{:032x}", u128::from_ne_bytes(random));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(password.as_bytes()))
            .map_err(io_error(format!("cannot write {}", path.display())))?;
        Ok(password)
    }

    fn init(&self) -> Result<(), Error> {
        // An initdb that was killed leaves half a cluster: it is made in a place of its own and then moved.
        let fresh = self.directory.join("data.new");
        fs::remove_dir_all(&fresh).ok();
        self.run(
            self.program("initdb")
                .arg("--pgdata")
                .arg(&fresh)
                .args(["--username=turnloom", "--auth=scram-sha-256", "--data-checksums"])
                .args(["--encoding=UTF8", "--locale=C.UTF-8"])
                .arg(format!("--pwfile={}", self.directory.join("password").display())),
            "",
        )?;
        let create = format!("CREATE DATABASE {DATABASE};\n");
        self.run(self.program("postgres").arg("--single").arg("-D").arg(&fresh).arg("postgres"), &create)?;
        fs::rename(&fresh, self.data()).map_err(io_error("the new cluster could not be moved into place"))
    }

    /// Runs a program that ends by itself, with this input.
    fn run(&self, command: &mut Command, input: &str) -> Result<(), Error> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .map_err(io_error("the log cannot be written"))?;
        let failed = |why: String| Error::NotReady {
            server: "PostgreSQL",
            why,
            log: self.log(),
            tail: log::tail(&self.log()),
        };
        let errors = log.try_clone().map_err(io_error("the log cannot be written"))?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).map_err(|error| failed(error.to_string()))?;
        }
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        if status.success() { Ok(()) } else { Err(failed(format!("{command:?} ended with {status}"))) }
    }

    /// Starts the server and waits until it takes connections. After a kill the last server's children may take a moment to notice
    /// and hold its memory until then.
    pub(crate) fn spawn(&self, port: u16) -> Result<Child, Error> {
        let deadline = Instant::now() + READY_DEADLINE;
        loop {
            match self.spawn_once(port) {
                Err(Error::NotReady { tail, .. })
                    if tail.contains("pre-existing shared memory block") && Instant::now() < deadline =>
                {
                    std::thread::sleep(LOOK_EVERY);
                }
                other => return other,
            }
        }
    }

    fn spawn_once(&self, port: u16) -> Result<Child, Error> {
        let log = File::create(self.log()).map_err(io_error("the log cannot be written"))?;
        let errors = log.try_clone().map_err(io_error("the log cannot be written"))?;
        // After a kill the file of the last server is still there, and names a process that may be anyone's now.
        fs::remove_file(self.data().join("postmaster.pid")).ok();
        let mut server = self
            .program("postgres")
            .envs(KEEPING_MEMORY)
            .arg("-D")
            .arg(self.data())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            .arg("-c")
            .arg(format!("port={port}"))
            .args(["-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "max_connections=300"])
            .args(["-c", "shared_buffers=128MB", "-c", "max_wal_size=2GB"])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(io_error("postgres could not be run"))?;
        self.wait_ready(&mut server)?;
        Ok(server)
    }

    /// The eighth line of `postmaster.pid` says `ready` when it takes connections.
    fn wait_ready(&self, server: &mut Child) -> Result<(), Error> {
        let deadline = Instant::now() + READY_DEADLINE;
        let why = loop {
            let state = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
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
        Err(Error::NotReady { server: "PostgreSQL", why, log: self.log(), tail: log::tail(&self.log()) })
    }

    /// A program of PostgreSQL; it refuses to run as root, so there it runs as another user of a name space.
    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        if !rustix::process::geteuid().is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-user=1000", "--map-group=1000"]).arg(program);
        command
    }
}
