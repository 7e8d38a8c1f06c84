//! A console block: commands behind `$ `, going on behind `> `, and what they print. A line `…` stands for any lines.

use super::mask::masked;

/// A command and what the README says that it prints.
pub struct Step {
    pub command: String,
    pub shows: Vec<String>,
}

/// The commands of a block.
pub fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), shows: Vec::new() });
            continue;
        }
        let step = steps.last_mut().expect("a block begins with a command");
        match line.strip_prefix("> ") {
            Some(more) if step.shows.is_empty() => {
                step.command.push('\n');
                step.command.push_str(more);
            }
            Some(_) | None => step.shows.push(line.to_owned()),
        }
    }
    steps
}

/// The first line that is not printed as it is shown. What differs from run to run is masked in both.
pub fn difference(shows: &[String], prints: &str) -> Option<String> {
    let printed: Vec<String> = prints.lines().map(masked).filter(|line| !line.is_empty()).collect();
    let mut at = 0;
    let mut anywhere = false;
    for line in shows.iter().filter(|line| !line.trim().is_empty()) {
        if line.trim() == "…" {
            anywhere = true;
            continue;
        }
        let wanted = masked(line);
        let found = printed[at..].iter().position(|printed| *printed == wanted);
        match found {
            Some(skipped) if skipped == 0 || anywhere => at += skipped + 1,
            Some(_) | None => {
                let next = printed.get(at).map_or("nothing more", String::as_str);
                return Some(format!("The README shows\n  {wanted}\nand it prints\n  {next}"));
            }
        }
        anywhere = false;
    }
    (at < printed.len() && !anywhere).then(|| format!("The README does not show\n  {}", printed[at]))
}
