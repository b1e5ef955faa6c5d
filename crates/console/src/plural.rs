//! Writes a count with its noun for the output of commands: `1 webhook`, `2 webhooks`, `0 webhooks`.
//!
//! Called by the commands `check` and `replay`, by `milepost::database`, and by the stories of `simulator`.

use std::fmt::Display;

/// Writes a count and its noun. The noun must form its plural with `s`.
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
