//! The subcommands. Each has a file with its arguments and its code. `main` calls the `run` of one of them, and prints
//! its error. A `run` prints its results itself.
//!
//! `list_sender_names` and `parse_speed` are for the arguments of several commands. clap calls the `parse_…` functions
//! of the commands for the values of arguments, and prints their `Err` behind the argument's name.
//! `parse_speed` accepts 0.01 to 1000.

pub mod check;
pub mod demo;
pub mod migrate;
pub mod replay;
pub mod scan;
pub mod schema;
pub mod serve;
pub mod token;

use carriers::Sender;

/// Returns the names of all senders, for the help of an argument.
fn list_sender_names() -> String {
    Sender::ALL.map(Sender::as_str).join(", ")
}

/// Parses the value of `--speed`: a factor from 0.01 to 1000.
fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (0.01..=1000.0).contains(speed));
    speed.ok_or_else(|| "a number from 0.01 to 1000 is needed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_above_nothing() {
        assert_eq!(parse_speed("2.5"), Ok(2.5));
        for wrong in ["", "fast", "0", "-1", "NaN", "inf", "1e9"] {
            assert!(parse_speed(wrong).is_err(), "{wrong}");
        }
    }
}
