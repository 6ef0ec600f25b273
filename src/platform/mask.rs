//! Masking of phone numbers: whoever reads knows whose number it is, but cannot call it.

use std::ops::Range;

use serde_json::Value;
use uuid::Uuid;

/// A phone number with the four digits before its last four hidden: `138****5678`, `029-****8281`; of one shorter than eight digits
/// only the last two stay. Whatever separates the digits stays where it is.
#[must_use]
pub fn mask_phone(phone: &str) -> String {
    let phone = phone.trim();
    let digits = phone.chars().filter(|c| is_digit(*c)).count();
    let hidden = match digits {
        0..8 => 0..digits.saturating_sub(2),
        _ => digits.saturating_sub(8)..digits.saturating_sub(4),
    };
    let mut nth = 0;
    let hide = |c: char| {
        if !is_digit(c) {
            return c;
        }
        nth += 1;
        if hidden.contains(&(nth - 1)) { '*' } else { c }
    };
    phone.chars().map(hide).collect()
}

/// What somebody is called in an application, with all but its ends hidden: `li****ng`; of one shorter than seven characters only the
/// first stays. Who knows his own recognises it.
#[must_use]
pub fn mask_account(name: &str) -> String {
    let length = name.chars().count();
    let ends = if length < 7 { (1, length) } else { (2, length - 2) };
    let start = name.chars().take(ends.0);
    start.chain("****".chars()).chain(name.chars().skip(ends.1)).collect()
}

/// The text with every phone number in it masked: mobile numbers, with or without country code, and landline numbers behind their
/// area code, also when blanks, dots or dashes stand between the digits. Longer runs of digits (order or meter numbers) stay.
#[must_use]
pub fn mask_phones(text: &str) -> String {
    let groups = groups(text);
    let mut out = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(rest) = groups.get(at..).filter(|rest| !rest.is_empty()) {
        let Some((count, range)) = phone_ahead(text, rest) else {
            at += 1;
            continue;
        };
        out.push_str(text.get(copied..range.start).unwrap_or_default());
        out.push_str(&mask_phone(text.get(range.clone()).unwrap_or_default()));
        copied = range.end;
        at += count;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// Masks the phone numbers in every text of a JSON value; ids stay whole.
pub fn mask_words(value: &mut Value) {
    match value {
        Value::String(text) if Uuid::try_parse(text).is_err() => *text = mask_phones(text),
        Value::Array(values) => values.iter_mut().for_each(mask_words),
        Value::Object(fields) => fields.values_mut().for_each(mask_words),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Longest separator inside one number: ` - `.
const SEPARATOR_MAX: usize = 3;

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c)
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{3000}' | '-' | '－' | '‐' | '–' | '—' | '.' | '·' | '(' | ')' | '（' | '）'
    )
}

/// Bytes of each run of digits.
fn groups(text: &str) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| is_digit(*c)) {
        let end = at + c.len_utf8();
        match groups.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ => groups.push(at..end),
        }
    }
    groups
}

/// The number that these groups begin with: how many of them it takes, and its bytes. Groups are taken whole.
fn phone_ahead(text: &str, groups: &[Range<usize>]) -> Option<(usize, Range<usize>)> {
    let first = groups.first()?;
    let mut digits = String::new();
    let area = text.get(first.clone())?.chars().count();
    let mut longest = None;
    let mut end = first.start;
    for (nth, group) in groups.iter().enumerate() {
        let between = text.get(end..group.start)?;
        if nth > 0 && (between.chars().count() > SEPARATOR_MAX || !between.chars().all(is_separator)) {
            break;
        }
        digits.extend(text.get(group.clone())?.chars().map(plain));
        end = group.end;
        if digits.len() > 15 {
            break;
        }
        if is_mobile(&digits) || (matches!(nth, 1 | 2) && is_landline(&digits, area)) {
            longest = Some((nth + 1, first.start..end));
        }
    }
    longest
}

fn plain(digit: char) -> char {
    let wide = u32::from(digit).checked_sub(u32::from('０'));
    wide.and_then(|value| char::from_digit(value, 10)).unwrap_or(digit)
}

