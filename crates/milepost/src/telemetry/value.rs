//! What both formats do with a long value: it is cut.

use std::fmt::{self, Write};

/// The longest value, in bytes. What is longer was written by somebody else to fill the log.
pub const MAX_BYTES: usize = 8 * 1024;

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
