//! Known expressions of each item and where they stand in a text. An expression counts the more the longer it is and the fewer
//! items share it; one heard with other characters of the same sound (工商 for 工伤, as dictation writes it) counts for less.

use std::collections::{BTreeMap, HashMap};

use pinyin::ToPinyin;

use super::learner::real;

/// Weight of the item's own name, keywords, synonyms and expressions.
pub(super) const OWN_WORD: f32 = 1.0;
/// Weight of the name of the item's department.
pub(super) const DEPARTMENT_WORD: f32 = 0.7;

/// Factor for an expression of two syllables that was only heard, and for longer ones, where chance likeness is rare.
const HEARD_SHORT: f32 = 0.5;
const HEARD_LONG: f32 = 0.75;
/// A single character says little.
const SINGLE_CHARACTER: f32 = 0.4;

/// Evidence of one expression: item index and weight.
type Claims = Vec<(usize, f32)>;

#[derive(Debug)]
pub(super) struct Lexicon {
    items: usize,
    written: Trie,
    heard: Trie,
}

#[derive(Debug)]
pub(super) struct Builder {
    items: usize,
    words: BTreeMap<String, BTreeMap<usize, f32>>,
}

impl Builder {
    pub(super) fn new(items: usize) -> Self {
        Self { items, words: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, word: &str, item: usize, weight: f32) {
        if !word.is_empty() {
            let claim = self.words.entry(word.to_owned()).or_default().entry(item).or_default();
            *claim = claim.max(weight);
        }
    }

    pub(super) fn finish(self) -> Lexicon {
        let mut lexicon = Lexicon { items: self.items, written: Trie::default(), heard: Trie::default() };
        let all = real(self.items.max(2)).ln();
        for (word, claims) in &self.words {
            let length = word.chars().count();
            let sharers = real(claims.len());
            let rarity = (all - sharers.ln()) / all / sharers.sqrt();
            let size = if length == 1 { SINGLE_CHARACTER } else { real(length).sqrt() };
            let claims: Claims =
                claims.iter().map(|(item, weight)| (*item, weight * rarity * size)).collect();
            if length > 1 {
                let factor = if length == 2 { HEARD_SHORT } else { HEARD_LONG };
                let softer = claims.iter().map(|(item, weight)| (*item, weight * factor)).collect();
                lexicon.heard.insert(word.chars().map(sound), softer);
            }
            lexicon.written.insert(word.chars().map(u32::from), claims);
        }
        lexicon
    }
}

/// An expression found in one stretch of the text: characters `start..end`.
#[derive(Debug)]
struct Hit<'a> {
    start: usize,
    end: usize,
    claims: &'a Claims,
}

impl Lexicon {
    /// Adds the evidence of a text to one number per item.
    pub(super) fn add_evidence(&self, words: &str, scores: &mut [f32]) {
        let mut of_item: Vec<Vec<(f32, usize, usize)>> = vec![Vec::new(); self.items];
        for stretch in words.split(' ') {
            for hit in self.hits(stretch) {
                for (item, weight) in hit.claims {
                    if let Some(list) = of_item.get_mut(*item) {
                        list.push((*weight, hit.start, hit.end));
                    }
                }
            }
            for (list, score) in of_item.iter_mut().zip(scores.iter_mut()) {
                // Overlapping expressions of one item are one piece of evidence: the strongest.
                list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                let mut taken: Vec<(usize, usize)> = Vec::new();
                for (weight, start, end) in list.drain(..) {
                    if taken.iter().all(|(from, to)| end <= *from || *to <= start) {
                        taken.push((start, end));
                        *score += weight;
                    }
                }
            }
        }
    }

    /// Expressions of one item in the text, as written there, longest where they overlap.
    pub(super) fn matched(&self, words: &str, item: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for stretch in words.split(' ') {
            let letters: Vec<char> = stretch.chars().collect();
            let mut hits = self.hits(stretch);
            hits.retain(|hit| hit.claims.iter().any(|(claimed, _)| *claimed == item));
            hits.sort_by_key(|hit| (std::cmp::Reverse(hit.end - hit.start), hit.start));
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for hit in hits {
                if taken.iter().all(|(from, to)| hit.end <= *from || *to <= hit.start) {
                    taken.push((hit.start, hit.end));
                }
            }
            taken.sort_unstable();
            for (start, end) in taken {
                let word: String = letters.get(start..end).unwrap_or_default().iter().collect();
                if !found.contains(&word) {
                    found.push(word);
                }
            }
        }
        found
    }

