//! Computes lines and columns of a query text, for the locations of errors. Both begin at 1. Columns count characters,
//! not bytes. A node that was not in the text is at line 0, column 0.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

/// The beginnings of the lines of one text. To find a position takes binary searches only, however long a line is.
#[derive(Debug)]
pub struct Positions {
    line_starts: Vec<usize>,
    /// The offsets of bytes that do not begin a character. Columns count characters, not bytes.
    continuation_bytes: Vec<usize>,
}

impl Positions {
    /// Reads the whole text once.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends_line = |at: usize| match bytes[at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let line_starts =
            std::iter::once(0).chain((0..bytes.len()).filter(|at| ends_line(*at)).map(|at| at + 1));
        let continuation_bytes = (0..bytes.len()).filter(|at| !text.is_char_boundary(*at));
        Self { line_starts: line_starts.collect(), continuation_bytes: continuation_bytes.collect() }
    }

    /// The line and the column of the character that begins at this offset, which is in bytes.
    pub fn find_position(&self, offset: usize) -> Pos {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = |at: usize| self.continuation_bytes.partition_point(|byte| *byte < at);
        let column = offset.saturating_sub(start) - (before(offset) - before(start)) + 1;
        Pos { line, column }
    }

    /// The position at which a node begins. Line 0, column 0 for a node without a location.
    pub fn find_node_start(&self, location: Option<SourceSpan>) -> Pos {
        location.map(|span| self.find_position(span.offset())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_graphql_says_and_columns_count_characters() {
        let positions = Positions::new("a\nb\r\nc\rä€d");
        let at = |offset, line, column| {
            assert_eq!(positions.find_position(offset), Pos { line, column }, "{offset}")
        };
        at(0, 1, 1);
        at(2, 2, 1);
        at(5, 3, 1);
        at(7, 4, 1);
        at(9, 4, 2);
        at(12, 4, 3);
    }
}