/// Eleven digits, 1 followed by 3 to 9, perhaps behind the country code.
fn is_mobile(digits: &str) -> bool {
    let own = [digits.strip_prefix("0086"), digits.strip_prefix("86"), Some(digits)];
    own.into_iter()
        .flatten()
        .any(|own| own.len() == 11 && own.starts_with('1') && own.as_bytes().get(1) >= Some(&b'3'))
}

/// An area code of three or four digits that begins with 0, then seven or eight.
fn is_landline(digits: &str, area: usize) -> bool {
    digits.starts_with('0') && matches!(area, 3 | 4) && matches!(digits.len().saturating_sub(area), 7 | 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_masked_phone_cannot_be_called() {
        for (phone, shown) in [
            ("13812345678", "138****5678"),
            ("138-1234-5678", "138-****-5678"),
            ("138 1234 5678", "138 **** 5678"),
            (" +86 138 1234 5678", "+86 138 **** 5678"),
            ("+8613812345678", "+86138****5678"),
            ("１３８１２３４５６７８", "１３８****５６７８"),
            ("029-32288281", "029-****8281"),
            ("0913-2112345", "091*-***2345"),
            ("32288281", "****8281"),
            ("12345", "***45"),
            ("1", "1"),
            ("", ""),
        ] {
            assert_eq!(mask_phone(phone), shown);
        }
    }

    #[test]
    fn phones_in_a_text_are_found_however_they_are_written_and_other_numbers_stay() {
        for (text, shown) in [
            ("找13812345678，或8613812345678。", "找138****5678，或86138****5678。"),
            ("电话138-0000-1234", "电话138-****-1234"),
            ("138 0000 1234 急", "138 **** 1234 急"),
            ("打+86 138 0000 1234或(029) 8228 8281", "打+86 138 **** 1234或(029) **** 8281"),
            ("值班029-82288281、0913 2112345", "值班029-****8281、091* ***2345"),
            ("2026-11-23 138 0000 1234", "2026-11-23 138 **** 1234"),
            ("3.5吨 13800001234", "3.5吨 138****1234"),
            ("１３８００００１２３４", "１３８****１２３４"),
        ] {
            assert_eq!(mask_phones(text), shown);
        }
        for text in [
            "单号20261123001，电表12345678901234",
            "2026-11-23 13:50",
            "12 个月，3.5 吨，1.2.3.4",
            "12012345678",
            "91610528YY63L29371",
            "12345 热线、110",
        ] {
            assert_eq!(mask_phones(text), text);
        }
    }

    #[test]
    fn of_an_account_the_ends_stay() {
        for (name, shown) in [
            ("li.qiang", "li****ng"),
            ("13800001234", "13****34"),
            ("ou_7d8a6e6df7621556ce0d21922b676706", "ou****06"),
            ("王小明", "王****"),
            ("wang06", "w****"),
        ] {
            assert_eq!(mask_account(name), shown);
        }
    }

    proptest! {
        #[test]
        fn no_separator_saves_a_mobile_number(
            head in "[^0-9０-９+]{0,10}[^0-9０-９ .·()（）‐–—－\u{a0}\u{3000}-]",
            number in "1[3-9][0-9]{9}",
            code in "(|86|\\+86 ?|0086-)",
            separators in proptest::array::uniform2("[ .·-]{0,1}"),
        ) {
            let [first, second] = separators;
            let (a, b, c) = (&number[..3], &number[3..7], &number[7..]);
            let shown = mask_phones(&format!("{head}{code}{a}{first}{b}{second}{c}，谢谢"));
            prop_assert!(shown.contains("****"), "{}", shown);
            prop_assert_eq!(mask_phones(&shown), shown);
        }

        #[test]
        fn nothing_but_digits_changes(text in "\\PC{0,60}") {
            let shown = mask_phones(&text);
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            let same = |(new, old): (char, char)| new == old || (new == '*' && is_digit(old));
            prop_assert!(shown.chars().zip(text.chars()).all(same));
        }
    }
}