    /// The text without the item's own expressions of two characters and more: what else is being said?
    pub(super) fn without(&self, words: &str, item: usize) -> String {
        let mut rest = String::with_capacity(words.len());
        for stretch in words.split(' ') {
            let hits = self.hits(stretch);
            for (at, letter) in stretch.chars().enumerate() {
                let own = hits.iter().any(|hit| {
                    (hit.start..hit.end).contains(&at)
                        && hit.end - hit.start > 1
                        && hit.claims.iter().any(|(claimed, _)| *claimed == item)
                });
                rest.push(if own { ' ' } else { letter });
            }
            rest.push(' ');
        }
        rest.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn hits(&self, stretch: &str) -> Vec<Hit<'_>> {
        let letters: Vec<u32> = stretch.chars().map(u32::from).collect();
        let sounds: Vec<u32> = stretch.chars().map(sound).collect();
        let mut hits = Vec::new();
        for start in 0..letters.len() {
            for (end, claims) in self.written.from(&letters, start) {
                hits.push(Hit { start, end, claims });
            }
            for (end, claims) in self.heard.from(&sounds, start) {
                if !hits.iter().any(|hit| hit.start == start && hit.end == end) {
                    hits.push(Hit { start, end, claims });
                }
            }
        }
        hits
    }
}

/// A number for the sound of a character: its syllable without tone, packed; a character without one stands for itself.
fn sound(c: char) -> u32 {
    match c.to_pinyin() {
        // Six letters at most, five bits each, and a mark that keeps syllables apart from characters.
        Some(syllable) => {
            syllable.plain().bytes().fold(1, |packed, letter| packed << 5 | u32::from(letter & 31)) | 1 << 31
        }
        None => u32::from(c),
    }
}

/// A prefix tree over numbers with claims at its ends.
#[derive(Debug, Default)]
struct Trie {
    /// (node, symbol) → node; 0 is the root.
    steps: HashMap<(usize, u32), usize>,
    ends: HashMap<usize, Claims>,
    nodes: usize,
}

impl Trie {
    /// Words that sound alike meet at one end: each item keeps its strongest claim.
    fn insert(&mut self, symbols: impl Iterator<Item = u32>, claims: Claims) {
        let mut node = 0;
        for symbol in symbols {
            node = *self.steps.entry((node, symbol)).or_insert_with(|| {
                self.nodes += 1;
                self.nodes
            });
        }
        let end = self.ends.entry(node).or_default();
        for (item, weight) in claims {
            match end.iter_mut().find(|(claimed, _)| *claimed == item) {
                Some((_, held)) => *held = held.max(weight),
                None => end.push((item, weight)),
            }
        }
    }

    /// All words that begin at `start`, with the position after their last symbol.
    fn from<'a>(&'a self, symbols: &[u32], start: usize) -> Vec<(usize, &'a Claims)> {
        let mut found = Vec::new();
        let mut node = 0;
        for (at, symbol) in symbols.iter().enumerate().skip(start) {
            let Some(next) = self.steps.get(&(node, *symbol)) else { break };
            node = *next;
            if let Some(claims) = self.ends.get(&node) {
                found.push((at + 1, claims));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        let mut builder = Builder::new(3);
        builder.add("停电", 0, OWN_WORD);
        builder.add("停电通知", 0, OWN_WORD);
        builder.add("工伤", 1, OWN_WORD);
        builder.add("通知", 1, OWN_WORD);
        builder.add("通知", 2, OWN_WORD);
        builder.finish()
    }

    fn evidence(text: &str) -> Vec<f32> {
        let mut scores = vec![0.0; 3];
        lexicon().add_evidence(text, &mut scores);
        scores
    }

    #[test]
    fn overlapping_words_of_an_item_count_once() {
        assert_eq!(evidence("停电通知")[0], 2.0, "a four-character word nobody shares");
        assert!(evidence("停电 停电通知")[0] > 3.0);
    }

    #[test]
    fn shared_words_say_less() {
        let scores = evidence("工伤通知");
        assert!(scores[1] > scores[2] && scores[2] > 0.0 && scores[2] < 0.5);
    }

    #[test]
    fn hears_what_dictation_misspelt() {
        assert_eq!(evidence("报工商")[1], evidence("报工伤")[1] * HEARD_SHORT);
        assert_eq!(lexicon().matched("报工商", 1), ["工商"]);
    }

    #[test]
    fn tells_what_else_is_said() {
        assert_eq!(lexicon().without("没有停电通知就 停电报工伤", 0), "没有 就 报工伤");
        assert_eq!(lexicon().matched("没有停电通知就 停电", 0), ["停电通知", "停电"]);
    }

    #[test]
    fn syllables_are_told_apart() {
        assert_eq!(sound('伤'), sound('商'));
        assert_ne!(sound('上'), sound('双'));
        assert_ne!(sound('a'), sound('啊'));
    }
}
