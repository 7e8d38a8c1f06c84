//! What a person sees while and after everything starts.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::printing::{self, eprintln};
use crate::run_file::RunFile;

/// One line for each thing that is ready.
pub(super) fn progress(what: &str, took: Duration) {
    eprintln!("  ✓ {what} ({:.1} s)", took.as_secs_f64());
}

/// Where everything is, and a first request to paste.
pub(super) fn greet(run: &RunFile, api_key: &str, data_dir: Option<&Path>, admin: SocketAddr) {
    let RunFile { api_url, nats_url, events_subject, .. } = run;
    let kept = match data_dir {
        Some(directory) => format!("kept in {}", directory.join("api-key").display()),
        None => "for this run only, as all data".to_owned(),
    };
    let told = format_args!(
        "
Turnloom is ready.

  API      {api_url}/v1
  API key  {api_key}  ({kept})
  docs     {api_url}/docs
  events   {nats_url}  {events_subject}
  health   http://{admin}/readyz   metrics  http://{admin}/metrics

A first request to paste:

  curl -s {api_url}/v1/workflows -H 'Authorization: Bearer {api_key}' \\
    -H 'Content-Type: application/json' -d '{{\"name\": \"Hello\", \"channel\": \"web\", \"configuration\": {{
      \"trigger\": {{\"type\": \"message\", \"keywords\": [\"hello\"]}},
      \"nodes\": [{{\"id\": \"greet\", \"type\": \"message\", \"content\": \"Hello {{{{ customer.id }}}}!\"}}]}}}}'

Ctrl-C stops everything.

"
    );
    // It runs on when nobody reads this.
    printing::write(told).ok();
}
