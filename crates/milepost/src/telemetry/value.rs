//! What both formats do with a value: errors become their chain, long values are cut.

use std::{
    error::Error,
    fmt::{self, Write},
};

/// The longest value, in bytes. What is longer was written by somebody else to fill the log.
pub const MAX_BYTES: usize = 8 * 1024;

/// An error with its causes in one line: `the request could not be carried out: connection refused`. A cause that the error
/// before it repeats is left out.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !last.contains(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// A writer that passes on [`MAX_BYTES`] and marks that there was more.
pub struct Bounded<W> {
    inner: W,
    left: usize,
    cut: bool,
}

impl<W: Write> Bounded<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, left: MAX_BYTES, cut: false }
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.cut || text.len() <= self.left {
            if !self.cut {
                self.left -= text.len();
                self.inner.write_str(text)?;
            }
            return Ok(());
        }
        let end = (0..=self.left).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
        self.cut = true;
        self.inner.write_str(&text[..end])?;
        self.inner.write_str("…")
    }
}
