//! Ends a server when the process that it serves is gone, however that ended.
//!
//! A signal at the parent's death fires when the spawning *thread* ends, so it is of no use here. Instead a small
//! shell waits: either at a pipe whose other end only the parent holds, or by looking whether a process is still
//! there. When that is over it stops the server, and kills it when it does not stop. It runs in a process group
//! of its own, so that Ctrl-C at the terminal reaches the parent only, which stops things in order.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Tells the server to stop, waits up to ten seconds, kills it, and removes its directory when it is to go.
const STOP: &str = r#"
kill -s "$2" "$1" 2>/dev/null
i=0
while kill -0 "$1" 2>/dev/null && [ $i -lt 100 ]; do
  case "$(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null)" in Z) break ;; esac
  sleep 0.1; i=$((i+1))
done
kill -9 "$1" 2>/dev/null
[ -n "$3" ] && rm -rf -- "$3"
"#;

/// What ends the wait.
pub(crate) enum Until {
    /// This process ends.
    ThisProcessEnds,
    /// That one does.
    Gone(u32),
}

/// Starts a keeper for a server. `signal` stops it, such as `INT`; `remove` is deleted afterwards.
pub(crate) fn watch(server: u32, signal: &str, remove: Option<&Path>, until: &Until) -> io::Result<Child> {
    let wait = match until {
        Until::ThisProcessEnds => "cat >/dev/null".to_owned(),
        Until::Gone(process) => format!("while kill -0 {process} 2>/dev/null; do sleep 0.5; done"),
    };
    Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("trap '' HUP INT TERM\n{wait}\n{STOP}"))
        .arg("keeper")
        .arg(server.to_string())
        .arg(signal)
        .arg(remove.unwrap_or_else(|| Path::new("")))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Sends a keeper away whose server is stopped already.
pub(crate) fn dismiss(mut keeper: Child) {
    keeper.kill().ok();
    keeper.wait().ok();
}
