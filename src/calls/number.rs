//! The number of a call: nine digits that people can say on the phone.
//!
//! Eight digits are a keyed permutation of a sequence (no hot counter row, no guessable order, no collision), the ninth is a Damm
//! check digit, which finds every single wrong digit and every swap of neighbours.

use crate::platform::crypto::hmac_sha256;

/// How many numbers there are.
pub const SPACE: u64 = 100_000_000;
const HALF: u64 = 10_000;
const ROUNDS: u8 = 6;

const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The number of the `sequence`-th call under `key`.
#[must_use]
pub fn number(key: &[u8; 32], sequence: u64) -> String {
    let mut left = (sequence % SPACE) / HALF;
    let mut right = sequence % HALF;
    for round in 0..ROUNDS {
        let mut message = right.to_be_bytes().to_vec();
        message.push(round);
        let mac = hmac_sha256(key, &message);
        let noise = mac.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        (left, right) = (right, (left + noise % HALF) % HALF);
    }
    let body = format!("{left:04}{right:04}");
    let check = check_digit(&body).unwrap_or(0);
    format!("{body}{check}")
}

/// The number without blanks and dashes, if it is one: nine digits whose check digit holds.
#[must_use]
pub fn parse(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    (digits.len() == 9 && check_digit(&digits) == Some(0)).then_some(digits)
}

/// The Damm digit of a string of digits; zero for one that ends in its own check digit.
fn check_digit(digits: &str) -> Option<u8> {
    digits.bytes().try_fold(0_u8, |interim, byte| {
        let digit = byte.checked_sub(b'0')?;
        DAMM.get(usize::from(interim))?.get(usize::from(digit)).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_do_not_repeat_and_do_not_count_up() {
        let key = [7; 32];
        let numbers: Vec<_> = (0..20_000).map(|n| number(&key, n)).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
        let rising = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((8_000..12_000).contains(&rising), "{rising}");
        assert_ne!(number(&[8; 32], 0), numbers[0]);
    }

    proptest! {
        #[test]
        fn a_wrong_digit_or_a_swap_is_noticed(n in 0..SPACE, at in 0_usize..9, digit in 0_u8..10) {
            let right = number(&[7; 32], n);
            prop_assert_eq!(parse(&right), Some(right.clone()));
            let mut wrong = right.clone().into_bytes();
            wrong[at] = b'0' + digit;
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert_eq!(parse(&wrong).is_some(), wrong == right);
            if at < 8 {
                let mut swapped = right.clone().into_bytes();
                swapped.swap(at, at + 1);
                let swapped = String::from_utf8(swapped).unwrap();
                prop_assert_eq!(parse(&swapped).is_some(), swapped == right);
            }
        }
    }
}
