//! Counts as one says them, for the lines that commands print: `1 webhook`, `2 webhooks`.

use std::fmt::Display;

/// So many of them; the noun is one that takes an `s`.
pub fn pluralize<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(
            [0, 1, 2].map(|count: u64| pluralize(count, "order")),
            ["0 orders", "1 order", "2 orders"]
        );
    }
}
