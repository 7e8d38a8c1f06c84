//! One PostgreSQL for a whole test run, a database for each test.
//!
//! nextest runs every test in a process of its own. The first that asks starts the server and leaves its address in
//! a file; a keeper ends it when the test runner is gone. A database is copied from a template that is prepared
//! once in the run, so a test pays for a copy and not for the migrations.

use std::fs::{self, File};
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

use tokio_postgres::{Client, NoTls};

use crate::keeper::{self, Until};
use crate::postgres::Cluster;
use crate::{Error, io_error, port};

/// A database that only this test uses. It goes with the run's server.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    url: String,
}

impl TestDatabase {
    /// A new database, copied from the template of this name. `prepare` fills the template, once in a run, given its address.
    ///
    /// # Errors
    /// When the server cannot be started or a statement fails.
    pub async fn create<F>(template: &str, prepare: impl FnOnce(String) -> F) -> Result<Self, Error>
    where
        F: Future<Output = ()>,
    {
        let run = tokio::task::spawn_blocking(Run::find_or_start)
            .await
            .map_err(|error| Error::Missing(format!("the test server's starter failed: {error}")))??;
        let admin = run.connect().await?;
        run.prepare(&admin, template, prepare).await?;
        let name = format!("test_{}_{}", std::process::id(), unique());
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        Ok(Self { url: run.url(&name) })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A number that no other call in this process gets.
fn unique() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// The server of this test run.
struct Run {
    directory: PathBuf,
    base: String,
}

impl Run {
    fn find_or_start() -> Result<Self, Error> {
        let runner = parent_id();
        let run = std::env::var_os("NEXTEST_RUN_ID")
            .and_then(|id| id.into_string().ok())
            .unwrap_or_else(|| format!("process-{runner}"));
        let directory = std::env::temp_dir().join(format!("turnloom-test-{run}"));
        fs::create_dir_all(&directory).map_err(io_error("the test run's directory"))?;
        let _lock = lock(&directory.join("server.lock"))?;
        let address = directory.join("address");
        if let Ok(base) = fs::read_to_string(&address) {
            return Ok(Self { directory, base });
        }
        let cluster = Cluster::at(&directory.join("postgres"))?;
        let port = port::free()?;
        let server = cluster.spawn(port)?;
        // The keeper outlives this process on purpose: it waits for the test runner.
        keeper::watch(server.id(), "INT", Some(&directory), &Until::Gone(runner))
            .map_err(io_error("the keeper of the test server"))?;
        let base = cluster.url(port, "");
        fs::write(&address, &base).map_err(io_error("the test server's address"))?;
        Ok(Self { directory, base })
    }

    fn url(&self, database: &str) -> String {
        format!("{}{database}", self.base)
    }

    async fn connect(&self) -> Result<Client, Error> {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Makes the template if this run has none yet. A half-made one of a test that was killed is made again.
    async fn prepare<F>(
        &self,
        admin: &Client,
        template: &str,
        prepare: impl FnOnce(String) -> F,
    ) -> Result<(), Error>
    where
        F: Future<Output = ()>,
    {
        let path = self.directory.join(format!("{template}.lock"));
        let _lock = tokio::task::spawn_blocking(move || lock(&path))
            .await
            .map_err(|error| Error::Missing(format!("the template's lock: {error}")))??;
        let known = admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&template]).await?;
        if known.is_some() {
            return Ok(());
        }
        let building = format!("{template}_building");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {building}")).await?;
        prepare(self.url(&building)).await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        admin.execute(end, &[&building]).await?;
        admin.batch_execute(&format!("ALTER DATABASE {building} RENAME TO {template}")).await?;
        Ok(())
    }
}

/// Holds until the returned file is dropped, also against other processes.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(io_error("a lock of the test run"))?;
    file.lock().map_err(io_error("a lock of the test run"))?;
    Ok(file)
}
