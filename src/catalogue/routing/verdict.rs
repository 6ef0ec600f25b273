//! May an officer be called, or should a person look first? A wrong office costs the enterprise half a day, a look at the
//! business office costs minutes: in doubt a person looks. The limits were chosen by cross-validation over sample calls, joined
//! pairs of sample calls (for several matters) and withheld asides, never on the texts set aside for measuring, unless said otherwise.

use super::{Odds, Reason, Router};

/// Least probability of the first item to be called without a look.
const CLEAR: f32 = 0.6;
/// The same when no known expression of the item stands in the text and only likeness speaks for it.
const CLEAR_BY_LIKENESS: f32 = 0.9;
/// Below this the first item is no better than a guess.
const FAINT: f32 = 0.2;
/// Probability of "no call for any item" from which a person looks.
const ASIDE: f32 = 0.3;
/// By how much another item must lead in what is left of the text when the first item's expressions are taken out.
const REST_LEAD: f32 = 0.6;
/// By how much another item must lead in a clause of its own.
const CLAUSE_LEAD: f32 = 0.5;
/// Both, when the text itself announces several things; set by a look at calls with several matters, not by cross-validation.
const ANNOUNCED_LEAD: f32 = 0.3;

/// Words that announce a second matter; also where a sentence is cut into clauses.
const ANNOUNCING: &[&str] = &["顺便", "另外", "还有", "同时", "以及", "一次报", "一起办", "一起报", "都要"];
const JOINING: &[&str] =
    &["顺便", "另外", "还有", "同时", "以及", "而且", "又", "还", "也", "再", "和", "跟", "与"];

/// Private life: the enterprise's lines are for enterprises, the citizen's for 12345.
const PRIVATE: &[&str] = &[
    "我家",
    "家里",
    "小区",
    "邻居",
    "楼上",
    "楼下",
    "业主",
    "物业费",
    "我妈",
    "我爸",
    "我老公",
    "我老婆",
    "我老汉",
    "加微信",
    "个人房贷",
    "打工的",
];

pub(super) fn decide(router: &Router, words: &str, odds: &Odds) -> Reason {
    let Some((first, lead)) = best(&odds.items) else { return Reason::NothingMatched };
    if odds.outside.max(odds.follow_up) >= ASIDE.max(lead) {
        return if odds.outside > odds.follow_up { Reason::OutOfScope } else { Reason::FollowUp };
    }
    if PRIVATE.iter().any(|word| words.contains(word)) {
        return Reason::OutOfScope;
    }
    if lead < FAINT {
        return Reason::NothingMatched;
    }
    if several(router, words, first) {
        return Reason::SeveralMatters;
    }
    let named = !router.lexicon.matched(words, first).is_empty();
    if lead < if named { CLEAR } else { CLEAR_BY_LIKENESS } || odds.outside + odds.follow_up >= ASIDE {
        return Reason::Ambiguous;
    }
    Reason::Clear
}

/// Whether some part of the text speaks of another item than the whole.
fn several(router: &Router, words: &str, first: usize) -> bool {
    let announced = ANNOUNCING.iter().any(|word| words.contains(word));
    let (rest_lead, clause_lead) =
        if announced { (ANNOUNCED_LEAD, ANNOUNCED_LEAD) } else { (REST_LEAD, CLAUSE_LEAD) };
    let rest = router.lexicon.without(words, first);
    if speaks_of_another(router, &rest, first, rest_lead) {
        return true;
    }
    let mut clauses = words.to_owned();
    for word in JOINING {
        clauses = clauses.replace(word, " ");
    }
    clauses.split_whitespace().any(|clause| speaks_of_another(router, clause, first, clause_lead))
}

fn speaks_of_another(router: &Router, part: &str, first: usize, lead: f32) -> bool {
    if part.chars().count() < 2 {
        return false;
    }
    let odds = router.odds(part);
    let own = odds.items.get(first).copied().unwrap_or_default();
    best(&odds.items).is_some_and(|(other, score)| other != first && score - own >= lead)
}

/// Most probable item; the earlier one when equal.
fn best(items: &[f32]) -> Option<(usize, f32)> {
    items.iter().copied().enumerate().reduce(|held, next| if next.1 > held.1 { next } else { held })
}
