//! The limit on open files and sockets that the system sets for this process.
//!
//! - `serve` calls `raise_limit_and_fit` at its start. It never fails: it logs a warning, and returns limits with fewer
//!   HTTP connections if the files do not suffice.
//! - `check` calls `describe_limits`: `Ok` is the line to print, `Err` means that the limit cannot be raised. Too few
//!   files are `Ok`; the line says so.
//! - `file_limit` is `None` if there is no limit.

use std::{error::Error, io};

use api::listener::HttpLimits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit on open files. `None` means that there is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// The limit when the process started.
    pub before: Option<u64>,
    /// The limit after it was raised. `None`: there is no limit.
    pub now: Option<u64>,
}

/// Raises the limit to the maximum that this process may set.
pub fn raise_limit() -> io::Result<Files> {
    let Rlimit { current: before, maximum } = getrlimit(Resource::Nofile);
    if before != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(Files { before, now: getrlimit(Resource::Nofile).current })
}

/// Raises the limit on open files. If it is too low for the configured HTTP connections, returns limits with fewer
/// connections and logs a warning.
pub fn raise_limit_and_fit(limits: HttpLimits) -> HttpLimits {
    let now = match raise_limit() {
        Ok(Files { before, now }) => {
            tracing::debug!(before, now, "the limit on open files");
            now
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, "the limit on open files cannot be raised");
            getrlimit(Resource::Nofile).current
        }
    };
    let fitted = fit_connections_to_files(limits, now);
    if fitted != limits {
        tracing::warn!(
            files = now,
            "MILEPOST_HTTP_CONNECTIONS: {} connections need {} open files; {} are served (ulimit -n)",
            limits.connections,
            limits.files(),
            fitted.connections
        );
    }
    fitted
}

/// Describes the limit for `check`. This raises the limit too.
pub fn describe_limits(limits: HttpLimits) -> Result<String, String> {
    let Files { before, now } =
        raise_limit().map_err(|error| format!("the limit cannot be raised: {error}"))?;
    let number = |limit: Option<u64>| limit.map_or("any number".to_owned(), |limit| limit.to_string());
    let raised = if before == now { String::new() } else { format!(", raised from {}", number(before)) };
    let fitted = fit_connections_to_files(limits, now).connections;
    let connections = match fitted == limits.connections {
        true => format!("{fitted} HTTP connections"),
        false => {
            format!("{fitted} HTTP connections, fewer than MILEPOST_HTTP_CONNECTIONS={}", limits.connections)
        }
    };
    Ok(format!("{} may be open{raised}; {connections}", number(now)))
}

fn fit_connections_to_files(limits: HttpLimits, file_limit: Option<u64>) -> HttpLimits {
    file_limit.map_or(limits, |files| limits.within_files(usize::try_from(files).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_be() {
        let raised = raise_limit().unwrap();
        assert_eq!(raised.now, getrlimit(Resource::Nofile).maximum);
        assert_eq!(raise_limit().unwrap().before, raised.now);
    }

    #[test]
    fn connections_are_fitted_to_the_files() {
        let limits = HttpLimits::default();
        assert_eq!(fit_connections_to_files(limits, None), limits);
        assert_eq!(fit_connections_to_files(limits, Some(1 << 20)), limits);
        assert!(fit_connections_to_files(limits, Some(1_000)).connections < 1_000);
    }
}
