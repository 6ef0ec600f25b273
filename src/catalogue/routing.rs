//! Routing of a call's words to a catalogue item (谁来答): which item do these words mean, how sure is that, and is it sure
//! enough to call an officer without a person having looked?
//!
//! Pure: learns from the county's own data (catalogue words, sample calls, things that are no call) in a fraction of a second
//! when the catalogue is loaded, holds no text of any enterprise, and gives the same answer for the same input on every replica.
//! Two judges are added up: the [`lexicon`] (which known expressions stand in the text, also when dictation wrote them with other
//! characters of the same sound) and the [`learner`] (a multinomial logistic regression over characters and pairs of them).
//! The [`verdict`] then decides between calling an officer and asking a person. `docs/ROUTING.md` has the figures.

mod learner;
mod lexicon;
mod verdict;
mod wording;

#[cfg(test)]
mod tests;

use serde::Serialize;
use utoipa::ToSchema;

use learner::{Learner, Sample};
use lexicon::Lexicon;
use wording::Cleaner;

use crate::text_enum;

/// What the catalogue says in words about one item.
#[derive(Debug, Clone, Default)]
pub struct ItemWords {
    /// Catalogue code, e.g. `SC01`.
    pub code: String,
    pub name: String,
    /// Short name and everyday names of the responsible department; weak evidence, since a department has many items.
    pub department_words: Vec<String>,
    pub keywords: Vec<String>,
    pub synonyms: Vec<String>,
    /// Further everyday expressions for the item (`catalogue_words.csv`).
    pub expressions: Vec<String>,
}

/// A sentence that means one item.
#[derive(Debug, Clone)]
pub struct Example {
    /// Catalogue code; an example of an unknown code is not learned from.
    pub item: String,
    pub text: String,
}

text_enum!(
    /// Why a text is no call for any item.
    AsideKind {
        /// Belongs to somebody else (12345, a school, a housing estate).
        Outside = "outside",
        /// About an earlier call, a greeting, a test, or nothing at all.
        FollowUp = "follow_up",
    }
);

/// A sentence that must not be routed.
#[derive(Debug, Clone)]
pub struct Aside {
    pub kind: AsideKind,
    pub text: String,
}

/// Everything a county teaches its router.
#[derive(Debug, Clone, Default)]
pub struct Lessons {
    pub items: Vec<ItemWords>,
    pub examples: Vec<Example>,
    pub asides: Vec<Aside>,
    /// Names and other names of towns and parks, so that "庄里某某公司，停电了" is read from the comma on.
    pub places: Vec<String>,
}

/// One candidate item.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    /// Catalogue code.
    pub code: String,
    /// Estimated probability that this is the item meant, 0..=1; all candidates together with "none of them" add up to 1.
    pub score: f32,
    /// Known expressions for the item found in the text, in order; empty when only the likeness to sample calls speaks for it.
    pub matched: Vec<String>,
}

/// Why a suggestion is clear, or why a person should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// One item stands out: it may be dispatched.
    Clear,
    /// No item stands out from the next ones.
    Ambiguous,
    /// The text speaks of more than one matter.
    SeveralMatters,
    /// Nothing in the text points to an item.
    NothingMatched,
    /// About an earlier call, a greeting, a test.
    FollowUp,
    /// A matter of private life or of another office.
    OutOfScope,
}

impl Reason {
    /// One short Chinese sentence for the person at the business office.
    #[must_use]
    pub const fn text_zh(self) -> &'static str {
        match self {
            Self::Clear => "诉求明确，可直接派单",
            Self::Ambiguous => "可能涉及几个事项，请人工确认",
            Self::SeveralMatters => "一次反映了多件事，请人工拆分或确定主办、协办",
            Self::NothingMatched => "没有识别出具体事项，请人工回问",
            Self::FollowUp => "像是催问前次诉求或无具体内容，请人工回问",
            Self::OutOfScope => "像是个人生活事项或不在服务清单内，请人工确认或转12345",
        }
    }

    /// The same in English.
    #[must_use]
    pub const fn text_en(self) -> &'static str {
        match self {
            Self::Clear => "Clear: can be dispatched",
            Self::Ambiguous => "Several items are possible: please choose",
            Self::SeveralMatters => {
                "More than one matter in one call: please split it or name a lead department"
            }
            Self::NothingMatched => "No matter recognised: please ask back",
            Self::FollowUp => "Looks like a follow-up or has no content: please ask back",
            Self::OutOfScope => {
                "Looks like a private matter or outside the catalogue: please check or refer to 12345"
            }
        }
    }
}

