//! Prints the demo on a terminal: aligned, at most 100 columns, with colours if the terminal supports them.
//!
//! `demo`, `demo::story` and `demo::invitation` print all their output with a [`Screen`]; `milepost demo` creates it,
//! and its tests create one without colours. Each function prints at once. `Err` means that nothing can be written.
//!
//! - Only `print_passed_check` breaks long text into lines (`wrap`). `print_unbroken` and `print_line` print the text
//!   as it is.
//! - Unsafe characters are escaped, except in `print_unbroken` and `print_line`.
//! - `paint` returns the text unchanged if there are no colours. `colour` is an ANSI number.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use domain::text::escape;

/// The maximum length of a line in columns. Addresses and tokens may be longer, because they are not broken.
const WIDTH: usize = 100;
/// The column where the text of a step begins: after the longest status.
const TEXT: usize = 23;

const PLAIN: &str = "0";
const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const BLUE: &str = "34";

/// The output of the demo.
pub struct Screen {
    out: Box<dyn Write + Send>,
    colour: bool,
}

impl Screen {
    /// Prints to standard output, with colours if it is a terminal and `NO_COLOR` (no-color.org) is not set.
    pub fn stdout() -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { out: Box::new(io::stdout()), colour: io::stdout().is_terminal() && !unwanted }
    }

    /// Prints without colours to a writer.
    pub fn writing_to(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out), colour: false }
    }

    /// Prints a heading between blank lines, with a note at the right end.
    pub fn print_heading(&mut self, text: &str, note: &str) -> io::Result<()> {
        let gap = WIDTH.saturating_sub(text.chars().count() + note.chars().count());
        let (text, note) = (self.paint(BOLD, &escape(text)), self.paint(DIM, &escape(note)));
        let heading = format!("{text}{:gap$}{note}", "");
        self.print_line(&format!("\n{}\n", heading.trim_end()))
    }

    /// Prints the heading of a scene.
    pub fn print_scene_heading(&mut self, number: usize, title: &str, order_number: &str) -> io::Result<()> {
        self.print_heading(&format!("{number}  {title}"), order_number)
    }

    /// Prints a step: the status of the order after it, and what happened. A status that did not change is dimmed.
    pub fn print_step(&mut self, status: &str, status_changed: bool, line: &str) -> io::Result<()> {
        let colour = match status {
            _ if !status_changed => DIM,
            "DELIVERED" => GREEN,
            "CANCELLED" => RED,
            _ => BLUE,
        };
        let status =
            self.paint(colour, &format!("{status:<width$}", status = escape(status), width = TEXT - 3));
        self.print_line(&format!("   {status}{}", escape(line)))
    }

    /// Prints a check that succeeded.
    pub fn print_passed_check(&mut self, text: &str) -> io::Result<()> {
        for (at, line) in wrap(&escape(text), WIDTH - TEXT - 2).iter().enumerate() {
            let mark = if at == 0 { self.paint(GREEN, "✓") } else { " ".to_owned() };
            let line = self.paint(DIM, line);
            self.print_line(&format!("{:TEXT$}{mark} {line}", ""))?;
        }
        Ok(())
    }

    /// Prints a name and its value.
    pub fn print_entry(&mut self, name: &str, text: &str) -> io::Result<()> {
        let name = self.paint(BLUE, &format!("{name:<width$}", width = TEXT - 3));
        self.print_line(&format!("   {name}{}", escape(text)))
    }

    /// Prints an address or a command to copy, unbroken.
    pub fn print_unbroken(&mut self, text: &str) -> io::Result<()> {
        self.print_line(text)
    }

    /// Prints a line without changes.
    pub fn print_line(&mut self, text: &str) -> io::Result<()> {
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

/// Breaks a text into lines between words. A word longer than `width` is not broken.
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
