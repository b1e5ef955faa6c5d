//! Limits the length of logged values, in both formats.
//!
//! `telemetry::text` and `telemetry::json` write each value through a [`Bounded`]. What is too long is no error: it is
//! cut, with `…` at its end, between two characters.

use std::fmt::{self, Write};

/// The maximum length of a value, in bytes. Without it a webhook or a request could fill the log.
pub const MAX_BYTES: usize = 8 * 1024;

/// A writer that passes on the first [`MAX_BYTES`] bytes, then writes `…` and discards the rest.
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
