//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};

use crate::{Error, io_error};

/// A port that was free a moment ago. Another process may take it before it is used: starters try again.
pub(crate) fn free() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io_error("no free port"))?;
    Ok(listener.local_addr().map_err(io_error("no free port"))?.port())
}
