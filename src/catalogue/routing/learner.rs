//! Multinomial logistic regression over characters and pairs of neighbouring characters, trained by AdaGrad with a fixed order
//! of samples: the same samples give bit for bit the same weights. No word list decides here, so an unseen phrasing is still
//! drawn to the item whose samples share its characters.

use std::collections::HashMap;

/// Passes over the samples; more gain nothing in cross-validation.
const PASSES: usize = 4;
const STEP: f32 = 0.5;
/// The bias moves slower, so that frequent items do not win texts that say nothing.
const BIAS_STEP: f32 = 0.05;
/// An error of probability below this is left alone.
const SETTLED: f32 = 0.01;
/// Keeps the first AdaGrad steps finite.
const FLOOR: f32 = 1e-3;
/// Weight floor for characters that stand everywhere.
const LEAST_RARITY: f32 = 0.1;

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) class: usize,
    pub(super) weight: f32,
    /// Cleaned text.
    pub(super) text: String,
}

#[derive(Debug)]
pub(super) struct Learner {
    /// Character or pair → row of `rarity` and `weights`.
    rows: HashMap<u64, usize>,
    /// Logarithm of how few samples have it.
    rarity: Vec<f32>,
    /// A row per feature, a column per class.
    weights: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

/// A text as unit vector: (row, value).
type Vector = Vec<(usize, f32)>;

impl Learner {
    pub(super) fn train(samples: &[Sample], classes: usize) -> Self {
        let mut rows: HashMap<u64, usize> = HashMap::new();
        let mut seen: Vec<usize> = Vec::new();
        let features: Vec<Vec<u64>> = samples.iter().map(|sample| features(&sample.text)).collect();
        for feature in features.iter().flatten() {
            let row = *rows.entry(*feature).or_insert_with(|| {
                seen.push(0);
                seen.len() - 1
            });
            if let Some(count) = seen.get_mut(row) {
                *count += 1;
            }
        }
        let all = real(samples.len()).ln();
        let rarity = seen.iter().map(|count| (all - real(*count).ln()).max(LEAST_RARITY)).collect();
        let weights = vec![vec![0.0; classes]; seen.len()];
        let mut learner = Self { rows, rarity, weights, bias: vec![0.0; classes] };
        let vectors: Vec<Vector> = features.iter().map(|features| learner.vector(features)).collect();
        learner.fit(samples, &vectors);
        learner
    }

    fn fit(&mut self, samples: &[Sample], vectors: &[Vector]) {
        let classes = self.bias.len();
        let mut weight_squares = vec![vec![FLOOR; classes]; self.weights.len()];
        let mut bias_squares = vec![FLOOR; classes];
        let mut order: Vec<(&Sample, &Vector)> = samples.iter().zip(vectors).collect();
        let mut shuffle = Shuffle(1);
        for _ in 0..PASSES {
            shuffle.stir(&mut order);
            for (sample, vector) in &order {
                let mut error = self.of(vector);
                softmax(&mut error);
                if let Some(own) = error.get_mut(sample.class) {
                    *own -= 1.0;
                }
                // Most classes are soon certain not to be meant; correcting them further would only cost time.
                let errors = error.into_iter().enumerate().filter(|(_, error)| error.abs() > SETTLED);
                let errors: Vec<(usize, f32)> =
                    errors.map(|(class, error)| (class, error * sample.weight)).collect();
                for (class, error) in &errors {
                    adapt(&mut self.bias, &mut bias_squares, *class, *error, BIAS_STEP);
                }
                for (row, value) in vector.iter() {
                    let rows = (self.weights.get_mut(*row), weight_squares.get_mut(*row));
                    let (Some(weights), Some(squares)) = rows else { continue };
                    for (class, error) in &errors {
                        adapt(weights, squares, *class, error * value, STEP);
                    }
                }
            }
        }
    }

    /// One logit per class for a cleaned text.
    pub(super) fn logits(&self, text: &str) -> Vec<f32> {
        self.of(&self.vector(&features(text)))
    }

    fn of(&self, vector: &Vector) -> Vec<f32> {
        let mut logits = self.bias.clone();
        for (row, value) in vector {
            for (logit, weight) in logits.iter_mut().zip(self.weights.get(*row).into_iter().flatten()) {
                *logit += weight * value;
            }
        }
        logits
    }

    fn vector(&self, features: &[u64]) -> Vector {
        let known = features.iter().filter_map(|feature| self.rows.get(feature));
        let mut vector: Vector = known.filter_map(|row| Some((*row, *self.rarity.get(*row)?))).collect();
        let length = vector.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        for (_, value) in &mut vector {
            *value /= length;
        }
        vector
    }
}

/// One AdaGrad step of one weight against its slope.
fn adapt(weights: &mut [f32], squares: &mut [f32], class: usize, slope: f32, step: f32) {
    if let (Some(weight), Some(square)) = (weights.get_mut(class), squares.get_mut(class)) {
        *square += slope * slope;
        *weight -= step * slope / square.sqrt();
    }
}

/// Characters and pairs inside each stretch, each once. Numbers are read as "some number"; a Latin letter alone says nothing.
fn features(text: &str) -> Vec<u64> {
    let mut found = Vec::new();
    for stretch in text.split(' ') {
        let mut before = None;
        for c in stretch.chars() {
            let c = if c.is_ascii_digit() { '0' } else { c };
            if c == '0' && before == Some(c) {
                continue;
            }
            let code = u64::from(u32::from(c));
            if !c.is_ascii() {
                found.push(code);
            }
            if let Some(before) = before {
                found.push(u64::from(u32::from(before)) << 32 | code);
            }
            before = Some(c);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Logits to probabilities.
pub(super) fn softmax(logits: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for value in logits.iter_mut() {
        *value = (*value - highest).exp();
        sum += *value;
    }
    for value in logits.iter_mut() {
        *value /= sum;
    }
}

/// A count as a real number; counts here stay far below 65 536, above that the ceiling changes nothing.
pub(super) fn real(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

/// A small fixed generator (Knuth's MMIX constants): the order must be mixed, not unpredictable.
struct Shuffle(u64);

impl Shuffle {
    fn stir<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = usize::try_from(self.0 >> 33).unwrap_or_default();
            list.swap(last, draw % (last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(class: usize, text: &str) -> Sample {
        Sample { class, weight: 1.0, text: text.to_owned() }
    }

    #[test]
    fn learns_to_tell_classes_apart() {
        let samples =
            [sample(0, "厂里停电了"), sample(0, "电压不稳"), sample(1, "停水了"), sample(1, "水管爆了")];
        let learner = Learner::train(&samples, 2);
        let mut unseen = learner.logits("水管漏");
        softmax(&mut unseen);
        assert!(unseen[1] > 0.6, "{unseen:?}");
        assert_eq!(learner.logits("水管漏"), Learner::train(&samples, 2).logits("水管漏"), "bit for bit");
    }

    #[test]
    fn numbers_are_some_number() {
        assert_eq!(features("贷120万"), features("贷5万"));
        assert_eq!(features("停 停"), features("停"));
    }

    #[test]
    fn knows_nothing_without_samples() {
        assert_eq!(Learner::train(&[], 2).logits("停电"), [0.0, 0.0]);
    }
}
