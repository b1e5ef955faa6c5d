//! The type of an attack, and of the lines that it adds to the report.

use std::{collections::BTreeMap, fmt::Display, future::Future, time::Duration};

use anyhow::Result;
use futures::future::{BoxFuture, FutureExt};

use super::{client::Reply, target::Target};

/// One attack. It must end within [`Attack::TIME`].
pub struct Attack {
    /// The name, for the option `--only`.
    pub name: &'static str,
    play: Box<dyn Fn(Target) -> BoxFuture<'static, Result<Vec<Finding>>>>,
}

impl Attack {
    /// The longest time that an attack may take.
    pub const TIME: Duration = Duration::from_secs(90);

    /// Makes an attack that runs this function.
    pub fn new<F>(name: &'static str, play: impl Fn(Target) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Vec<Finding>>> + Send + 'static,
    {
        Self { name, play: Box::new(move |target| play(target).boxed()) }
    }

    /// Runs the attack once.
    pub fn play(&self, target: Target) -> BoxFuture<'static, Result<Vec<Finding>>> {
        (self.play)(target)
    }
}

/// One line of the report: what was tried, how the server responded, and what was wrong with the responses.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was tried.
    pub what: String,
    /// The limit of the server that stops the attack.
    pub bound: &'static str,
    answers: BTreeMap<String, usize>,
    /// The longest time to a response or to the end of a connection.
    pub slowest: Duration,
    faults: BTreeMap<String, usize>,
}

impl Finding {
    /// A line without results.
    pub fn new(what: impl Into<String>, bound: &'static str) -> Self {
        Self {
            what: what.into(),
            bound,
            answers: BTreeMap::new(),
            slowest: Duration::ZERO,
            faults: BTreeMap::new(),
        }
    }

    /// Records how one attempt ended.
    pub fn add(&mut self, ended: impl Into<String>, after: Duration) {
        *self.answers.entry(ended.into()).or_default() += 1;
        self.slowest = self.slowest.max(after);
    }

    /// Records the reply to one request.
    pub fn add_reply(&mut self, reply: &Reply) {
        self.add(reply.to_string(), reply.after());
    }

    /// Records `fault` when the condition `holds` is false.
    pub fn expect(&mut self, holds: bool, fault: impl Display) {
        if !holds {
            *self.faults.entry(fault.to_string()).or_default() += 1;
        }
    }

    /// How the attempts ended, with the number of each, the most frequent first.
    pub fn answers(&self) -> String {
        counted(&self.answers, 4)
    }

    /// The faults, with the number of each. `None`: the line passed.
    pub fn fault(&self) -> Option<String> {
        (!self.faults.is_empty()).then(|| counted(&self.faults, 4))
    }
}

fn counted(texts: &BTreeMap<String, usize>, most: usize) -> String {
    let mut sorted: Vec<_> = texts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut parts: Vec<_> = sorted
        .iter()
        .take(most)
        .map(|(text, count)| if **count == 1 { (*text).clone() } else { format!("{text} × {count}") })
        .collect();
    if sorted.len() > most {
        parts.push(format!("{} others", sorted.len() - most));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_answers_and_faults() {
        let mut line = Finding::new("x", "y");
        for ended in ["200", "closed", "closed"] {
            line.add(ended, Duration::from_secs(1));
        }
        assert_eq!(line.answers(), "closed × 2; 200");
        line.expect(true, "fine");
        assert_eq!(line.fault(), None);
        line.expect(false, "not fine");
        line.expect(false, "not fine");
        assert_eq!(line.fault().as_deref(), Some("not fine × 2"));
    }
}
