//! An error with its causes, for logs and for the records that people read. `app`, `worker`, `api` and `milepost` print
//! errors with it.

use std::{error::Error, fmt};

/// Shows an error and its causes in one text: `the request could not be carried out: connection refused`. A cause is
/// left out if the error before it contains its text.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Failure(&'static str, #[source] Option<Box<Failure>>);

    #[test]
    fn causes_follow_and_are_not_repeated() {
        let cause = |text, cause| Some(Box::new(Failure(text, cause)));
        let error =
            Failure("no answer", cause("connect: refused", cause("refused", cause("os error 111", None))));
        assert_eq!(ErrorChain(&error).to_string(), "no answer: connect: refused: os error 111");
        assert_eq!(ErrorChain(&Failure("alone", None)).to_string(), "alone");
    }
}
