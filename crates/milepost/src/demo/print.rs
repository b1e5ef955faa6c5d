//! The demo on a terminal: aligned, 100 columns, a little colour where it is wanted.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use domain::text::escape;

/// No line of ours is longer. Addresses and tokens may be: they are not broken.
const WIDTH: usize = 100;
/// Where the words of a step begin: behind the longest status.
const TEXT: usize = 23;

const PLAIN: &str = "0";
const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const BLUE: &str = "34";

/// Where the story is told.
pub struct Screen {
    out: Box<dyn Write + Send>,
    colour: bool,
}

impl Screen {
    /// Standard output. Coloured if it is a terminal and `NO_COLOR` (no-color.org) is not set.
    pub fn stdout() -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { out: Box::new(io::stdout()), colour: io::stdout().is_terminal() && !unwanted }
    }

    /// A screen without colour that a test can read.
    #[cfg(test)]
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out), colour: false }
    }

    /// A heading between blank lines, with a note at the right end.
    pub fn heading(&mut self, text: &str, note: &str) -> io::Result<()> {
        let gap = WIDTH.saturating_sub(text.chars().count() + note.chars().count());
        let (text, note) = (self.paint(BOLD, &escape(text)), self.paint(DIM, &escape(note)));
        let heading = format!("{text}{:gap$}{note}", "");
        self.line(&format!("\n{}\n", heading.trim_end()))
    }

    /// The heading of a scene.
    pub fn scene(&mut self, number: usize, title: &str, order: &str) -> io::Result<()> {
        self.heading(&format!("{number}  {title}"), order)
    }

    /// One step: where the order stands after it, and what happened.
    pub fn step(&mut self, status: &str, is_new: bool, line: &str) -> io::Result<()> {
        let colour = match status {
            _ if !is_new => DIM,
            "DELIVERED" => GREEN,
            "CANCELLED" => RED,
            _ => BLUE,
        };
        let status =
            self.paint(colour, &format!("{status:<width$}", status = escape(status), width = TEXT - 3));
        self.line(&format!("   {status}{}", escape(line)))
    }

    /// Something that was looked up and is so.
    pub fn told(&mut self, text: &str) -> io::Result<()> {
        for (at, line) in wrap(&escape(text), WIDTH - TEXT - 2).iter().enumerate() {
            let mark = if at == 0 { self.paint(GREEN, "✓") } else { " ".to_owned() };
            let line = self.paint(DIM, line);
            self.line(&format!("{:TEXT$}{mark} {line}", ""))?;
        }
        Ok(())
    }

    /// A name and what it stands for.
    pub fn entry(&mut self, name: &str, text: &str) -> io::Result<()> {
        let name = self.paint(BLUE, &format!("{name:<width$}", width = TEXT - 3));
        self.line(&format!("   {name}{}", escape(text)))
    }

    /// A line to be copied: an address or a command.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        self.line(text)
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[{PLAIN}m")
        } else {
            text.to_owned()
        }
    }
}

/// Breaks a text between words; a word longer than a line gets a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 3), ["unbreakable"]);
        assert_eq!(wrap("", 3), Vec::<String>::new());
    }
}
