//! Settings for the limits of HTTP connections.
//!
//! `Settings::read` calls `read_http_limits`. It is `None` if one of the values is invalid; all problems are added
//! then. The `parse_…` functions check one value: timeouts from 1s to 1h, counts from 1 to 1,000,000, memory from 8MiB
//! to 1024GiB, in bytes.

use std::time::Duration;

use api::listener::HttpLimits;
use chrono::TimeDelta;
use console::duration::parse_duration;

use super::Reader;

/// The minimum and the maximum of every timeout.
const TIMEOUT: [TimeDelta; 2] = [TimeDelta::seconds(1), TimeDelta::hours(1)];
/// The maximum of every setting that counts connections.
const MAX_CONNECTIONS: usize = 1_000_000;
/// The minimum and the maximum of every amount of memory, in MiB. The minimum is enough for the largest webhook.
const MEMORY: [usize; 2] = [8, 1024 * 1024];

impl Reader<'_> {
    pub(super) fn read_http_limits(&mut self) -> HttpLimits {
        HttpLimits {
            header_timeout: self.read_value("HTTP_HEADER_TIMEOUT", parse_timeout),
            body_timeout: self.read_value("HTTP_BODY_TIMEOUT", parse_timeout),
            idle_timeout: self.read_value("HTTP_IDLE_TIMEOUT", parse_timeout),
            write_timeout: self.read_value("HTTP_WRITE_TIMEOUT", parse_timeout),
            connections: self.read_value("HTTP_CONNECTIONS", parse_count),
            connections_per_address: self.read_value("HTTP_CONNECTIONS_PER_ADDRESS", parse_count),
            sockets: self.read_value("HTTP_SOCKETS", parse_count),
            body_memory: self.read_value("HTTP_BODY_MEMORY", parse_memory),
            response_memory: self.read_value("HTTP_ANSWER_MEMORY", parse_memory),
        }
    }
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let [least, most] = TIMEOUT;
    let span = parse_duration(text).map_err(|error| error.to_string())?;
    match span.to_std() {
        Ok(timeout) if (least..=most).contains(&span) => Ok(timeout),
        Ok(_) | Err(_) => Err(format!("`{text}` is not between 1s and 1h")),
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_CONNECTIONS).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a number from 1 to {MAX_CONNECTIONS}"))
}

fn parse_memory(text: &str) -> Result<usize, String> {
    let [least, most] = MEMORY;
    let (number, unit) =
        text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let mebibytes = number.parse::<usize>().ok().and_then(|number| match unit {
        "MiB" => Some(number),
        "GiB" => number.checked_mul(1024),
        _ => None,
    });
    let mebibytes = mebibytes.filter(|number| (least..=most).contains(number));
    let bytes = mebibytes.map(|number| number * 1024 * 1024);
    bytes.ok_or_else(|| format!("`{text}` is not an amount of memory from {least}MiB to {}GiB", most / 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_a_unit_and_bounds() {
        assert_eq!(parse_timeout("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(parse_timeout("1h"), Ok(Duration::from_secs(3_600)));
        for wrong in ["0s", "61m", "2h", "5", "", "-1s", "fast"] {
            assert!(parse_timeout(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn memory_has_a_unit_and_bounds() {
        assert_eq!(parse_memory("8MiB"), Ok(8 * 1024 * 1024));
        assert_eq!(parse_memory("2GiB"), Ok(2 * 1024 * 1024 * 1024));
        for wrong in ["7MiB", "8", "8MB", "MiB", "", "1025GiB", "99999999999999999999GiB", "1.5GiB"] {
            assert!(parse_memory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(parse_count("1"), Ok(1));
        for wrong in ["0", "-1", "1000001", "many", ""] {
            assert!(parse_count(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_defaults_of_settings_are_those_of_the_listener() {
        let settings = crate::settings::Settings::read([], None, |_| unreachable!("no file is named"));
        assert_eq!(settings.unwrap().http, HttpLimits::default());
    }
}
