//! How a failure ends the process: what stands on stderr, and the exit code.

use std::process::ExitCode;

use domain::text::escape;

use crate::{settings::BadSettings, story::BadStory};

/// An argument that cannot be what it is. The message begins with the argument's name.
#[derive(Debug, thiserror::Error)]
#[error("{argument}: {problem}")]
pub struct BadUsage {
    /// The argument, as typed: `--to`.
    pub argument: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// Writes the error to stderr, the most readable line first, then its causes, and gives the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    for line in lines(error) {
        eprintln!("{line}");
    }
    ExitCode::from(code(error))
}

/// 2 for usage, settings and stories that cannot be played, 1 for everything else.
fn code(error: &anyhow::Error) -> u8 {
    if error.is::<BadUsage>() || error.is::<BadSettings>() || error.is::<BadStory>() { 2 } else { 1 }
}

/// One line for what happened (one for each bad setting), one for each cause.
fn lines(error: &anyhow::Error) -> Vec<String> {
    let said = said(error);
    let (first, causes) =
        said.split_first().map_or(("", &[][..]), |(first, causes)| (first.as_str(), causes));
    // Only our own lists have several lines. Any other text may repeat what a server said.
    let is_list = error.is::<BadSettings>() || error.is::<BadStory>();
    let first: Vec<&str> = if is_list { first.lines().collect() } else { vec![first] };
    let first = first.into_iter().map(|line| format!("error: {}", escape(line)));
    first.chain(causes.iter().map(|cause| format!("  cause: {}", escape(cause)))).collect()
}

/// The error and its causes in one line.
pub fn line(error: &anyhow::Error) -> String {
    escape(&said(error).join(": ")).into_owned()
}

/// The error and those of its causes that say something new: some libraries repeat what lies below.
fn said(error: &anyhow::Error) -> Vec<String> {
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
        assert_eq!(lines(&error), expected);
        assert_eq!(line(&error), "MILEPOST_REDIS_URL: no answer: connect: refused");
        assert_eq!(code(&error), 1);
    }

    #[test]
    fn what_somebody_else_said_is_one_line_without_a_terminals_commands() {
        let error = anyhow!("550 no\nerror: forged\u{1b}[2J").context("refused:\r\nerror: forged\u{202e}");
        let expected =
            [r"error: refused:\r\nerror: forged\u{202e}", r"  cause: 550 no\nerror: forged\u{1b}[2J"];
        assert_eq!(lines(&error), expected);
        assert_eq!(line(&error), r"refused:\r\nerror: forged\u{202e}: 550 no\nerror: forged\u{1b}[2J");
        let settings = BadSettings::one("MILEPOST_LISTEN", "is\u{1b}wrong");
        assert_eq!(lines(&settings.into()), [r"error: MILEPOST_LISTEN: is\u{1b}wrong"]);
    }

    #[test]
    fn usage_and_settings_are_told_from_work() {
        let usage = BadUsage { argument: "--to", problem: "is no URL".to_owned() };
        assert_eq!(lines(&usage.into()), ["error: --to: is no URL"]);
        let usage = BadUsage { argument: "--to", problem: "is no URL".to_owned() };
        assert_eq!(code(&anyhow!(usage)), 2);
        let settings = BadSettings::one("MILEPOST_LISTEN", "is wrong");
        assert_eq!(code(&anyhow!(settings).context("while starting")), 2);
    }
}
