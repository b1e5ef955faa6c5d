//! Parses durations: a whole number and a unit, such as `0s`, `90s`, `30m`, `26h`, `7d`. No sign, no blanks, no
//! fractions.
//!
//! Called by `milepost::settings`, by the commands `token` and `replay`, and by `simulator::values` for stories. A
//! caller that needs a minimum above zero checks it.

use chrono::TimeDelta;

/// The maximum duration. No carrier stores data for so long, and now plus or minus the maximum is a valid date.
const MAX_DURATION: TimeDelta = TimeDelta::days(3650);

/// Parses a duration of at most 3650 days.
pub fn parse_duration(text: &str) -> Result<TimeDelta, BadDuration> {
    let unreadable = || BadDuration::Unreadable(text.to_owned());
    let end = text.len().checked_sub(1).ok_or_else(unreadable)?;
    let (number, unit) = text.split_at_checked(end).ok_or_else(unreadable)?;
    let of_unit = match unit {
        "s" => TimeDelta::try_seconds,
        "m" => TimeDelta::try_minutes,
        "h" => TimeDelta::try_hours,
        "d" => TimeDelta::try_days,
        _ => return Err(unreadable()),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unreadable());
    }
    // All characters are digits here, so a failure to parse means that the number is too large.
    let duration = number.parse().ok().and_then(of_unit).filter(|duration| *duration <= MAX_DURATION);
    duration.ok_or_else(|| BadDuration::TooLong(text.to_owned()))
}

/// The error for a text that is not a valid duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDuration {
    /// The text is not a number followed by a unit.
    #[error("`{0}` is no duration, as in 90s, 30m, 26h or 7d")]
    Unreadable(String),
    /// The duration is longer than the maximum of 3650 days.
    #[error("`{0}` is too long: {most} days are the most", most = MAX_DURATION.num_days())]
    TooLong(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse_duration("0s"), Ok(TimeDelta::zero()));
        assert_eq!(parse_duration("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(parse_duration("30m"), Ok(TimeDelta::minutes(30)));
        assert_eq!(parse_duration("26h"), Ok(TimeDelta::hours(26)));
        assert_eq!(parse_duration("3650d"), Ok(TimeDelta::days(3650)));
        for wrong in ["", "s", "8", "1.5h", "-1h", "+1h", "8 h", "8w", "8ü"] {
            assert_eq!(parse_duration(wrong), Err(BadDuration::Unreadable(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn a_duration_has_an_end() {
        for long in ["3651d", "4000000000d", "999999999999999s", "99999999999999999999d"] {
            let said = parse_duration(long).unwrap_err().to_string();
            assert_eq!(said, format!("`{long}` is too long: 3650 days are the most"));
        }
    }
}
