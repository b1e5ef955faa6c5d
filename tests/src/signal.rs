//! Sends signals to the processes that tests start.
//!
//! It does not use the program `kill`, because a minimal Debian does not have it.

use std::io;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Sends a signal to a process.
///
/// # Errors
/// The process does not exist, or belongs to another user.
pub fn send_signal(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(pid, signal)?)
}
