//! Reports the failure of a command: prints it to stderr and chooses the exit code.
//!
//! `main` calls [`report_error`] once, at the end. `commands::check` calls [`format_line`], which prints nothing. Both
//! escape unsafe characters. `list_causes` has the error itself first.

use std::process::ExitCode;

use console::BadUsage;
use domain::text::escape;
use simulator::story::BadStory;

use crate::settings::BadSettings;

/// Prints the error to stderr, then its causes, one a line. Returns the exit code.
pub fn report_error(error: &anyhow::Error) -> ExitCode {
    for line in format_lines(error) {
        eprintln!("{line}");
    }
    ExitCode::from(choose_exit_code(error))
}

/// The exit code: 2 for bad usage, bad settings and stories that cannot be played, 1 for all other errors.
fn choose_exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<BadUsage>() || error.is::<BadSettings>() || error.is::<BadStory>() { 2 } else { 1 }
}

/// Returns a line for the error (for lists: one for each problem) and a line for each cause.
fn format_lines(error: &anyhow::Error) -> Vec<String> {
    let said = list_causes(error);
    let (first, causes) =
        said.split_first().map_or(("", &[][..]), |(first, causes)| (first.as_str(), causes));
    // Only the lists of this program may have several lines. Any other error may contain text of a server, which could
    // imitate a line.
    let is_list = error.is::<BadSettings>() || error.is::<BadStory>();
    let first: Vec<&str> = if is_list { first.lines().collect() } else { vec![first] };
    let first = first.into_iter().map(|line| format!("error: {}", escape(line)));
    first.chain(causes.iter().map(|cause| format!("  cause: {}", escape(cause)))).collect()
}

/// Returns the error and its causes as one line.
pub fn format_line(error: &anyhow::Error) -> String {
    escape(&list_causes(error).join(": ")).into_owned()
}

/// Returns the error and its causes. Leaves out a cause whose text the error before it contains already, because some
/// libraries repeat their causes.
fn list_causes(error: &anyhow::Error) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.last().is_none_or(|last| !last.contains(&cause)) {
            said.push(cause);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_follow_and_are_not_repeated() {
        let error = anyhow!("refused").context("connect: refused").context("MILEPOST_REDIS_URL: no answer");
        let expected = ["error: MILEPOST_REDIS_URL: no answer", "  cause: connect: refused"];
        assert_eq!(format_lines(&error), expected);
        assert_eq!(format_line(&error), "MILEPOST_REDIS_URL: no answer: connect: refused");
        assert_eq!(choose_exit_code(&error), 1);
    }

    #[test]
    fn what_somebody_else_said_is_one_line_without_a_terminals_commands() {
        let error = anyhow!("550 no\nerror: forged\u{1b}[2J").context("refused:\r\nerror: forged\u{202e}");
        let expected =
            [r"error: refused:\r\nerror: forged\u{202e}", r"  cause: 550 no\nerror: forged\u{1b}[2J"];
        assert_eq!(format_lines(&error), expected);
        assert_eq!(format_line(&error), r"refused:\r\nerror: forged\u{202e}: 550 no\nerror: forged\u{1b}[2J");
        let settings = BadSettings::one("MILEPOST_LISTEN", "is\u{1b}wrong");
        assert_eq!(format_lines(&settings.into()), [r"error: MILEPOST_LISTEN: is\u{1b}wrong"]);
    }

    #[test]
    fn usage_and_settings_are_told_from_work() {
        let usage = BadUsage { argument: "--to", problem: "is no URL".to_owned() };
        assert_eq!(format_lines(&usage.into()), ["error: --to: is no URL"]);
        let usage = BadUsage { argument: "--to", problem: "is no URL".to_owned() };
        assert_eq!(choose_exit_code(&anyhow!(usage)), 2);
        let settings = BadSettings::one("MILEPOST_LISTEN", "is wrong");
        assert_eq!(choose_exit_code(&anyhow!(settings).context("while starting")), 2);
    }
}
