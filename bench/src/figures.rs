//! The measurements of all rounds, and their medians.

use std::{collections::BTreeMap, time::Duration};

use crate::{cases::Case, usage::Usage};

/// The measurement of one case in one round.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The number of operations.
    pub count: u64,
    /// How long all operations took together.
    pub time: Duration,
    /// The latency of each operation, in microseconds.
    pub latencies: Vec<u32>,
    /// The time from the receipt of each request to its effect, in microseconds. `None`: the effect is there when the
    /// request is answered.
    pub effects: Option<Vec<u32>>,
    /// The processor time used meanwhile.
    pub usage: Usage,
}

impl Measured {
    /// Operations per second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64()
    }
}

/// The measurements of all cases and rounds.
#[derive(Default)]
pub struct Results {
    measured: BTreeMap<Case, Vec<Measured>>,
    afterwork: BTreeMap<Case, Vec<f64>>,
}

/// The summary of one case over all rounds.
pub struct Summary {
    /// Operations per second: the median of the rounds.
    pub rate: f64,
    /// The rates of the slowest and of the fastest round.
    pub range: (f64, f64),
    /// The median latency in milliseconds: the median of the rounds.
    pub p50: f64,
    /// The latency of the 99th percentile in milliseconds: the median of the rounds.
    pub p99: f64,
    /// The same two values for the time to the effect.
    pub effect: Option<(f64, f64)>,
    /// The processor time used in all rounds.
    pub usage: Usage,
    /// The duration of all rounds, in seconds.
    pub seconds: f64,
    /// The number of operations in all rounds.
    pub count: f64,
    /// How long Milepost was busy after the case, in seconds: the median of the rounds.
    pub afterwork: f64,
}

impl Results {
    /// Adds the measurement of one round.
    pub fn add(&mut self, case: Case, mut measured: Measured) {
        measured.latencies.sort_unstable();
        if let Some(effects) = &mut measured.effects {
            effects.sort_unstable();
        }
        self.measured.entry(case).or_default().push(measured);
    }

    /// Adds the time after a case until no work was due any more.
    pub fn add_afterwork(&mut self, case: Case, waited: Duration) {
        self.afterwork.entry(case).or_default().push(waited.as_secs_f64());
    }

    /// The summary of a case. `None`: it was not measured.
    pub fn of(&self, case: Case) -> Option<Summary> {
        let rounds = self.measured.get(&case)?;
        let over = |figure: &dyn Fn(&Measured) -> f64| median(rounds.iter().map(figure).collect());
        let total = |figure: &dyn Fn(&Measured) -> f64| rounds.iter().map(figure).sum::<f64>();
        let rates = || rounds.iter().map(Measured::rate);
        let effect = |share| over(&|one| percentile(one.effects.as_deref().unwrap_or_default(), share));
        Some(Summary {
            rate: over(&Measured::rate),
            range: (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max)),
            p50: over(&|one| percentile(&one.latencies, 0.5)),
            p99: over(&|one| percentile(&one.latencies, 0.99)),
            effect: rounds.iter().all(|one| one.effects.is_some()).then(|| (effect(0.5), effect(0.99))),
            usage: Usage {
                postgres: total(&|one| one.usage.postgres),
                milepost: total(&|one| one.usage.milepost),
                client: total(&|one| one.usage.client),
                machine: total(&|one| one.usage.machine),
                stolen: total(&|one| one.usage.stolen),
            },
            seconds: total(&|one| one.time.as_secs_f64()),
            count: total(&|one| one.count as f64),
            afterwork: median(self.afterwork.get(&case).cloned().unwrap_or_default()),
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// The percentile `share` (from 0 to 1) of sorted microseconds, in milliseconds.
fn percentile(sorted: &[u32], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.max(1) - 1).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        let hundred: Vec<u32> = (1..=100).map(|n| n * 1000).collect();
        assert_eq!(percentile(&hundred, 0.5), 50.0);
        assert_eq!(percentile(&hundred, 0.99), 99.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
