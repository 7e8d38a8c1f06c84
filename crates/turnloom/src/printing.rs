//! How everything is printed: a reader that has seen enough (`turnloom … | head`) ends a command, and is no failure.
//!
//! `std`'s and `anstream`'s macros panic then. Colours go away by themselves where they do not belong.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;

/// Nobody reads the output any more.
#[derive(Debug, thiserror::Error)]
#[error("the output is closed")]
pub(crate) struct Closed;

/// Writes to standard output.
///
/// # Errors
/// [`Closed`], or why else it cannot be written.
pub(crate) fn write(text: Arguments<'_>) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        other => other.context("the output cannot be written"),
    }
}

/// Writes to standard output for those who have nothing to put in order when that fails: the process ends.
pub(crate) fn write_or_end(text: Arguments<'_>) {
    match write(text) {
        Ok(()) => {}
        Err(error) if error.is::<Closed>() => std::process::exit(0),
        Err(error) => {
            write_error(format_args!("error: {error:#}\n"));
            std::process::exit(1)
        }
    }
}

/// Writes to standard error. There is nobody left to tell when that fails.
pub(crate) fn write_error(text: Arguments<'_>) {
    anstream::stderr().lock().write_fmt(text).ok();
}

/// How a command ends that nobody listens to any more.
pub(crate) fn end_of_closed(error: &anyhow::Error) -> Option<ExitCode> {
    error.is::<Closed>().then_some(ExitCode::SUCCESS)
}

/// A line on standard output.
macro_rules! print_line {
    ($($told:tt)*) => {
        $crate::printing::write_or_end(format_args!("{}\n", format_args!($($told)*)))
    };
}

/// A line on standard error.
macro_rules! print_error_line {
    ($($told:tt)*) => {
        $crate::printing::write_error(format_args!("{}\n", format_args!($($told)*)))
    };
}

pub(crate) use {print_error_line as eprintln, print_line as println};