/// The answer to one text.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// Most probable first; never longer than asked for; empty only when the text has no content or the county no items.
    pub ranked: Vec<Ranked>,
    /// True exactly when [`Reason::Clear`]: an officer may be called at once.
    pub clear: bool,
    pub reason: Reason,
}

/// What a county has taught; immutable, cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Router {
    codes: Vec<String>,
    cleaner: Cleaner,
    lexicon: Lexicon,
    learner: Learner,
}

impl Router {
    /// Learns the county's words. The same lessons in the same order give the same router.
    #[must_use]
    pub fn learn(lessons: &Lessons) -> Self {
        let cleaner = Cleaner::new(&lessons.places);
        let items = lessons.items.len();
        let mut lexicon = lexicon::Builder::new(items);
        let mut samples = Vec::new();
        for (class, item) in lessons.items.iter().enumerate() {
            let own = [&item.keywords, &item.synonyms, &item.expressions];
            for phrase in own.into_iter().flatten().chain([&item.name]) {
                let phrase = wording::solid(phrase);
                lexicon.add(&phrase, class, lexicon::OWN_WORD);
                samples.push(Sample { class, weight: PHRASE_WEIGHT, text: phrase });
            }
            for word in &item.department_words {
                lexicon.add(&wording::solid(word), class, lexicon::DEPARTMENT_WORD);
            }
        }
        let codes: Vec<String> = lessons.items.iter().map(|item| item.code.clone()).collect();
        for example in &lessons.examples {
            if let Some(class) = codes.iter().position(|code| *code == example.item) {
                samples.push(Sample { class, weight: EXAMPLE_WEIGHT, text: cleaner.clean(&example.text) });
            }
        }
        for aside in &lessons.asides {
            let class = match aside.kind {
                AsideKind::Outside => items,
                AsideKind::FollowUp => items + 1,
            };
            // Not cleaned of courtesies: they are what makes a follow-up.
            samples.push(Sample { class, weight: ASIDE_WEIGHT, text: wording::plain(&aside.text) });
        }
        Self { codes, cleaner, lexicon: lexicon.finish(), learner: Learner::train(&samples, items + 2) }
    }

    /// Ranks at most `most` items for a text and says whether the first may be called. Never fails: empty, very long and
    /// meaningless texts get a reason.
    #[must_use]
    pub fn suggest(&self, text: &str, most: usize) -> Suggestion {
        let words = self.cleaner.clean(text);
        if self.codes.is_empty() || words.is_empty() {
            let reason = if words.is_empty() { Reason::FollowUp } else { Reason::NothingMatched };
            return Suggestion { ranked: Vec::new(), clear: false, reason };
        }
        let odds = self.odds(&words);
        let reason = verdict::decide(self, &words, &odds);
        let mut order: Vec<(usize, f32)> = odds.items.iter().copied().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let ranked = order
            .into_iter()
            .take(most)
            .filter_map(|(class, score)| {
                let code = self.codes.get(class)?.clone();
                Some(Ranked { code, score, matched: self.lexicon.matched(&words, class) })
            })
            .collect();
        Suggestion { ranked, clear: reason == Reason::Clear, reason }
    }

    /// Both judges together, as probabilities.
    fn odds(&self, words: &str) -> Odds {
        let mut all = self.learner.logits(words);
        self.lexicon.add_evidence(words, &mut all);
        learner::softmax(&mut all);
        let follow_up = all.pop().unwrap_or_default();
        let outside = all.pop().unwrap_or_default();
        Odds { items: all, outside, follow_up }
    }
}

/// Weights of the lessons; a written-out call teaches more than a bare expression. Chosen by cross-validation, flat optimum.
const EXAMPLE_WEIGHT: f32 = 1.0;
const PHRASE_WEIGHT: f32 = 0.7;
const ASIDE_WEIGHT: f32 = 0.5;

/// Probabilities of one text.
#[derive(Debug)]
struct Odds {
    /// By index into `Router::codes`.
    items: Vec<f32>,
    outside: f32,
    follow_up: f32,
}
