//! `turnloom up` as a process of its own, with everything that it writes in one directory.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use testkit::{Api, eventually};

/// The process; killed when it goes away. Its log is told in every detail.
pub struct Process {
    child: Child,
    pub directory: PathBuf,
    pub api: Api,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.directory).ok();
    }
}

impl Process {
    /// Started with these variables, and ready.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let directory = std::env::temp_dir().join(format!("turnloom-{}", platform::clock::new_uuid_v4()));
        fs::create_dir_all(&directory).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_turnloom"))
            .args(["up", "--listen", "127.0.0.1:0", "--log", "trace", "--data-dir"])
            .arg(&directory)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(directory.join("services.log")).unwrap())
            .spawn()
            .unwrap();
        let said = welcome(&mut child);
        let word =
            |label: &str| said.split(label).nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
        let api = Api::new(word("API      ").trim_end_matches("/v1"), word("API key"));
        Self { child, directory, api }
    }

    /// Ctrl-C, until it has ended; what it wrote is left.
    pub async fn interrupt(&mut self) {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        let child = Mutex::new(&mut self.child);
        eventually("it has stopped", || async { child.lock().unwrap().try_wait().unwrap() }).await;
    }

    /// Every file that it has written, with what is in it.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(&self.directory).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

/// What it says until it is ready.
fn welcome(child: &mut Child) -> String {
    let mut said = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while !said.contains("Ctrl-C stops everything.") {
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "it ended early: {said}");
        said.push(char::from(byte[0]));
    }
    said
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
